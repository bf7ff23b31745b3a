"""Who sees which studies: the condition that stands in every query."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from skiagraph.errors import UnknownName
from skiagraph.server.people.access import Caller, visible
from skiagraph.server.people.people import SHELL
from skiagraph.server.people.roles import MAY
from skiagraph.server.tables import Study


@pytest.fixture
def seen(site):
    """The UIDs that a caller sees of one open study, and one that is restricted to Lee."""
    now = datetime.now(UTC)
    with site.database.writing() as session:
        session.add_all(Study(uid=uid, received=now, changed=now) for uid in ("1.2.1", "1.2.2"))
        numbers = {
            name: site.people.accounts.made(session, name, role, password="")
            for name, role in (("lee", "viewer"), ("kim", "reader"), ("root", "admin"))
        }
    site.people.grants.put(SHELL, "1.2.2", restricted=True, people=["Lee"])

    def of(name, role, may=None):
        caller = Caller(name=name, user=numbers.get(name), role=role, may=may or MAY[role], address="")
        with site.database.reading() as session:
            return set(session.scalars(select(Study.uid).where(visible(caller))))

    return of


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("name", "role", "may", "uids"),
    [
        ("lee", "viewer", None, {"1.2.1", "1.2.2"}),
        ("kim", "reader", None, {"1.2.1"}),
        ("root", "admin", None, {"1.2.1"}),
        ("token", "service", {"see"}, {"1.2.1"}),
        ("token", "service", {"upload"}, set()),
        ("lee", "viewer", {"upload"}, set()),
    ],
)
def test_a_restricted_study_is_seen_by_those_who_are_named_whatever_their_role(seen, name, role, may, uids):
    assert seen(name, role, may) == uids


@pytest.mark.both_databases
def test_access_is_given_taken_and_recorded(site, seen):
    assert site.people.grants.of("1.2.2").people == ("lee",)
    site.people.grants.put(SHELL, "1.2.2", restricted=True, people=["kim"])
    assert seen("lee", "viewer") == {"1.2.1"}
    assert seen("kim", "reader") == {"1.2.1", "1.2.2"}
    site.people.grants.put(SHELL, "1.2.2", restricted=False, people=[])
    assert seen("lee", "viewer") == {"1.2.1", "1.2.2"}
    assert site.audit.verify().records == 3


@pytest.mark.parametrize(("uid", "people"), [("1.2.9", []), ("1.2.2", ["nobody"])])
def test_access_to_what_is_not_there_is_refused_and_changes_nothing(site, seen, uid, people):
    with pytest.raises(UnknownName):
        site.people.grants.put(SHELL, uid, restricted=True, people=people)
    assert site.people.grants.of("1.2.2").people == ("lee",)
