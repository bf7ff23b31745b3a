"""Earlier studies of the same patient: which there are at a peer, and bringing them here before a study is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from sqlalchemy import select

from skiagraph.server.node.peers import FoundStudy, fetch, series_at, studies_at
from skiagraph.server.routing import Priors
from skiagraph.server.site import Site
from skiagraph.server.tables import Study
from skiagraph.server.way.states import study_of

__all__ = ["fetch_priors", "priors_of"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Current:
    """What has to be known of a study to find earlier ones."""

    uid: str
    patient_id: str
    birth_date: str
    when: tuple[str, str]
    modalities: frozenset[str]
    body_part: str


def priors_of(site: Site, study: str, rule: Priors) -> list[FoundStudy]:
    """Earlier studies of the patient of a study, at a peer; the newest first.

    The patient is the same where the identifier is, letter for letter, and the date of birth where both sides have one.

    Args:
        site: The server.
        study: StudyInstanceUID.
        rule: Where, how many and which.

    Raises:
        MissingInput: There is no such study here.
        PeerGone: The peer does not answer.
        PeerRefuses: It does not want us.
    """
    with site.database.reading() as session:
        row = study_of(session, study)
        now = _Current(
            uid=row.uid,
            patient_id=row.patient_id,
            birth_date=row.birth_date,
            when=(row.date, row.time),
            modalities=frozenset(row.modalities.strip("\\").split("\\")) - {""},
            body_part=row.body_part.casefold(),
        )
    if not now.patient_id or any(one in now.patient_id for one in "*?\\"):
        return []  # an identifier that would ask for other patients
    found = studies_at(site.settings, rule.peer, PatientID=now.patient_id)
    earlier = sorted((one for one in found if _earlier(one, now, rule)), key=lambda one: (one.date, one.time))
    fitting: list[FoundStudy] = []
    for one in reversed(earlier):
        if len(fitting) == rule.most:
            break
        if not rule.same_body_part or _of_part(site, rule.peer, one.uid, now.body_part):
            fitting.append(one)
    return fitting


def fetch_priors(site: Site, study: str, rule: Priors) -> list[str]:
    """Brings the earlier studies that a rule asks for, where they are not here yet.

    Returns:
        UIDs of all of them, also of those that were here; the newest first.

    Raises:
        As `priors_of` and `fetch`.
    """
    uids = [one.uid for one in priors_of(site, study, rule)]
    with site.database.reading() as session:
        here = set(session.scalars(select(Study.uid).where(Study.uid.in_(uids))))
    for uid in uids:
        if uid not in here:
            fetch(site, rule.peer, uid)
    return uids


def _earlier(one: FoundStudy, now: _Current, rule: Priors) -> bool:
    same = one.patient_id == now.patient_id and (
        not one.birth_date or not now.birth_date or one.birth_date == now.birth_date
    )
    before = bool(one.date) and (one.date, one.time) < now.when and one.uid != now.uid
    kind = not rule.same_modality or not one.modalities or bool(now.modalities & set(one.modalities))
    return same and before and kind


def _of_part(site: Site, peer: str, study: str, part: str) -> bool:
    return any(one.body_part.casefold() == part for one in series_at(site.settings, peer, study))
