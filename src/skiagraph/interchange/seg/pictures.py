"""The pictures of a segmentation, segment by segment, as an object will hold them, and which of them say anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import NoDicomHome
from skiagraph.findings import Segmentation
from skiagraph.interchange.planes import Planes, as_frames
from skiagraph.interchange.seg.bits import packed, whole_bytes

__all__ = ["MOST_FRACTIONAL", "Pictures", "Stored", "eighth_bit", "pictures_of"]

Stored = Literal["BINARY", "FRACTIONAL", "LABELMAP"]
MOST_FRACTIONAL: Final = 255
_MOST_SEGMENTS: Final = 65535  # SegmentNumber is a word


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictures:
    """What an object will hold.

    Args:
        stored: SegmentationType.
        numbers: SegmentNumber of each segment.
        bits: Of one pixel: 1, 8 or 16.
        shape: Rows and columns.
        frames: Shape (frames, 3): indices of segment, moment and slice of each frame that is written, in this order.
        picture: Gives the pixels of a frame by these three.
    """

    stored: Stored
    numbers: tuple[int, ...]
    bits: int
    shape: tuple[int, int]
    frames: NDArray[np.intp]
    picture: Callable[[int, int, int], NDArray[Any]]

    @property
    def length(self) -> int:
        """Bytes of all pixels."""
        return (len(self.frames) * self.shape[0] * self.shape[1] * self.bits + 7) // 8

    def pieces(self) -> Iterator[bytes]:
        """The bytes of all pixels, the same at every call."""
        pictures = (self.picture(*at) for at in self.frames.tolist())
        return packed(pictures) if self.bits == 1 else whole_bytes(pictures)


def pictures_of(segmentation: Segmentation, stored: Stored, planes: Planes) -> Pictures:
    """The pictures of a segmentation with at least one segment.

    All frames of the first segment are there, so that every reader sees how far the lattice goes; of the others those
    that are empty are left out. A label map has one frame for each place.

    Raises:
        NoDicomHome: More segments than an object numbers.
    """
    if len(segmentation.segments) > _MOST_SEGMENTS:
        raise NoDicomHome(
            "a segmentation object numbers up to 65535 segments", got=str(len(segmentation.segments))
        )
    if stored == "LABELMAP":
        return _label_map(segmentation, planes)
    if stored == "FRACTIONAL" and segmentation.probabilities is not None:
        return _chances(segmentation.probabilities, planes)
    return _masks(segmentation, stored, planes)


def eighth_bit(chances: NDArray[Any]) -> NDArray[np.uint8]:
    """Fractions, 0 to 1, as the nearest of 0 to 255."""
    return np.asarray(np.rint(chances * MOST_FRACTIONAL), dtype=np.uint8)


def _masks(segmentation: Segmentation, stored: Stored, planes: Planes) -> Pictures:
    numbers = [s.number for s in segmentation.segments]
    if segmentation.kind == "overlapping":
        layer = _one_by_one(segmentation.labels, planes)
        there = np.stack([layer(k).any(axis=(2, 3)) for k in range(len(numbers))])

        def mask(segment: int, moment: int, number: int) -> NDArray[np.bool_]:
            return np.asarray(layer(segment)[moment, number])
    else:
        labels = np.ascontiguousarray(as_frames(segmentation.labels, planes))
        there = _where_labelled(labels, numbers)

        def mask(segment: int, moment: int, number: int) -> NDArray[np.bool_]:
            return np.asarray(labels[moment, number] == numbers[segment])

    def full(segment: int, moment: int, number: int) -> NDArray[np.uint8]:
        return mask(segment, moment, number) * np.uint8(MOST_FRACTIONAL)

    whole = stored == "FRACTIONAL"
    return _pictures(stored, there, planes, full if whole else mask, 8 if whole else 1)


def _chances(chances: NDArray[Any], planes: Planes) -> Pictures:
    layer = _one_by_one(chances, planes)
    there = np.stack([eighth_bit(layer(k).max(axis=(2, 3))) > 0 for k in range(len(chances))])

    def picture(segment: int, moment: int, number: int) -> NDArray[np.uint8]:
        return eighth_bit(layer(segment)[moment, number])

    return _pictures("FRACTIONAL", there, planes, picture, 8)


def _label_map(segmentation: Segmentation, planes: Planes) -> Pictures:
    numbers = np.array([s.number for s in segmentation.segments])
    kept = bool(numbers.max() <= _MOST_SEGMENTS)
    names = numbers if kept else np.arange(1, len(numbers) + 1)
    dtype = np.uint8 if names.max() < 256 else np.uint16
    labels = np.ascontiguousarray(as_frames(segmentation.labels, planes))
    order = np.argsort(numbers)
    known, named = np.concatenate([[0], numbers[order]]), np.concatenate([[0], names[order]]).astype(dtype)

    def picture(_: int, moment: int, number: int) -> NDArray[Any]:
        found = labels[moment, number]
        return np.asarray(found.astype(dtype) if kept else named[np.searchsorted(known, found)])

    everywhere = np.ones((1, *labels.shape[:2]), np.bool_)
    made = _pictures("LABELMAP", everywhere, planes, picture, 8 * np.dtype(dtype).itemsize)
    return Pictures(
        stored="LABELMAP",
        numbers=tuple(int(n) for n in names),
        bits=made.bits,
        shape=made.shape,
        frames=made.frames,
        picture=picture,
    )


def _pictures(
    stored: Stored,
    there: NDArray[np.bool_],
    planes: Planes,
    picture: Callable[[int, int, int], NDArray[Any]],
    bits: int,
) -> Pictures:
    there[0] = True
    return Pictures(
        stored=stored,
        numbers=tuple(range(1, len(there) + 1)),
        bits=bits,
        shape=planes.shape[1:],
        frames=np.argwhere(there),
        picture=picture,
    )


def _one_by_one(stack: NDArray[Any], planes: Planes) -> Callable[[int], NDArray[Any]]:
    """Gives the frames of one segment, (moments, slices, rows, columns), side by side in memory."""

    @lru_cache(maxsize=1)
    def layer(segment: int) -> NDArray[Any]:
        return np.ascontiguousarray(as_frames(stack[segment], planes))

    return layer


def _where_labelled(labels: NDArray[Any], numbers: list[int]) -> NDArray[np.bool_]:
    """Which segments each frame has: shape (segments, moments, slices)."""
    index = {number: k for k, number in enumerate(numbers)}
    there = np.zeros((len(numbers), *labels.shape[:2]), np.bool_)
    for moment, number in np.ndindex(labels.shape[:2]):
        found = np.unique(labels[moment, number]).tolist()
        there[[index[n] for n in found if n], moment, number] = True
    return there
