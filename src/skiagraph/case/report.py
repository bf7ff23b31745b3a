"""The report in its legal life: an entity with states, not a mapping. A model only drafts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, final

from skiagraph.errors import InvalidInput, StateError
from skiagraph.findings import Findings
from skiagraph.values import checked_when_unpickled

__all__ = ["Report", "Signature", "amended", "finalised", "preliminary"]

State = Literal["draft", "preliminary", "final", "amended"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who stands for a report, and since when. The reader, never the patient.

    Raises:
        InvalidInput: No reader, or a time without a zone.
    """

    reader: str
    signed: datetime

    def __post_init__(self) -> None:
        if not self.reader.strip() or self.signed.tzinfo is None:
            raise InvalidInput("a signature names its reader and has a time zone", got="one that does not")


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """One version of the report of one case. A change makes a new version that keeps the old one.

    Args:
        identifier: The same through all versions.
        case: Identifier of the case.
        findings: What it says, in values.
        narrative: What it says, in words, by language (BCP 47).
        state: draft -> preliminary -> final -> amended -> amended...
        version: Counts from 1.
        signature: None for a draft.
        reason: Why an amended report was changed; empty before.
        previous: The version before; None for the first.

    Raises:
        InvalidInput: State, signature, reason and version contradict each other.
    """

    identifier: str
    case: str
    findings: Findings
    narrative: tuple[tuple[str, str], ...] = ()
    state: State = "draft"
    version: int = 1
    signature: Signature | None = None
    reason: str = ""
    previous: Report | None = None

    def __post_init__(self) -> None:
        if (self.state == "draft") != (self.signature is None):
            raise InvalidInput(
                "every report but a draft is signed", got=f"{self.state}, {self.signature and 'signed'}"
            )
        if (self.state == "amended") != bool(self.reason.strip()):
            raise InvalidInput("an amended report says why it was changed, and only that", got=self.state)
        if self.version != (1 if self.previous is None else self.previous.version + 1):
            raise InvalidInput("the versions of a report are counted without a gap", got=str(self.version))


def preliminary(report: Report, signature: Signature) -> Report:
    """A reader takes the draft over, to be confirmed.

    Raises:
        StateError: Not a draft.
    """
    return _next(report, ("draft",), "preliminary", signature, findings=report.findings)


def finalised(report: Report, signature: Signature) -> Report:
    """A reader signs for good.

    Raises:
        StateError: Already final.
    """
    return _next(report, ("draft", "preliminary"), "final", signature, findings=report.findings)


def amended(report: Report, signature: Signature, *, findings: Findings, reason: str) -> Report:
    """A reader corrects what was signed; the old version stays readable behind the new one.

    Raises:
        StateError: Not signed for good yet.
        InvalidInput: No reason.
    """
    return _next(report, ("final", "amended"), "amended", signature, findings=findings, reason=reason)


def _next(
    report: Report,
    allowed: tuple[State, ...],
    state: State,
    signature: Signature,
    *,
    findings: Findings,
    reason: str = "",
) -> Report:
    if report.state not in allowed:
        raise StateError(
            f"a report becomes {state} from {' or '.join(allowed)}", got=f"a {report.state} report"
        )
    return dataclasses.replace(
        report,
        findings=findings,
        state=state,
        version=report.version + 1,
        signature=signature,
        reason=reason,
        previous=report,
    )
