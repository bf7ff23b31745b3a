"""The index of the archive: rows of studies, series and instances, written for many objects at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, final

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from skiagraph.server.archive.headers import Described
from skiagraph.server.tables import Event, Instance, Series, Study

__all__ = ["Arrival", "Entered", "Verdict", "enter"]

Verdict = Literal["new", "known", "conflict"]
"""``"known"`` is an instance that is there with the same content; ``"conflict"`` one that is there with another, or one
whose series belongs to another study."""

_MOST: Final = 500  # values of one IN


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One object that came.

    Args:
        described: What the index keeps of it.
        digest: SHA-256 of the file.
        size: In bytes.
        same_as: Digest of another file that holds the same object; empty where none is known.
        ours: Whether it is a result that we made.
    """

    described: Described
    digest: str
    size: int
    same_as: str = ""
    ours: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What became of some objects.

    Args:
        verdicts: Of each.
        grown: UIDs of the studies to which images came.
    """

    verdicts: tuple[Verdict, ...]
    grown: frozenset[str]


def enter(session: Session, arrivals: Sequence[Arrival]) -> Entered:
    """Writes the rows of some objects.

    New images of others bring their study back to ``"received"``; results of ours do not. What is known changes
    nothing; a conflict changes nothing but that an event tells of it, once.

    Args:
        session: A transaction that writes.
        arrivals: In the order in which they came: the first of an instance counts.
    """
    entry = _Entry(session, arrivals)
    verdicts = tuple(entry.judge(arrival) for arrival in arrivals)
    entry.write()
    return Entered(verdicts=verdicts, grown=frozenset(entry.grown))


@final
@dataclass(slots=True)
class _Group:
    """A study or a series: its row, and what comes to it."""

    id: int | None
    study: str
    values: dict[str, Any]  # of a new row
    modalities: frozenset[str] = frozenset()
    instances: int = 0
    series: int = 0
    images: int = 0  # of others


@final
class _Entry:
    """One batch: what was there, and what comes to it."""

    def __init__(self, session: Session, arrivals: Sequence[Arrival]) -> None:
        self._session, self._now = session, datetime.now(UTC)
        described = [arrival.described for arrival in arrivals]
        self._studies: dict[str, _Group] = {}
        self._series: dict[str, _Group] = {}
        self._instances: dict[str, tuple[str, str]] = {}  # digest, and UID of the study
        self._rows: list[tuple[Arrival, _Group]] = []
        self._conflicts: list[tuple[str, Arrival]] = []
        self._find_studies({d.study["uid"] for d in described})
        self._find_series({d.series["uid"] for d in described})
        self._find_instances({d.instance["uid"] for d in described})

    @property
    def grown(self) -> list[str]:
        """UIDs of the studies to which images came."""
        return [study.study for study in self._studies.values() if study.images]

    def judge(self, arrival: Arrival) -> Verdict:
        """What becomes of one; nothing is written yet."""
        told = arrival.described
        uid, series_uid, study_uid = told.instance["uid"], told.series["uid"], told.study["uid"]
        there = self._instances.get(uid)
        if there is not None and there[0] in (arrival.digest, arrival.same_as):
            return "known"
        owner = there[1] if there else getattr(self._series.get(series_uid), "study", study_uid)
        if there is not None or owner != study_uid:
            self._conflicts.append((owner, arrival))
            return "conflict"
        study = self._studies.setdefault(study_uid, _Group(None, study_uid, dict(told.study)))
        series = self._series.get(series_uid)
        if series is None:
            series = self._series[series_uid] = _Group(None, study_uid, dict(told.series))
            study.series += 1
            study.modalities |= {told.series["modality"]} - {""}
        study.instances += 1
        series.instances += 1
        study.images += not arrival.ours
        self._rows.append((arrival, series))
        self._instances[uid] = (arrival.digest, study_uid)
        return "new"

    def write(self) -> None:
        """All that was judged to be new, in few statements."""
        self._write_studies()
        self._write_series()
        rows = [
            {
                **arrival.described.instance,
                "series_id": series.id,
                "digest": arrival.digest,
                "size": arrival.size,
                "ours": arrival.ours,
                "received": self._now,
            }
            for arrival, series in self._rows
        ]
        if rows:
            self._session.execute(insert(Instance), rows)
        events = [
            {
                "study_id": study.id,
                "at": self._now,
                "kind": "received",
                "detail": {"instances": study.images, "series": study.series},
            }
            for study in self._studies.values()
            if study.images
        ]
        if events:
            self._session.execute(insert(Event), events)
        for owner, arrival in self._conflicts:
            self._tell_conflict(owner, arrival)

    def _write_studies(self) -> None:
        new = [study for study in self._studies.values() if study.id is None]
        old = [study for study in self._studies.values() if study.id is not None and study.instances]
        self._inserted(
            Study,
            new,
            [
                {
                    **study.values,
                    "modalities": _joined(study.modalities),
                    "series_count": study.series,
                    "instance_count": study.instances,
                    "received": self._now,
                    "changed": self._now,
                }
                for study in new
            ],
        )
        for study in old:
            self._grow(study)

    def _grow(self, study: _Group) -> None:
        values: dict[str, Any] = {
            "modalities": _joined(study.modalities),
            "series_count": Study.series_count + study.series,
            "instance_count": Study.instance_count + study.instances,
        }
        if study.images:
            values |= {"changed": self._now, "state": "received", "reason": ""}
        self._session.execute(update(Study).where(Study.id == study.id).values(values))

    def _write_series(self) -> None:
        new = [series for series in self._series.values() if series.id is None]
        rows = [
            {
                **series.values,
                "study_id": self._studies[series.study].id,
                "instance_count": series.instances,
            }
            for series in new
        ]
        old = [series for series in self._series.values() if series.id is not None and series.instances]
        self._inserted(Series, new, rows)
        for series in old:
            more = Series.instance_count + series.instances
            self._session.execute(update(Series).where(Series.id == series.id).values(instance_count=more))

    def _inserted(
        self, table: type[Study | Series], groups: list[_Group], rows: list[dict[str, Any]]
    ) -> None:
        """Inserts the rows of new groups, which get their numbers."""
        if rows:
            asked = insert(table).returning(table.id, sort_by_parameter_order=True)
            for group, number in zip(groups, self._session.scalars(asked, rows), strict=True):
                group.id = number

    def _tell_conflict(self, owner: str, arrival: Arrival) -> None:
        """An event, once, although a batch may be done twice."""
        study = self._session.scalars(select(Study.id).where(Study.uid == owner)).one()
        detail = {"instance": arrival.described.instance["uid"], "digest": arrival.digest}
        told = select(Event.detail).where(Event.study_id == study, Event.kind == "conflict")
        if detail not in self._session.scalars(told).all():
            self._session.add(Event(study_id=study, at=self._now, kind="conflict", detail=detail))
            self._session.flush()

    def _find_studies(self, uids: set[str]) -> None:
        asked = select(Study.uid, Study.id, Study.modalities)
        for uid, number, modalities in self._rows_of(asked, Study.uid, uids):
            known = frozenset(modalities.split("\\")) - {""}
            self._studies[uid] = _Group(number, uid, {}, modalities=known)

    def _find_series(self, uids: set[str]) -> None:
        asked = select(Series.uid, Series.id, Study.uid).join(Study, Series.study_id == Study.id)
        for uid, number, study in self._rows_of(asked, Series.uid, uids):
            self._series[uid] = _Group(number, study, {})

    def _find_instances(self, uids: set[str]) -> None:
        asked = select(Instance.uid, Instance.digest, Study.uid)
        asked = asked.join(Series, Instance.series_id == Series.id).join(Study, Series.study_id == Study.id)
        for uid, digest, study in self._rows_of(asked, Instance.uid, uids):
            self._instances[uid] = (digest, study)

    def _rows_of(
        self, asked: Select[Any, Any, Any], column: InstrumentedAttribute[str], uids: set[str]
    ) -> Iterator[Any]:
        ordered = sorted(uids)
        for at in range(0, len(ordered), _MOST):
            yield from self._session.execute(asked.where(column.in_(ordered[at : at + _MOST])))


def _joined(modalities: Iterable[str]) -> str:
    r"""``\CT\SR\``, as the column holds them."""
    text = "\\".join(sorted(modalities))
    return f"\\{text}\\" if text else ""
