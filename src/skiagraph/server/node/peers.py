"""What we ask of peers: whether they are there, what they have, and studies from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from pydicom.dataset import Dataset
from pynetdicom import build_role, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.presentation import StoragePresentationContexts
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from skiagraph.errors import InvalidInput, WriteFailed
from skiagraph.server.archive.intake import Intake
from skiagraph.server.node.calls import LITTLE, PeerRefuses, called, context, peer_named, refused
from skiagraph.server.node.part10 import file_head
from skiagraph.server.settings import Settings
from skiagraph.server.site import Site

__all__ = ["FoundSeries", "FoundStudy", "echo", "fetch", "series_at", "studies_at"]

_MOST: Final = 10_000  # answers to one question
_GET: Final = 100  # SOP classes that are asked for at once, of the 128 contexts that there are
_COMPRESSED: Final = tuple(
    f"1.2.840.10008.1.2.{one}"
    for one in (
        "4.70",
        "4.57",
        "4.80",
        "4.81",
        "4.90",
        "4.91",
        "4.50",
        "4.51",
        "5",
        "4.201",
        "4.202",
        "4.203",
    )
)
_STUDY: Final = (
    "StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "StudyDate", "StudyTime", "StudyDescription",
    "AccessionNumber", "ModalitiesInStudy", "NumberOfStudyRelatedInstances",
)  # fmt: skip
_SERIES: Final = (
    "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesDescription", "BodyPartExamined", "SeriesNumber",
    "NumberOfSeriesRelatedInstances",
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStudy:
    """A study that a peer has; texts are empty where it does not say.

    Args:
        uid: StudyInstanceUID.
        patient_id: PatientID.
        patient_name: PatientName.
        birth_date: YYYYMMDD.
        date: YYYYMMDD.
        time: As DICOM writes it.
        description: StudyDescription.
        accession: AccessionNumber.
        modalities: ModalitiesInStudy.
        instances: How many objects it has; None where the peer does not say.
    """

    uid: str
    patient_id: str
    patient_name: str
    birth_date: str
    date: str
    time: str
    description: str
    accession: str
    modalities: tuple[str, ...]
    instances: int | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSeries:
    """A series that a peer has.

    Args:
        uid: SeriesInstanceUID.
        study: StudyInstanceUID.
        modality: Modality.
        description: SeriesDescription.
        body_part: BodyPartExamined.
        instances: How many objects it has; None where the peer does not say.
    """

    uid: str
    study: str
    modality: str
    description: str
    body_part: str
    instances: int | None


def echo(settings: Settings, name: str) -> None:
    """Asks a peer whether it is there (C-ECHO).

    Raises:
        UnknownName: The settings have no such peer.
        InvalidInput: It only calls us.
        PeerGone: It does not answer.
        PeerRefuses: It does not want us.
    """
    with called(settings, name, [context(Verification)]) as peer:
        status = _status(peer.send_c_echo())
    if status != 0:
        raise refused(name, "answers to C-ECHO", status)


def studies_at(settings: Settings, name: str, **keys: str) -> list[FoundStudy]:
    """The studies of a peer that fit (C-FIND, study root).

    Args:
        settings: Of the server.
        name: Of the peer.
        keys: What has to fit, by DICOM keyword: ``PatientID``, ``PatientName``, ``StudyDate`` (also
            ``20260101-20260131``), ``AccessionNumber``, ``ModalitiesInStudy``, ``StudyInstanceUID`` ... with the
            wildcards of DICOM.

    Raises:
        InvalidInput: No key says anything; or as `echo` raises.
    """
    if not any(keys.values()):
        raise InvalidInput(
            "a question to a peer says what is looked for", got="nothing", way_out="name a patient"
        )
    return [_study(one) for one in _found(settings, name, "STUDY", _STUDY, keys)]


def series_at(settings: Settings, name: str, study: str) -> list[FoundSeries]:
    """The series of a study at a peer.

    Raises:
        As `echo`.
    """
    found = _found(settings, name, "SERIES", _SERIES, {"StudyInstanceUID": study})
    return [
        FoundSeries(
            uid=_text(one, "SeriesInstanceUID"),
            study=study,
            modality=_text(one, "Modality"),
            description=_text(one, "SeriesDescription"),
            body_part=_text(one, "BodyPartExamined"),
            instances=_count(one, "NumberOfSeriesRelatedInstances"),
        )
        for one in found
    ]


def fetch(site: Site, name: str, study: str, *series: str) -> int:
    """Brings a study, or series of it, from a peer into the intake, as the settings say for it: C-MOVE or C-GET.

    By C-MOVE they come to the DICOM node, which must run.

    Args:
        site: The server.
        name: Of the peer.
        study: StudyInstanceUID.
        series: SeriesInstanceUIDs; all where none is named.

    Returns:
        How many objects came.

    Raises:
        WriteFailed: The disk is full or failed.
        PeerRefuses: It has no such study, or not all of it came; or as `echo` raises.
    """
    peer, _ = peer_named(site.settings, name)
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "SERIES" if series else "STUDY"
    wanted.StudyInstanceUID = study
    if series:
        wanted.SeriesInstanceUID = list(series)
    came = _moved(site, name, wanted) if peer.fetch == "move" else _got(site, name, wanted)
    if came == 0:
        raise PeerRefuses(f"the peer {name} has the study", got="nothing of it")
    site.audit.record("images received", peer.title, study=study, address=peer.host, detail=f"{came} fetched")
    return came


def _moved(site: Site, name: str, wanted: Dataset) -> int:
    model = StudyRootQueryRetrieveInformationModelMove
    with called(site.settings, name, [context(model)]) as peer:
        return _fetched(name, peer.send_c_move(wanted, site.settings.dicom.title, model))


def _got(site: Site, name: str, wanted: Dataset) -> int:
    model = StudyRootQueryRetrieveInformationModelGet
    classes = [str(one.abstract_syntax) for one in StoragePresentationContexts][:_GET]
    contexts = [context(model), *(context(one, *LITTLE, *_COMPRESSED) for one in classes)]
    taken = (evt.EVT_C_STORE, _take, [site.intake])
    roles = [build_role(one, scp_role=True) for one in classes]
    with called(site.settings, name, contexts, roles=roles, handlers=[taken]) as peer:
        return _fetched(name, peer.send_c_get(wanted, model))


def _take(event: Event, intake: Intake) -> int:
    """An object of C-GET; safe on the disk before it is answered."""
    request = event.request
    if not isinstance(request, C_STORE) or request.DataSet is None:
        return 0xC000
    head = file_head(
        str(request.AffectedSOPClassUID),
        str(request.AffectedSOPInstanceUID),
        str(event.context.transfer_syntax),
    )
    try:
        intake.take([head, request.DataSet.getvalue()])
    except WriteFailed:
        return 0xA700
    return 0


def _fetched(name: str, answers: Iterable[tuple[Dataset, Dataset | None]]) -> int:
    """How many came, of the last answer.

    Raises:
        PeerGone: It ended before it was done, or has no room.
        PeerRefuses: Not all came.
    """
    status, came, failed = None, 0, 0
    for answer, _ in answers:
        status = _status(answer)
        came = int(answer.get("NumberOfCompletedSuboperations") or 0) + int(
            answer.get("NumberOfWarningSuboperations") or 0
        )
        failed = int(answer.get("NumberOfFailedSuboperations") or 0)
    if failed:
        raise PeerRefuses(f"the peer {name} sends all of a study", got=f"{came} objects, and {failed} failed")
    if status != 0:
        raise refused(name, "sends a study", status)
    return came


def _found(
    settings: Settings, name: str, level: str, asked: Iterable[str], keys: Mapping[str, str]
) -> Iterator[Dataset]:
    model = StudyRootQueryRetrieveInformationModelFind
    question = Dataset()
    question.SpecificCharacterSet = "ISO_IR 192"
    question.QueryRetrieveLevel = level
    for keyword in dict.fromkeys((*asked, *keys)):
        setattr(question, keyword, keys.get(keyword, ""))
    with called(settings, name, [context(model)]) as peer:
        for number, (answer, found) in enumerate(peer.send_c_find(question, model)):
            status = _status(answer)
            if status not in (0, 0xFF00, 0xFF01):
                raise refused(name, "answers to C-FIND", status)
            if number >= _MOST:
                raise PeerRefuses(
                    f"the peer {name} gives at most {_MOST} answers", got="more", way_out="say more"
                )
            if found is not None:
                yield found


def _study(found: Dataset) -> FoundStudy:
    several: Any = found.get("ModalitiesInStudy") or ()
    return FoundStudy(
        uid=_text(found, "StudyInstanceUID"),
        patient_id=_text(found, "PatientID"),
        patient_name=_text(found, "PatientName"),
        birth_date=_text(found, "PatientBirthDate"),
        date=_text(found, "StudyDate"),
        time=_text(found, "StudyTime"),
        description=_text(found, "StudyDescription"),
        accession=_text(found, "AccessionNumber"),
        modalities=(several,) if isinstance(several, str) else tuple(str(one) for one in several),
        instances=_count(found, "NumberOfStudyRelatedInstances"),
    )


def _status(answer: Dataset) -> int | None:
    value = answer.get("Status")
    return None if value is None else int(value)


def _text(found: Dataset, keyword: str) -> str:
    value = found.get(keyword)
    return "" if value is None else str(value).strip()


def _count(found: Dataset, keyword: str) -> int | None:
    value = _text(found, keyword)
    return int(value) if value.isdecimal() else None
