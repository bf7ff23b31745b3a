"""The instances behind a path, as far as who asks sees them, and the headers of their files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from skiagraph.errors import MissingInput
from skiagraph.io.dicom.quick import numbers_at
from skiagraph.io.dicom.scan import Header, scan_stream
from skiagraph.server.archive.files import Files
from skiagraph.server.people.access import Caller, visible
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance, Series, Study

__all__ = ["Asked", "Stored", "check_there", "count_of", "header_of", "middle_of", "stored_at", "together"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A path.

    Args:
        study: StudyInstanceUID.
        series: SeriesInstanceUID; empty for the whole study.
        instance: SOPInstanceUID; empty for the whole series.
    """

    study: str
    series: str = ""
    instance: str = ""

    @property
    def level(self) -> str:
        """What it names."""
        return "instance" if self.instance else "series" if self.series else "study"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An instance in the archive.

    Args:
        study: StudyInstanceUID.
        series: SeriesInstanceUID.
        uid: SOPInstanceUID.
        syntax: Its transfer syntax.
        digest: Of its file.
        size: Of its file, bytes.
        frames: How many it states.
        pixels_at: Where native pixels begin in its file.
        rows: Of its picture; None where it has none.
    """

    study: str
    series: str
    uid: str
    syntax: str
    digest: str
    size: int
    frames: int | None
    pixels_at: int | None
    rows: int | None

    @property
    def name(self) -> str:
        """For messages."""
        return "the object"


_COLUMNS = (
    Instance.uid,
    Instance.transfer_syntax,
    Instance.digest,
    Instance.size,
    Instance.frames,
    Instance.pixels_at,
    Instance.rows,
)


def stored_at(site: Site, caller: Caller, asked: Asked) -> list[Stored]:
    """The instances behind a path, in the order of their series and numbers; one at least.

    Raises:
        MissingInput: There are none, or none that the caller sees.
    """
    with site.database.reading() as session:
        found = _rows(session, caller, asked)
    if not found:
        raise _absent(asked)
    return found


def _rows(session: Session, caller: Caller, asked: Asked) -> list[Stored]:
    wanted = (
        select(Study.uid, Series.uid, *_COLUMNS)
        .join(Series, Series.study_id == Study.id)
        .join(Instance, Instance.series_id == Series.id)
        .where(Study.uid == asked.study, visible(caller))
    )
    if asked.series:
        wanted = wanted.where(Series.uid == asked.series)
    if asked.instance:
        wanted = wanted.where(Instance.uid == asked.instance)
    else:
        wanted = wanted.order_by(Series.number, Series.id, Instance.number, Instance.id)
    return [
        Stored(
            study=study,
            series=series,
            uid=uid,
            syntax=syntax,
            digest=digest,
            size=size,
            frames=frames,
            pixels_at=pixels_at,
            rows=rows,
        )
        for study, series, uid, syntax, digest, size, frames, pixels_at, rows in session.execute(wanted)
    ]


def check_there(session: Session, caller: Caller, asked: Asked) -> None:
    """That there is such a study or series, and that the caller sees it.

    Raises:
        MissingInput: There is none.
    """
    wanted = select(func.count()).select_from(Study).where(Study.uid == asked.study, visible(caller))
    if asked.series:
        wanted = wanted.join(Series, Series.study_id == Study.id).where(Series.uid == asked.series)
    if not session.scalar(wanted):
        raise _absent(asked)


def middle_of(found: Sequence[Stored]) -> Stored:
    """The one that stands for all: in the middle of those with a picture."""
    shown = [one for one in found if one.rows] or found
    return shown[len(shown) // 2]


def header_of(files: Files, stored: Stored) -> Header:
    """All of an instance but its pixels.

    Raises:
        MissingInput: Its file is gone.
        FormatError: It is damaged.
    """
    with files.open(stored.digest) as stream:
        return scan_stream(stream, stored.name, lambda: stored.size)


def count_of(header: Header) -> int:
    """How many frames a header states; 1 where it states none."""
    stated = numbers_at(header, "NumberOfFrames")
    return max(1, int(stated[0])) if stated else 1


def together(found: Sequence[Stored]) -> str:
    """A digest of the digests."""
    return hashlib.sha256("".join(one.digest for one in found).encode()).hexdigest()


def _absent(asked: Asked) -> MissingInput:
    return MissingInput(f"a {asked.level} that is asked for is in the archive", got="the UID of another")
