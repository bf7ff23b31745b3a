"""Frames that follow one another: how many and how large, as a film, and their pixels as the last element."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import NoDicomHome
from skiagraph.geometry import Timeline
from skiagraph.interchange.envelope import decimal
from skiagraph.interchange.object import Tail
from skiagraph.interchange.planes import Planes

__all__ = ["pixel_tail", "put_film", "put_shape"]

_STORED: Final = {"PixelData": 0x0010, "FloatPixelData": 0x0008, "DoubleFloatPixelData": 0x0009}
_MOST: Final = 2**32 - 2  # bytes of one element (DICOM PS3.5 section 7.1.1)
_LONGEST: Final = 2**16 - 2  # bytes of one element of numbers as text

Pixels = Literal["PixelData", "FloatPixelData", "DoubleFloatPixelData"]


def put_shape(ds: Dataset, planes: Planes) -> None:
    """How many frames an object has, and how large they are."""
    ds.NumberOfFrames = (planes.moments or 1) * planes.shape[0]
    ds.Rows, ds.Columns = planes.shape[1:]


def put_film(ds: Dataset, planes: Planes, timeline: Timeline | None) -> None:
    """The frames of a picture that moves, or of one alone, where there are no functional groups.

    Source: DICOM PS3.3 C.7.6.5 (cine), C.7.6.6 (multi-frame), C.8.6.4 (vectors), 10.7 (pixel spacing).
    """
    put_shape(ds, planes)
    if planes.spacing is not None:
        ds.PixelSpacing = [decimal(v) for v in planes.spacing]
    if ds.NumberOfFrames < 2:
        return
    if timeline is None or timeline.unit != "s" or planes.shape[0] > 1:
        ds.FrameIncrementPointer = 0x00182001
        ds.PageNumberVector = list(range(1, ds.NumberOfFrames + 1))
        return
    steps = np.diff(timeline.times) * 1000.0
    even = float(steps.mean())
    vector = ["0", *(decimal(step) for step in steps)]
    if np.abs(steps - even).max() <= 1e-9 * even or sum(map(len, vector)) + len(vector) > _LONGEST:
        ds.FrameIncrementPointer, ds.FrameTime = 0x00181063, decimal(even)
    else:
        ds.FrameIncrementPointer, ds.FrameTimeVector = 0x00181065, vector


def pixel_tail(
    keyword: Pixels,
    frames: NDArray[Any],
    stored: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
    groups: bytes = b"",
) -> Tail:
    """The pixels of an object as its last element, written frame by frame.

    Args:
        keyword: Which element.
        frames: Shape (moments, slices, rows, columns[, 3]).
        stored: What is stored of one frame, an unsigned integer or float type; None stores it as it is.
        groups: Encoded elements before it, such as the functional groups of each frame.

    Raises:
        NoDicomHome: More bytes than one element holds.
    """
    kept = stored or np.asarray
    sample = kept(frames[0, 0])
    size = sample.nbytes * frames.shape[0] * frames.shape[1]
    if size > _MOST:
        raise NoDicomHome(
            "the pixels of one DICOM object have less than 4 GiB",
            got=f"{size} bytes",
            way_out="part the image into several",
        )
    wide = sample.dtype.newbyteorder("<")
    kinds = {"FloatPixelData": b"OF", "DoubleFloatPixelData": b"OD", "PixelData": b"OW"}
    vr = b"OB" if sample.dtype.itemsize == 1 else kinds[keyword]
    even = size + size % 2
    tag = b"\xe0\x7f" + _STORED[keyword].to_bytes(2, "little")
    head = tag + vr + b"\0\0" + even.to_bytes(4, "little")

    def pieces() -> Iterator[bytes]:
        yield groups + head
        for moment in frames:
            for frame in moment:
                yield np.ascontiguousarray(kept(frame), dtype=wide).tobytes()
        yield b"\0" * (even - size)

    return Tail(chunks=pieces, digest=_digest(pieces()))


def _digest(pieces: Iterator[bytes] | Sequence[bytes]) -> str:
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
    return total.hexdigest()
