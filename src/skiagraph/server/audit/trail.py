"""The audit trail: each record holds the digest of the one before, so that what was changed or taken out shows."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from skiagraph.server.audit.messages import message
from skiagraph.server.database import Database
from skiagraph.server.tables import AuditRecord

__all__ = ["Audit", "Verdict"]

_FIRST: Final = "0" * 64
_AT_ONCE: Final = 1000
_ONE_WRITER: Final = 0x5C1A  # the number of the lock that writers of the trail share in PostgreSQL


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a look through the trail found.

    Args:
        records: How many there are.
        broken: Number of the first record that is not as it was written; None where all are.
        last: Digest of the last record: who keeps it elsewhere sees whether the end was cut off.
    """

    records: int
    broken: int | None
    last: str


@final
class Audit:
    """Writes and checks the trail.

    Args:
        database: Where it lies.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(  # noqa: PLR0913  the facts of a record
        self,
        event: str,
        who: str,
        *,
        study: str = "",
        address: str = "",
        failed: str = "",
        detail: str = "",
        session: Session | None = None,
    ) -> None:
        """Adds a record.

        Args:
            event: One of `skiagraph.server.audit.messages.EVENTS`.
            who: Account, token or application entity title.
            study: StudyInstanceUID.
            address: From where.
            failed: Why it did not go well; empty where it did.
            detail: What else has to be known.
            session: The transaction of the change that is recorded, so that both are there or neither; last in it, for
                writers of the trail wait for one another. None for one of its own.

        Raises:
            UnknownName: An event that there is not.
            DatabaseGone: It cannot be written; then what was to be recorded must not happen.
        """
        at = datetime.now(UTC)
        words = message(event, who, at, study=study, address=address, failed=failed, detail=detail)
        with self._database.writing() if session is None else nullcontext(session) as own:
            if not self._database.sqlite:
                own.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _ONE_WRITER})
            last = own.execute(
                select(AuditRecord.id, AuditRecord.digest).order_by(AuditRecord.id.desc()).limit(1)
            )
            number, before = last.one_or_none() or (0, _FIRST)
            own.add(
                AuditRecord(
                    id=number + 1,
                    at=at,
                    event=event,
                    who=who[:255],
                    study=study[:64],
                    message=words,
                    before=before,
                    digest=_digest(number + 1, before, words),
                )
            )
            own.flush()

    def verify(self) -> Verdict:
        """Looks through the whole trail.

        Raises:
            DatabaseGone: It cannot be read.
        """
        before, number = _FIRST, 0
        while True:
            with self._database.reading() as session:
                query = (
                    select(AuditRecord)
                    .where(AuditRecord.id > number)
                    .order_by(AuditRecord.id)
                    .limit(_AT_ONCE)
                )
                rows = list(session.scalars(query))
            for row in rows:
                number += 1
                told = (row.id, row.before, row.digest)
                if told != (number, before, _digest(number, before, row.message)) or not _columns_fit(row):
                    return Verdict(records=number, broken=number, last=before)
                before = row.digest
            if len(rows) < _AT_ONCE:
                return Verdict(records=number, broken=None, last=before)

    def has(self, digest: str) -> bool:
        """Whether a record of this digest is in the trail: one that was told before and is not was cut off.

        Raises:
            DatabaseGone: It cannot be read.
        """
        with self._database.reading() as session:
            return session.scalar(select(AuditRecord.id).where(AuditRecord.digest == digest)) is not None


def _digest(number: int, before: str, words: str) -> str:
    return hashlib.sha256(f"{number}\n{before}\n{words}".encode()).hexdigest()


def _columns_fit(row: AuditRecord) -> bool:
    """Whether the columns that are searched by say what the message says."""
    at = row.at.isoformat(timespec="milliseconds")
    return f'EventDateTime="{at}"' in row.message and (not row.study or row.study in row.message)
