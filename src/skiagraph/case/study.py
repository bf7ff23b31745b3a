"""A study: the cases of one examination, and what could not be read of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from skiagraph.case.case import Case
from skiagraph.values import checked_when_unpickled

__all__ = ["Study"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """One examination, or one folder of images that states none.

    Args:
        identifier: StudyInstanceUID, or the name of the folder.
        cases: What can be read, in a stable order.
        problems: What could not, one sentence each, naming the file and the reason.
    """

    identifier: str
    cases: tuple[Case, ...]
    problems: tuple[str, ...] = ()
