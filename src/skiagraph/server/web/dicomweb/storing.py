"""What becomes of objects that are stored: in the journal before they are answered for, and found when they are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, final

from sqlalchemy import select

from skiagraph.errors import FormatError
from skiagraph.server.archive.headers import describe
from skiagraph.server.people.access import Caller
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance
from skiagraph.server.web.dicomweb.door import place_of

__all__ = ["Storing", "answer_of"]

_PIECE: Final = 2**20
_PATIENCE: Final = 5.0  # s, until what was taken is in the index
_LOOK: Final = 0.03  # s between looks
_MANY: Final = 500  # values of one IN

OTHER_STUDY: Final = 0xA900
"""Data set does not match (PS3.18 I.2.2): the object belongs to another study than the address names."""
UNREADABLE: Final = 0xC000
"""Cannot understand."""
DUPLICATE: Final = 0x0111
"""Another object has this UID already (PS3.7 C.5.7)."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """An object that is safe in the journal."""

    study: str
    series: str
    uid: str
    sop_class: str
    digest: str


@final
class Storing:
    """One request: what was taken, and what was not.

    Args:
        site: The server.
        caller: Who stores.
        study: To which all objects must belong; empty for any.
    """

    def __init__(self, site: Site, caller: Caller, study: str) -> None:
        self._site, self._caller, self._study = site, caller, study
        self._taken: list[_Taken] = []
        self._failed: list[dict[str, Any]] = []
        self._unknown: list[dict[str, Any]] = []

    def take(self, content: IO[bytes], digest: str) -> None:
        """Takes one object, which is safe when this returns, or notes why not.

        Raises:
            WriteFailed: The disk is full or failed.
        """
        size = content.seek(0, 2)
        content.seek(0)
        try:
            told = describe(content, size)  # type: ignore[arg-type]  # a spooled file is a stream in all but its type
        except FormatError:
            self._unknown.append({"00081197": {"vr": "US", "Value": [UNREADABLE]}})
            return
        one = _Taken(
            study=told.study["uid"],
            series=told.series["uid"],
            uid=told.instance["uid"],
            sop_class=told.instance["sop_class"],
            digest=digest,
        )
        if self._study and one.study != self._study:
            self._failed.append(_failure(one, OTHER_STUDY))
            return
        content.seek(0)
        self._site.intake.take(_pieces(content))
        self._taken.append(one)

    def settled(self, base: str) -> tuple[dict[str, Any], int]:
        """Waits until all that was taken is found, records it, and says what became of it.

        Args:
            base: Where our DICOMweb begins.

        Returns:
            The answer, and the status of HTTP: 200 for all stored, 202 for some or not found yet, 409 for none.

        Raises:
            DatabaseGone: It does not answer; what was taken is safe all the same.
        """
        for study in dict.fromkeys(one.study for one in self._taken):
            count = sum(one.study == study for one in self._taken)
            self._site.audit.record(
                "images received",
                self._caller.name,
                study=study,
                address=self._caller.address,
                detail=f"{count} by DICOMweb",
            )
        there = self._waited()
        stored = []
        for one in self._taken:
            if there.get(one.uid, one.digest) == one.digest:
                stored.append(one)
            else:
                self._failed.append(_failure(one, DUPLICATE))
        whole = not self._failed and not self._unknown and all(one.uid in there for one in stored)
        status = 200 if whole and stored else 202 if stored else 409
        return answer_of(base, self._study, stored, self._failed, self._unknown), status

    def _waited(self) -> dict[str, str]:
        """Digests of the instances that the index has by now, by UID."""
        until = time.monotonic() + _PATIENCE
        missing, there = {one.uid for one in self._taken}, dict[str, str]()
        while missing:
            there |= self._indexed(sorted(missing))
            missing -= there.keys()
            if not missing or time.monotonic() > until:
                break
            time.sleep(_LOOK)
        return there

    def _indexed(self, uids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        with self._site.database.reading() as session:
            for at in range(0, len(uids), _MANY):
                wanted = select(Instance.uid, Instance.digest).where(Instance.uid.in_(uids[at : at + _MANY]))
                found.update((uid, digest) for uid, digest in session.execute(wanted))
        return found


def answer_of(
    base: str,
    study: str,
    stored: Sequence[_Taken],
    failed: Sequence[dict[str, Any]],
    unknown: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The answer of a store (PS3.18 I.2), DICOM JSON.

    Args:
        base: Where our DICOMweb begins.
        study: Whose objects they all are; empty where none was named.
        stored: What was.
        failed: What was not, with its reason.
        unknown: Reasons of what was not read at all.
    """
    said: dict[str, Any] = {}
    studies = {one.study for one in stored} or ({study} if study else set())
    if len(studies) == 1:
        said["00081190"] = {"vr": "UR", "Value": [place_of(base, studies.pop())]}
    if failed:
        said["00081198"] = {"vr": "SQ", "Value": list(failed)}
    if stored:
        said["00081199"] = {"vr": "SQ", "Value": [_reference(base, one) for one in stored]}
    if unknown:
        said["0008119A"] = {"vr": "SQ", "Value": list(unknown)}
    return said


def _reference(base: str, one: _Taken) -> dict[str, Any]:
    place = place_of(base, one.study, one.series, one.uid)
    return {**_named(one), "00081190": {"vr": "UR", "Value": [place]}}


def _failure(one: _Taken, reason: int) -> dict[str, Any]:
    return {**_named(one), "00081197": {"vr": "US", "Value": [reason]}}


def _named(one: _Taken) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [one.sop_class]},
        "00081155": {"vr": "UI", "Value": [one.uid]},
    }


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_PIECE):
        yield piece
