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
from skiagraph.codes import Code
from skiagraph.geometry import derived_frame
from skiagraph.interchange.coded import coded
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject, Tail, digest_of
from skiagraph.interchange.references import study_uid
from skiagraph.version import __version__

__all__ = [
    "IMPLEMENTATION",
    "PROCESSING",
    "begun",
    "clean_header",
    "decimal",
    "place_in_frame",
    "plain_words",
    "put_label",
    "sealed",
]

IMPLEMENTATION: Final = derived_frame("implementation class of skiagraph")
PROCESSING: Final = Code(value="109102", scheme="DCM", meaning="Processing Equipment")
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
_ONE_SERIES: Final = (  # what all objects of a series have in common (PS3.3 A.1.2.3 and A.1.2.5)
    *("StudyInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime"),
    *("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"),
    *("FrameOfReferenceUID", "BodyPartExamined", "Laterality"),
)
_NO_PART: Final = frozenset({"SR", "KO", "DOC", "RTSTRUCT"})  # modalities whose series name no part of a body
_PART: Final = ("00180015", "00200060")
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_SIDES: Final = ("L", "R")
_PAIRED: Final = (
    frozenset(  # of the parts of a body that come twice, those that are imaged (PS3.16 table L-1)
        {
            *(
                "ACJOINT",
                "ADRENAL",
                "ANKLE",
                "ARM",
                "AXILLA",
                "BREAST",
                "CALCANEUS",
                "CALF",
                "CAROTID",
                "CLAVICLE",
            ),
            *(
                "EAR",
                "ELBOW",
                "EXTREMITY",
                "EYE",
                "FEMUR",
                "FINGER",
                "FOOT",
                "FOREARM",
                "HAND",
                "HIP",
                "HUMERUS",
            ),
            *(
                "KIDNEY",
                "KNEE",
                "LEG",
                "LUNG",
                "OVARY",
                "PATELLA",
                "RADIUS",
                "RIB",
                "SCAPULA",
                "SHOULDER",
                "SIJOINT",
            ),
            *("TESTIS", "THIGH", "THUMB", "TIBIA", "TMJ", "TOE", "ULNA", "WRIST", "ZYGOMA"),
        }
    )
)
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
    if modality not in _NO_PART:
        _put_part(ds, origin)
    ds.SeriesNumber, ds.SeriesDescription = series.number, plain_words(series.description)
    ds.Manufacturer, ds.ManufacturerModelName = (
        plain_words(equipment.manufacturer),
        plain_words(equipment.model_name),
    )
    ds.DeviceSerialNumber, ds.SoftwareVersions = (
        plain_words(equipment.serial_number),
        plain_words(equipment.software_versions),
    )
    _put_algorithm(ds, content)
    ds.InstanceNumber = content.number
    created = _local(content.created, ds)
    ds.ContentDate, ds.ContentTime = created.strftime("%Y%m%d"), created.strftime("%H%M%S.%f")
    ds.SeriesDate, ds.SeriesTime = ds.ContentDate, ds.ContentTime
    ds.InstanceCreationDate, ds.InstanceCreationTime = ds.ContentDate, ds.ContentTime
    return ds


def place_in_frame(ds: Dataset, frame: str) -> None:
    """The frame of reference module (DICOM PS3.3 C.7.4.1)."""
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = UID(frame), ""


def put_label(ds: Dataset, label: str, content: Content) -> None:
    """The content identification macro (DICOM PS3.3 table 10-12)."""
    ds.ContentLabel, ds.ContentDescription = label, plain_words(content.description)
    ds.ContentCreatorName = ""


def sealed(ds: Dataset, tail: Tail | None = None) -> DicomObject:
    """The finished object: its UIDs follow from what it says, so that writing twice gives the same object.

    One series holds the objects of one kind that one device made with one algorithm of one study at one time under one
    number, in one frame of reference.
    """
    made = [str(ds.get(keyword, "")) for keyword in _ONE_SERIES]
    for item in ds.get("ContributingEquipmentSequence", ()):
        made += [str(element.value) for element in item if element.VR != "SQ"]
    ds.SeriesInstanceUID = UID(derived_frame(" ".join(["series", *made])))
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


def plain_words(text: str) -> str:
    """A text as one value of at most 64 characters on one line (DICOM PS3.5 section 6.2, LO)."""
    return " ".join(text.replace("\\", "/").split())[:64].rstrip()


def decimal(value: float) -> str:
    """A decimal string of at most 16 characters, as near as they allow (DICOM PS3.5 section 6.2)."""
    number = float(value) + 0.0
    for digits in range(17, 0, -1):
        text = f"{number:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{number:.8e}"


def _put_algorithm(ds: Dataset, content: Content) -> None:
    """The model as equipment that contributed (DICOM PS3.3 C.12.1, contributing equipment sequence)."""
    if content.algorithm is None:
        return
    item = Dataset()
    item.PurposeOfReferenceCodeSequence, item.Manufacturer = [coded(PROCESSING)], ds.Manufacturer
    item.ManufacturerModelName = plain_words(content.algorithm.name)
    item.SoftwareVersions = plain_words(content.algorithm.version)
    item.ContributionDateTime = content.created.strftime("%Y%m%d%H%M%S.%f%z")
    if content.algorithm.digest:
        item.ContributionDescription = f"SHA-256 of its weights: {content.algorithm.digest}"
    ds.ContributingEquipmentSequence = [item]


def _put_part(ds: Dataset, origin: Origin) -> None:
    """The part of the body, and its side, which is asked for where it may be one of a pair (DICOM PS3.3 C.7.3.1)."""
    for tag in _PART:
        element = _valid(tag, origin.header[tag]) if tag in origin.header else None
        if element is not None:
            ds.add(element)
    part = str(ds.get("BodyPartExamined") or "")
    if ds.Modality == "SEG" or (part and part not in _PAIRED):  # a side of a segment is told by its own code
        ds.pop("Laterality", None)
    elif ds.get("Laterality", "") not in _SIDES:
        ds.Laterality = ""


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
    """In the time zone of the source, which holds for all times of an object; its own where that is not stated."""
    offset = str(ds.get("TimezoneOffsetFromUTC") or "")
    if len(offset) != 5 or offset[0] not in "+-" or not offset[1:].isdecimal():
        return created
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return created.astimezone(timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)))
