"""Sessions in browsers: begun at sign-in with a new secret, ended when idle, when old, or when told to."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast, final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from skiagraph.errors import UnknownName
from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database, DatabaseGone
from skiagraph.server.people.access import Caller
from skiagraph.server.people.roles import MAY, Role
from skiagraph.server.people.secret import digest_of, new_secret
from skiagraph.server.people.visits import Known, Visit
from skiagraph.server.settings import Limits
from skiagraph.server.tables import Login, User

__all__ = ["Sessions"]

_MOST: Final = 20  # sessions of one person; the oldest end
_SEEN: Final = timedelta(seconds=60)  # between two notes of when a session was used


@final
class Sessions:
    """The sessions of all people.

    Args:
        database: Where they are kept.
        limits: How long they last.
        known: Visits of the last moment.
        audit: Where ends are written down.
    """

    def __init__(self, database: Database, limits: Limits, known: Known, audit: Audit) -> None:
        self._database = database
        self._idle = timedelta(minutes=limits.session_minutes)
        self._life = timedelta(hours=limits.session_hours)
        self._known = known
        self._audit = audit

    def begin(self, session: Session, user: int, *, address: str, agent: str) -> str:
        """Begins one, in a transaction of the caller's, and returns its secret.

        Those of anyone that are over are swept away.
        """
        now = datetime.now(UTC)
        session.execute(delete(Login).where(self._over(now)))
        mine = session.scalars(
            select(Login.id).where(Login.user_id == user).order_by(Login.created.desc(), Login.id.desc())
        ).all()
        session.execute(delete(Login).where(Login.id.in_(mine[_MOST - 1 :])))
        secret = new_secret()
        session.add(
            Login(
                user_id=user,
                secret=digest_of(secret),
                csrf=new_secret(),
                address=address[:64],
                agent=agent[:255],
                created=now,
                seen=now,
            )
        )
        return secret

    def visit(self, secret: str, address: str, *, use: bool = True) -> Visit | None:
        """Who has a session; None where it is over, or its owner may not enter.

        Args:
            secret: Of its cookie.
            address: From where somebody asks.
            use: Whether this counts as a use of it, after which it is not idle.

        Raises:
            DatabaseGone: The database does not answer.
        """
        now = datetime.now(UTC)
        with self._database.reading() as session:
            found = session.execute(
                select(Login, User)
                .join(User, User.id == Login.user_id)
                .where(Login.secret == digest_of(secret), ~self._over(now), User.disabled.is_(False))
            ).first()
        if found is None:
            return None
        login, user = found
        if use and now - login.seen > min(_SEEN, self._idle / 10):
            with contextlib.suppress(DatabaseGone):  # a full disk locks nobody out
                self._note(login.id, now)
        return Visit(caller=_caller(user, address), login=login.id, csrf=login.csrf)

    def listed(self, user: int) -> list[Login]:
        """Those of one person that are not over, the last used first."""
        with self._database.reading() as session:
            return list(
                session.scalars(
                    select(Login)
                    .where(Login.user_id == user, ~self._over(datetime.now(UTC)))
                    .order_by(Login.seen.desc(), Login.id.desc())
                )
            )

    def end(self, by: Caller, login: int) -> None:
        """Ends one of the caller's own.

        Raises:
            UnknownName: The caller has none of this number.
        """
        with self._database.writing() as session:
            ended = session.scalar(
                delete(Login).where(Login.id == login, Login.user_id == by.user).returning(Login.id)
            )
            if ended is None:
                raise UnknownName("a session that is ended is one of one's own", got=f"number {login}")
            self._audit.record("signed out", by.name, address=by.address, session=session)
        self._known.forget()

    def end_all(self, session: Session, user: int, *, but: int | None = None) -> None:
        """Ends all of one person, in a transaction of the caller's, who tells `Known` to forget after it.

        Args:
            session: The transaction.
            user: Whose.
            but: The one that stays.
        """
        session.execute(delete(Login).where(Login.user_id == user, Login.id != (but or 0)))

    def _over(self, now: datetime) -> Any:
        return or_(Login.seen < now - self._idle, Login.created < now - self._life)

    def _note(self, login: int, now: datetime) -> None:
        with self._database.writing() as session:
            session.execute(update(Login).where(Login.id == login).values(seen=now))


def _caller(user: User, address: str) -> Caller:
    may = MAY[cast("Role", user.role)]  # the accounts write no other
    return Caller(name=user.name, user=user.id, role=user.role, may=may, address=address)
