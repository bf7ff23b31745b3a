"""How the pixels of an object are laid out: size, samples, bits and colours as its header states them, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError

__all__ = ["Layout", "layout_of"]

_ALLOCATED: Final = (1, 8, 16, 32, 64)
_MOST: Final = 8 * 2**30  # bytes that are decoded at once
_KINDS: Final = {"PixelData": 0, "FloatPixelData": 32, "DoubleFloatPixelData": 64}
_WORDS: Final = ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The Image Pixel module (DICOM PS3.3 C.7.6.3) of one object.

    Args:
        rows: Of one frame.
        columns: Of one frame.
        frames: How many.
        samples: Numbers a pixel.
        allocated: Bits that one number takes up.
        stored: Bits that are the number.
        high: The highest of them, from 0.
        signed: Two's complement.
        floating: The numbers are IEEE 754.
        planar: All of one sample before all of the next.
        photometric: Photometric Interpretation.
    """

    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    stored: int
    high: int
    signed: bool
    floating: bool
    planar: bool
    photometric: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one frame: (row, column), and (row, column, sample) for several samples."""
        plain = (self.rows, self.columns)
        return plain if self.samples == 1 else (*plain, self.samples)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the stored values; single bits become uint8."""
        letter = "f" if self.floating else "i" if self.signed else "u"
        return np.dtype(f"{letter}{max(1, self.allocated // 8)}")

    @property
    def halved(self) -> bool:
        """Uncompressed, two neighbours share one pair of chroma samples."""
        return self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def bits(self) -> int:
        """Of one uncompressed frame."""
        whole = self.rows * self.columns * self.samples * self.allocated
        return whole // 3 * 2 if self.halved else whole

    def check(self, count: int, size: int, name: str) -> None:
        """Refuses a number of frames that a machine does not hold, or a file cannot, before memory is asked for.

        Args:
            count: How many frames are to be read.
            size: Bytes of the file; packed less than 1100 times, unless there are few.
            name: Of the file.

        Raises:
            FormatError: Too many.
        """
        claimed = count * self.rows * self.columns * self.samples * self.dtype.itemsize
        if claimed > _MOST or (claimed > _MOST // 32 and claimed > 1100 * size):
            raise FormatError(
                f"{name} claims more pixels than a file of its size can honestly hold, or than are read at once",
                got=f"{claimed / 2**20:.0f} MiB claimed by {size} bytes",
                way_out="read fewer frames",
            )


def layout_of(header: Dataset, name: str, keyword: str = "PixelData") -> Layout:
    """The layout that a header states.

    Args:
        header: Of the object.
        name: Of the file, for messages.
        keyword: Which element holds the pixels.

    Raises:
        FormatError: Sizes, bits or samples that cannot be.
    """
    try:
        rows, columns, frames, samples, allocated = (int(header.get(word) or 1) for word in _WORDS)
        stored = int(header.get("BitsStored") or allocated)
        high = header.get("HighBit")
        high = stored - 1 if high is None else int(high)
        signed, planar = bool(header.get("PixelRepresentation")), header.get("PlanarConfiguration") == 1
        photometric = str(header.get("PhotometricInterpretation") or "")
    except (AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        raise FormatError(
            f"the size and bits of the pixels of {name} are whole numbers", got="others"
        ) from error
    if not header.get("Rows") or not header.get("Columns") or min(rows, columns, frames, samples) < 1:
        raise FormatError(f"{name} holds a picture of at least one pixel", got=f"{rows} x {columns}")
    real = _KINDS[keyword]
    if real:
        allocated, stored, high, signed = real, real, real - 1, False
    if allocated not in _ALLOCATED or not 1 <= stored <= high + 1 <= allocated:
        raise FormatError(
            f"a pixel of {name} has its stored bits inside its 1, 8, 16, 32 or 64 allocated ones",
            got=f"BitsAllocated {allocated}, BitsStored {stored}, HighBit {high}",
        )
    return Layout(
        rows=rows,
        columns=columns,
        frames=frames,
        samples=samples,
        allocated=allocated,
        stored=stored,
        high=high,
        signed=signed,
        floating=bool(real),
        planar=planar and samples > 1,
        photometric=photometric,
    )
