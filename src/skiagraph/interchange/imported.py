"""DICOM objects to findings again: ours, and those of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.case import Case
from skiagraph.codecs.foreign import foreign
from skiagraph.errors import FormatError
from skiagraph.interchange.deformable import read_deformable_registration
from skiagraph.interchange.derived import is_derived, read_derived_image
from skiagraph.interchange.parametric import read_parametric_maps
from skiagraph.interchange.registration import read_spatial_registration
from skiagraph.interchange.remainder import remembered
from skiagraph.interchange.seg import read_segmentation
from skiagraph.interchange.sr import Read, understood
from skiagraph.interchange.structure_set import read_masks, read_points, read_structure_set

__all__ = ["imported", "is_result"]


def _structures(ds: Dataset, case: Case | None) -> Read:
    """Lines and points; where we wrote them of masks, the masks."""
    if remembered(ds).get("finding") == "Segmentation":
        return Read(findings=(read_masks(ds, case),))
    points = read_points(ds, case)
    return Read(findings=(read_structure_set(ds, case), *((points,) if points.items else ())))


_Reader = Callable[[Dataset, Case | None], Read]
_READERS: Final[Mapping[str, _Reader]] = {
    "1.2.840.10008.5.1.4.1.1.66.4": lambda ds, _: Read(findings=(read_segmentation(ds),)),
    "1.2.840.10008.5.1.4.1.1.66.7": lambda ds, _: Read(findings=(read_segmentation(ds),)),
    "1.2.840.10008.5.1.4.1.1.30": lambda ds, _: Read(findings=read_parametric_maps(ds)),
    "1.2.840.10008.5.1.4.1.1.66.1": lambda ds, _: Read(findings=read_spatial_registration(ds)),
    "1.2.840.10008.5.1.4.1.1.66.3": lambda ds, _: Read(findings=read_deformable_registration(ds)),
    "1.2.840.10008.5.1.4.1.1.481.3": _structures,
    **dict.fromkeys((f"1.2.840.10008.5.1.4.1.1.88.{n}" for n in (11, 22, 33, 34, 35)), understood),
}


def is_result(ds: Dataset) -> bool:
    """Whether an object holds findings that `imported` reads: by its kind, or because we made this picture."""
    return str(ds.get("SOPClassUID") or "") in _READERS or is_derived(ds)


def imported(ds: Dataset, case: Case | None = None) -> Read:
    """The findings that an object holds, and what of it was passed over.

    Args:
        ds: The object, as pydicom reads it.
        case: What it is about, where it is at hand: marks and contours of others then lie in the lattice of its image.

    Raises:
        FormatError: An object of another kind, or a damaged one.
    """
    kind = str(ds.get("SOPClassUID") or "")
    with foreign("a DICOM object of results follows its information object definition"):
        if kind in _READERS:
            return _READERS[kind](ds, case)
        if is_derived(ds):
            return Read(findings=(read_derived_image(ds),))
    raise FormatError(
        "findings are read from segmentations, parametric maps, registrations, structure sets and structured reports",
        got=UID(kind).name if kind else "an object without a kind",
    )
