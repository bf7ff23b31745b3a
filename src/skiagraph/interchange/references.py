"""References from a DICOM object to the images it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.case import Instance, Origin
from skiagraph.codes import Code
from skiagraph.geometry import derived_frame
from skiagraph.interchange.coded import coded

__all__ = [
    "derivation",
    "evidence",
    "frame_item",
    "instance_item",
    "referenced_series",
    "series_uid",
    "source_items",
    "study_uid",
]

SOURCE_IMAGE: Final = Code(
    value="121322", scheme="DCM", meaning="Source image for image processing operation"
)


def study_uid(origin: Origin) -> str:
    """The study of an image, the same at every call also where its files state none."""
    return origin.study_uid or derived_frame(f"study of {_first(origin)}")


def series_uid(origin: Origin) -> str:
    """The series of an image, the same at every call also where its files state none."""
    return origin.series_uid or derived_frame(f"series of {_first(origin)}")


def _first(origin: Origin) -> str:
    return origin.instances[0].sop_instance_uid if origin.instances else "nothing"


def instance_item(instance: Instance) -> Dataset:
    """The reference to one object (DICOM PS3.3 table 10-11)."""
    ds = Dataset()
    ds.ReferencedSOPClassUID = UID(instance.sop_class_uid)
    ds.ReferencedSOPInstanceUID = UID(instance.sop_instance_uid)
    return ds


def frame_item(origin: Origin, moment: int, number: int) -> Dataset | None:
    """The reference to the frame that gave one slice; None where no single frame did.

    Args:
        origin: Of the image.
        moment: Index in its timeline, 0 where it does not move.
        number: Index of the slice, 0 in a picture.
    """
    index, frame = (int(n) for n in origin.frames[moment, number])
    if index < 0:
        return None
    ds = instance_item(origin.instances[index])
    if origin.instances[index].frames is not None:
        ds.ReferencedFrameNumber = frame
    return ds


def derivation(origin: Origin, moment: int, number: int, how: Code) -> Dataset | None:
    """An item of the derivation image sequence (PS3.3 C.7.6.16.2.6); None where no single frame gave the slice."""
    source = frame_item(origin, moment, number)
    if source is None:
        return None
    source.PurposeOfReferenceCodeSequence = [coded(SOURCE_IMAGE)]
    source.SpatialLocationsPreserved = "YES"
    ds = Dataset()
    ds.DerivationCodeSequence, ds.SourceImageSequence = [coded(how)], [source]
    return ds


def source_items(origin: Origin, *, aligned: bool | None = None) -> list[Dataset]:
    """Items of a source image sequence: all objects of an image.

    Args:
        origin: Of the image.
        aligned: Whether what was made of it lies on it pixel by pixel; None where that is not said.
    """
    items = []
    for instance in origin.instances:
        ds = instance_item(instance)
        ds.PurposeOfReferenceCodeSequence = [coded(SOURCE_IMAGE)]
        if aligned is not None:
            ds.SpatialLocationsPreserved = "YES" if aligned else "NO"
        items.append(ds)
    return items


def referenced_series(origin: Origin) -> list[Dataset]:
    """Items of the referenced series sequence of the common instance reference module (DICOM PS3.3 C.12.2)."""
    if not origin.instances:
        return []
    ds = Dataset()
    ds.SeriesInstanceUID = UID(series_uid(origin))
    ds.ReferencedInstanceSequence = [instance_item(instance) for instance in origin.instances]
    return [ds]


def evidence(origins: Iterable[Origin]) -> list[Dataset]:
    """Items of a (current requested procedure) evidence sequence (DICOM PS3.3 C.17.2.1): study, series, objects."""
    found: dict[str, dict[str, dict[str, Instance]]] = {}
    for origin in origins:
        series = found.setdefault(study_uid(origin), {}).setdefault(series_uid(origin), {})
        series |= {instance.sop_instance_uid: instance for instance in origin.instances}
    return [_study(uid, series) for uid, series in found.items()]


def _study(uid: str, series: dict[str, dict[str, Instance]]) -> Dataset:
    ds = Dataset()
    ds.StudyInstanceUID, ds.ReferencedSeriesSequence = UID(uid), []
    for series_uid, instances in series.items():
        item = Dataset()
        item.SeriesInstanceUID = UID(series_uid)
        item.ReferencedSOPSequence = [instance_item(instance) for instance in instances.values()]
        ds.ReferencedSeriesSequence.append(item)
    return ds
