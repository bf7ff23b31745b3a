"""Looks for studies that may go on: quiet ones are complete and may be read, signed ones may be delivered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, final

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from skiagraph.server.database import DatabaseGone
from skiagraph.server.logs import log
from skiagraph.server.site import Site
from skiagraph.server.tables import Event, Report, Study
from skiagraph.server.way.durable import enqueue_delivery, enqueue_reading
from skiagraph.server.way.states import moved, study_of
from skiagraph.server.way.steps import content_digest

__all__ = ["Completion"]

_LOOK: Final = 0.25  # s
_AT_ONCE: Final = 50


@final
class Completion:
    """A part of a server: brings quiet studies to ``"complete"``, lets them be read, and signed reports be delivered.

    The state in the database says what is to be done; so nothing is forgotten, whenever a process ends.

    Args:
        site: The server.
        read: Lets a study be read, by its UID, the digest of its images and its turn; asked twice it does it once.
        deliver: Lets a report be delivered, by the UID of its study, its identifier, version and turn; likewise.
    """

    def __init__(
        self,
        site: Site,
        read: Callable[[str, str, int], None] = enqueue_reading,
        deliver: Callable[[str, str, int, int], None] = enqueue_delivery,
    ) -> None:
        self._site, self._read, self._deliver = site, read, deliver
        self._asked: set[tuple[str, str, int, int]] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="completion", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        again = True  # studies that were complete when the server was killed are asked for once more
        while not self._end.wait(_LOOK):
            try:
                if again:
                    self.resume()
                    again = False
                self.look()
                self.look_for_signed()
            except (DatabaseGone, DBAPIError) as error:
                again = True
                log.warning("completion waits", exc_info=error)

    def resume(self) -> None:
        """Lets studies be read that were complete before, whose reading may not have been asked for."""
        with self._site.database.reading() as session:
            left = [
                (study.uid, study.digest, _turn(session, study))
                for study in session.scalars(select(Study).where(Study.state == "complete"))
            ]
        for one in left:
            self._read(*one)

    def look(self) -> int:
        """One look.

        Returns:
            How many became complete.
        """
        before = datetime.now(UTC) - timedelta(seconds=self._site.settings.quiet_seconds)
        quiet = select(Study.uid).where(Study.state == "received", Study.changed <= before).limit(_AT_ONCE)
        with self._site.database.reading() as session:
            uids = list(session.scalars(quiet))
        for uid in uids:
            with self._site.database.writing() as session:
                study = study_of(session, uid, locked=True)
                if study.state != "received" or study.changed > before:
                    continue
                digest = study.digest = content_digest(session, study)
                moved(session, study, "complete", series=study.series_count, instances=study.instance_count)
                turn = _turn(session, study)
            self._read(uid, digest, turn)
        return len(uids)

    def look_for_signed(self) -> int:
        """Lets the newest signed version of each report be delivered that is not yet.

        Returns:
            How many were asked for.
        """
        turn = (
            select(func.count())
            .where(Event.study_id == Study.id, Event.kind == "delivery asked for")
            .correlate(Study)
            .scalar_subquery()
        )
        signed = (
            select(Study.uid, Report.identifier, func.max(Report.version), turn)
            .join(Report, Report.study_id == Study.id)
            .where(Study.state == "signed", Report.state.in_(("final", "amended")))
            .group_by(Study.id, Study.uid, Report.identifier)
        )
        with self._site.database.reading() as session:
            found = {(row[0], row[1], row[2], row[3]) for row in session.execute(signed)}
        new = found - self._asked
        for one in sorted(new):
            self._deliver(*one)
        self._asked = found
        return len(new)


def _turn(session: Session, study: Study) -> int:
    """How often a study was complete."""
    session.flush()
    times = select(func.count()).where(Event.study_id == study.id, Event.kind == "complete")
    return session.scalar(times) or 0
