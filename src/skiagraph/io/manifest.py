"""A data set from its manifest: one line an image, with its reference, its group and its split."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.findings import Finding, Measurement, Segment, Segmentation
from skiagraph.image import pixels
from skiagraph.io.formats import read_image
from skiagraph.io.pixel_sizes import pixel_size_of_row, rows_of
from skiagraph.io.study import read_case

__all__ = ["read_dataset"]

_NEEDED: Final = ("image", "group", "split")
_MEASURED: Final[Mapping[str, tuple[Code, Code]]] = {
    "head_circumference_mm": (codes.HEAD_CIRCUMFERENCE, codes.MM),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line, checked: what is needed to load its case and its reference later."""

    image: Path
    mask: Path | None
    pixel_size: tuple[float, float] | None
    segment: Segment
    measured: tuple[Measurement, ...]

    def case(self) -> Case:
        return read_case(self.image, pixel_size=self.pixel_size)

    def reference(self) -> tuple[Finding, ...]:
        return (*(() if self.mask is None else (self._segmentation(self.mask),)), *self.measured)

    def _segmentation(self, mask: Path) -> Segmentation:
        space = self.case().image.space
        inside: NDArray[np.bool_] = np.asarray(pixels(read_image(mask).image), dtype=np.bool_)
        shape = (() if space.timeline is None else (len(space.timeline),)) + tuple(space.shape)
        if inside.shape == (*shape, 3):
            inside = np.asarray(inside.any(axis=-1))
        if inside.shape != shape:
            raise FormatError(f"{mask.name} has the shape of its image, {shape}", got=str(inside.shape))
        labels = inside.astype(np.uint8) * np.uint8(self.segment.number)
        return Segmentation(space=space, labels=labels, segments=(self.segment,))


def read_dataset(
    path: Path | str, *, label: Code, number: int = 1, name: str | None = None, licence: str = ""
) -> Dataset:
    """The data set that a manifest describes; images are read when a sample is asked for them.

    Args:
        path: A CSV file with the columns ``image``, ``group``, ``split`` and, where they are known, ``mask``
            (inside where not 0), ``pixel_size_mm`` (or ``row_mm`` and ``column_mm``) and ``head_circumference_mm``.
            Paths are relative to the file. Other columns are left alone.
        label: What the mask outlines.
        number: Its number in the segmentation, 1 to 255.
        name: Name of the data set; None takes that of the folder.
        licence: Under which terms it may be used.

    Returns:
        Samples in the order of the file. A reference is a `Segmentation` in the space of its image and the measurements
        of its line; the stratum is the first measurement.

    Raises:
        MissingInput: The manifest, or an image or mask that it names, does not exist.
        FormatError: Not such a file.
        InvalidInput: A line that does not hold; the message names it.
    """
    path = Path(path)
    if not 1 <= number <= 255:
        raise InvalidInput("the number of a segment here lies between 1 and 255", got=str(number))
    segment = Segment(number=number, code=label)
    samples = tuple(_sample(path, line, row, segment) for line, row in rows_of(path))
    return Dataset(name=name or path.resolve().parent.name, samples=samples, licence=licence)


def _sample(manifest: Path, line: int, row: Mapping[str, str], segment: Segment) -> Sample:
    where = f"{manifest.name}, line {line}"
    empty = [column for column in _NEEDED if not row.get(column)]
    if empty:
        raise InvalidInput(
            f"each line of a manifest has {', '.join(_NEEDED)} ({where})", got=f"no {', '.join(empty)}"
        )
    loader = _Row(
        image=_existing(manifest, row["image"], where),
        mask=_existing(manifest, row["mask"], where) if row.get("mask") else None,
        pixel_size=pixel_size_of_row(row, where),
        segment=segment,
        measured=tuple(_measurement(column, row[column], where) for column in _MEASURED if row.get(column)),
    )
    return Sample(
        identifier=row["image"],
        group=row["group"],
        split=row["split"],
        case=loader.case,
        reference=loader.reference,
        stratum=loader.measured[0].value if loader.measured else 0.0,
    )


def _existing(manifest: Path, name: str, where: str) -> Path:
    path = manifest.parent / name
    if not path.exists():
        raise MissingInput(f"a manifest names files that exist ({where})", got=name)
    return path


def _measurement(column: str, text: str, where: str) -> Measurement:
    concept, unit = _MEASURED[column]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"{column} is a number ({where})", got=repr(text[:40]))
    return Measurement(
        concept=concept, value=value, unit=unit, method=f"reference of the data set ({column})"
    )
