"""The worklist over HTTP: found by what people type, in the order that they need, changed and told."""

from datetime import UTC, datetime, timedelta

import pytest

from skiagraph.server.people.access import Caller
from skiagraph.server.people.roles import MAY
from skiagraph.server.tables import Event, Study, User
from skiagraph.server.way.states import told
from skiagraph.server.way.worklist import events_after

_ROWS = (
    # uid, name, patient ID, accession, date, modalities, state, priority, minutes ago
    ("1.1", "Lee^Ann", "P1", "A-1", "20260101", "\\CT\\", "drafted", 0, 50),
    ("1.2", "Lee^Bo", "P2", "A-2", "20260201", "\\US\\", "drafted", 5, 40),
    ("1.3", "Müller^Jörg", "P3", "A-3", "20260301", "\\CT\\SR\\", "unread", 0, 30),
    ("1.4", "Smith^Zoe", "P4", "", "", "\\MR\\", "signed", 0, 20),
)


@pytest.fixture
def list_of(site, browser):
    now = datetime.now(UTC)
    with site.database.writing() as session:
        for uid, name, patient, accession, date, modalities, state, priority, minutes in _ROWS:
            session.add(
                Study(
                    uid=uid,
                    patient_name=name,
                    folded=name.replace("^", " ").casefold(),
                    patient_id=patient,
                    accession=accession,
                    date=date,
                    modalities=modalities,
                    state=state,
                    priority=priority,
                    received=now - timedelta(minutes=minutes),
                    changed=now,
                )
            )
        session.add(User(name="dr-lee", role="reader", created=now))
    reader = browser("reader")

    def asked(**wish):
        answer = reader.get("/api/studies", params=wish)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return asked


@pytest.fixture
def server_events():
    """The first events that a stream tells: kind and data of each."""

    def heard(site, *, after, count, study=""):
        caller = Caller(name="reader", user=None, role="reader", may=MAY["reader"], address="")
        return [
            (event.kind, {"study": uid, **event.detail}) for event, uid in _after(site, caller, after, study)
        ][:count]

    return heard


def _after(site, caller, after, study):
    with site.database.reading() as session:
        return events_after(session, caller, after, study)


@pytest.mark.parametrize(
    ("wish", "uids"),
    [
        ({}, ["1.2", "1.1", "1.3", "1.4"]),  # the highest priority, then who waits longest
        ({"text": "lee"}, ["1.2", "1.1"]),
        ({"text": "ANN lee"}, ["1.1"]),
        ({"text": "müller"}, ["1.3"]),
        ({"text": "A-2"}, ["1.2"]),
        ({"text": "P4"}, ["1.4"]),
        ({"modality": "CT"}, ["1.1", "1.3"]),
        ({"modality": "C"}, []),
        ({"states": ["unread", "signed"]}, ["1.3", "1.4"]),
        ({"since": "20260115"}, ["1.2", "1.3"]),
        ({"until": "20260115"}, ["1.1"]),
        ({"order": "received"}, ["1.4", "1.3", "1.2", "1.1"]),
        ({"order": "date"}, ["1.3", "1.2", "1.1", "1.4"]),
        ({"order": "name"}, ["1.1", "1.2", "1.3", "1.4"]),
        ({"most": 2, "start": 1}, ["1.1", "1.3"]),
        ({"reader": 0}, ["1.2", "1.1", "1.3", "1.4"]),
    ],
)
def test_studies_are_found_by_what_people_ask(list_of, wish, uids):
    assert [one["uid"] for one in list_of(**wish)["studies"]] == uids


def test_a_page_tells_how_many_there_are_in_each_state_whatever_state_is_shown(list_of):
    page = list_of(states=["unread"], most=1)
    assert page["total"] == 1
    assert page["states"] == {"drafted": 2, "unread": 1, "signed": 1}


@pytest.mark.parametrize(
    "wish", [{"most": 0}, {"most": 501}, {"start": -1}, {"since": "2026"}, {"colour": "red"}]
)
def test_a_wish_that_cannot_be_is_refused(list_of, browser, wish):
    assert browser("reader").get("/api/studies", params=wish).status_code == 422


def test_a_study_is_given_to_a_reader_and_put_first(site, list_of, browser):
    reader = browser("reader")
    answer = reader.patch("/api/studies/1.3", json={"assigned": "dr-lee", "priority": 50})
    assert answer.status_code == 200
    number = answer.json()["assigned"]
    assert [one["uid"] for one in list_of(reader=number)["studies"]] == ["1.3"]
    assert list_of()["studies"][0]["uid"] == "1.3"
    assert reader.patch("/api/studies/1.3", json={"assigned": None}).json()["assigned"] is None
    assert reader.patch("/api/studies/1.3", json={"assigned": "nobody"}).status_code == 404
    assert reader.patch("/api/studies/1.3", json={"priority": 1000}).status_code == 422
    assert reader.patch("/api/studies/9.9", json={"priority": 1}).status_code == 404
    assert site.audit.verify().broken is None


def test_what_is_refused_leaves_no_trace_of_a_change(site, list_of, browser):
    before = site.audit.verify().records
    browser("reader").patch("/api/studies/1.3", json={"assigned": "nobody", "priority": 3})
    assert site.audit.verify().records == before
    assert {one["uid"]: one["priority"] for one in list_of()["studies"]}["1.3"] == 0


def test_a_study_is_read_anew_before_a_reader_has_it(list_of, browser):
    reader = browser("reader")
    assert reader.post("/api/studies/1.3/read-anew").json()["state"] == "received"
    assert reader.post("/api/studies/1.4/read-anew").status_code == 409


def test_what_happened_is_told_after_the_event_that_one_knows(site, list_of, server_events):
    with site.database.writing() as session:
        for uid, kind in (("1.1", "complete"), ("1.2", "complete"), ("1.1", "drafted")):
            told(session, session.query(Study).filter(Study.uid == uid).one(), kind, note=uid)
        last = session.query(Event).order_by(Event.id).first().id
    heard = server_events(site, after=last, count=2)
    assert [(kind, data["study"]) for kind, data in heard] == [("complete", "1.2"), ("drafted", "1.1")]
    assert [kind for kind, _ in server_events(site, after=0, count=2, study="1.1")] == ["complete", "drafted"]
