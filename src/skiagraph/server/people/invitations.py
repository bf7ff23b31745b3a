"""Links that make one account, or give one a new password: once, and not for long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, final

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database
from skiagraph.server.people.access import Caller
from skiagraph.server.people.accounts import PERSONS, Accounts
from skiagraph.server.people.names import checked_name
from skiagraph.server.people.passwords import Passwords
from skiagraph.server.people.secret import digest_of, new_secret
from skiagraph.server.people.visits import Known
from skiagraph.server.tables import Invitation, User

__all__ = ["Invitations", "Invited"]

_LASTS: Final = timedelta(hours=72)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """What a link is good for.

    Args:
        number: Of the invitation.
        role: Of the account that it makes.
        name: Of the account that gets a new password; empty where one is made.
    """

    number: int
    role: str
    name: str = ""


@final
class Invitations:
    """All links that are open.

    Args:
        database: Where they are kept.
        accounts: What they make.
        passwords: Makes hashes.
        known: Visits of the last moment.
        audit: Where they are written down.
    """

    def __init__(
        self, database: Database, accounts: Accounts, passwords: Passwords, known: Known, audit: Audit
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._passwords = passwords
        self._known = known
        self._audit = audit

    def first(self) -> str | None:
        """The secret of the link that makes the first administrator; None where there are accounts.

        Those of before end: the last one printed counts.
        """
        with self._database.writing() as session:
            if session.scalar(select(exists().select_from(User))):
                return None
            session.execute(delete(Invitation))
            secret = self._kept(session, "admin", None)
            self._audit.record("account changed", "server", detail="first admin invited", session=session)
        return secret

    def invite(self, by: Caller, role: str) -> str:
        """The secret of a link that makes an account.

        Raises:
            InvalidInput: A role that is none of a person's.
        """
        given = next((one for one in PERSONS if one == role), None)
        if given is None:
            raise InvalidInput(f"a person is one of {', '.join(PERSONS)}", got=role)
        with self._database.writing() as session:
            secret = self._kept(session, given, None)
            self._audit.record(
                "account changed", by.name, address=by.address, detail=f"{role} invited", session=session
            )
        return secret

    def renew(self, by: Caller, name: str) -> str:
        """The secret of a link that gives an account a new password; its open ones end.

        Raises:
            UnknownName: There is no account of this name.
        """
        user = self._accounts.named(name)
        with self._database.writing() as session:
            session.execute(delete(Invitation).where(Invitation.user_id == user.id))
            secret = self._kept(session, user.role, user.id)
            self._audit.record(
                "account changed", by.name, address=by.address, detail=f"{user.name}: link", session=session
            )
        return secret

    def opened(self, secret: str) -> Invited:
        """What a link is good for.

        Raises:
            UnknownName: Nothing: it was used, is over, or there is none.
        """
        with self._database.reading() as session:
            found = session.execute(
                select(Invitation, User.name)
                .outerjoin(User, User.id == Invitation.user_id)
                .where(
                    Invitation.secret == digest_of(secret),
                    Invitation.used.is_(False),
                    Invitation.expires > datetime.now(UTC),
                )
            ).first()
        if found is None:
            raise _none()
        invitation, name = found
        return Invited(number=invitation.id, role=invitation.role, name=name or "")

    def accept(self, secret: str, name: str, password: str, *, address: str) -> str:
        """Makes the account, or gives it the password; returns its name. Of several at once, one succeeds.

        Args:
            secret: Of the link.
            name: Of the new account; that of an account which is there counts before it.
            password: The new one.
            address: From where somebody asks.

        Raises:
            UnknownName: The link is good for nothing.
            InvalidInput: A name that is taken or none, or a password that is guessed soon.
        """
        invited = self.opened(secret)
        named = invited.name or checked_name(name)
        hashed = self._passwords.hashed(password, named)  # slow, and so before the transaction
        with self._database.writing() as session:
            taken = session.scalar(
                update(Invitation)
                .where(Invitation.id == invited.number, Invitation.used.is_(False))
                .values(used=True)
                .returning(Invitation.id)
            )
            if taken is None:
                raise _none()
            user = session.scalar(select(User).where(User.name == named)) if invited.name else None
            if user is None:
                self._accounts.made(session, named, invited.role, password=hashed)
            else:
                self._accounts.put_password(session, user, hashed)
            self._audit.record(
                "account changed",
                named,
                address=address,
                detail=f"{named}: {invited.role}, by link",
                session=session,
            )
        self._known.forget()
        return named

    def _kept(self, session: Session, role: str, user: int | None) -> str:
        now, secret = datetime.now(UTC), new_secret()
        session.execute(delete(Invitation).where(Invitation.expires < now))
        session.add(Invitation(secret=digest_of(secret), role=role, user_id=user, expires=now + _LASTS))
        return secret


def _none() -> UnknownName:
    return UnknownName(
        "a link is used once, within three days", got="another", way_out="ask an administrator for a new one"
    )
