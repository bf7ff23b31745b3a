"""Taking a study out of the archive: its rows, then the files that no other object shares, whatever happens between."""

from __future__ import annotations

import json
import os
import secrets
from typing import Final

from sqlalchemy import delete, select

from skiagraph.errors import MissingInput
from skiagraph.server.archive.disk import alone, begun, disk, synced
from skiagraph.server.archive.files import Files
from skiagraph.server.database import Database
from skiagraph.server.site import Site
from skiagraph.server.tables import Event, Instance, Series, Study

__all__ = ["finish_removals", "remove_study"]

_MOST: Final = 500  # values of one IN
_LIST: Final = ".removal"


def remove_study(site: Site, uid: str, who: str, address: str = "") -> None:
    """Takes a study out for good, with all that was made of it, and records that in the audit trail.

    The digests of its files are written down first, so that files go after their rows even where the server is killed
    between the two. Nothing is admitted meanwhile.

    Args:
        site: The server.
        uid: StudyInstanceUID.
        who: Who wants it, for the audit trail.
        address: From where.

    Raises:
        MissingInput: There is no such study.
        DatabaseGone: It does not answer; nothing was removed.
        WriteFailed: The disk failed; what remains goes when the server starts again.
    """
    with alone(site.intake.lock, wait=True):
        with site.database.reading() as session:
            within = select(Study.id).where(Study.uid == uid)
            objects = select(Instance.digest).join(Series).where(Series.study_id.in_(within))
            digests = sorted(set(session.scalars(objects)))
            told = select(Event.detail).where(Event.study_id.in_(within), Event.kind == "conflict")
            digests += [detail["digest"] for detail in session.scalars(told)]
        path = site.files.folder / f"{secrets.token_hex(8)}{_LIST}"
        with disk(), begun(path) as sink:
            sink.write(json.dumps(digests).encode())
            sink.flush()
            os.fsync(sink.fileno())
            synced(path.parent)
        with site.database.writing() as session:
            removed = session.execute(delete(Study).where(Study.uid == uid).returning(Study.id)).all()
            if removed:
                site.audit.record("study deleted", who, study=uid, address=address, session=session)
        finish_removals(site.database, site.files)
    if not removed:
        raise MissingInput("a study that is removed is in the archive", got="the UID of another")


def finish_removals(database: Database, files: Files) -> None:
    """Removes the files of studies whose rows are gone; nothing may be admitted meanwhile.

    Raises:
        DatabaseGone: It does not answer.
        WriteFailed: The disk failed.
    """
    for path in files.folder.glob(f"*{_LIST}"):
        with disk():
            text = path.read_text("utf-8")
        try:
            digests = json.loads(text)
        except ValueError:  # it was being written when the server was killed, and no row was removed yet
            digests = []
        for at in range(0, len(digests), _MOST):
            part = digests[at : at + _MOST]
            with database.reading() as session:
                used = set(session.scalars(select(Instance.digest).where(Instance.digest.in_(part))))
            for digest in set(part) - used:
                files.remove(digest)
        with disk():
            path.unlink(missing_ok=True)
