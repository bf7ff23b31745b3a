"""Structured reports to findings again: ours, and those of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pydicom.dataset import Dataset

from skiagraph.case import Case
from skiagraph.findings import Finding
from skiagraph.interchange.remainder import remembered
from skiagraph.interchange.sr.foreign_marks import in_spaces
from skiagraph.interchange.sr.restore import restored
from skiagraph.interchange.sr.walk import walked

__all__ = ["Read", "read_report", "understood"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """What was read from one object.

    Args:
        findings: In the order of the report.
        problems: What was passed over or taken for something near, one sentence each; empty where all was understood.
    """

    findings: tuple[Finding, ...]
    problems: tuple[str, ...] = ()


def read_report(ds: Dataset, case: Case | None = None) -> tuple[Finding, ...]:
    """The findings of a structured report; see `understood`, which also says what was passed over.

    Args:
        ds: The object.
        case: The images that it is about, where they are at hand.
    """
    return understood(ds, case).findings


def understood(ds: Dataset, case: Case | None = None) -> Read:
    """The findings of a structured report of any template, and what was passed over.

    Numbers become measurements; words, codes and dates become texts under their concept; graphics become landmarks and
    contours. Reports of ours come back as they were, unless somebody changed them.

    Args:
        ds: The object: basic text, enhanced, comprehensive or comprehensive 3D SR.
        case: The images that it is about, where they are at hand: marks of others then lie in their spaces. Without
            them they lie in a space just large enough.
    """
    found = walked(ds)
    problems: list[str] = []
    try:
        rest = remembered(ds).get("report")
        if isinstance(rest, dict):
            return Read(findings=tuple(restored(found, rest)))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        problems.append("The report was changed since it was written; it is read like those of others.")
    findings, more = in_spaces([*found.groups, *found.others], case)
    problems += [f"Passed over or changed: {n} {words}." for words, n in sorted(found.passed.items())]
    return Read(findings=tuple(findings), problems=(*problems, *more))
