"""What the attributes of a segmentation object do not say of a segmentation: the few things that are remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import FormatError
from skiagraph.findings import Segmentation
from skiagraph.interchange.places import Placed
from skiagraph.interchange.seg.pictures import MOST_FRACTIONAL, Pictures, eighth_bit
from skiagraph.interchange.spaces import space_rest
from skiagraph.plain import from_plain, to_plain

__all__ = ["corrected", "exact", "labels_by_fractions", "rest_of", "smallest_type"]

_FRACTIONS: Final = "<f4"
_AXES: Final = (0, 1, 2)


def rest_of(segmentation: Segmentation, pictures: Pictures, where: Placed) -> dict[str, Any]:
    """What is remembered of a segmentation; nothing of one that the standard says wholly."""
    rest: dict[str, Any] = {}
    numbers = [s.number for s in segmentation.segments]
    if not numbers:
        rest["empty"] = True
    elif list(pictures.numbers) != numbers:
        rest["numbers"] = numbers
    if any(s.confidence is not None for s in segmentation.segments):
        rest["confidences"] = [s.confidence for s in segmentation.segments]
    if segmentation.kind == "instances":
        rest["kind"] = segmentation.kind
    if segmentation.kind != "overlapping" and segmentation.labels.dtype != smallest_type(numbers):
        rest["type"] = segmentation.labels.dtype.str
    chances = segmentation.probabilities
    if chances is not None and pictures.stored == "FRACTIONAL":
        if chances.dtype.str != _FRACTIONS:
            rest["fractions"] = chances.dtype.str
        if numbers:
            rest |= _corrections(segmentation, chances, numbers)
            rest |= _lost_bits(chances)
    return rest | space_rest(segmentation.space, where.planes)


def smallest_type(numbers: Sequence[int]) -> np.dtype[Any]:
    """The type in which labels are read where nothing else is remembered."""
    return np.min_scalar_type(max([1, *numbers]))


def labels_by_fractions(
    fractions: NDArray[np.unsignedinteger[Any]], numbers: Sequence[int], whole: int, kind: str
) -> NDArray[Any]:
    """The labels that follow from fractions.

    Args:
        fractions: Shape (segments, ...), 0 to `whole`.
        numbers: Of the segments.
        whole: What stands for 1.
        kind: Where segments overlap, each holds where it is more likely than not; else the most likely of the
            segments and of what they leave of the whole.
    """
    if kind == "overlapping":
        return np.asarray(fractions.astype(np.int32) * 2 > whole)
    left = np.maximum(whole - fractions.sum(axis=0, dtype=np.int64), 0)
    named = np.array(numbers, smallest_type(numbers))
    likely = named[fractions.argmax(axis=0)]
    return np.asarray(np.where(fractions.max(axis=0) > left, likely, likely.dtype.type(0)))


def corrected(labels: NDArray[Any], rest: dict[str, Any]) -> NDArray[Any]:
    """Labels that follow from fractions, with those that were remembered because they do not."""
    if "at" not in rest:
        return labels
    at = from_plain(NDArray[Any], rest["at"])
    if at.ndim != 1 or (at.size and not 0 <= int(at.min()) <= int(at.max()) < labels.size):
        raise FormatError("remembered labels lie in their segmentation", got="one beside it")
    result = labels.copy()
    result.reshape(-1)[at] = (
        ~result.reshape(-1)[at] if "is" not in rest else from_plain(NDArray[Any], rest["is"])
    )
    return result


def _lost_bits(chances: NDArray[Any]) -> dict[str, Any]:
    """Probabilities that lie between two parts of 255, which is all that the standard has."""
    whole = np.float32(MOST_FRACTIONAL)
    held = all(np.array_equal((eighth_bit(one) / whole).astype(one.dtype), one) for one in chances)
    return {} if held else {"chances": to_plain(chances)}


def exact(chances: NDArray[Any], rest: dict[str, Any]) -> NDArray[Any]:
    """The probabilities that were remembered, where the object still holds them rounded; else what it holds."""
    if "chances" not in rest:
        return chances
    kept = from_plain(NDArray[Any], rest["chances"])
    same = kept.dtype == chances.dtype and kept.shape == chances.shape and kept.dtype.kind == "f"
    if not same or not all(
        np.array_equal(eighth_bit(a), eighth_bit(b)) for a, b in zip(kept, chances, strict=True)
    ):
        return chances
    return np.asarray(kept)


def _corrections(segmentation: Segmentation, chances: NDArray[Any], numbers: Sequence[int]) -> dict[str, Any]:
    """Where labels do not follow from the fractions beside them; slab by slab, for fractions are many."""
    labels, kind = segmentation.labels, segmentation.kind
    off = np.zeros(labels.shape, np.bool_)
    for n in range(chances.shape[1]):
        follows = labels_by_fractions(eighth_bit(chances[:, n]), numbers, MOST_FRACTIONAL, kind)
        if kind == "overlapping":
            off[:, n] = follows != labels[:, n]
        else:
            off[n] = follows != labels[n]
    at = np.flatnonzero(off)
    if not at.size:
        return {}
    where = {"at": to_plain(at.astype(np.min_scalar_type(int(at.max()))))}
    return (
        where if kind == "overlapping" else where | {"is": to_plain(labels.reshape(-1)[at].astype(np.int64))}
    )
