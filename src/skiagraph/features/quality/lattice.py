"""Geometry that cannot be meant: sizes, shapes and shears that no scanner writes."""

from __future__ import annotations

import numpy as np

from skiagraph.geometry import Space, spacing_of

__all__ = ["anisotropy", "far_from_origin", "field_of_view", "finest", "tilt"]


def finest(space: Space) -> float | None:
    """The smallest spacing, mm; None where no size is known."""
    spacing = spacing_of(space)
    return None if spacing is None else min(spacing)


def anisotropy(space: Space) -> float:
    """The largest spacing over the smallest, at least 1; axes of one sample do not count."""
    lengths = np.linalg.norm(space.affine[:-1, :-1], axis=0)
    counted = [float(s) for s, n in zip(lengths, space.shape, strict=True) if n > 1]
    return max(counted) / min(counted) if counted else 1.0


def field_of_view(space: Space) -> float | None:
    """The longest side of what is covered, mm; None where no size is known."""
    spacing = spacing_of(space)
    return None if spacing is None else max(s * n for s, n in zip(spacing, space.shape, strict=True))


def tilt(space: Space) -> float:
    """How far two axes are from a right angle at most, degrees; a gantry tilt shows as this."""
    axes = space.affine[:-1, :-1] / np.linalg.norm(space.affine[:-1, :-1], axis=0)
    cosines = np.abs(axes.T @ axes)[np.triu_indices(space.ndim, 1)]
    return float(np.degrees(np.arcsin(np.clip(cosines.max(), 0.0, 1.0))))


def far_from_origin(space: Space) -> float | None:
    """Distance of the middle of the image from the origin of the world, mm; None where no size is known."""
    if space.unit == "pixel":
        return None
    middle = np.append((np.array(space.shape) - 1) / 2.0, 1.0)
    return float(np.linalg.norm((space.affine @ middle)[:-1]))
