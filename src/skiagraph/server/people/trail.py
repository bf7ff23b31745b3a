"""What the people of a server ask of the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy.orm import Session

__all__ = ["Trail"]


class Trail(Protocol):
    """Where every access and change is written down."""

    def record(
        self,
        event: str,
        who: str,
        *,
        study: str = "",
        detail: Mapping[str, Any] | None = None,
        session: Session | None = None,
    ) -> None:
        """Adds one record, in the transaction of `session` where one is given."""
