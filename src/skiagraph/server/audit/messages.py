"""Audit messages as DICOM writes them (PS3.15 A.5): who did what to which study, when, from where, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, final
from xml.etree.ElementTree import Element, SubElement, tostring

from skiagraph.errors import UnknownName

__all__ = ["EVENTS", "Act", "message"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """How one of our events is called in the standard.

    Args:
        code: Of DICOM: EventID.
        meaning: Its meaning.
        action: ``"C"`` create, ``"R"`` read, ``"U"`` update, ``"D"`` delete or ``"E"`` execute.
        kind: EventTypeCode and its meaning, where there is one.
    """

    code: str
    meaning: str
    action: Literal["C", "R", "U", "D", "E"]
    kind: tuple[str, str] | None = None


def _act(code: str, meaning: str, action: Literal["C", "R", "U", "D", "E"], *kind: str) -> Act:
    return Act(code=code, meaning=meaning, action=action, kind=(kind[0], kind[1]) if kind else None)


_ACCESS, _MOVED = ("110103", "DICOM Instances Accessed"), ("110104", "DICOM Instances Transferred")
_ALERT, _SIGN = ("110113", "Security Alert"), ("110114", "User Authentication")

EVENTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "server started": _act("110100", "Application Activity", "E", "110120", "Application Start"),
        "server ended": _act("110100", "Application Activity", "E", "110121", "Application Stop"),
        "signed in": _act(*_SIGN, "E", "110122", "Login"),
        "signed out": _act(*_SIGN, "E", "110123", "Logout"),
        "account changed": _act(*_ALERT, "U", "110136", "Security Roles Changed"),
        "account locked": _act(*_ALERT, "E", "110139", "Network Configuration"),
        "token changed": _act(*_ALERT, "U", "110137", "User security Attributes Changed"),
        "caller refused": _act(*_ALERT, "E", "110126", "Node Authentication"),
        "audit read": _act("110101", "Audit Log Used", "R"),
        "studies asked for": _act("110112", "Query", "E"),
        "study looked at": _act(*_ACCESS, "R"),
        "study changed": _act(*_ACCESS, "U"),
        "study assigned": _act(*_ACCESS, "U"),
        "study deleted": _act("110105", "DICOM Study Deleted", "D"),
        "reading asked for": _act(*_ACCESS, "E"),
        "report written": _act(*_ACCESS, "C"),
        "report changed": _act(*_ACCESS, "U"),
        "report signed": _act(*_ACCESS, "U"),
        "report looked at": _act(*_ACCESS, "R"),
        "images received": _act(*_MOVED, "C"),
        "images sent": _act(*_MOVED, "R"),
        "images imported": _act("110107", "Import", "C"),
        "images exported": _act("110106", "Export", "R"),
        "settings changed": _act(*_ALERT, "U", "110131", "Software Configuration"),
    }
)
"""What is recorded, by our names, as the standard calls it (PS3.16 CID 400, 401)."""


def message(  # noqa: PLR0913  the facts of a record
    event: str,
    who: str,
    at: datetime,
    *,
    study: str = "",
    address: str = "",
    failed: str = "",
    detail: str = "",
) -> str:
    """One audit message, XML.

    Args:
        event: One of `EVENTS`.
        who: Account, token or application entity title.
        at: When.
        study: StudyInstanceUID.
        address: From where.
        failed: Why it did not go well; empty where it did.
        detail: What else has to be known, in words.

    Raises:
        UnknownName: An event that there is not.
    """
    act = EVENTS.get(event)
    if act is None:
        raise UnknownName("an audit event has a known name", got=event)
    root = Element("AuditMessage")
    told = SubElement(
        root,
        "EventIdentification",
        EventActionCode=act.action,
        EventDateTime=at.isoformat(timespec="milliseconds"),
        EventOutcomeIndicator="4" if failed else "0",
    )
    _code(told, "EventID", act.code, act.meaning)
    if act.kind:
        _code(told, "EventTypeCode", *act.kind)
    if failed or detail:
        SubElement(told, "EventOutcomeDescription").text = _clean(f"{failed} {detail}".strip())
    person = SubElement(root, "ActiveParticipant", UserID=_clean(who), UserIsRequestor="true")
    if address:
        person.set("NetworkAccessPointID", _clean(address))
        person.set("NetworkAccessPointTypeCode", "2")
    source = SubElement(root, "AuditSourceIdentification", AuditSourceID="skiagraph")
    SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})
    if study:
        about = SubElement(
            root,
            "ParticipantObjectIdentification",
            ParticipantObjectID=_clean(study),
            ParticipantObjectTypeCode="2",
            ParticipantObjectTypeCodeRole="3",
        )
        _code(about, "ParticipantObjectIDTypeCode", "110180", "Study Instance UID")
    return tostring(root, encoding="unicode")


def _code(parent: Element, name: str, code: str, meaning: str) -> None:
    SubElement(parent, name, {"csd-code": code, "codeSystemName": "DCM", "originalText": meaning})


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
