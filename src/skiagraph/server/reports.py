"""The life of a report: draft, preliminary, final, amended; every version stays, and says who and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from skiagraph.errors import InvalidInput, MissingInput, NotPermitted, StateError
from skiagraph.geometry import derived_frame
from skiagraph.report import reading_from_plain
from skiagraph.server.people.access import Caller
from skiagraph.server.tables import Report, Study
from skiagraph.server.way.states import moved

__all__ = ["FORMAT", "VERSION", "Content", "amended", "draft", "latest", "rewritten", "signed", "versions_of"]

FORMAT: Final = "skiagraph-report"
VERSION: Final = 1
_LONGEST: Final = 100_000  # letters of a text
_MOST: Final = 200  # key images


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a version of a report says.

    Args:
        readings: Documents of `reading_to_plain`, one a case and model: findings, in values.
        text: The words of the reader, by language; empty takes the words of the findings.
        key_images: SOPInstanceUID and frame (from 1) of the images that show it.

    Raises:
        InvalidInput: A document that is no reading, too long a text, or a frame below 1.
        FormatError: As above.
    """

    readings: Sequence[Mapping[str, Any]]
    text: Mapping[str, str] = field(default_factory=dict)
    key_images: Sequence[tuple[str, int]] = ()

    def __post_init__(self) -> None:
        for one in self.readings:
            reading_from_plain(one)
        if not set(self.text) <= {"en", "zh"} or any(len(words) > _LONGEST for words in self.text.values()):
            raise InvalidInput(f"a report is written in en and zh, up to {_LONGEST} letters", got="another")
        if len(self.key_images) > _MOST or any(frame < 1 for _, frame in self.key_images):
            raise InvalidInput(f"a report has up to {_MOST} key images, frames from 1", got="others")

    def plain(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "readings": [dict(one) for one in self.readings],
            "text": dict(self.text),
            "key_images": [list(one) for one in self.key_images],
        }


def draft(session: Session, study: Study, digest: str, readings: Sequence[Mapping[str, Any]]) -> Report:
    """The first version of the report about the images of a study; where it is there already, the newest draft.

    A draft that models made anew, before a reader took it, is a version of its own.

    Args:
        session: A transaction that holds the study.
        study: Which.
        digest: Of its images.
        readings: Documents of `reading_to_plain`, one a case and model.

    Returns:
        A version that nobody has signed.
    """
    identifier = derived_frame(f"report {study.uid} {digest}")
    content = Content(readings=readings).plain()
    there = _newest(session, identifier)
    if there is not None and (there.state != "draft" or there.content == content):
        return there
    begun = Report(
        study_id=study.id,
        identifier=identifier,
        version=1 if there is None else there.version + 1,
        state="draft",
        content=content,
        at=datetime.now(UTC),
    )
    session.add(begun)
    session.flush()
    return begun


def versions_of(session: Session, study: Study) -> tuple[Report, ...]:
    """All versions of all reports of a study, the newest last."""
    return tuple(session.scalars(select(Report).where(Report.study_id == study.id).order_by(Report.id)))


def latest(session: Session, study: Study, identifier: str) -> Report:
    """The newest version of a report.

    Raises:
        MissingInput: The study has no such report.
    """
    there = _newest(session, identifier)
    if there is None or there.study_id != study.id:
        raise MissingInput("a study has the report that is asked for", got="the identifier of another")
    return there


def rewritten(
    session: Session, study: Study, base: tuple[str, int], content: Content, caller: Caller
) -> Report:
    """A reader changes what is not signed for good; a new version, while the old one stays.

    Args:
        session: A transaction that holds the study.
        study: Which.
        base: Identifier and version that the reader has before them.
        content: What the report says now.
        caller: Who writes.

    Raises:
        MissingInput: There is no such report.
        StateError: It is signed, or somebody wrote a newer version meanwhile.
        NotPermitted: Who asks is no person.
    """
    old = _based(session, study, base)
    if old.state not in ("draft", "preliminary"):
        raise StateError("a signed report is amended, not rewritten", got=f"a {old.state} report")
    made = _next(session, study, old, caller, state=old.state, content=content.plain())
    if study.state in ("drafted", "unread"):
        moved(session, study, "in review", report=old.identifier, version=made.version)
    return made


def signed(
    session: Session,
    study: Study,
    base: tuple[str, int],
    caller: Caller,
    state: Literal["preliminary", "final"] = "final",
) -> Report:
    """A reader stands for a report: for now, or for good.

    Args:
        session: A transaction that holds the study.
        study: Which.
        base: Identifier and version that the reader has before them.
        caller: Who signs.
        state: ``"preliminary"``, to be confirmed, or ``"final"``.

    Raises:
        MissingInput: There is no such report.
        StateError: It is signed already, or somebody wrote a newer version meanwhile.
        NotPermitted: Who asks is no person.
    """
    old = _based(session, study, base)
    allowed = ("draft",) if state == "preliminary" else ("draft", "preliminary")
    if old.state not in allowed:
        raise StateError(f"a report becomes {state} from {' or '.join(allowed)}", got=f"a {old.state} report")
    made = _next(session, study, old, caller, state=state, content=old.content)
    to: Literal["signed", "in review"] = "signed" if state == "final" else "in review"
    if study.state != "received":
        moved(session, study, to, report=old.identifier, version=made.version)
    return made


def amended(
    session: Session, study: Study, base: tuple[str, int], content: Content, reason: str, caller: Caller
) -> Report:
    """A reader corrects what was signed for good, and says why.

    Args:
        session: A transaction that holds the study.
        study: Which.
        base: Identifier and version that the reader has before them.
        content: What the report says now.
        reason: Why it was changed.
        caller: Who signs.

    Raises:
        MissingInput: There is no such report.
        InvalidInput: No reason.
        StateError: It is not signed yet, or somebody wrote a newer version meanwhile.
        NotPermitted: Who asks is no person.
    """
    if not reason.strip():
        raise InvalidInput("an amended report says why it was changed", got="no reason")
    old = _based(session, study, base)
    if old.state not in ("final", "amended"):
        raise StateError("a report is amended once it is signed for good", got=f"a {old.state} report")
    made = _next(session, study, old, caller, state="amended", content=content.plain(), reason=reason.strip())
    if study.state != "received":
        moved(session, study, "signed", report=old.identifier, version=made.version)
    return made


def _newest(session: Session, identifier: str) -> Report | None:
    last = select(func.max(Report.version)).where(Report.identifier == identifier).scalar_subquery()
    return session.scalar(select(Report).where(Report.identifier == identifier, Report.version == last))


def _based(session: Session, study: Study, base: tuple[str, int]) -> Report:
    there = latest(session, study, base[0])
    if there.version != base[1]:
        raise StateError(
            "a report is written on its newest version",
            got=f"version {base[1]}, while there is version {there.version}",
            way_out="look at the newer one, and write on that",
        )
    return there


def _next(session: Session, study: Study, old: Report, caller: Caller, **said: Any) -> Report:
    if caller.user is None:
        raise NotPermitted("reports are written by people", got="a token")
    made = Report(
        study_id=study.id,
        identifier=old.identifier,
        version=old.version + 1,
        user_id=caller.user,
        reader=caller.name,
        at=datetime.now(UTC),
        **said,
    )
    session.add(made)
    try:
        session.flush()
    except IntegrityError as error:
        raise StateError(
            "a report is written on its newest version", got="another that was written meanwhile"
        ) from error
    return made
