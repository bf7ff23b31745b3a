"""What we send to peers: objects by C-STORE, tried again where that helps, and whether they keep them (commitment)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]
from sqlalchemy import select

from skiagraph.errors import FormatError, MissingInput
from skiagraph.server.node.asked import ONE
from skiagraph.server.node.calls import LITTLE, PeerGone, PeerRefuses, called, context, peer_named, refused
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance, Series, Study

__all__ = ["Committed", "commitment_of", "committed_by", "send"]

_PAUSES: Final = (1.0, 5.0)  # s before each further try
_POLL: Final = 0.05


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a peer says about keeping objects.

    Args:
        kept: SOPInstanceUIDs of those that it will keep.
        failed: Of those that it will not, with the reason (DICOM PS3.3 C.14).
    """

    kept: frozenset[str]
    failed: Mapping[str, int]


def send(site: Site, name: str, instances: Sequence[str], *, pauses: Sequence[float] = _PAUSES) -> None:
    """Sends objects of the archive to a peer (C-STORE). It may be done again: they are the same objects then.

    Args:
        site: The server.
        name: Of the peer.
        instances: Their SOPInstanceUIDs.
        pauses: Seconds before each further try, where the peer is gone or out of room.

    Raises:
        MissingInput: The archive has no such object.
        UnknownName: The settings have no such peer.
        PeerGone: It does not answer, or is out of room, at the last try too.
        PeerRefuses: It does not take them.
    """
    objects = _objects(site, instances)
    waiting = {one.uid: one for one in objects}
    try:
        for pause in (*pauses, None):
            try:
                for uid in _sent(site, name, tuple(waiting.values())):
                    del waiting[uid]
                break
            except PeerGone:
                if pause is None:
                    raise
                time.sleep(pause)
    finally:
        peer, _ = peer_named(site.settings, name)
        for study, count in Counter(one.study for one in objects if one.uid not in waiting).items():
            site.audit.record(
                "images sent", peer.title, study=study, address=peer.host, detail=f"{count} sent"
            )


def commitment_of(
    site: Site, name: str, instances: Sequence[str], *, patience: float = 5.0
) -> Committed | None:
    """Asks a peer to keep objects that it was sent (storage commitment).

    Args:
        site: The server.
        name: Of the peer.
        instances: Their SOPInstanceUIDs.
        patience: Seconds for its answer on this association.

    Returns:
        Its answer; None where it will call the DICOM node with it later, which then writes it to the deliveries.

    Raises:
        MissingInput: The archive has no such object.
        PeerGone: It does not answer.
        PeerRefuses: It does not know the service, or does not want to.
    """
    answers: list[Committed] = []
    question = Dataset()
    question.TransactionUID = generate_uid(prefix=None)
    question.ReferencedSOPSequence = [_reference(one) for one in _objects(site, instances)]
    handlers = [(evt.EVT_N_EVENT_REPORT, _reported, [answers])]
    with called(site.settings, name, [context(StorageCommitmentPushModel)], handlers=handlers) as peer:
        answer, _ = peer.send_n_action(question, 1, StorageCommitmentPushModel, ONE)
        status = answer.get("Status")
        if status != 0:
            raise refused(name, "takes a request for storage commitment", status)
        until = time.monotonic() + patience
        while not answers and peer.is_established and time.monotonic() < until:
            time.sleep(_POLL)
    return answers[0] if answers else None


def committed_by(report: Dataset) -> Committed:
    """What a report of storage commitment says (DICOM PS3.4 section J.3.3)."""
    kept: Sequence[Dataset] = report.get("ReferencedSOPSequence") or ()
    failed: Sequence[Dataset] = report.get("FailedSOPSequence") or ()
    return Committed(
        kept=frozenset(str(one.get("ReferencedSOPInstanceUID")) for one in kept),
        failed={
            str(one.get("ReferencedSOPInstanceUID")): int(one.get("FailureReason") or 0) for one in failed
        },
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """What has to be known of an object to send it."""

    uid: str
    sop_class: str
    transfer: str
    digest: str
    study: str


def _objects(site: Site, instances: Sequence[str]) -> list[_Object]:
    wanted = select(Instance.uid, Instance.sop_class, Instance.transfer_syntax, Instance.digest, Study.uid)
    wanted = wanted.join(Series, Instance.series_id == Series.id).join(Study, Series.study_id == Study.id)
    with site.database.reading() as session:
        rows = session.execute(wanted.where(Instance.uid.in_(instances)).order_by(Instance.id)).all()
    missing = len(set(instances)) - len(rows)
    if missing:
        raise MissingInput("what is sent lies in the archive", got=f"{missing} objects that do not")
    return [_Object(uid=a, sop_class=b, transfer=c, digest=d, study=e) for a, b, c, d, e in rows]


def _sent(site: Site, name: str, objects: Sequence[_Object]) -> Iterator[str]:
    """The UID of each object, once the peer has it."""
    if not objects:
        return
    pairs = dict.fromkeys((one.sop_class, one.transfer) for one in objects)
    contexts = [context(sop, *dict.fromkeys((own, *(LITTLE if own in LITTLE else ())))) for sop, own in pairs]
    with called(site.settings, name, contexts) as peer:
        for one in objects:
            with site.files.open(one.digest) as stream:
                status = _stored(peer, name, stream)
            if status is None or not (status == 0 or 0xB000 <= status <= 0xBFFF):
                raise refused(name, "takes an object", status)
            yield one.uid


def _stored(peer: Association, name: str, stream: BinaryIO) -> int | None:
    try:
        answer = peer.send_c_store(dcmread(stream))
    except InvalidDicomError as error:
        raise FormatError("what is sent is DICOM", got="a file that is not") from error
    except ValueError as error:
        raise PeerRefuses(
            f"the peer {name} takes objects of this kind",
            got="a refusal of their SOP class or transfer syntax",
        ) from error
    status = answer.get("Status")
    return None if status is None else int(status)


def _reference(one: _Object) -> Dataset:
    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = one.sop_class, one.uid
    return made


def _reported(event: Event, answers: list[Committed]) -> tuple[int, None]:
    answers.append(committed_by(event.event_information))
    return 0, None
