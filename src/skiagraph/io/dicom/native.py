"""Uncompressed pixels: from the bytes of a file to values, with the bits that are no part of them taken away."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.decoded import with_quiet_nan
from skiagraph.errors import FormatError
from skiagraph.io.dicom.elements import PixelPlace
from skiagraph.io.dicom.layout import Layout

__all__ = ["fill", "native_frames", "rgb", "settle"]

_KR, _KB = 0.299, 0.114  # ITU-R BT.601, as DICOM PS3.3 C.7.6.3.1.2 has them
_STUDIO: Final = (255 / 219, 255 / 224)


def fill(stream: BinaryIO, buffer: NDArray[Any], name: str) -> None:
    """Reads as many bytes as a contiguous array has.

    Raises:
        FormatError: The file ends before.
    """
    into = buffer.data.cast("B")
    done = 0
    while done < len(into):
        got = stream.readinto(into[done:])  # type: ignore[attr-defined]
        if not got:
            raise FormatError(
                f"the pixels of {name} are cut off",
                got=f"{done} of {len(into)} bytes",
                way_out="export it again",
            )
        done += got


def native_frames(
    stream: BinaryIO, place: PixelPlace, layout: Layout, frames: range | tuple[int, ...], name: str
) -> NDArray[Any]:
    """Frames as they lie in the file, before bits and colours are settled, in the byte order of this machine.

    Args:
        stream: The little endian data set; can seek.
        place: Where the pixels begin in it.
        layout: How they lie.
        frames: Numbers from 0.
        name: Of the file.

    Returns:
        Shape (frame, row, column[, sample]).

    Raises:
        FormatError: The file ends before.
    """
    if layout.allocated == 1:
        return _single_bits(stream, place, layout, frames, name)
    if layout.halved and not _is_whole(place, layout):
        if layout.columns % 2 or layout.samples != 3:
            raise FormatError(f"{name} shares chroma between two columns, so their number is even")
        shape: tuple[int, ...] = (layout.rows, layout.columns // 2, 4)
    else:
        shape = (layout.samples, layout.rows, layout.columns) if layout.planar else layout.shape
    out = np.empty((len(frames), *shape), dtype=layout.dtype)
    for slot, begin, count in _runs(frames):
        stream.seek(place.offset + begin * out[0].nbytes)
        fill(stream, out[slot : slot + count], name)
    if shape[-1] == 4 and layout.halved:
        return _unshared(out)
    return np.ascontiguousarray(np.moveaxis(out, 1, -1)) if layout.planar else out


def _is_whole(place: PixelPlace, layout: Layout) -> bool:
    """Whether the chroma samples are all there although the header says that they are halved."""
    return place.length is not None and place.length * 8 >= layout.bits // 2 * 3 * layout.frames


def _runs(frames: range | tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Neighbours together: (slot of the first, its number, how many)."""
    runs: list[tuple[int, int, int]] = []
    for slot, number in enumerate(frames):
        if runs and number == runs[-1][1] + runs[-1][2]:
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((slot, number, 1))
    return runs


def _single_bits(
    stream: BinaryIO, place: PixelPlace, layout: Layout, frames: range | tuple[int, ...], name: str
) -> NDArray[np.uint8]:
    """Pixels of one bit, lowest bit first; a frame may begin inside a byte (DICOM PS3.5 8.1.1)."""
    out = np.empty((len(frames), *layout.shape), dtype=np.uint8)
    for slot, number in enumerate(frames):
        begin, inside = divmod(number * layout.bits, 8)
        packed = np.empty((inside + layout.bits + 7) // 8, dtype=np.uint8)
        stream.seek(place.offset + begin)
        fill(stream, packed, name)
        bits = np.unpackbits(packed, bitorder="little")[inside : inside + layout.bits]
        out[slot] = bits.reshape(layout.shape)
    return out


def _unshared(pairs: NDArray[Any]) -> NDArray[Any]:
    """Y1 Y2 Cb Cr to (Y1 Cb Cr) (Y2 Cb Cr) (DICOM PS3.3 C.7.6.3.1.2)."""
    frames, rows, half, _ = pairs.shape
    out = np.empty((frames, rows, half * 2, 3), dtype=pairs.dtype)
    out[..., 0::2, 0], out[..., 1::2, 0] = pairs[..., 0], pairs[..., 1]
    out[..., 1:] = np.repeat(pairs[..., 2:], 2, axis=2)
    return out


def settle(array: NDArray[Any], layout: Layout) -> None:
    """Takes away, in place, the bits that are no part of the values, and extends the sign (DICOM PS3.5 8.1.1)."""
    if layout.floating:
        with_quiet_nan(array)
    if layout.floating or layout.allocated in {1, layout.stored}:
        return
    below = layout.high + 1 - layout.stored
    if layout.signed:
        np.left_shift(array, layout.allocated - 1 - layout.high, out=array)
        np.right_shift(array, layout.allocated - layout.stored, out=array)
        return
    if below:
        np.right_shift(array, below, out=array)
    np.bitwise_and(array, array.dtype.type((1 << layout.stored) - 1), out=array)


def rgb(array: NDArray[Any], photometric: str, stored: int) -> NDArray[Any]:
    """Luma and chroma to red, green and blue (DICOM PS3.3 C.7.6.3.1.2); other colours as they are.

    Args:
        array: Shape (..., 3), unsigned.
        photometric: Of these very values: after decoding, not of the file.
        stored: Bits of a sample.
    """
    if not photometric.startswith(("YBR_FULL", "YBR_PARTIAL")) or array.shape[-1] != 3:
        return array
    top, middle = float((1 << stored) - 1), float(1 << (stored - 1))
    out = np.empty_like(array)
    for frame, result in zip(array, out, strict=True):  # one at a time, for memory
        y, cb, cr = np.moveaxis(frame.astype(np.float32), -1, 0)
        cb, cr = cb - middle, cr - middle
        if photometric.startswith("YBR_PARTIAL"):
            y, cb, cr = (y - middle / 8) * _STUDIO[0], cb * _STUDIO[1], cr * _STUDIO[1]
        red, blue = y + 2 * (1 - _KR) * cr, y + 2 * (1 - _KB) * cb
        green = (y - _KR * red - _KB * blue) / (1 - _KR - _KB)
        for sample, values in enumerate((red, green, blue)):
            result[..., sample] = np.clip(np.floor(values + 0.5), 0, top)
    return out
