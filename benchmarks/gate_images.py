"""The pictures on which the gate is fitted and judged: the data pack, changed and painted-out heads, drawn pictures."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from gate_drawings import DRAWINGS
from gate_heads import changed, without_head
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from skiagraph import codes
from skiagraph.errors import FormatError
from skiagraph.findings import Segmentation
from skiagraph.image import Image, pixels
from skiagraph.io import read_dataset, read_image
from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head
from skiagraph.preprocess.grey import grey

Grey = NDArray[Any]
Found = Iterator[tuple[str, Grey]]  # (patient, picture)

MOST = 300  # pictures of one folder
LEARNT_PHANTOMS = range(1000, 1060)
"""Seeds of the phantoms from which the gate learns; others judge it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One picture.

    Args:
        role: ``"head"``, ``"changed"``, ``"phantom"`` (to pass), ``"folder"``, ``"drawn"``, ``"photograph"``,
            ``"without head"`` (to refuse), ``"test head"`` (judged once).
        source: Folder of the data pack, or how it was made.
        patient: Never stands on two sides of a split.
        grey: Grey levels, shape (rows, columns).
    """

    role: str
    source: str
    patient: str
    grey: Grey


def plane(image: Image, axis: int = 0) -> Grey:
    """A picture as it is; of a volume the middle plane across an axis."""
    array = pixels(grey(image))
    if image.space.timeline is not None:
        array = array[len(array) // 2]
    return array if array.ndim == 2 else np.rot90(np.take(array, array.shape[axis] // 2, axis))


def _files(pattern: str, axis: int = 0) -> Callable[[Path], Found]:
    def found(folder: Path) -> Found:
        for path in sorted(folder.glob(pattern)):
            yield path.stem, plane(read_image(path).image, axis)

    return found


def _brain(pattern: str, axes: tuple[int, int, int]) -> Callable[[Path], Found]:
    """Three planes of each volume, first the one in which it shows most of a ring."""

    def found(folder: Path) -> Found:
        for path in sorted(folder.glob(pattern)):
            image = read_image(path).image
            for axis in axes:
                yield path.name[:4], plane(image, axis)

    return found


def _table(name: str, *splits: str) -> Callable[[Path], Found]:
    def found(folder: Path) -> Found:
        with np.load(folder / name) as table:
            every = np.concatenate([table[f"{split}_images"] for split in splits])
        for k in np.linspace(0, len(every) - 1, min(MOST, len(every))).astype(int):
            yield str(k), np.squeeze(every[k])

    return found


def _cine(folder: Path) -> Found:
    series: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("train/images/*/*.png")):
        series.setdefault(path.name.split("-IM")[0], []).append(path)
    for patient, paths in series.items():
        yield patient, plane(read_image(paths[len(paths) // 2]).image)


def _chest_ct(folder: Path) -> Found:
    paths = sorted(folder.glob("series/*.dcm"))
    for k in (15, 3, 8, 12, 20, 25):
        yield "one", plane(read_image(paths[k]).image)


def _series(folder: Path) -> Found:
    """One picture a series; series of mosaics, which are not read yet, are left out."""
    places: dict[Path, list[Path]] = {}
    for path in sorted(folder.glob("*/In/**/*.dcm")):
        places.setdefault(path.parent, []).append(path)
    for place, paths in places.items():
        with suppress(FormatError):
            yield str(place.relative_to(folder)), plane(read_image(paths[len(paths) // 2]).image)


def _first_of_each_patient(folder: Path) -> Found:
    seen: set[str] = set()
    for row in csv.DictReader((folder / "dataset.csv").read_text("utf-8").splitlines()):
        path = folder / "images" / f"{row['image_id']}.png"
        if path.is_file() and row["patient_id"] not in seen:
            seen.add(row["patient_id"])
            yield row["patient_id"], plane(read_image(path).image)


FOLDERS: dict[str, Callable[[Path], Found]] = {
    "blood_cells": _files("images/*"),
    "brain_ms_registration": _brain("patient01/study*.nii.gz", (0, 1, 2)),
    "brain_tissue": _brain("*_SS.nii.gz", (2, 1, 0)),
    "breast_ultrasound": _table("breastmnist.npz", "train", "val", "test"),
    "cardiac_cine": _cine,
    "chest_ct": _chest_ct,
    "chest_xray_pneumonia": _table("pneumoniamnist.npz", "val", "test"),
    "cxr_retrieval": _first_of_each_patient,
    "deidentification": _files("*.dcm"),
    "dicom_geometry": _series,
    "hippocampus": _files("images/*.nii.gz", 2),
    "nuclei": _files("images/*.png"),
    "retina_vessels": _files("*L.jpg"),
}


def folders(data: Path) -> Iterator[Picture]:
    """The other images of the data pack; the first of a patient is the one that counts."""
    for source, found in FOLDERS.items():
        for patient, picture in found(data / source):
            name = "study" if source == "brain_ms_registration" else patient
            yield Picture(role="folder", source=source, patient=name, grey=picture)


def heads(data: Path, *splits: str) -> Iterator[Picture]:
    """Fetal heads, four moderate changes of each, and two ways of taking the head out."""
    rng = np.random.default_rng(0)
    for sample in read_dataset(data / "fetal_head" / "dataset.csv", label=codes.HEAD, name="HC18").split(
        *splits
    ):
        picture = np.asarray(pixels(sample.case().image))
        made = {"head": {"as it came": picture}}
        if "test" in splits:
            made = {"test head": made["head"]}
        else:
            (outline,) = (f for f in sample.reference() if isinstance(f, Segmentation))
            made |= {
                "changed": changed(picture, rng),
                "without head": without_head(picture, outline.mask(1), rng),
            }
        for role, pictures in made.items():
            for source, changed_picture in pictures.items():
                yield Picture(role=role, source=source, patient=sample.group, grey=changed_picture)


def drawings() -> Iterator[Picture]:
    """Pictures of nothing: noise, gradients, text, empty frames, rings that are no heads."""
    rng = np.random.default_rng(1)
    for source, (n, draw) in DRAWINGS.items():
        for k in range(n):
            yield Picture(role="drawn", source=source, patient=f"{source} {k}", grey=draw(rng))


def photographs() -> Iterator[Picture]:
    """The two photographs that scikit-learn brings, whole and in 20 cuts each; the gate never learns from them."""
    rng = np.random.default_rng(2)
    luma = np.array([0.299, 0.587, 0.114])
    for k, photograph in enumerate(load_sample_images().images):
        whole = (photograph @ luma).astype(np.uint8)
        rows, columns = whole.shape
        yield Picture(role="photograph", source="photograph", patient=f"{k}", grey=whole)
        for _ in range(20):
            height, width = (int(rng.integers(side // 5, side)) for side in whole.shape)
            y, x = int(rng.integers(rows - height)), int(rng.integers(columns - width))
            yield Picture(
                role="photograph",
                source="photograph, cut",
                patient=f"{k}",
                grey=whole[y : y + height, x : x + width],
            )


def phantoms(first: int, n: int) -> Iterator[Picture]:
    """What ``skiagraph phantom fetal-head --seed N`` draws first, for n seeds."""
    for seed in range(first, first + n):
        picture = draw_fetal_head(sample_fetal_head(np.random.default_rng([seed, 1])))
        yield Picture(role="phantom", source="phantom", patient=f"seed {seed}", grey=picture)


def pictures(data: Path) -> Iterator[Picture]:
    """Everything but the test split."""
    drawn_heads = chain(phantoms(0, 200), phantoms(LEARNT_PHANTOMS.start, len(LEARNT_PHANTOMS)))
    yield from chain(folders(data), heads(data, "train", "val"), drawings(), photographs(), drawn_heads)
