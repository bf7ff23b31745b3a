"""Results on their way to where the rules send them: each object to each destination, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from skiagraph.server.node.send import send
from skiagraph.server.remote import send_to
from skiagraph.server.reports import latest
from skiagraph.server.results import made_results
from skiagraph.server.routing import Route
from skiagraph.server.site import Site
from skiagraph.server.tables import Delivery, Report, Study
from skiagraph.server.way.states import moved, study_of, told
from skiagraph.server.way.steps import chosen

__all__ = ["arrived", "delivered", "delivery_failed", "planned", "sent_again", "waiting_for"]


def planned(site: Site, uid: str, identifier: str, version: int) -> list[str]:
    """Writes down which objects of a report go where, by the rules as they are now; twice changes nothing.

    Args:
        site: The server.
        uid: StudyInstanceUID.
        identifier: Of the report.
        version: Of the report; a draft goes where drafts are sent, a signed one to all.

    Returns:
        The destinations for which something waits.

    Raises:
        As `skiagraph.server.results.made_results`.
    """
    made = made_results(site, uid, identifier, version)
    _, routes = chosen(site, uid)
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        wanted = select(Report.state).where(Report.identifier == identifier, Report.version == version)
        final = session.scalars(wanted).one() in ("final", "amended")
        for destination, uids in _where(routes, made, final=final).items():
            there = set(
                session.scalars(
                    select(Delivery.instance_uid).where(
                        Delivery.destination == destination, Delivery.instance_uid.in_(uids)
                    )
                )
            )
            session.add_all(
                Delivery(study_id=study.id, destination=destination, instance_uid=one, at=datetime.now(UTC))
                for one in uids
                if one not in there
            )
        session.flush()
        return waiting_for(session, study)


def _where(routes: Sequence[Route], made: Mapping[str, str], *, final: bool) -> dict[str, list[str]]:
    """SOPInstanceUIDs by destination."""
    found: dict[str, list[str]] = {}
    for route in routes:
        if route.send == "never" or (route.send == "signed" and not final):
            continue
        for destination in route.destinations:
            there = found.setdefault(destination, [])
            there += [uid for uid, name in made.items() if name in route.results and uid not in there]
    return found


def waiting_for(session: Session, study: Study) -> list[str]:
    """The destinations for which objects of a study wait."""
    waiting = select(Delivery.destination).where(Delivery.study_id == study.id, Delivery.state == "waiting")
    return sorted(set(session.scalars(waiting)))


def delivered(site: Site, uid: str, destination: str) -> int:
    """Sends what waits for one destination; what arrived before and was not noted is the same object there.

    Args:
        site: The server.
        uid: StudyInstanceUID.
        destination: Its name in the settings.

    Returns:
        How many objects arrived.

    Raises:
        UnknownName: The settings have no such destination.
        PeerGone: It does not answer; the step is done again.
        PeerRefuses: It does not take them.
    """
    with site.database.reading() as session:
        study = study_of(session, uid)
        waiting = select(Delivery.instance_uid).where(
            Delivery.study_id == study.id, Delivery.destination == destination, Delivery.state == "waiting"
        )
        uids = list(session.scalars(waiting.order_by(Delivery.id)))
    if uids:
        _send(site, destination, uids)
        _noted(site, uid, destination, uids, state="sent")
    return len(uids)


def delivery_failed(site: Site, uid: str, destination: str, reason: str) -> None:
    """Notes that a destination does not take what waits for it."""
    _noted(site, uid, destination, None, state="failed", reason=reason)


def arrived(site: Site, uid: str, identifier: str, version: int) -> None:
    """A study is delivered when all results of its newest signed version arrived."""
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        newest = latest(session, study, identifier)
        open_ones = select(Delivery.id).where(
            Delivery.study_id == study.id, Delivery.state.in_(("waiting", "failed"))
        )
        if (
            study.state == "signed"
            and newest.version == version
            and newest.state in ("final", "amended")
            and session.scalar(open_ones.limit(1)) is None
        ):
            moved(session, study, "delivered", report=identifier, version=version)


def sent_again(site: Site, uid: str) -> int:
    """Lets what a destination did not take wait again; the signed report is then sent once more.

    Returns:
        How many objects wait.

    Raises:
        MissingInput: There is no such study.
    """
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        failed = list(
            session.scalars(select(Delivery).where(Delivery.study_id == study.id, Delivery.state == "failed"))
        )
        for one in failed:
            one.state, one.error = "waiting", ""
        if failed:
            told(session, study, "delivery asked for", objects=len(failed))
    return len(failed)


def _send(site: Site, destination: str, uids: Sequence[str]) -> None:
    told_of = site.settings.destination(destination)
    if told_of.peer is not None:
        send(site, told_of.peer, uids, pauses=())
    else:
        send_to(site, destination, uids)


def _noted(
    site: Site, uid: str, destination: str, uids: Sequence[str] | None, *, state: str, reason: str = ""
) -> None:
    """Of some objects, or of all that wait."""
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        waiting = select(Delivery).where(
            Delivery.study_id == study.id, Delivery.destination == destination, Delivery.state == "waiting"
        )
        rows = [one for one in session.scalars(waiting) if uids is None or one.instance_uid in uids]
        for one in rows:
            one.state, one.error, one.attempts, one.at = state, reason, one.attempts + 1, datetime.now(UTC)
        if rows:
            told(
                session,
                study,
                "delivery",
                destination=destination,
                objects=len(rows),
                state=state,
                reason=reason,
            )
