"""The people of one server: accounts, sessions, tokens and the door, opened once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database
from skiagraph.server.people.access import Caller
from skiagraph.server.people.accounts import Accounts
from skiagraph.server.people.grants import Grants
from skiagraph.server.people.invitations import Invitations
from skiagraph.server.people.openid import Provider
from skiagraph.server.people.passwords import Passwords
from skiagraph.server.people.roles import MAY
from skiagraph.server.people.sessions import Sessions
from skiagraph.server.people.sign_in import Door
from skiagraph.server.people.throttle import Throttle
from skiagraph.server.people.tokens import Tokens
from skiagraph.server.people.visits import Known
from skiagraph.server.settings import Settings

__all__ = ["SHELL", "People", "opened_people"]

SHELL = Caller(name="shell", user=None, role="admin", may=MAY["admin"], address="")
"""Whoever may run commands on the server's machine."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class People:
    """The people of one server.

    Args:
        accounts: Who they are.
        invitations: Links that are open.
        sessions: Who is signed in.
        tokens: Of services.
        known: Who asked in the last moment.
        grants: Who sees restricted studies.
        door: Where they come in.
        provider: Who vouches for them elsewhere; None for our own passwords alone.
    """

    accounts: Accounts
    invitations: Invitations
    sessions: Sessions
    tokens: Tokens
    known: Known
    grants: Grants
    door: Door
    provider: Provider | None


def opened_people(settings: Settings, database: Database, audit: Audit) -> People:
    """Opens them.

    Args:
        settings: Limits, and another provider.
        database: Where they are kept.
        audit: Where every change is written down.

    Raises:
        InvalidInput: A provider that does not speak TLS.
    """
    known, passwords = Known(), Passwords()
    sessions = Sessions(database, settings.limits, known, audit)
    accounts = Accounts(database, sessions, known, audit)
    return People(
        accounts=accounts,
        invitations=Invitations(database, accounts, passwords, known, audit),
        sessions=sessions,
        tokens=Tokens(database, known, audit),
        known=known,
        grants=Grants(database, audit),
        door=Door(
            database=database,
            limits=settings.limits,
            accounts=accounts,
            passwords=passwords,
            sessions=sessions,
            known=known,
            throttle=Throttle(settings.limits.requests_per_minute),
            audit=audit,
        ),
        provider=None if settings.openid is None else Provider(settings.openid),
    )
