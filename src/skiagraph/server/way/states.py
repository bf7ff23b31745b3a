"""Where a study is on its way, what may follow, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from skiagraph.errors import MissingInput, StateError
from skiagraph.server.tables import Event, State, Study

__all__ = ["NEXT", "STATES", "moved", "study_of", "told"]

STATES: Final[tuple[State, ...]] = get_args(State)

NEXT: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        "received": frozenset({"complete"}),
        "complete": frozenset({"prepared", "unread", "received"}),
        "prepared": frozenset({"read", "unread", "received"}),
        "read": frozenset({"drafted", "unread", "received"}),
        "drafted": frozenset({"in review", "signed", "received"}),
        "in review": frozenset({"drafted", "signed", "received"}),
        "signed": frozenset({"delivered", "in review", "received"}),
        "delivered": frozenset({"signed", "in review", "received"}),
        "unread": frozenset({"complete", "in review", "received"}),
    }
)
"""What may follow. New images bring a study back to the beginning from everywhere; what was signed stays signed, in its
report. A study that no model reads can be reported by hand."""


def study_of(session: Session, uid: str, *, locked: bool = False) -> Study:
    """The study of a StudyInstanceUID.

    Args:
        session: A transaction.
        uid: StudyInstanceUID.
        locked: Whether others wait until this transaction ends, because it changes the study.

    Raises:
        MissingInput: There is none.
    """
    wanted = select(Study).where(Study.uid == uid)
    study = session.scalar(wanted.with_for_update() if locked else wanted)
    if study is None:
        raise MissingInput("a study is in the archive", got="the UID of another")
    return study


def moved(session: Session, study: Study, to: State, *, reason: str = "", **detail: Any) -> None:
    """Brings a study to a state, and tells those who watch; where it is there already nothing happens.

    Args:
        session: A transaction that holds the study (`study_of` with ``locked``).
        study: Which.
        to: Where to.
        reason: Why, where that has to be said: of an ``"unread"`` study.
        detail: Facts for those who watch; never patient data.

    Raises:
        StateError: The way does not lead there from where the study is.
    """
    now = study.state
    if now == to and study.reason == reason:
        return
    if now != to and to not in NEXT[now]:  # type: ignore[index]
        raise StateError(f"a study becomes {to} from another state", got=now)
    study.state, study.reason = to, reason
    told(session, study, to, **({"reason": reason} if reason else {}), **detail)


def told(session: Session, study: Study, kind: str, **detail: Any) -> None:
    """Writes an event for those who watch."""
    session.add(Event(study_id=study.id, at=datetime.now(UTC), kind=kind, detail=detail))
