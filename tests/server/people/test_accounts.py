"""Accounts and invitations: a link works once, the last administrator stays, and every change is recorded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from skiagraph.errors import InvalidInput, SkiagraphError, StateError, UnknownName
from skiagraph.server.people.people import SHELL
from skiagraph.server.tables import AuditRecord, Invitation, User

GOOD = "seven grey herons wait"


@pytest.fixture
def made(site):
    """Makes accounts without a password."""

    def make(*names, role="reader"):
        with site.database.writing() as session:
            for name in names:
                site.people.accounts.made(session, name, role, password="")

    return make


def test_the_first_administrator_comes_by_the_link_of_the_last_start(site):
    invitations = site.people.invitations
    before, secret = invitations.first(), invitations.first()
    with pytest.raises(UnknownName, match="used once"):
        invitations.accept(before, "root", GOOD, address="")
    assert invitations.accept(secret, " Root ", GOOD, address="10.0.0.1") == "root"
    assert site.people.accounts.named("root").role == "admin"
    assert invitations.first() is None


@pytest.mark.both_databases
def test_a_link_works_once_also_for_many_at_once(site):
    secret = site.people.invitations.first()

    def accept(number):
        try:
            return site.people.invitations.accept(secret, f"root{number}", GOOD, address="")
        except UnknownName:
            return None

    with ThreadPoolExecutor(6) as pool:
        names = [name for name in pool.map(accept, range(6)) if name]
    assert len(names) == 1
    assert [user.name for user in site.people.accounts.listed()] == names


def test_a_link_ends(site):
    secret = site.people.invitations.first()
    with site.database.writing() as session:
        session.execute(update(Invitation).values(expires=datetime.now(UTC) - timedelta(seconds=1)))
    with pytest.raises(UnknownName):
        site.people.invitations.accept(secret, "root", GOOD, address="")


def test_the_database_holds_no_secret_of_a_link(site):
    secret = site.people.invitations.first()
    with site.database.reading() as session:
        kept = session.scalars(select(Invitation)).one()
    assert secret.encode() not in kept.secret
    assert len(kept.secret) == 32


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("root", "short"),
        ("r", GOOD),
        ("<b>root</b>", GOOD),
        ("taken", GOOD),
        ("../root", GOOD),
        ("a b", GOOD),
        ("x" * 65, GOOD),
    ],
)
def test_what_is_refused_leaves_the_link_open(site, made, name, password):
    made("taken")
    secret = site.people.invitations.invite(SHELL, "reader")
    with pytest.raises(InvalidInput):
        site.people.invitations.accept(secret, name, password, address="")
    assert site.people.invitations.opened(secret).role == "reader"


def test_nobody_is_invited_as_a_service(site):
    with pytest.raises(InvalidInput, match="viewer, reader, admin"):
        site.people.invitations.invite(SHELL, "service")


@pytest.mark.both_databases
def test_a_link_for_an_account_renews_its_password_and_ends_its_sessions(site, made):
    made("lee")
    people = site.people
    lee = people.accounts.named("lee")
    with site.database.writing() as session:
        secret = people.sessions.begin(session, lee.id, address="", agent="")
    link = people.invitations.renew(SHELL, "LEE")
    assert people.invitations.accept(link, "another name", GOOD, address="") == "lee"
    assert people.sessions.visit(secret, "") is None
    assert people.accounts.named("lee").password.startswith("$argon2id$")
    assert [user.name for user in people.accounts.listed()] == ["lee"]


@pytest.mark.both_databases
@pytest.mark.parametrize("change", ["disable", "demote"])
def test_the_last_administrator_stays(site, made, change):
    made("root", role="admin")
    accounts = site.people.accounts

    def do():
        if change == "disable":
            accounts.disable(SHELL, "root")
        else:
            accounts.set_role(SHELL, "root", "viewer")

    with pytest.raises(StateError, match="an administrator"):
        do()
    assert accounts.named("root").role == "admin"
    made("other", role="admin")
    do()
    accounts.set_role(SHELL, "root", "admin")


def test_disabled_people_are_out_at_once_and_may_come_back(site, made):
    made("lee")
    people = site.people
    with site.database.writing() as session:
        secret = people.sessions.begin(session, people.accounts.named("lee").id, address="", agent="")
    people.accounts.disable(SHELL, "lee")
    assert people.sessions.visit(secret, "") is None
    people.accounts.enable(SHELL, "lee")
    assert not people.accounts.named("lee").disabled


@pytest.mark.both_databases
def test_every_change_is_recorded_or_not_made(site, made, monkeypatch):
    made("lee")
    site.people.accounts.set_role(SHELL, "lee", "viewer")
    with site.database.reading() as session:
        record = session.scalars(select(AuditRecord)).one()
    assert (record.event, record.who) == ("account changed", "shell")
    assert "lee: role viewer" in record.message

    def fails(*_, **__):
        raise SkiagraphError("the trail takes what is written")

    monkeypatch.setattr(type(site.audit), "record", fails)
    with pytest.raises(SkiagraphError):
        site.people.accounts.set_role(SHELL, "lee", "admin")
    with site.database.reading() as session:
        assert session.scalar(select(User.role)) == "viewer"


@pytest.mark.parametrize("role", ["service", "root", ""])
def test_a_person_has_a_role_of_persons(site, made, role):
    made("lee")
    with pytest.raises(InvalidInput, match="viewer, reader, admin"):
        site.people.accounts.set_role(SHELL, "lee", role)
