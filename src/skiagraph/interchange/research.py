"""Findings for research: fields as NIfTI or NRRD, everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, assert_never, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs import nifti, nrrd, written
from skiagraph.findings import (
    Boxes,
    Classification,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Finding,
    Findings,
    Heatmap,
    Landmarks,
    Measurement,
    NotApplicable,
    Ranking,
    Segment,
    Segmentation,
    Text,
    Tracks,
    Transform,
)
from skiagraph.image import Image
from skiagraph.image.quantity import LABEL, Quantity
from skiagraph.plain import to_plain

__all__ = ["FORMAT", "VERSION", "Field", "fields_of", "write_field", "write_json"]

FORMAT: Final = "skiagraph-findings"
VERSION: Final = 1
_DISPLACEMENT: Final = Quantity(name="displacement")
_SUFFIXES: Final = {"nifti": ".nii.gz", "nrrd": ".nrrd"}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """A field of a finding as an image that programs of research read.

    Args:
        name: What it is, for a file name.
        image: Labels from 1, values, or vectors; in the space of the finding.
        segments: Those whose numbers the labels are; empty where it holds no labels.
    """

    name: str
    image: Image
    segments: tuple[Segment, ...] = field(default=())


def fields_of(finding: Finding) -> tuple[Field, ...]:
    """The images of a finding: one each, of overlapping segments one a segment, and probabilities where there are any.

    Args:
        finding: Any of the closed union.

    Returns:
        Empty for marks and facts, which `table` holds.
    """
    match finding:
        case Segmentation():
            return tuple(_of_segmentation(finding))
        case Heatmap():
            unit = finding.unit if finding.unit.scheme == "UCUM" else None
            quantity = Quantity(name=finding.concept.meaning or finding.concept.value, unit=unit)
            return (
                Field(name="map", image=Image(data=finding.values, space=finding.space, quantity=quantity)),
            )
        case DerivedImage():
            return (Field(name=f"{finding.kind}-image", image=finding.image),)
        case DisplacementField():
            return (Field(name="displacements", image=_vectors(finding)),)
        case Landmarks() | Boxes() | Contours() | Tracks() | Classification() | Measurement() | Curve():
            return ()
        case Text() | Embedding() | Ranking() | Transform() | NotApplicable():
            return ()
        case _:
            assert_never(finding)


def _of_segmentation(s: Segmentation) -> Iterator[Field]:
    if s.kind == "overlapping":
        for one in s.segments:
            alone = Segment(number=1, code=one.code, confidence=one.confidence)
            labels = _labels(s.mask(one.number).astype(np.uint8), s)
            yield Field(name=f"segment-{one.number}", image=labels, segments=(alone,))
    else:
        highest = max((one.number for one in s.segments), default=0)
        labels = _labels(s.labels.astype(np.min_scalar_type(highest)), s)
        yield Field(name="segmentation", image=labels, segments=s.segments)
    if s.probabilities is not None:
        for one, values in zip(s.segments, s.probabilities, strict=True):
            image = Image(data=values, space=s.space, quantity=Quantity(name="probability"))
            yield Field(name=f"probability-{one.number}", image=image)


def _labels(array: NDArray[Any], s: Segmentation) -> Image:
    return Image(data=array, space=s.space, quantity=LABEL)


def _vectors(d: DisplacementField) -> Image:
    space = replace(d.space, timeline=None)
    return Image(data=d.vectors, space=space, quantity=_DISPLACEMENT, channels=("x", "y", "z")[: space.ndim])


def write_field(
    part: Field, folder: Path, stem: str, how: Literal["nifti", "nrrd"]
) -> tuple[Path, tuple[str, ...]]:
    """One file, whole or not at all; labels as NRRD carry the names of their segments, as 3D Slicer reads them.

    Args:
        part: One of `fields_of`.
        folder: It exists.
        stem: Of the file's name.
        how: Its format.

    Returns:
        The path, and what the format cannot keep.

    Raises:
        InvalidInput: A field that the format cannot hold, e.g. one that moves as NRRD.
        WriteFailed: The disk does not take it.
    """
    if how == "nifti":
        path = folder / f"{stem}{_SUFFIXES[how]}"
        return path, nifti.write(part.image, path)
    path = folder / f"{stem}{'.seg' if part.segments else ''}{_SUFFIXES[how]}"
    return path, nrrd.write(part.image, path, notes=_slicer(part))


def _slicer(part: Field) -> dict[str, str]:
    """Keys of a segmentation of 3D Slicer; see https://slicer.readthedocs.io, "Segmentation file format"."""
    notes: dict[str, str] = {}
    for n, segment in enumerate(part.segments):
        notes |= {
            f"Segment{n}_ID": f"Segment_{segment.number}",
            f"Segment{n}_Name": segment.code.meaning or segment.code.value,
            f"Segment{n}_LabelValue": str(segment.number),
            f"Segment{n}_Layer": "0",
        }
    return notes


def write_json(findings: Findings, path: Path) -> None:
    """All findings with their provenance, each as it stands in ``reading.json``.

    Raises:
        InvalidInput: A number that JSON does not hold.
        WriteFailed: The disk does not take it.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "findings": to_plain(findings.items),
        "provenance": to_plain(findings.provenance),
    }
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    with written(path) as temporary:
        temporary.write_text(text + "\n", "utf-8")
