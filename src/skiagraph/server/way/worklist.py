"""The worklist: which studies a person looks for, in which order, and how many there are in each state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from skiagraph.errors import InvalidInput, StateError, UnknownName
from skiagraph.server.people.access import Caller, visible
from skiagraph.server.site import Site
from skiagraph.server.tables import Event, Run, Series, Study, User
from skiagraph.server.way.states import moved, study_of, told

__all__ = [
    "Found",
    "Wish",
    "assigned",
    "changing",
    "events_after",
    "found",
    "last_event",
    "prioritised",
    "reread",
    "runs_of",
    "seen_study",
    "series_of",
]


Order = Literal["priority", "received", "date", "name", "state"]
_MOST: Final = 500


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is looked for; what is left empty fits all.

    Args:
        text: In patient name, patient ID, accession number or description; words may stand in any order.
        modality: DICOM Modality of a series.
        states: States of the study.
        since: First study date, YYYYMMDD.
        until: Last study date.
        reader: Number of the account that the study is assigned to; 0 for studies of nobody.
        order: What comes first: by ``"priority"`` the highest and then the oldest that wait.
        start: How many are left out.
        most: How many are told, to 500.

    Raises:
        InvalidInput: Out of range.
    """

    text: str = ""
    modality: str = ""
    states: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    reader: int | None = None
    order: Order = "priority"
    start: int = 0
    most: int = 100

    def __post_init__(self) -> None:
        if self.start < 0 or not 1 <= self.most <= _MOST:
            raise InvalidInput(f"a page has 1 to {_MOST} studies", got=f"{self.most} from {self.start}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of the worklist.

    Args:
        studies: In their order.
        total: How many fit.
        states: How many fit in each state, whatever state was asked for.
    """

    studies: tuple[Study, ...]
    total: int
    states: dict[str, int]


def found(session: Session, caller: Caller, wish: Wish) -> Found:
    """The studies that fit, of those that a caller sees.

    Args:
        session: A transaction.
        caller: Who asks.
        wish: What is looked for.
    """
    conditions = [visible(caller), *_conditions(wish)]
    counts = select(Study.state, func.count()).where(*conditions).group_by(Study.state)
    states = {row[0]: row[1] for row in session.execute(counts)}
    if wish.states:
        conditions.append(Study.state.in_(wish.states))
    total = sum(n for state, n in states.items() if not wish.states or state in wish.states)
    page = _ordered(select(Study).where(*conditions), wish.order).offset(wish.start).limit(wish.most)
    return Found(studies=tuple(session.scalars(page)), total=total, states=states)


def _conditions(wish: Wish) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for word in wish.text.split():
        folded = word.casefold()
        conditions.append(
            or_(
                Study.folded.contains(folded, autoescape=True),
                Study.patient_id.icontains(word, autoescape=True),
                Study.accession.icontains(word, autoescape=True),
                Study.description.icontains(word, autoescape=True),
            )
        )
    if wish.modality:
        conditions.append(Study.modalities.contains(f"\\{wish.modality}\\", autoescape=True))
    if wish.since:
        conditions.append(Study.date >= wish.since)
    if wish.until:
        conditions.append((Study.date <= wish.until) & (Study.date != ""))
    if wish.reader is not None:
        conditions.append(Study.assigned == wish.reader if wish.reader else Study.assigned.is_(None))
    return conditions


def _ordered(query: Select[Study], order: Order) -> Select[Study]:
    by = {
        "priority": (Study.priority.desc(), Study.received),
        "received": (Study.received.desc(),),
        "date": (Study.date.desc(), Study.time.desc()),
        "name": (Study.folded,),
        "state": (Study.state, Study.received),
    }[order]
    return query.order_by(*by, Study.id)


def seen_study(session: Session, caller: Caller, uid: str) -> Study:
    """A study that a caller sees.

    Raises:
        MissingInput: There is none, or none that they see: nobody learns which.
    """
    study = session.scalar(select(Study).where(Study.uid == uid, visible(caller)))
    return study if study is not None else study_of(session, "")


def series_of(session: Session, study: Study) -> tuple[Series, ...]:
    """The series of a study, by their numbers."""
    rows = select(Series).where(Series.study_id == study.id).order_by(Series.number, Series.id)
    return tuple(session.scalars(rows))


def runs_of(session: Session, study: Study) -> tuple[Run, ...]:
    """The traces of all inferences about a study, the oldest first."""
    return tuple(session.scalars(select(Run).where(Run.study_id == study.id).order_by(Run.id)))


@contextmanager
def changing(site: Site, caller: Caller, uid: str, event: str) -> Iterator[tuple[Session, Study]]:
    """A transaction in which a caller changes a study that they see; it stands in the audit trail, or did not happen.

    Args:
        site: The server.
        caller: Who changes it.
        uid: StudyInstanceUID.
        event: What is recorded.

    Yields:
        The session, and the study, which waits for nobody else.

    Raises:
        MissingInput: There is no such study, or none that they see.
    """
    with site.database.writing() as session:
        study = session.scalar(select(Study).where(Study.uid == uid, visible(caller)).with_for_update())
        yield session, study if study is not None else study_of(session, "")
        site.audit.record(event, caller.name, study=uid, address=caller.address, session=session)


def assigned(session: Session, study: Study, name: str | None) -> None:
    """Gives a study to a reader, or to nobody.

    Raises:
        UnknownName: No such reader.
    """
    reader = None if name is None else session.scalar(select(User).where(User.name == name))
    if name is not None and (reader is None or reader.disabled):
        raise UnknownName("a study is assigned to an account", got="a name that there is not")
    study.assigned = None if reader is None else reader.id
    told(session, study, "assigned", reader=name or "")


def prioritised(session: Session, study: Study, priority: int) -> None:
    """Puts a study before others, or behind.

    Raises:
        InvalidInput: Out of range.
    """
    if not -100 <= priority <= 100:
        raise InvalidInput("a priority lies between -100 and 100", got=str(priority))
    study.priority = priority
    told(session, study, "priority", priority=priority)


def events_after(session: Session, caller: Caller, last: int, uid: str = "") -> list[tuple[Event, str]]:
    """What happened after an event, with the study of each.

    Args:
        session: A transaction.
        caller: Who asks; they hear of studies that they see.
        last: Number of the last event that they know.
        uid: Of one study; empty for all.
    """
    query = select(Event, Study.uid).join(Study).where(Event.id > last, visible(caller)).order_by(Event.id)
    if uid:
        query = query.where(Study.uid == uid)
    return [(event, study) for event, study in session.execute(query.limit(_MOST))]


def last_event(session: Session) -> int:
    """Number of the newest event; 0 before the first."""
    return session.scalar(select(func.max(Event.id))) or 0


def reread(session: Session, study: Study) -> None:
    """Lets a study be read anew, by the rules as they are now.

    Raises:
        StateError: Its report is with a reader, or signed.
    """
    if study.state not in ("unread", "drafted"):
        raise StateError("a study is read anew before a reader has it", got=study.state)
    moved(session, study, "received", why="asked")
