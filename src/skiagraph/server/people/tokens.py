"""Tokens of services: what each may do, until when; shown once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database
from skiagraph.server.people.access import Caller
from skiagraph.server.people.names import checked_name
from skiagraph.server.people.roles import PERMISSIONS, Permission
from skiagraph.server.people.secret import digest_of, new_secret
from skiagraph.server.people.visits import Known, Visit
from skiagraph.server.tables import Token

__all__ = ["SCOPES", "Tokens"]

SCOPES: Final = tuple(one for one in PERMISSIONS if one != "sign")
"""What a token may be given: all but signing, which is a person's."""

_PREFIX: Final = "skg_"  # so that scanners of sources find one that was left there


@final
class Tokens:
    """The tokens of all services.

    Args:
        database: Where they are kept.
        known: Visits of the last moment.
        audit: Where changes are written down.
    """

    def __init__(self, database: Database, known: Known, audit: Audit) -> None:
        self._database = database
        self._known = known
        self._audit = audit

    def make(self, by: Caller, name: str, scopes: Sequence[str], days: float | None) -> str:
        """Makes one, and returns its secret, which is not shown again.

        Args:
            by: Who makes it.
            name: Of the service.
            scopes: Permissions, of `SCOPES`.
            days: Until it ends; None for never.

        Raises:
            InvalidInput: A name that is taken or none, scopes that there are not, or an end that is past.
        """
        named = checked_name(name)
        if not scopes or not set(scopes) <= set(SCOPES):
            raise InvalidInput(
                f"a token may {', '.join(SCOPES)}",
                got="something else, or nothing",
            )
        if days is not None and not 0 < days <= 36_500:
            raise InvalidInput("a token ends in the future", got=f"after {days} days")
        secret, now = _PREFIX + new_secret(), datetime.now(UTC)
        ends = None if days is None else now + timedelta(days=days)
        try:
            with self._database.writing() as session:
                session.add(
                    Token(
                        name=named,
                        secret=digest_of(secret),
                        scopes=sorted(set(scopes)),
                        created=now,
                        expires=ends,
                    )
                )
                self._audit.record(
                    "token changed",
                    by.name,
                    address=by.address,
                    detail=f"{named}: {', '.join(sorted(set(scopes)))}",
                    session=session,
                )
        except IntegrityError as error:
            raise InvalidInput("each token has a name of its own", got=named) from error
        return secret

    def visit(self, secret: str, address: str, *, use: bool = True) -> Visit | None:  # noqa: ARG002  as of sessions
        """Who shows a token; None where it is revoked, over or none.

        Args:
            secret: The token.
            address: From where somebody asks.
            use: Means nothing: tokens are never idle.

        Raises:
            DatabaseGone: The database does not answer.
        """
        with self._database.reading() as session:
            token = session.scalar(
                select(Token).where(Token.secret == digest_of(secret), Token.revoked.is_(False))
            )
        if token is None or (token.expires is not None and token.expires <= datetime.now(UTC)):
            return None
        may: frozenset[Permission] = frozenset(one for one in SCOPES if one in token.scopes)
        return Visit(
            caller=Caller(name=f"token {token.name}", user=None, role="service", may=may, address=address)
        )

    def listed(self) -> list[Token]:
        """All of them, the newest first."""
        with self._database.reading() as session:
            return list(session.scalars(select(Token).order_by(Token.id.desc())))

    def revoke(self, by: Caller, number: int) -> None:
        """Ends one, at once.

        Raises:
            UnknownName: There is none of this number.
        """
        with self._database.writing() as session:
            name = session.scalar(
                update(Token).where(Token.id == number).values(revoked=True).returning(Token.name)
            )
            if name is None:
                raise UnknownName("a token that is revoked is there", got=f"number {number}")
            self._audit.record(
                "token changed", by.name, address=by.address, detail=f"{name}: revoked", session=session
            )
        self._known.forget()
