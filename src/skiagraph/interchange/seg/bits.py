"""Pictures of segments to the bytes of pixel data and back: bits, eighths of bytes without a gap between frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from skiagraph.errors import FormatError, NoDicomHome

__all__ = ["MOST", "check_pixels", "packed", "padded", "pixel_data", "stored_frames", "whole_bytes"]

MOST: Final = 2**32 - 2  # bytes of an element with a stated length (DICOM PS3.5 section 7.1)
_PLAIN: Final = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)


def packed(pictures: Iterable[NDArray[np.bool_]]) -> Iterator[bytes]:
    """Bits of pictures one after the other, the first in the lowest bit of the first byte (DICOM PS3.5 8.1.1).

    A frame begins where the one before it ended, also within a byte.

    Args:
        pictures: Of shape (rows, columns).
    """
    left = np.empty(0, np.bool_)
    for picture in pictures:
        bits = np.concatenate([left, picture.reshape(-1)]) if left.size else picture.reshape(-1)
        whole = bits.size // 8 * 8
        yield np.packbits(bits[:whole], bitorder="little").tobytes()
        left = bits[whole:].copy()
    if left.size:
        yield np.packbits(left, bitorder="little").tobytes()


def whole_bytes(pictures: Iterable[NDArray[np.unsignedinteger[Any]]]) -> Iterator[bytes]:
    """Pictures of whole bytes one after the other, the low byte first."""
    for picture in pictures:
        yield picture.astype(picture.dtype.newbyteorder("<"), copy=False).tobytes()


def pixel_data(pieces: Iterable[bytes], length: int, *, words: bool) -> Iterator[bytes]:
    """The pixel data element in explicit little endian, piece by piece.

    Args:
        pieces: What it holds.
        length: Bytes of all of them.
        words: They are words of 16 bits.
    """
    yield b"\xe0\x7f\x10\x00" + (b"OW" if words else b"OB") + b"\0\0" + padded(length).to_bytes(4, "little")
    yield from pieces
    yield b"\0" * (padded(length) - length)


def padded(length: int) -> int:
    """The even length of a value; a value longer than an element may be has no home.

    Raises:
        NoDicomHome: It is longer.
    """
    if length > MOST:
        raise NoDicomHome(
            "the pixels of one DICOM object take less than 4 GiB",
            got=f"{length} bytes",
            way_out="write fewer segments, or ask for the form binary or labelmap",
        )
    return length + length % 2


def check_pixels(ds: Dataset) -> None:
    """Refuses an object that says of itself more than it holds, before memory is made for what it says.

    Raises:
        FormatError: Fewer pixels than it says.
    """
    count, rows, columns, bits = _size(ds)
    plain = count * rows * columns * bits if ds.file_meta.TransferSyntaxUID in _PLAIN else count
    if min(count, rows, columns) < 1 or len(ds.PixelData) * 8 < plain:
        raise FormatError(
            "a segmentation object has as many pixels as it says",
            got=f"{len(ds.PixelData)} bytes for {count} frames of {rows} by {columns}",
        )


def stored_frames(ds: Dataset) -> Iterator[NDArray[Any]]:
    """Frames of an object one by one, as they are stored: shape (rows, columns), bool where one bit is allocated."""
    count, rows, columns, bits = _size(ds)
    if ds.file_meta.TransferSyntaxUID not in _PLAIN or bits not in (1, 8, 16):
        found = np.asarray(ds.pixel_array).reshape(count, rows, columns)
        yield from (frame > 0 if bits == 1 else frame for frame in found)
        return
    data, size = memoryview(ds.PixelData), rows * columns
    if bits > 1:
        yield from np.frombuffer(data, f"<u{bits // 8}", count * size).reshape(count, rows, columns)
        return
    for begin in range(0, count * size, size):
        part = np.frombuffer(data[begin // 8 : (begin + size + 7) // 8], np.uint8)
        found = np.unpackbits(part, bitorder="little")[begin % 8 : begin % 8 + size]
        yield found.view(np.bool_).reshape(rows, columns)


def _size(ds: Dataset) -> tuple[int, int, int, int]:
    return int(ds.get("NumberOfFrames", 1)), int(ds.Rows), int(ds.Columns), int(ds.BitsAllocated)
