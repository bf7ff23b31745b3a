"""What all DICOM objects of ours share: patient, study, series, equipment; always filled as the standard allows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pydicom.config import RAISE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import validate_value

from skiagraph.case import Origin
from skiagraph.geometry import derived_frame
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject, Tail, digest_of
from skiagraph.interchange.references import study_uid
from skiagraph.version import __version__

__all__ = ["IMPLEMENTATION", "begun", "clean_header", "decimal", "place_in_frame", "sealed"]

IMPLEMENTATION: Final = derived_frame("implementation class of skiagraph")
_EMPTY: Final = (  # type 2 of the patient and general study modules (PS3.3 C.7.1.1 and C.7.2.1)
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
_OF_SERIES: Final = frozenset(
    {"00080060", "0020000E", "00200011", "00200052", "00200060", "0008103E", "00080070", "00081090"}
)
_MODULES: Final = ("0008", "0010", "0012", "0020", "0032", "0040")
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_SEXES: Final = ("M", "F", "O", "")


def begun(
    sop_class: str, modality: str, origin: Origin, equipment: Equipment, series: Series, content: Content
) -> Dataset:
    """The beginning of an object: patient and study of its source, a series and a device of its own.

    Args:
        sop_class: UID of its kind.
        modality: Its Modality.
        origin: Of the image that it is about. What is missing or no value of its VR is left empty.
        equipment: What makes it.
        series: Where it stands.
        content: What it is about.
    """
    ds = clean_header(origin)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    ds.file_meta.ImplementationClassUID = UID(IMPLEMENTATION)
    ds.file_meta.ImplementationVersionName = f"SKIAGRAPH {__version__}"[:16]
    ds.SpecificCharacterSet, ds.SOPClassUID, ds.Modality = "ISO_IR 192", UID(sop_class), modality
    for keyword in _EMPTY:
        if keyword not in ds:
            setattr(ds, keyword, "")
    if "StudyInstanceUID" not in ds:
        ds.StudyInstanceUID = UID(study_uid(origin))
    ds.SeriesNumber, ds.SeriesDescription = series.number, series.description[:64]
    ds.Manufacturer, ds.ManufacturerModelName = equipment.manufacturer[:64], equipment.model_name[:64]
    ds.DeviceSerialNumber, ds.SoftwareVersions = (
        equipment.serial_number[:64],
        equipment.software_versions[:64],
    )
    ds.InstanceNumber = 1
    created = _local(content.created, ds)
    ds.ContentDate, ds.ContentTime = created.strftime("%Y%m%d"), created.strftime("%H%M%S.%f")
    ds.SeriesDate, ds.SeriesTime = ds.ContentDate, ds.ContentTime
    ds.InstanceCreationDate, ds.InstanceCreationTime = ds.ContentDate, ds.ContentTime
    return ds


def place_in_frame(ds: Dataset, frame: str) -> None:
    """The frame of reference module (DICOM PS3.3 C.7.4.1)."""
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = UID(frame), ""


def sealed(ds: Dataset, tail: Tail | None = None) -> DicomObject:
    """The finished object: its UIDs follow from what it says, so that writing twice gives the same object.

    One series holds the objects of one kind that one device made of one study at one time under one number.
    """
    made = (
        ds.StudyInstanceUID,
        ds.Modality,
        ds.SeriesNumber,
        ds.SeriesDescription,
        ds.ContentDate,
        ds.ContentTime,
    )
    ds.SeriesInstanceUID = UID(derived_frame(" ".join(["series", *map(str, made)])))
    ds.SOPInstanceUID = UID(derived_frame(digest_of(ds, tail)))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return DicomObject(header=ds, tail=tail)


def clean_header(origin: Origin) -> Dataset:
    """Attributes of patient and study that are values of their VR; a source may hold others."""
    ds = Dataset()
    for tag, entry in origin.header.items():
        if tag in _OF_SERIES or tag[:4] not in _MODULES:
            continue
        element = _valid(tag, entry)
        if element is not None:
            ds.add(element)
    if ds.get("PatientSex", "") not in _SEXES:
        ds.PatientSex = ""
    return ds


def decimal(value: float) -> str:
    """A decimal string of at most 16 characters, as near as they allow (DICOM PS3.5 section 6.2)."""
    number = float(value) + 0.0
    for digits in range(17, 0, -1):
        text = f"{number:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{number:.8e}"


def _valid(tag: str, entry: Any) -> DataElement | None:
    """The element; None where a value is none of its VR. Asked before pydicom sees it, which would log the value."""
    try:
        vr, values = entry["vr"], entry.get("Value", [])
        for value in values:
            words = "=".join(value.get(group, "") for group in _GROUPS) if isinstance(value, dict) else value
            if isinstance(words, str):
                validate_value(vr, words.rstrip("="), RAISE)
        return DataElement.from_json(Dataset, tag, vr, values, "Value" if values else None)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _local(created: datetime, ds: Dataset) -> datetime:
    """In the time zone that the source states; its own where it states none."""
    offset = str(ds.get("TimezoneOffsetFromUTC") or "")
    if len(offset) != 5 or offset[0] not in "+-" or not offset[1:].isdecimal():
        return created
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return created.astimezone(timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)))
