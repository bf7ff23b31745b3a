"""A synthetic study in the hand: its DICOM objects, the images that they hold, and all that is true of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import numpy as np
from pydicom.dataset import Dataset

from skiagraph.codecs import nifti, written
from skiagraph.errors import InvalidInput, NotPermitted, WriteFailed
from skiagraph.findings import Finding, Segment, Segmentation
from skiagraph.image import Image
from skiagraph.image.quantity import LABEL
from skiagraph.phantoms.study import write_dataset
from skiagraph.phantoms.truth import FORMAT, VERSION
from skiagraph.plain import to_plain

__all__ = ["Drawn", "write_drawn"]

Advance = Callable[[int, int, Mapping[str, float]], object]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """A synthetic study with its truth.

    Args:
        kind: What was drawn, e.g. ``"chest-ct"``.
        datasets: The DICOM objects, each with its file meta information.
        images: What a reader should find in them, by name; the numbers are those that the objects store.
        findings: What is true, without masks.
        masks: Which place belongs to which structure, by name, each in the space of one of the images.
        phantom: The value that was drawn.

    Raises:
        InvalidInput: No object, or no image.
    """

    kind: str
    datasets: tuple[Dataset, ...]
    images: Mapping[str, Image]
    findings: tuple[Finding, ...]
    phantom: Any
    masks: Mapping[str, Segmentation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.datasets or not self.images:
            raise InvalidInput("a drawn study has an object and an image", got=self.kind)
        object.__setattr__(self, "images", MappingProxyType(dict(self.images)))
        object.__setattr__(self, "masks", MappingProxyType(dict(self.masks)))


def write_drawn(
    drawn: Drawn, images: Path, truth: Path, *, watch: Advance | None = None, volumes: bool = False
) -> tuple[Path, ...]:
    """Writes the objects to one folder and ``truth.json`` with the masks as NIfTI to another; both are made.

    Args:
        drawn: The study.
        images: Folder of the objects. Their names say nothing of their order.
        truth: Folder of the truth.
        watch: Is told after each file how many there are.
        volumes: Write the images as NIfTI instead of DICOM.

    Returns:
        The files of the images.

    Raises:
        WriteFailed: The disk does not take it.
        NotPermitted: A folder may not be written to.
    """
    for folder in (images, truth):
        _made(folder)
    paths = []
    for number, (name, write) in enumerate(_jobs(drawn, volumes=volumes), start=1):
        write(images / name)
        paths.append(images / name)
        if watch is not None:
            watch(number, len(drawn.images) if volumes else len(drawn.datasets), {})
    masks = tuple(_mask_files(drawn))
    for name, image, _ in masks:
        nifti.write(image, truth / name)
    _write_document(drawn, truth / "truth.json", tuple((name, segments) for name, _, segments in masks))
    return tuple(paths)


def _jobs(drawn: Drawn, *, volumes: bool) -> list[tuple[str, Callable[[Path], object]]]:
    if volumes:
        return [
            (f"{name}.nii.gz", lambda path, image=image: nifti.write(image, path))  # type: ignore[misc]
            for name, image in drawn.images.items()
        ]
    return [
        (f"{str(ds.SOPInstanceUID)[-16:]}.dcm", lambda path, ds=ds: write_dataset(ds, path))  # type: ignore[misc]
        for ds in drawn.datasets
    ]


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise NotPermitted(
            "phantoms are written to a folder in which you may write", way_out="choose another folder"
        ) from error
    except OSError as error:
        raise WriteFailed(
            "phantoms are written to a folder", got=error.strerror or "an error", way_out="choose another one"
        ) from error


def _mask_files(drawn: Drawn) -> Iterator[tuple[str, Image, tuple[Segment, ...]]]:
    """One label map a mask; where structures overlap, one file a structure."""
    for name, mask in drawn.masks.items():
        if mask.kind != "overlapping":
            yield f"{name}.nii.gz", Image(data=mask.labels, space=mask.space, quantity=LABEL), mask.segments
            continue
        for segment in mask.segments:
            labels = mask.mask(segment.number).astype(np.uint8) * np.uint8(segment.number)
            image = Image(data=labels, space=mask.space, quantity=LABEL)
            yield f"{name}-{segment.number}.nii.gz", image, (segment,)


def _write_document(drawn: Drawn, path: Path, masks: tuple[tuple[str, tuple[Segment, ...]], ...]) -> None:
    document = {
        "format": FORMAT,
        "version": VERSION,
        "kind": drawn.kind,
        "study": str(drawn.datasets[0].StudyInstanceUID),
        "findings": to_plain(drawn.findings),
        "masks": [{"file": name, "segments": to_plain(segments)} for name, segments in masks],
        "phantom": to_plain(drawn.phantom),
    }
    with written(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", "utf-8")
