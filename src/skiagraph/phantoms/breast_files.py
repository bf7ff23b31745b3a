"""Breast tumours as files: pictures, masks beside them, and the table that names them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from skiagraph.case import Dataset, Sample
from skiagraph.codecs import picture, written
from skiagraph.errors import InvalidInput, WriteFailed
from skiagraph.findings import Classification, Segmentation
from skiagraph.geometry import spacing_of
from skiagraph.image import Image
from skiagraph.image.quantity import LABEL
from skiagraph.phantoms.concepts import MALIGNANT

__all__ = ["write_breast_tumours"]

Advance = Callable[[int, int, Mapping[str, float]], object]

_COLUMNS = ("image", "mask", "label", "group", "split", "pixel_size_mm")


def write_breast_tumours(dataset: Dataset, folder: Path, *, watch: Advance | None = None) -> Path:
    """Writes a data set of `breast_tumours` to a folder that `read_dataset` reads.

    Args:
        dataset: What is drawn.
        folder: It is made; the pictures go to ``images``, the masks to ``masks``.
        watch: Told after each picture how many there are.

    Returns:
        The file ``dataset.csv``.

    Raises:
        InvalidInput: A sample without a class or a mask.
        WriteFailed: The disk does not take it.
        NotPermitted: The folder may not be written to.
    """
    for name in ("images", "masks"):
        _made(folder / name)
    rows = []
    for number, sample in enumerate(dataset, 1):
        rows.append(_written(sample, folder))
        if watch is not None:
            watch(number, len(dataset), {})
    table = folder / "dataset.csv"
    with written(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(_COLUMNS)
        lines.writerows(rows)
    return table


def _written(sample: Sample, folder: Path) -> tuple[str, ...]:
    image, name = sample.case().image, f"{sample.identifier}.png"
    size, kind, mask = spacing_of(image.space), None, None
    for finding in sample.reference():
        if isinstance(finding, Classification):
            likely = max(finding.scores, key=lambda score: score.probability)
            kind = "malignant" if likely.code == MALIGNANT else "benign"
        elif isinstance(finding, Segmentation):
            mask = finding.mask(1).astype(np.uint8) * np.uint8(255)
    if kind is None or mask is None or size is None:
        raise InvalidInput("a tumour that is written has a class, a mask and a size", got=sample.identifier)
    picture.write(image, folder / "images" / name)
    picture.write(Image(data=mask, space=image.space, quantity=LABEL), folder / "masks" / name)
    return (f"images/{name}", f"masks/{name}", kind, sample.group, sample.split, f"{size[0]:.6g}")


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailed(
            "phantoms are written to a folder", got=error.strerror or "an error", way_out="choose another one"
        ) from error
