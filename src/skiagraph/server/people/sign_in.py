"""Signing in and out: a lock after wrong passwords, and no word on which accounts there are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import final

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from skiagraph.errors import InvalidInput, StateError
from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database
from skiagraph.server.people.access import Caller, Unknown
from skiagraph.server.people.accounts import Accounts
from skiagraph.server.people.names import folded_name, is_name
from skiagraph.server.people.openid import Answer, Identity, Provider
from skiagraph.server.people.passwords import Passwords
from skiagraph.server.people.secret import digest_of
from skiagraph.server.people.sessions import Sessions
from skiagraph.server.people.throttle import Throttle
from skiagraph.server.people.visits import Known
from skiagraph.server.settings import Limits
from skiagraph.server.tables import Login, User

__all__ = ["Door", "Visitor"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who stands at the door.

    Args:
        address: From where they ask.
        agent: What their browser calls itself.
        secret: Of the session that the browser had before; it ends.
    """

    address: str
    agent: str = ""
    secret: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Door:
    """Where people come in.

    Args:
        database: Where accounts are kept.
        limits: How many tries there are.
        accounts: Those of people.
        passwords: Compares hashes.
        sessions: Begun here.
        known: Visits of the last moment.
        throttle: Tries of each address.
        audit: Where each try is written down.
    """

    database: Database
    limits: Limits
    accounts: Accounts
    passwords: Passwords
    sessions: Sessions
    known: Known
    throttle: Throttle
    audit: Audit

    def enter(self, name: str, password: str, visitor: Visitor) -> str:
        """Begins a session, and returns its secret.

        Raises:
            Unknown: Name and password do not fit, or the account is locked or disabled: one sentence for all.
            Throttled: Too many tries from one address.
        """
        self.throttle.take(visitor.address)
        folded = folded_name(name)
        with self.database.reading() as session:
            found = (
                session.execute(
                    select(User.id, User.password).where(User.name == folded, User.disabled.is_(False))
                ).first()
                if is_name(folded)
                else None
            )
        number, known = found or (0, "")
        fits = self.passwords.fit(known, password)
        renewed = self.passwords.again(password) if fits and self.passwords.outdated(known) else None
        with self.database.writing() as session:
            user = session.scalar(select(User).where(User.id == number).with_for_update())
            if user is None or not self._let_in(user, fits=fits and user.password == known):
                self._refused(session, folded if user is not None else "an unknown name", visitor)
                secret = ""
            else:
                user.password = renewed or user.password
                secret = self._begun(session, user, visitor)
        self.known.forget()
        if not secret:
            raise _refusal(self.limits)
        return secret

    def ask(self, provider: Provider, back: str, visitor: Visitor) -> tuple[str, str]:
        """The page of a provider to which a browser goes, and the secret that it keeps; see `Provider.begin`.

        Raises:
            Unknown: The provider does not answer.
            Throttled: Too many tries from one address.
        """
        self.throttle.take(visitor.address)
        return provider.begin(back)

    def enter_from(self, provider: Provider, answer: Answer, visitor: Visitor) -> str:
        """Begins a session of somebody for whom a provider vouches; the first time with a new account.

        Raises:
            Unknown: The provider does not vouch, or the account is disabled.
            Throttled: Too many tries from one address.
        """
        self.throttle.take(visitor.address)
        try:
            identity = provider.finish(answer)
        except Unknown:
            with self.database.writing() as session:
                self._refused(session, "an unknown name", visitor)
            raise
        return self._enter_as(identity, visitor)

    def _enter_as(self, identity: Identity, visitor: Visitor) -> str:
        with self.database.writing() as session:
            user = session.scalar(select(User).where(User.subject == identity.subject).with_for_update())
            if user is None:
                name = _free_name(session, identity)
                number = self.accounts.made(
                    session, name, identity.role, password="", subject=identity.subject
                )
                user = session.get_one(User, number)
            secret = ""
            if user.disabled:
                self._refused(session, user.name, visitor)
            else:
                user.role = identity.role
                secret = self._begun(session, user, visitor)
        self.known.forget()
        if not secret:
            raise _refusal(self.limits)
        return secret

    def leave(self, secret: str, who: str, address: str) -> None:
        """Ends the session of a secret; nothing where there is none."""
        with self.database.writing() as session:
            ended = session.scalar(delete(Login).where(Login.secret == digest_of(secret)).returning(Login.id))
            if ended is not None:
                self.audit.record("signed out", who, address=address, session=session)
        self.known.forget()

    def change_password(self, by: Caller, old: str, new: str, *, login: int | None) -> None:
        """Gives the caller another password; their other sessions end.

        Args:
            by: Who asks.
            old: The password of now.
            new: The next.
            login: Number of the session that stays.

        Raises:
            InvalidInput: The old one does not fit, or the new one is guessed soon.
            StateError: The account has no password.
            Throttled: Too many tries from one address.
        """
        self.throttle.take(by.address)
        user = self.accounts.named(by.name)
        if not user.password:
            raise StateError("a password is changed where there is one", got="an account of another provider")
        if not self.passwords.fit(user.password, old):
            raise InvalidInput("the old password fits", got="another")
        self.accounts.set_password(by, user.name, self.passwords.hashed(new, user.name), but=login)

    def _let_in(self, user: User, *, fits: bool) -> bool:
        """Counts wrong passwords; a right one does not open an account that is locked."""
        now = datetime.now(UTC)
        if user.disabled or (user.locked_until is not None and user.locked_until > now):
            return False
        if fits:
            user.failures, user.locked_until = 0, None
            return True
        user.failures += 1
        if user.failures >= self.limits.attempts:
            user.failures, user.locked_until = 0, now + timedelta(minutes=self.limits.lock_minutes)
        return False

    def _begun(self, session: Session, user: User, visitor: Visitor) -> str:
        if visitor.secret:
            session.execute(delete(Login).where(Login.secret == digest_of(visitor.secret)))
        secret = self.sessions.begin(session, user.id, address=visitor.address, agent=visitor.agent)
        self.audit.record("signed in", user.name, address=visitor.address, session=session)
        return secret

    def _refused(self, session: Session, who: str, visitor: Visitor) -> None:
        why = "name and password do not fit, nobody vouches, or the account is locked or disabled"
        self.audit.record("signed in", who, address=visitor.address, failed=why, session=session)


def _refusal(limits: Limits) -> Unknown:
    return Unknown(
        "name and password fit",
        got="others, or too many wrong ones before",
        way_out=f"try again, after {limits.lock_minutes:g} minutes where an account is locked",
    )


def _free_name(session: Session, identity: Identity) -> str:
    """The name that the provider says where nobody has it here; an account that is there is never taken over."""
    short = hashlib.sha256(identity.subject.encode()).hexdigest()[:12]
    name = identity.name if is_name(identity.name) else f"openid-{short}"
    taken = session.scalar(select(exists().where(User.name == name)))
    return f"openid-{short}" if taken else name
