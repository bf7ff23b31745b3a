"""One two-dimensional image of a DICOM object, and where it lies in the patient; headers only, no pixels."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry.frame import check_frame
from skiagraph.io.dicom.quick import has, numbers_at, numbers_of, text_at
from skiagraph.io.dicom.source import Source
from skiagraph.values import frozen

__all__ = [
    "Fact",
    "Frame",
    "Slice",
    "Split",
    "place_of",
    "slice_of",
    "uid_of",
]

Fact = float | tuple[float, ...]
Split = str | int | float | tuple[str, ...] | None

_SQUARE: Final = 1e-2  # by how much stated directions may miss length 1 and a right angle
_PLACE: Final = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """Where one image lies in the patient (DICOM PS3.3 C.7.6.2.1.1), LPS+ mm.

    Args:
        position: Shape (3,), centre of pixel (0, 0).
        right: Shape (3,), the direction of a row, in which columns rise.
        down: Shape (3,), the direction of a column, in which rows rise.
        spacing: Shape (2,), mm between (rows, columns).

    Raises:
        FormatError: Not finite, no directions at right angles, or no sizes.
    """

    position: NDArray[np.float64]
    right: NDArray[np.float64]
    down: NDArray[np.float64]
    spacing: NDArray[np.float64]

    def __post_init__(self) -> None:
        right, down, spacing = self.right.tolist(), self.down.tolist(), self.spacing.tolist()
        numbers = [*self.position.tolist(), *right, *down, *spacing]
        if len(numbers) != 11 or not all(map(math.isfinite, numbers)):
            raise FormatError("the place of an image in the patient is stated in numbers", got="others")
        lengths = [math.hypot(*right), math.hypot(*down)]
        skew = sum(a * b for a, b in zip(right, down, strict=True))
        if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(skew)) > _SQUARE or min(spacing) <= 0:
            raise FormatError(
                "the axes of an image are two directions at right angles with a size each",
                got=str([round(v, 4) for v in (*right, *down, *spacing)]),
            )

    @property
    def normal(self) -> NDArray[np.float64]:
        """The direction out of the image, of length 1: a row crossed with a column."""
        across = np.cross(self.right, self.down)
        return np.asarray(across / np.linalg.norm(across))

    def moved(self, rows: float, columns: float, along: NDArray[np.float64] | None = None) -> Slice:
        """The slice that begins `rows` and `columns` further, and lies `along` (mm) beside this one."""
        way = self.down * self.spacing[0] * rows + self.right * self.spacing[1] * columns
        far = self.position + way + (0.0 if along is None else along)
        return Slice(position=far, right=self.right, down=self.down, spacing=self.spacing)


def slice_of(orientation: Any, position: Any, spacing: Any) -> Slice:
    """A slice from what elements state.

    Raises:
        FormatError: They are no directions, place and sizes.
    """
    cosines, place, size = numbers_of(orientation), numbers_of(position), numbers_of(spacing)
    if (len(cosines), len(place), len(size)) != (6, 3, 2):
        raise FormatError("the place of an image in the patient is stated in numbers", got="others")
    right, down, sizes = _axes(cosines, size)
    return Slice(position=np.array(place), right=right, down=down, spacing=sizes)


@functools.lru_cache(maxsize=4096)
def _axes(cosines: tuple[float, ...], size: tuple[float, ...]) -> tuple[NDArray[np.float64], ...]:
    return frozen(np.array(cosines[:3])), frozen(np.array(cosines[3:])), frozen(np.array(size))


def place_of(header: Dataset) -> Slice | None:
    """Where an image lies in the patient; None where its file does not tell.

    Raises:
        FormatError: What it tells cannot be.
    """
    if not all(has(header, word) for word in _PLACE):
        return None
    values = [numbers_at(header, word) for word in _PLACE]
    if all(values):
        return slice_of(*values)
    stated = [header.get(word) for word in _PLACE]
    return None if any(v in (None, "") or not len(v) for v in stated) else slice_of(*stated)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One image of an object.

    Args:
        source: Where the object lies.
        header: All of the object but its pixels.
        shape: (rows, columns) of this image.
        number: Which frame of the pixel data it is, from 0.
        corner: Its first (row, column) in that frame; not (0, 0) for the tiles of a mosaic.
        tiled: It is a part of that frame.
        place: Where it lies in the patient, if that is known.
        groups: Functional groups of the frame, per-frame ones before shared ones; None for classic objects.
        parts: What images of one stack have in common; frames that differ in one of these never share an image.
        facts: Numbers in which the frames of one image may differ, by DICOM keyword in snake case.
        seconds: When it was taken, counted from midnight or from a moment of the scanner; None if not stated.
        order: Where the scanner put it: numbers that rise; empty where it states none.
    """

    source: Source
    header: Dataset
    shape: tuple[int, int]
    number: int = 0
    corner: tuple[int, int] = (0, 0)
    tiled: bool = False
    place: Slice | None = None
    groups: Dataset | None = None
    parts: Mapping[str, Split] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    seconds: float | None = None
    order: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or self.number < 0 or min(self.corner) < 0:
            raise InvalidInput("a frame has a size and a number", got=f"{self.shape}, {self.number}")
        object.__setattr__(self, "parts", MappingProxyType(self.parts))
        object.__setattr__(self, "facts", MappingProxyType(self.facts))

    @property
    def uid(self) -> str | None:
        """The SOPInstanceUID of its object."""
        return uid_of(self.header, "SOPInstanceUID")


def uid_of(header: Dataset, keyword: str) -> str | None:
    """A UID that is one, or None."""
    return checked_uid(text_at(header, keyword))


@functools.lru_cache(maxsize=65536)
def checked_uid(text: str) -> str | None:
    """The text where it is a UID, or None."""
    try:
        check_frame(text)
    except InvalidInput:
        return None
    return text
