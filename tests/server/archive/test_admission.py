"""From the journal to the archive: each object once, whatever happens; what contradicts or is no DICOM is set aside."""

import errno
import io
import os
import time

import pytest
from pydicom import dcmread
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from skiagraph.errors import MissingInput, WriteFailed
from skiagraph.server.archive.admission import Admission, add_results
from skiagraph.server.archive.disk import alone
from skiagraph.server.archive.files import Files
from skiagraph.server.database import DatabaseGone
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import Event, Instance, Series, Study


@pytest.fixture
def grown():
    return []


@pytest.fixture
def admission(site, grown):
    return Admission(site, grown.append)


def count(site, table):
    with site.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def one_study(site):
    with site.database.reading() as session:
        return session.scalars(select(Study)).one()


def events(site, kind):
    with site.database.reading() as session:
        return list(session.scalars(select(Event.detail).where(Event.kind == kind)))


def files_of(site):
    return list(site.files.digests())


@pytest.mark.both_databases
def test_what_came_stands_in_the_index_and_under_its_digest(site, admission, made, grown):
    objects = [made(n) for n in (1, 2)] + [made(3, series="1.2.3.9", Modality="SR", SeriesNumber=2)]
    for data in objects:
        site.intake.take([data])
    assert admission.step() == 3
    assert site.intake.pending() == []
    study = one_study(site)
    assert (study.uid, study.state, study.series_count, study.instance_count) == ("1.2.3", "received", 2, 3)
    assert study.modalities == "\\CT\\SR\\"
    with site.database.reading() as session:
        rows = session.execute(select(Series.number, Series.instance_count).order_by(Series.number)).all()
        digests = session.scalars(select(Instance.digest).order_by(Instance.id)).all()
    assert rows == [(1, 2), (2, 1)]
    for data, digest in zip(objects, digests, strict=True):
        with site.files.open(digest) as stream:
            assert stream.read() == data
    assert grown == [frozenset({"1.2.3"})]
    assert events(site, "received") == [{"instances": 3, "series": 2}]


def test_the_same_object_again_changes_nothing(site, admission, made, grown):
    for _ in range(3):
        site.intake.take([made(1)])
        admission.step()
    site.intake.take([made(1)])
    site.intake.take([made(1)])
    admission.step()
    assert (count(site, Instance), one_study(site).instance_count, len(files_of(site))) == (1, 1, 1)
    assert len(grown) == len(events(site, "received")) == 1


@pytest.mark.both_databases
def test_of_two_contents_under_one_uid_the_first_stays_and_the_other_is_set_aside(site, admission, made):
    first, other = made(1), made(1, PatientName="Roe^Richard")
    for data in (first, other, other):
        site.intake.take([data])
    admission.step()
    site.intake.take([other])
    admission.step()
    assert count(site, Instance) == 1
    (digest,) = files_of(site)
    with site.files.open(digest) as stream:
        assert stream.read() == first
    (aside,) = site.files.conflicts.iterdir()
    assert aside.read_bytes() == other
    assert [detail["instance"] for detail in events(site, "conflict")] == ["1.2.3.1.1"]


@pytest.mark.parametrize("together", [True, False])
def test_the_same_object_by_another_way_is_known(site, admission, made, grown, together):
    sent, buffer = dcmread(io.BytesIO(made(1))), io.BytesIO()
    sent.file_meta.ImplementationVersionName = "ANOTHER"
    sent.save_as(buffer)
    site.intake.take([made(1)])
    if not together:
        admission.step()
    site.intake.take([buffer.getvalue()])
    admission.step()
    assert (count(site, Instance), events(site, "conflict"), site.intake.pending()) == (1, [], [])
    (digest,) = files_of(site)
    with site.files.open(digest) as stream:
        assert stream.read() == made(1)
    assert len(grown) == 1


def test_a_series_of_two_studies_is_a_conflict(site, admission, made):
    site.intake.take([made(1, series="1.5")])
    site.intake.take([made(2, series="1.5", study="1.2.4")])
    admission.step()
    assert (count(site, Study), count(site, Instance)) == (1, 1)
    assert len(list(site.files.conflicts.iterdir())) == 1


