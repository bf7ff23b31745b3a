"""A clipped field of view: how much of the edge of a CT slice the body stands on."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["body_on_border"]

_BODY_HU: Final = -300.0
_RUN: Final = 0.03  # of the edge: shorter stretches are a table, a tube or a sleeve
_ROUND: Final = 0.975  # of the inscribed circle: where a round field of view ends, a little inside
_ANGLES: Final = 720


def body_on_border(plane: NDArray[Any]) -> float:
    """Share of the edge of the field of view that lies within the body, 0 to 1.

    The edge is the border of the picture; where its corners were padded with one value, also the inscribed circle.
    Only stretches of more than 3 % of the edge count.

    Args:
        plane: HU, shape (rows, columns).

    Source: own.
    """
    edge = np.concatenate([plane[1, :-1], plane[:-1, -2], plane[-2, :0:-1], plane[:0:-1, 1]])
    share = _long_runs(edge > _BODY_HU)
    if not _round(plane):
        return share
    radius = _ROUND * (min(plane.shape) - 1) / 2.0
    angle = np.linspace(0.0, 2.0 * np.pi, _ANGLES, endpoint=False)
    rows, columns = ((n - 1) / 2.0 for n in plane.shape)
    circle = plane[
        np.rint(rows + radius * np.sin(angle)).astype(np.intp),
        np.rint(columns + radius * np.cos(angle)).astype(np.intp),
    ]
    return max(share, _long_runs(circle > _BODY_HU))


def _round(plane: NDArray[Any]) -> bool:
    """Whether the four corners hold one value, as padding beyond a round field of view does."""
    side = max(2, min(plane.shape) // 16)
    corners = [plane[:side, :side], plane[:side, -side:], plane[-side:, :side], plane[-side:, -side:]]
    edge = np.concatenate([np.diagonal(c) for c in (corners[0], corners[1][:, ::-1])])
    edge = np.concatenate([edge[: side // 2], edge[side : side + side // 2]])
    return bool((edge == edge[0]).all())


def _long_runs(closed: NDArray[np.bool_]) -> float:
    """Share of a closed line that is True in stretches of more than `_RUN` of it."""
    if closed.all() or not closed.any():
        return float(closed.all())
    turned = np.roll(closed, -int(np.argmin(closed)))  # begins outside, so that no stretch is cut in two
    change = np.flatnonzero(np.diff(np.concatenate([turned, [False]]).astype(np.int8)))
    lengths = change[1::2] - change[::2]
    return float(lengths[lengths > _RUN * closed.size].sum() / closed.size)
