"""Storage commitment on our side: what others ask is answered from the archive, what they report is written down."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import build_role
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]
from sqlalchemy import select

from skiagraph.errors import SkiagraphError
from skiagraph.server.logs import log
from skiagraph.server.node.asked import COMMITMENT, ONE, REPORT, REQUEST, folder_of
from skiagraph.server.node.calls import called, context, refused
from skiagraph.server.node.part10 import file_head
from skiagraph.server.node.send import committed_by
from skiagraph.server.site import Site
from skiagraph.server.tables import Delivery, Instance

__all__ = ["Commitments"]

_SETTLED: Final = 30.0  # s in which what was just received may still be on its way into the archive
_PAUSES: Final = (
    1.0,
    5.0,
    30.0,
    120.0,
    600.0,
)  # s between calls to a peer that is not there; the last again and again
_GIVEN_UP: Final = 24 * 3600.0  # s
_NO_SUCH, _CLASH = 0x0112, 0x0119
"""Failure reasons: no such object instance, class and instance conflict (DICOM PS3.3 C.14.1.1)."""


@final
@dataclass(slots=True, kw_only=True)
class _Waiting:
    """When a request is tried again, and how often it was."""

    at: float
    tries: int


@final
class Commitments:
    """Sees to the messages that the receivers keep.

    Args:
        site: The server.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder = folder_of(site.settings.home)
        self._waiting: dict[Path, _Waiting] = {}

    def step(self) -> None:
        """Sees to all that can be seen to now.

        Raises:
            DatabaseGone: It does not answer; everything stays.
        """
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.iterdir()):
            if path.suffix == REPORT:
                self._written_down(path)
            elif path.suffix == REQUEST and self._due(path):
                self._answer(path)

    def _due(self, path: Path) -> bool:
        there = self._waiting.get(path)
        return there is None or there.at <= time.monotonic()

    def _later(self, path: Path, seconds: float, *, tried: bool) -> None:
        there = self._waiting.get(path) or _Waiting(at=0.0, tries=0)
        self._waiting[path] = _Waiting(at=time.monotonic() + seconds, tries=there.tries + tried)

    def _answer(self, path: Path) -> None:
        """Answers a request, once all that it names is here or nothing of it can be on its way any more."""
        who, question = _read(path)
        names = [
            name for name, peer in self._site.settings.dicom.peers.items() if [peer.title, peer.host] == who
        ]
        age = time.time() - path.stat().st_mtime
        references = () if question is None else question.get("ReferencedSOPSequence") or ()
        if question is None or not references or not names or age > _GIVEN_UP:
            log.warning("storage commitment not answered", title=who[0])
            self._done(path)
            return
        kept, failed = self._looked_up(references)
        if failed and age < _SETTLED:
            self._later(path, 1.0, tried=False)
            return
        report = Dataset()
        report.TransactionUID = question.get("TransactionUID") or ""
        if kept:
            report.ReferencedSOPSequence = kept
        if failed:
            report.FailedSOPSequence = failed
        try:
            self._call(names[0], report, 2 if failed else 1)
        except SkiagraphError as error:
            tries = self._waiting[path].tries if path in self._waiting else 0
            log.warning("storage commitment waits for its peer", peer=names[0], sentence=str(error))
            self._later(path, _PAUSES[min(tries, len(_PAUSES) - 1)], tried=True)
        else:
            self._done(path)

    def _call(self, name: str, report: Dataset, kind: int) -> None:
        role = build_role(StorageCommitmentPushModel, scp_role=True)
        contexts = [context(StorageCommitmentPushModel)]
        with called(self._site.settings, name, contexts, roles=[role]) as peer:
            answer, _ = peer.send_n_event_report(report, kind, StorageCommitmentPushModel, ONE)
            if answer.get("Status") != 0:
                raise refused(name, "takes our answer about storage commitment", answer.get("Status"))

    def _looked_up(self, references: Sequence[Dataset]) -> tuple[list[Dataset], list[Dataset]]:
        """What is kept here, and what is not, with the reason."""
        asked = {
            str(one.get("ReferencedSOPInstanceUID", "")): str(one.get("ReferencedSOPClassUID", ""))
            for one in references
        }
        uids, here = list(asked), dict[str, str]()
        with self._site.database.reading() as session:
            for at in range(0, len(uids), 500):
                rows = select(Instance.uid, Instance.sop_class).where(Instance.uid.in_(uids[at : at + 500]))
                for uid, sop_class in session.execute(rows):
                    here[uid] = sop_class
        kept, failed = [], []
        for uid, sop_class in asked.items():
            made = Dataset()
            made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = sop_class, uid
            if here.get(uid) == sop_class:
                kept.append(made)
            else:
                made.FailureReason = _CLASH if uid in here else _NO_SUCH
                failed.append(made)
        return kept, failed

    def _written_down(self, path: Path) -> None:
        """What a peer says that it keeps becomes the state of the deliveries to it."""
        who, report = _read(path)
        if report is not None:
            settings = self._site.settings
            peers = {name for name, peer in settings.dicom.peers.items() if peer.title == who[0]}
            goals = [name for name, one in settings.destinations.items() if one.peer in peers]
            said = committed_by(report)
            with self._site.database.writing() as session:
                rows = select(Delivery).where(
                    Delivery.destination.in_(goals), Delivery.instance_uid.in_([*said.kept, *said.failed])
                )
                for row in session.scalars(rows):
                    if row.instance_uid in said.kept:
                        row.state, row.error = "committed", ""
                    else:
                        reason = said.failed[row.instance_uid]
                        row.error = f"The peer does not keep it: reason {reason:04X}."
        self._done(path)

    def _done(self, path: Path) -> None:
        self._waiting.pop(path, None)
        path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[list[str], Dataset | None]:
    """Title and host of who says it, and what; None where that cannot be read."""
    first, _, content = path.read_bytes().partition(b"\n")
    told = json.loads(first)
    try:
        found = dcmread(io.BytesIO(file_head(COMMITMENT, ONE, told["transfer"]) + content))
        found.decode()
    except (ValueError, KeyError, NotImplementedError, EOFError, AttributeError):
        return [told["title"], told["host"]], None
    return [told["title"], told["host"]], found
