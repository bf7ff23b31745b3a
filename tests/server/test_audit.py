"""The audit trail: what was changed, taken out, moved or cut off shows."""

import subprocess

import pytest
from served import SKIAGRAPH
from sqlalchemy import delete, select, update

from skiagraph.server.tables import AuditRecord


@pytest.fixture
def trail(site):
    for n in range(6):
        site.audit.record("study looked at", f"reader{n}", study=f"1.2.{n}", address="192.0.2.1")
    return site.audit


def change(site, statement):
    with site.database.writing() as session:
        session.execute(statement)


def swap(site, a, b):
    with site.database.writing() as session:
        one, other = session.get(AuditRecord, a), session.get(AuditRecord, b)
        for name in ("at", "event", "who", "study", "message"):
            kept = getattr(one, name)
            setattr(one, name, getattr(other, name))
            setattr(other, name, kept)


@pytest.mark.both_databases
def test_a_trail_that_nobody_touched_is_as_it_was_written(site, trail):
    found = trail.verify()
    assert (found.records, found.broken) == (6, None)
    assert trail.has(found.last)


@pytest.mark.parametrize(
    ("touch", "broken"),
    [
        (
            lambda site: change(site, update(AuditRecord).where(AuditRecord.id == 3).values(message="other")),
            3,
        ),
        (lambda site: change(site, update(AuditRecord).where(AuditRecord.id == 3).values(study="1.2.9")), 3),
        (
            lambda site: change(site, update(AuditRecord).where(AuditRecord.id == 3).values(digest="0" * 64)),
            3,
        ),
        (lambda site: change(site, delete(AuditRecord).where(AuditRecord.id == 3)), 3),
        (lambda site: change(site, delete(AuditRecord).where(AuditRecord.id == 1)), 1),
        (lambda site: swap(site, 2, 5), 2),
    ],
    ids=["message", "column", "digest", "taken out", "first taken out", "order"],
)
@pytest.mark.both_databases
def test_what_was_touched_shows_and_where(site, trail, touch, broken):
    touch(site)
    assert trail.verify().broken == broken


def test_an_end_that_was_cut_off_shows_to_who_kept_the_last_digest(site, trail):
    last = trail.verify().last
    change(site, delete(AuditRecord).where(AuditRecord.id > 4))
    assert trail.verify().broken is None
    assert not trail.has(last)


def verify(home, *more):
    command = [*SKIAGRAPH, "audit", "verify", "--home", home, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_says_so_by_its_exit_code(site, trail):
    home, last = site.settings.home, trail.verify().last
    done = verify(home, "--after", last)
    assert done.returncode == 0
    assert last in done.stdout
    change(site, delete(AuditRecord).where(AuditRecord.id == 6))
    assert verify(home).returncode == 0
    done = verify(home, "--after", last)
    assert done.returncode == 2
    assert "cut off" in done.stderr


@pytest.mark.both_databases
def test_a_record_belongs_to_the_change_that_it_tells(site):
    def fail():
        with site.database.writing() as session:
            site.audit.record("account changed", "root", session=session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with site.database.reading() as session:
        assert session.scalars(select(AuditRecord)).all() == []
