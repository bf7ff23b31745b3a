"""Taking a study out: rows and files go, what others need stays, also where the server is killed in between."""

import pytest
from sqlalchemy import func, select

from skiagraph.errors import MissingInput
from skiagraph.server.archive import removal
from skiagraph.server.archive.admission import Admission
from skiagraph.server.archive.removal import finish_removals, remove_study
from skiagraph.server.tables import AuditRecord, Event, Instance, Series, Study


@pytest.fixture
def admission(site):
    return Admission(site)


def put(site, admission, *objects):
    for data in objects:
        site.intake.take([data])
    admission.step()


def counts(site):
    with site.database.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(table))
            for table in (Study, Series, Instance, Event)
        ]


@pytest.mark.both_databases
def test_rows_files_and_what_contradicted_them_go(site, admission, made):
    other = made(1, study="1.9")
    put(site, admission, made(1), made(2), made(1, PatientName="Roe"), other)
    remove_study(site, "1.2.3", "anna")
    assert counts(site) == [1, 1, 1, 1]
    (digest,) = site.files.digests()
    with site.files.open(digest) as stream:
        assert stream.read() == other
    assert list(site.files.conflicts.iterdir()) == []
    with site.database.reading() as session:
        (record,) = session.scalars(select(AuditRecord).where(AuditRecord.event == "study deleted"))
    assert (record.who, record.study) == ("anna", "1.2.3")


def test_a_study_that_is_not_there_is_missed(site, made):
    with pytest.raises(MissingInput):
        remove_study(site, "1.2.3", "anna")
    assert [path for path in site.files.folder.iterdir() if path.suffix == ".removal"] == []


def test_a_study_can_come_again(site, admission, made):
    put(site, admission, made(1))
    remove_study(site, "1.2.3", "anna")
    put(site, admission, made(1))
    assert counts(site)[0] == len(list(site.files.digests())) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_on_either_side_of_the_commit_leaves_nothing_half(site, admission, made, monkeypatch, moment):
    put(site, admission, made(1))

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "before":
            patch.setattr(site.audit, "record", killed)
        else:
            patch.setattr(removal, "finish_removals", killed)
        with pytest.raises(Killed):
            remove_study(site, "1.2.3", "anna")
    finish_removals(site.database, site.files)
    there = 1 if moment == "before" else 0
    assert (counts(site)[0], len(list(site.files.digests()))) == (there, there)


def test_a_list_that_was_cut_off_by_a_kill_removes_nothing(site, admission, made):
    put(site, admission, made(1))
    (site.files.folder / "ab.removal").write_text('["ab')
    finish_removals(site.database, site.files)
    assert len(list(site.files.digests())) == 1
    assert not (site.files.folder / "ab.removal").exists()