def test_what_is_no_dicom_is_refused_with_its_reason(site, admission, made):
    site.intake.take([b"no dicom"])
    site.intake.take([made(1, SOPInstanceUID=None)])
    site.intake.take([made(2)])
    assert admission.step() == 3
    assert site.intake.pending() == []
    refused = sorted((site.settings.home / "refused").iterdir())
    assert [path.suffix for path in refused] == [".plain", ".txt"] * 2
    reasons = [path.read_text() for path in refused if path.suffix == ".txt"]
    assert "PS3.10" in reasons[0]
    assert "SOPInstanceUID" in reasons[1]
    assert not any("Doe" in reason for reason in reasons)
    assert count(site, Instance) == 1


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "state", ["complete", "prepared", "read", "drafted", "in review", "signed", "delivered", "unread"]
)
def test_new_images_bring_a_study_back_to_the_beginning(site, admission, made, state):
    site.intake.take([made(1)])
    admission.step()
    with site.database.writing() as session:
        session.execute(update(Study).values(state=state, reason="because"))
    before = one_study(site).changed
    site.intake.take([made(2)])
    admission.step()
    study = one_study(site)
    assert (study.state, study.reason, study.instance_count) == ("received", "", 2)
    assert study.changed > before


@pytest.mark.both_databases
def test_results_of_ours_do_not_begin_a_reading(site, admission, made, grown):
    site.intake.take([made(1)])
    admission.step()
    with site.database.writing() as session:
        session.execute(update(Study).values(state="drafted"))
    before, result = one_study(site), made(50, series="1.2.3.50", Modality="SEG")
    assert add_results(site, [result]) == add_results(site, [result]) == ("1.2.3.1.50",)
    study = one_study(site)
    assert (study.state, study.changed, study.instance_count, study.series_count) == (
        "drafted",
        before.changed,
        2,
        2,
    )
    assert study.modalities == "\\CT\\SEG\\"
    with site.database.reading() as session:
        assert session.scalars(select(Instance.ours).order_by(Instance.id)).all() == [False, True]
    site.intake.take([result])  # and comes back from the PACS
    admission.step()
    assert (one_study(site).state, len(grown)) == ("drafted", 1)


def test_results_of_a_study_that_is_gone_are_not_kept(site, made):
    with pytest.raises(MissingInput):
        add_results(site, [made(1)])
    assert files_of(site) == []


@pytest.mark.both_databases
def test_a_thousand_files_are_admitted_in_batches(site, admission, made):
    for number in range(300):
        site.intake.take([made(number, study=f"1.2.{number % 7}")])
    assert [admission.step(), admission.step(), admission.step()] == [256, 44, 0]
    assert (count(site, Study), count(site, Instance), len(files_of(site))) == (7, 300, 300)
    with site.database.reading() as session:
        assert session.scalar(select(func.sum(Study.instance_count))) == 300
        assert session.scalar(select(func.sum(Series.instance_count))) == 300


class Gone:
    """What a driver raises when its database is away."""

    def __init__(self, session_of):
        self.away, self._session_of = True, session_of

    def __call__(self):
        if self.away:
            raise DatabaseGone("the database answers")
        return self._session_of()


def test_while_the_database_is_away_everything_waits(site, admission, made, monkeypatch):
    for number in range(3):
        site.intake.take([made(number)])
    gone = Gone(site.database.writing)
    monkeypatch.setattr(site.database, "writing", gone)
    for _ in range(2):
        with pytest.raises(DatabaseGone):
            admission.step()
    assert len(site.intake.pending()) == 3
    gone.away = False
    admission.step()
    assert (count(site, Instance), site.intake.pending()) == (3, [])


def test_a_commit_that_fails_is_made_again(site, admission, made, monkeypatch):
    site.intake.take([made(1)])
    commits = []

    def fail(_connection):
        if not commits:
            commits.append(1)
            raise OperationalError("COMMIT", {}, Exception("disk full"))

    monkeypatch.setattr(site.database.engine.dialect, "do_commit", lambda c: (fail(c), c.commit()))
    with pytest.raises(DatabaseGone):
        admission.step()
    assert len(site.intake.pending()) == 1
    assert admission.step() == 1
    assert (count(site, Instance), one_study(site).instance_count, site.intake.pending()) == (1, 1, [])


