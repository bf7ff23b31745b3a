"""Whether an object holds the pixels that its header claims, told from lengths alone, before memory is asked for."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.io.dicom.elements import PixelPlace
from skiagraph.io.dicom.quick import numbers_at, text_at
from skiagraph.io.dicom.source import Source

__all__ = ["check_claims"]

_MOST: Final = 64 * 2**30  # bytes of one object, decoded; its frames are decoded some at a time
_TIGHTEST: Final = 1100  # deflate packs a byte at most 1032 times, and codecs of pictures far less
_SMALL: Final = 2**28  # bytes below which an object may be packed as tightly as it likes: an empty picture is


def check_claims(source: Source, header: Dataset, pixels: PixelPlace | None) -> None:
    """Refuses an object whose pixels cannot all be there, or that claims more than its file can honestly hold.

    Args:
        source: Where it lies.
        header: All of it but its pixels.
        pixels: Where those lie, as the scan of the header found it.

    Raises:
        FormatError: They are not there, cut off, or claimed and not held.
    """
    if pixels is None:
        raise FormatError(f"{source.name} is the header of a picture without its pixels")
    claimed, size = _claimed(header), source.size
    small = 0 if pixels.inflated is not None else _SMALL  # deflate has a limit that pictures have not
    if claimed > _MOST or (claimed > small and claimed > _TIGHTEST * size):
        raise FormatError(
            f"{source.name} claims more pixels than a file of its size can honestly hold, or than are read at once",
            got=f"{claimed / 2**20:.0f} MiB claimed by {size} bytes",
        )
    if pixels.inflated is not None:
        return
    frames = int((numbers_at(header, "NumberOfFrames") or (1.0,))[0])
    if frames > size:
        raise FormatError(
            f"{source.name} has a byte or more for each of its frames", got=f"{frames} frames in {size} bytes"
        )
    there = size - pixels.offset if pixels.length is None else min(pixels.length, size - pixels.offset)
    needed = 1 if pixels.length is None else claimed
    if there < needed:
        raise FormatError(
            f"the pixels of {source.name} are cut off, damaged or not all there",
            got=f"{max(there, 0)} of {needed} bytes",
            way_out="export it again",
        )


def _claimed(header: Dataset) -> int:
    """Bytes of the pixels, unpacked (DICOM PS3.5 8.1.1; C.7.6.3.1.2 for YBR_FULL_422)."""
    bits = 1
    for word in ("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated"):
        bits *= int((numbers_at(header, word) or (8.0 if word == "BitsAllocated" else 1.0,))[0])
    if "422" in text_at(header, "PhotometricInterpretation"):
        bits = bits * 2 // 3
    return bits // 8
