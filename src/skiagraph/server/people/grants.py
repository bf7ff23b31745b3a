"""Restricted studies: who may see each of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from skiagraph.errors import UnknownName
from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database
from skiagraph.server.people.access import Caller
from skiagraph.server.people.names import folded_name, is_name
from skiagraph.server.tables import Grant, Study, User

__all__ = ["Access", "Grants"]

_UID: Final = re.compile(r"[0-9.]{1,64}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who sees one study.

    Args:
        restricted: Whether only those named do.
        people: Their names.
    """

    restricted: bool
    people: tuple[str, ...]


@final
class Grants:
    """Who sees which restricted study.

    Args:
        database: Where that is kept.
        audit: Where changes are written down.
    """

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def of(self, uid: str) -> Access:
        """Who sees a study.

        Raises:
            UnknownName: There is none of this UID.
        """
        with self._database.reading() as session:
            study = _study(session, uid)
            names = session.scalars(
                select(User.name).join(Grant, Grant.user_id == User.id).where(Grant.study_id == study.id)
            )
            return Access(restricted=study.restricted, people=tuple(sorted(names)))

    def put(self, by: Caller, uid: str, *, restricted: bool, people: Sequence[str]) -> None:
        """Says who sees a study from now on.

        Args:
            by: Who says so.
            uid: Of the study.
            restricted: Whether only those named do.
            people: Names of accounts.

        Raises:
            UnknownName: There is no such study, or no such account.
        """
        names = {folded_name(name) for name in people}
        with self._database.writing() as session:
            study = _study(session, uid)
            known = [name for name in names if is_name(name)]
            users = session.scalars(select(User.id).where(User.name.in_(known))).all()
            if len(users) != len(names):
                raise UnknownName("access is given to accounts that are there", got="a name that nobody has")
            session.execute(delete(Grant).where(Grant.study_id == study.id))
            session.add_all(Grant(study_id=study.id, user_id=user) for user in users)
            study.restricted = restricted
            seen = f"for {', '.join(sorted(names)) or 'nobody'}" if restricted else "not restricted"
            self._audit.record(
                "study changed",
                by.name,
                study=study.uid,
                address=by.address,
                detail=f"access {seen}",
                session=session,
            )


def _study(session: Session, uid: str) -> Study:
    study = session.scalar(select(Study).where(Study.uid == uid)) if _UID.fullmatch(uid) else None
    if study is None:
        raise UnknownName("a study has a UID", got="one that is not here")
    return study
