"""A file of DICOM results, of ours or of anyone, as the report that it is: findings, who made them, whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from skiagraph.case import Case, Origin, Report, Signature
from skiagraph.codecs.foreign import foreign
from skiagraph.findings import Findings, Provenance
from skiagraph.geometry import derived_frame
from skiagraph.interchange.envelope import PROCESSING
from skiagraph.interchange.imported import imported, is_result
from skiagraph.interchange.places import origin_of

__all__ = ["Result", "read_result"]

_REFERENCES: Final = frozenset(
    {"FrameOfReferenceUID", "ReferencedFrameOfReferenceUID", "ReferencedSOPInstanceUID"}
)
_OF_PATIENT_AND_STUDY: Final = ("00080020", "00080050", "00100020", "00100021", "0020000D", "0020000E")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """What one object says.

    Args:
        report: Its findings; final where the object says who verified it.
        origin: The patient and the study that it names.
        problems: What of it was passed over, one sentence each.
    """

    report: Report
    origin: Origin
    problems: tuple[str, ...] = ()


def read_result(path: Path, cases: Sequence[Case] = ()) -> Result | None:
    """Reads one file.

    Args:
        path: A DICOM file.
        cases: Images that it may be about; marks and structures then lie in the lattice of theirs.

    Returns:
        None for an object of a kind that holds no findings, such as an image.

    Raises:
        FormatError: It is damaged.
        NotPermitted: It may not be read.
    """
    rule = f"{path.name} is a DICOM object of results that can be read"
    with foreign(rule, also=(InvalidDicomError,)):
        ds = pydicom.dcmread(path, force=True)
        if not is_result(ds):
            return None
        read = imported(ds, _subject(ds, cases))
        findings = Findings(items=read.findings, provenance=_provenance(ds))
        signature = _signature(ds)
        report = Report(
            identifier=str(ds.get("SOPInstanceUID") or derived_frame(path.name)),
            case=path.stem,
            findings=findings,
            state="draft" if signature is None else "final",
            signature=signature,
        )
        return Result(report=report, origin=_origin(ds), problems=read.problems)


def _subject(ds: Dataset, cases: Sequence[Case]) -> Case | None:
    """The one case that it refers to, by an object or by a frame of reference."""
    if not cases:
        return None
    referred = {str(e.value) for e in ds.iterall() if e.keyword in _REFERENCES}
    same = [case for case in cases if referred & set(_names(case))]
    return same[0] if len(same) == 1 else None


def _names(case: Case) -> Iterator[str]:
    for name, image in case.images.items():
        yield image.space.frame
        yield from (instance.sop_instance_uid for instance in origin_of(case, name).instances)


def _provenance(ds: Dataset) -> Provenance:
    """By the equipment that processed, where it is named (DICOM PS3.3 C.12.1); else by the equipment of the series."""
    made_by = _processor(ds)
    versions = (made_by or ds).get("SoftwareVersions") or ""
    version = versions if isinstance(versions, str) else " ".join(map(str, versions))
    named = ("Manufacturer", "ManufacturerModelName") if made_by is None else ("ManufacturerModelName",)
    model = " ".join(str((made_by or ds).get(key) or "") for key in named).strip()
    stated = "" if made_by is None else str(made_by.get("ContributionDateTime") or "")
    return Provenance(
        sources=(),
        model=model or "unknown",
        model_version=version or "unknown",
        created=_exact(stated) or _time(str(ds.get("ContentDate") or ds.get("StructureSetDate") or ""), ds),
    )


def _processor(ds: Dataset) -> Dataset | None:
    for item in ds.get("ContributingEquipmentSequence") or ():
        for purpose in item.get("PurposeOfReferenceCodeSequence") or ():
            named = purpose.get("CodingSchemeDesignator") == "DCM" and item.get("ManufacturerModelName")
            if named and purpose.get("CodeValue") == PROCESSING.value:
                found: Dataset = item
                return found
    return None


def _exact(stated: str) -> datetime | None:
    """Of a date time with fractions of a second and a zone."""
    try:
        return datetime.strptime(stated, "%Y%m%d%H%M%S.%f%z")
    except ValueError:
        return None


def _time(day: str, ds: Dataset) -> datetime:
    """When it was made, as universal time where it states no zone; the epoch where it states nothing."""
    clock = str(ds.get("ContentTime") or ds.get("StructureSetTime") or "")[:6]
    zone = str(ds.get("TimezoneOffsetFromUTC") or "")
    return _moment(day + clock + zone) or _moment(day) or datetime.fromtimestamp(0, UTC)


def _moment(stated: str) -> datetime | None:
    """Of a DICOM date or date time of whole seconds, with or without a zone (PS3.5 table 6.2-1)."""
    form = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S", 19: "%Y%m%d%H%M%S%z"}.get(len(stated))
    try:
        moment = None if form is None else datetime.strptime(stated, form)  # noqa: DTZ007 (the next line gives it one)
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _signature(ds: Dataset) -> Signature | None:
    observers = ds.get("VerifyingObserverSequence") or ()
    if ds.get("VerificationFlag") != "VERIFIED" or not observers:
        return None
    stated = str(observers[-1].get("VerificationDateTime") or "")
    signed = _moment(stated[:14] + stated[-5:] if stated[-5:-4] in ("+", "-") else stated[:14])
    reader = str(observers[-1].get("VerifyingObserverName") or "").replace("^", " ").strip()
    return Signature(reader=reader, signed=signed) if reader and signed else None


def _origin(ds: Dataset) -> Origin:
    header: dict[str, Any] = {}
    for tag in _OF_PATIENT_AND_STUDY:
        if tag in ds:
            header[tag] = ds[tag].to_json_dict(None, 0)
    return Origin(header=header, instances=(), frames=np.array([[[-1, 0]]], dtype=np.int32))