def test_on_a_full_disk_everything_waits(site, admission, made, monkeypatch):
    site.intake.take([made(1)])

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        with pytest.raises(WriteFailed):
            admission.step()
    assert (count(site, Study), len(site.intake.pending())) == (0, 1)
    admission.step()
    assert (count(site, Instance), site.intake.pending()) == (1, [])


@pytest.mark.both_databases
def test_a_kill_between_commit_and_leaving_the_journal_does_nothing_twice(site, admission, made, monkeypatch):
    site.intake.take([made(1)])
    site.intake.take([made(1, PatientName="Roe")])
    with monkeypatch.context() as patch:
        patch.setattr(Admission, "_leave", lambda *_: None)
        admission.step()
    assert len(site.intake.pending()) == 2
    admission.step()
    assert (count(site, Instance), one_study(site).instance_count, site.intake.pending()) == (1, 1, [])
    assert len(events(site, "received")) == len(events(site, "conflict")) == 1


@pytest.mark.both_databases
def test_a_known_object_whose_file_is_gone_brings_it_back(site, admission, made):
    for _ in range(2):
        site.intake.take([made(1)])
        admission.step()
        (digest,) = site.files.digests()
        with site.files.open(digest) as stream:
            assert stream.read() == made(1)
        site.files.remove(digest)


@pytest.mark.both_databases
def test_one_that_the_database_does_not_take_does_not_hold_up_the_others(site, admission, made, monkeypatch):
    for number in (1, 2, 3):
        site.intake.take([made(number)])
    link = Files.link

    def spoilt(self, path, digest):
        if b"1.2.3.1.2" in path.read_bytes():
            raise IntegrityError("INSERT", {}, Exception())
        link(self, path, digest)

    monkeypatch.setattr(Files, "link", spoilt)
    assert admission.step() == 3
    assert (count(site, Instance), site.intake.pending()) == (2, [])
    (reason,) = (site.settings.home / "refused").glob("*.txt")
    assert "database" in reason.read_text()


def test_only_one_process_admits_at_a_time(site, admission, made):
    site.intake.take([made(1)])
    with alone(site.intake.lock, wait=False) as mine:
        assert mine
        assert admission.step() == 0
    assert admission.step() == 1


def test_a_thread_admits_within_a_second_and_ends_when_told(site, admission, made, grown):
    admission.start()
    site.intake.take([made(1)])
    until = time.monotonic() + 5
    while not grown and time.monotonic() < until:
        time.sleep(0.02)
    assert grown
    assert admission.alive
    admission.stop()
    assert not admission.alive


def test_a_thread_outlives_a_database_that_is_away(site, admission, made, monkeypatch):
    gone = Gone(site.database.writing)
    monkeypatch.setattr(site.database, "writing", gone)
    monkeypatch.setattr("skiagraph.server.archive.admission._AGAIN", 0.01)
    site.intake.take([made(1)])
    admission.start()
    time.sleep(0.3)
    assert admission.alive
    gone.away = False
    until = time.monotonic() + 5
    while site.intake.pending() and time.monotonic() < until:
        time.sleep(0.02)
    admission.stop()
    assert count(site, Instance) == 1


def test_a_server_that_does_not_admit_is_not_ready(site, admission, made):
    site.intake.take([made(1)])
    assert site.unready() is None
    (path,) = site.intake.pending()
    path.rename(path.with_name(f"{0:016x}-0-1.plain"))
    assert site.unready() == "what comes in is not admitted"
    admission.step()
    assert site.unready() is None


def test_an_encrypted_archive_holds_no_name_on_its_disk(tmp_path, made):
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    site = opened_site(settings_of(tmp_path / "home", encryption_key=key, dicom={"enabled": False}))
    data = made(1)
    site.intake.take([data])
    Admission(site).step()
    (digest,) = files_of(site)
    with site.files.open(digest) as stream:
        assert stream.read() == data
    kept = [
        p.read_bytes()
        for folder in ("archive", "intake")
        for p in (tmp_path / "home" / folder).rglob("*")
        if p.is_file()
    ]
    assert kept
    assert not any(b"Doe" in one for one in kept)
    site.close()
