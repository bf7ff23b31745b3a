"""From a DICOM object to what the index keeps of it; the object itself is never changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, final

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from sqlalchemy import String

from skiagraph.errors import FormatError
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.quick import numbers_at, text_at, texts_at
from skiagraph.io.dicom.scan import Header, scan_stream
from skiagraph.io.dicom.text import words_of
from skiagraph.server.archive.find import folded
from skiagraph.server.tables import Instance, Series, Study

__all__ = ["Described", "describe"]

_NAME: Final = "the object"
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_LONGEST_UID: Final = 64
_DATE: Final = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME: Final = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?")
_DIRECTORY: Final = "1.2.840.10008.1.3.10"
_NATIVE: Final = frozenset({str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian)})
_MOST: Final = 2**31 - 1


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the index keeps of one object, by the names of the columns.

    Args:
        study: Of its study.
        series: Of its series.
        instance: Of itself, but for what is known of the file.
    """

    study: Mapping[str, Any]
    series: Mapping[str, Any]
    instance: Mapping[str, Any]


def describe(stream: BinaryIO, size: int) -> Described:
    """Reads the header of an object.

    Texts are taken in the character set that the object states; what is too long for the index is cut, control
    characters go, and numbers, dates and times that are none are left out.

    Args:
        stream: At its beginning; can seek.
        size: In bytes.

    Raises:
        FormatError: It is no DICOM file (PS3.10), damaged, or lacks what tells it from others: the sentence names it.
    """
    mark = stream.read(132)[128:]
    stream.seek(0)
    if mark != b"DICM":
        raise FormatError("an archive keeps DICOM files (PS3.10)", got="another kind of file")
    header = scan_stream(stream, _NAME, lambda: size)
    with guarded(_NAME):
        if not header.syntax:
            raise FormatError("a DICOM file states its transfer syntax", got="none")
        if text_at(header.file_meta, "MediaStorageSOPClassUID") == _DIRECTORY:
            raise FormatError("an archive keeps objects of patients", got="a directory of a medium")
        return Described(study=_study(header), series=_series(header), instance=_instance(header, size))


def _study(header: Header) -> dict[str, Any]:
    name, referring = _words(header, "PatientName"), _words(header, "ReferringPhysicianName")
    return _cut(
        Study,
        uid=_uid(header, "StudyInstanceUID"),
        patient_id=_words(header, "PatientID"),
        patient_name=name,
        folded=folded(name) if name else "",
        birth_date=_date(header, "PatientBirthDate"),
        sex=_code(header, "PatientSex"),
        date=_date(header, "StudyDate"),
        time=_time(header, "StudyTime"),
        number=_words(header, "StudyID"),
        accession=_words(header, "AccessionNumber"),
        description=_words(header, "StudyDescription"),
        referring=referring,
        referring_folded=folded(referring) if referring else "",
        institution=_words(header, "InstitutionName"),
        body_part=_code(header, "BodyPartExamined"),
    )


def _series(header: Header) -> dict[str, Any]:
    return _cut(
        Series,
        uid=_uid(header, "SeriesInstanceUID"),
        modality=_code(header, "Modality"),
        number=_number(header, "SeriesNumber"),
        description=_words(header, "SeriesDescription"),
        body_part=_code(header, "BodyPartExamined"),
        date=_date(header, "SeriesDate"),
        time=_time(header, "SeriesTime"),
        station=_words(header, "StationName"),
    )


def _instance(header: Header, size: int) -> dict[str, Any]:
    return _cut(
        Instance,
        uid=_uid(header, "SOPInstanceUID"),
        sop_class=_uid(header, "SOPClassUID"),
        transfer_syntax=_checked(header.syntax, "TransferSyntaxUID"),
        number=_number(header, "InstanceNumber"),
        rows=_number(header, "Rows", least=0),
        columns=_number(header, "Columns", least=0),
        frames=_number(header, "NumberOfFrames", least=0),
        pixels_at=_pixels_at(header, size),
    )


def _pixels_at(header: Header, size: int) -> int | None:
    """Where pixels begin that lie in the file as they are, whole; None for all others."""
    pixels = header.pixels
    if pixels is None or pixels.length is None or pixels.inflated is not None or header.syntax not in _NATIVE:
        return None
    return pixels.offset if pixels.offset + pixels.length <= size else None


def _uid(header: Header, keyword: str) -> str:
    return _checked(text_at(header, keyword), keyword)


def _checked(text: str, keyword: str) -> str:
    if not text:
        raise FormatError(f"an object in the archive has its {keyword}", got="none")
    if len(text) > _LONGEST_UID or not _UID.fullmatch(text):
        got = f"{len(text)} characters" if len(text) > _LONGEST_UID else "other characters"
        raise FormatError(f"the {keyword} of an object is of digits and dots, 64 at most", got=got)
    return text


def _words(header: Header, keyword: str) -> str:
    return _printable(words_of(header, keyword).text)


def _printable(text: str) -> str:
    if text.isprintable():
        return text.strip()
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs")).strip()


def _code(header: Header, keyword: str) -> str:
    return _printable((texts_at(header, keyword) or ("",))[0])


def _date(header: Header, keyword: str) -> str:
    match = _DATE.fullmatch((texts_at(header, keyword) or ("",))[0])
    return "".join(match.groups()) if match else ""


def _time(header: Header, keyword: str) -> str:
    match = _TIME.fullmatch((texts_at(header, keyword) or ("",))[0])
    if not match:
        return ""
    hour, minute, second, fraction = match.groups(default="00")
    fraction = fraction.rstrip("0")
    return f"{hour}{minute}{second}.{fraction}" if fraction else f"{hour}{minute}{second}"


def _number(header: Header, keyword: str, *, least: int = -_MOST) -> int | None:
    numbers = numbers_at(header, keyword)
    return (
        int(numbers[0])
        if numbers and numbers[0] == int(numbers[0]) and least <= numbers[0] <= _MOST
        else None
    )


def _cut(table: type[Study | Series | Instance], **values: Any) -> dict[str, Any]:
    """Texts no longer than their columns."""
    lengths = _LENGTHS[table]
    return {name: v[: lengths[name]] if type(v) is str else v for name, v in values.items()}


_LENGTHS: Final = {
    table: {c.name: c.type.length for c in table.__table__.columns if isinstance(c.type, String)}
    for table in (Study, Series, Instance)
}
