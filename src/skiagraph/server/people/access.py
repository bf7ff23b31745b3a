"""Who asks, and which studies they see: one condition that stands in every query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

from sqlalchemy import ColumnElement, exists, false, or_

from skiagraph.errors import NotPermitted
from skiagraph.server.people.roles import Permission
from skiagraph.server.tables import Grant, Study

__all__ = ["Caller", "Throttled", "Unknown", "visible"]


class Unknown(NotPermitted):
    """Nobody is signed in, or not any more."""


class Throttled(NotPermitted):
    """Too many tries in too short a time."""

    seconds: int = 60

    @classmethod
    def after(cls, seconds: int) -> Self:
        """One that says when it is worth another try."""
        error = cls("tries to sign in come slowly", got="too many", way_out=f"wait {seconds} s")
        error.seconds = seconds
        return error


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Args:
        name: Of the account or the token; stands in the audit trail and in reports.
        user: Number of the account; None for a token.
        role: ``"viewer"``, ``"reader"``, ``"admin"`` or ``"service"``.
        may: What they may do.
        address: From where they ask.
    """

    name: str
    user: int | None
    role: str
    may: frozenset[Permission]
    address: str


def visible(caller: Caller) -> ColumnElement[bool]:
    """The studies that a caller sees, as a condition on `Study` for ``where``.

    All studies are seen by whoever has the permission to see, but for restricted ones: these only by people who have
    a grant, whatever their role. A token sees no restricted study.

    Args:
        caller: Who asks.
    """
    if "see" not in caller.may:
        return false()
    unrestricted = Study.restricted.is_(False)
    if caller.user is None:
        return unrestricted
    return or_(unrestricted, exists().where(Grant.study_id == Study.id, Grant.user_id == caller.user))
