"""Which algorithm made an object, for kinds of object that have no attribute of their own for it."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.interchange.coded import coded
from skiagraph.interchange.identity import Content

__all__ = ["put_algorithm"]

_PROCESSING: Final = Code(value="109102", scheme="DCM", meaning="Processing Equipment")


def put_algorithm(ds: Dataset, content: Content) -> None:
    """The model as equipment that contributed (DICOM PS3.3 C.12.1, contributing equipment sequence)."""
    if content.algorithm is None:
        return
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(_PROCESSING)]
    item.Manufacturer, item.ManufacturerModelName = ds.Manufacturer, content.algorithm.name[:64]
    item.SoftwareVersions = content.algorithm.version[:64]
    if content.algorithm.digest:
        item.ContributionDescription = f"SHA-256 of its weights: {content.algorithm.digest}"
    ds.ContributingEquipmentSequence = [item]
