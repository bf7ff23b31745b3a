"""The life of a report: draft, preliminary, final, amended; every version stays, and says who and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from skiagraph.geometry import derived_frame
from skiagraph.server.tables import Report, Study

__all__ = ["FORMAT", "VERSION", "draft"]

FORMAT: Final = "skiagraph-report"
VERSION: Final = 1


def draft(session: Session, study: Study, digest: str, readings: Sequence[Mapping[str, Any]]) -> Report:
    """The first version of the report about the images of a study; where it is there already, that.

    Args:
        session: A transaction that holds the study.
        study: Which.
        digest: Of its images.
        readings: Documents of `reading_to_plain`, one a case and model.

    Returns:
        Version 1, which nobody has signed.
    """
    identifier = derived_frame(f"report {study.uid} {digest}")
    there = session.scalar(select(Report).where(Report.identifier == identifier, Report.version == 1))
    if there is not None:
        return there
    begun = Report(
        study_id=study.id,
        identifier=identifier,
        version=1,
        state="draft",
        content={"format": FORMAT, "version": VERSION, "readings": [dict(one) for one in readings]},
        at=datetime.now(UTC),
    )
    session.add(begun)
    return begun
