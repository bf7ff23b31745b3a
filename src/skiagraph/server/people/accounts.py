"""Accounts: made by invitation, changed by administrators, each change written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, final, get_args

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from skiagraph.errors import InvalidInput, StateError, UnknownName
from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database
from skiagraph.server.people.access import Caller
from skiagraph.server.people.names import folded_name, is_name
from skiagraph.server.people.roles import Role
from skiagraph.server.people.sessions import Sessions
from skiagraph.server.people.visits import Known
from skiagraph.server.tables import User

__all__ = ["PERSONS", "Accounts"]

PERSONS: Final = tuple(role for role in get_args(Role) if role != "service")
"""The roles of people."""


@final
class Accounts:
    """The accounts of all people.

    Args:
        database: Where they are kept.
        sessions: Those of people whose rights end, end.
        known: Visits of the last moment.
        audit: Where changes are written down.
    """

    def __init__(self, database: Database, sessions: Sessions, known: Known, audit: Audit) -> None:
        self._database = database
        self._sessions = sessions
        self._known = known
        self._audit = audit

    def listed(self) -> list[User]:
        """All of them, by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(User).order_by(User.name)))

    def named(self, name: str) -> User:
        """One of them.

        Raises:
            UnknownName: There is none of this name.
        """
        with self._database.reading() as session:
            return _found(session, name)

    def made(
        self, session: Session, name: str, role: str, *, password: str, subject: str | None = None
    ) -> int:
        """Makes one, in a transaction of the caller's, and returns its number.

        Args:
            session: The transaction.
            name: Folded and checked.
            role: Of a person.
            password: Its hash; empty where another provider vouches.
            subject: Of that provider.

        Raises:
            InvalidInput: The name is taken.
        """
        user = User(
            name=name, role=role, password=password, subject=subject, created=datetime.now(UTC), display=""
        )
        session.add(user)
        try:
            session.flush()
        except IntegrityError as error:
            raise InvalidInput("each account has a name of its own", got="one that is taken") from error
        return user.id

    def set_role(self, by: Caller, name: str, role: str) -> None:
        """Gives another role.

        Raises:
            InvalidInput: A role that is none of a person's.
            UnknownName: There is no account of this name.
            StateError: The last administrator would be gone.
        """
        if role not in PERSONS:
            raise InvalidInput(f"a person is one of {', '.join(PERSONS)}", got=role)

        def change(session: Session, user: User) -> None:
            if role != "admin":
                _another_admin(session, user)
            user.role = role

        self._changed(by, name, f"role {role}", change)

    def disable(self, by: Caller, name: str) -> None:
        """Lets somebody in no more, and ends their sessions.

        Raises:
            UnknownName: There is no account of this name.
            StateError: The last administrator would be gone.
        """

        def change(session: Session, user: User) -> None:
            _another_admin(session, user)
            user.disabled = True
            self._sessions.end_all(session, user.id)

        self._changed(by, name, "disabled", change)

    def enable(self, by: Caller, name: str) -> None:
        """Lets somebody in again.

        Raises:
            UnknownName: There is no account of this name.
        """

        def change(_session: Session, user: User) -> None:
            user.disabled = False

        self._changed(by, name, "enabled", change)

    def unlock(self, by: Caller, name: str) -> None:
        """Ends the time in which wrong passwords locked somebody out.

        Raises:
            UnknownName: There is no account of this name.
        """

        def change(_session: Session, user: User) -> None:
            user.failures, user.locked_until = 0, None

        self._changed(by, name, "unlocked", change)

    def set_password(self, by: Caller, name: str, hashed: str, *, but: int | None) -> None:
        """Keeps another password, and ends the sessions of that account.

        Args:
            by: Who asks.
            name: Whose.
            hashed: Its hash.
            but: Number of the session that stays.

        Raises:
            UnknownName: There is no account of this name.
        """

        def change(session: Session, user: User) -> None:
            self.put_password(session, user, hashed, but=but)

        self._changed(by, name, "another password", change)

    def put_password(self, session: Session, user: User, hashed: str, *, but: int | None = None) -> None:
        """The same in a transaction of the caller's, who tells `Known` to forget after it, and the audit trail."""
        user.password, user.failures, user.locked_until = hashed, 0, None
        self._sessions.end_all(session, user.id, but=but)

    def _changed(self, by: Caller, name: str, what: str, change: Callable[[Session, User], None]) -> None:
        with self._database.writing() as session:
            user = _found(session, name)
            change(session, user)
            self._audit.record(
                "account changed", by.name, address=by.address, detail=f"{user.name}: {what}", session=session
            )
        self._known.forget()


def _found(session: Session, name: str) -> User:
    folded = folded_name(name)
    user = session.scalar(select(User).where(User.name == folded)) if is_name(folded) else None
    if user is None:
        raise UnknownName("an account has a name", got="one that nobody has")
    return user


def _another_admin(session: Session, user: User) -> None:
    """There stays somebody who can let others in."""
    admins = session.scalars(
        select(User.id)
        .where(User.role == "admin", User.disabled.is_(False))
        .order_by(User.id)
        .with_for_update()
    ).all()
    if list(admins) == [user.id]:
        raise StateError(
            "a server has an administrator", got="the last one", way_out="make somebody else one first"
        )
