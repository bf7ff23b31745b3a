"""The door: locks, no word on which accounts there are, sessions that end, tokens with their scopes."""

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.server.people.access import Throttled, Unknown
from skiagraph.server.people.passwords import Passwords
from skiagraph.server.people.people import SHELL
from skiagraph.server.people.sign_in import Visitor
from skiagraph.server.tables import AuditRecord, Base, Login, Token, User

GOOD = "seven grey herons wait"
HERE = Visitor(address="10.0.0.1", agent="tests")


@pytest.fixture(scope="module")
def known():
    """The hash of a password, which takes long."""
    return Passwords().hashed(GOOD, "lee")


@pytest.fixture
def lee(site, known):
    """The number of an account with a password."""
    with site.database.writing() as session:
        return site.people.accounts.made(session, "lee", "reader", password=known)


@pytest.fixture
def enter(site, lee, monkeypatch):
    """Signs in; the words of the refusal where that fails. Hashes are compared as quickly as texts."""
    monkeypatch.setattr(Passwords, "fit", lambda _self, known, password: bool(known) and password == GOOD)

    def entered(name="lee", password=GOOD, visitor=HERE):
        try:
            return site.people.door.enter(name, password, visitor)
        except Unknown as error:
            return str(error)

    return entered


def records(site):
    with site.database.reading() as session:
        return [
            (one.event, one.who, "do not fit" in one.message) for one in session.scalars(select(AuditRecord))
        ]


@pytest.mark.both_databases
def test_who_knows_name_and_password_comes_in(site, lee):
    secret = site.people.door.enter(" LEE", GOOD, HERE)
    caller = site.people.sessions.visit(secret, "10.0.0.2").caller
    assert (caller.name, caller.user, caller.role, caller.address) == ("lee", lee, "reader", "10.0.0.2")


def test_refusals_do_not_tell_which_accounts_there_are(site, enter):
    said = {enter("nobody"), enter("lee", "wrong"), enter("", ""), enter("lee' OR 1=1 --", GOOD)}
    assert len(said) == 1


def test_disabled_and_locked_people_hear_the_same(site, enter):
    wrong = enter("lee", "wrong")
    with site.database.writing() as session:
        session.execute(update(User).values(disabled=True))
    assert enter() == wrong
    with site.database.writing() as session:
        session.execute(
            update(User).values(disabled=False, locked_until=datetime.now(UTC) + timedelta(hours=1))
        )
    assert enter() == wrong


@pytest.mark.both_databases
def test_wrong_passwords_lock_an_account_for_a_while(site, enter):
    for _ in range(site.settings.limits.attempts):
        enter("lee", "wrong")
    assert "name and password fit" in enter()
    locked = site.people.accounts.named("lee").locked_until
    assert timedelta(minutes=14) < locked - datetime.now(UTC) <= timedelta(minutes=15)
    with site.database.writing() as session:
        session.execute(update(User).values(locked_until=datetime.now(UTC) - timedelta(seconds=1)))
    assert site.people.sessions.visit(enter(), "") is not None


def test_a_lock_is_not_lengthened_while_it_lasts_and_an_administrator_ends_it(site, enter):
    for _ in range(site.settings.limits.attempts):
        enter("lee", "wrong")
    until = site.people.accounts.named("lee").locked_until
    enter("lee", "wrong")
    assert site.people.accounts.named("lee").locked_until == until
    site.people.accounts.unlock(SHELL, "lee")
    assert site.people.sessions.visit(enter(), "") is not None


def test_a_right_password_forgets_the_wrong_ones(site, enter):
    for _ in range(3):
        for _ in range(site.settings.limits.attempts - 1):
            enter("lee", "wrong")
        assert site.people.sessions.visit(enter(), "") is not None


def test_one_address_tries_slowly(site, enter):
    for _ in range(site.settings.limits.requests_per_minute):
        enter()
    with pytest.raises(Throttled):
        enter()
    assert site.people.sessions.visit(enter(visitor=Visitor(address="10.0.0.2")), "") is not None


def test_each_try_is_recorded_without_what_was_typed_for_unknown_names(site, enter):
    enter("my-secret-password", "wrong")
    enter("lee", "wrong")
    site.people.door.leave(enter(), "lee", "10.0.0.1")
    assert records(site) == [
        ("signed in", "an unknown name", True),
        ("signed in", "lee", True),
        ("signed in", "lee", False),
        ("signed out", "lee", False),
    ]


def test_an_outdated_hash_is_renewed_at_sign_in(site, lee):
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(GOOD)
    with site.database.writing() as session:
        session.execute(update(User).values(password=weak))
    site.people.door.enter("lee", GOOD, HERE)
    assert "m=65536,t=3,p=4" in site.people.accounts.named("lee").password


def test_signing_in_ends_the_session_that_the_browser_had(site, enter):
    first = enter()
    second = enter(visitor=Visitor(address="10.0.0.1", secret=first))
    assert site.people.sessions.visit(first, "") is None
    assert site.people.sessions.visit(second, "") is not None


@pytest.mark.parametrize(
    ("values", "lives"),
    [
        ({"seen": timedelta(minutes=29)}, True),
        ({"seen": timedelta(minutes=31)}, False),
        ({"created": timedelta(hours=11.9)}, True),
        ({"created": timedelta(hours=12.1)}, False),
    ],
)
def test_sessions_end_when_idle_and_when_old(site, enter, values, lives):
    secret = enter()
    with site.database.writing() as session:
        session.execute(update(Login).values({name: datetime.now(UTC) - ago for name, ago in values.items()}))
    assert (site.people.sessions.visit(secret, "") is not None) is lives


@pytest.mark.both_databases
def test_a_session_that_is_used_stays_and_those_that_are_over_are_swept_away(site, enter):
    secret = enter()
    with site.database.writing() as session:
        session.execute(update(Login).values(seen=datetime.now(UTC) - timedelta(minutes=20)))
    site.people.sessions.visit(secret, "")
    with site.database.writing() as session:
        assert datetime.now(UTC) - session.scalars(select(Login)).one().seen < timedelta(minutes=1)
        session.execute(update(Login).values(seen=datetime.now(UTC) - timedelta(hours=1)))
    enter()
    with site.database.reading() as session:
        assert len(session.scalars(select(Login)).all()) == 1


def test_an_answer_that_lasts_does_not_keep_a_session_from_being_idle(site, enter):
    secret, before = enter(), datetime.now(UTC) - timedelta(minutes=20)
    with site.database.writing() as session:
        session.execute(update(Login).values(seen=before))
    assert site.people.sessions.visit(secret, "", use=False) is not None
    with site.database.reading() as session:
        assert session.scalars(select(Login.seen)).one() == before


@pytest.mark.both_databases
def test_somebody_has_a_bounded_number_of_sessions(site, enter, lee):
    with site.database.writing() as session:
        for _ in range(30):
            site.people.sessions.begin(session, lee, address="", agent="")
    assert len(site.people.sessions.listed(lee)) == 20


def test_one_ends_ones_own_sessions_alone(site, enter, lee):
    secret = enter()
    visit = site.people.sessions.visit(secret, "")
    with pytest.raises(UnknownName):
        site.people.sessions.end(SHELL, visit.login)
    site.people.sessions.end(visit.caller, visit.login)
    assert site.people.sessions.visit(secret, "") is None


@pytest.mark.both_databases
def test_another_password_ends_the_other_sessions(site, enter):
    here, there = enter(), enter()
    visit = site.people.sessions.visit(here, "")
    change = site.people.door.change_password
    with pytest.raises(InvalidInput, match="old password"):
        change(visit.caller, "wrong", "eight grey herons wait", login=visit.login)
    with pytest.raises(InvalidInput, match="12 to 256"):
        change(visit.caller, GOOD, "short", login=visit.login)
    change(visit.caller, GOOD, "eight grey herons wait", login=visit.login)
    assert site.people.sessions.visit(here, "") is not None
    assert site.people.sessions.visit(there, "") is None


def test_the_database_holds_no_secret_of_a_session_or_token(site, enter):
    session_secret, token = enter(), site.people.tokens.make(SHELL, "pump", ["see"], None)
    with site.database.reading() as session:
        held = str([row for table in Base.metadata.sorted_tables for row in session.execute(select(table))])
    assert "pump" in held
    for secret in (session_secret, token.removeprefix("skg_"), GOOD):
        assert secret not in held


@pytest.mark.both_databases
def test_a_token_may_what_it_was_given_until_it_ends_or_is_revoked(site):
    tokens = site.people.tokens
    secret = tokens.make(SHELL, "pump", ["upload", "see"], 1)
    caller = tokens.visit(secret, "10.0.0.9").caller
    assert (caller.name, caller.role, caller.user, caller.may) == (
        "token pump",
        "service",
        None,
        {"see", "upload"},
    )
    with site.database.writing() as session:
        session.execute(update(Token).values(expires=datetime.now(UTC)))
    assert tokens.visit(secret, "") is None
    lasting = tokens.make(SHELL, "lamp", ["see"], None)
    tokens.revoke(SHELL, tokens.listed()[0].id)
    assert tokens.visit(lasting, "") is None
    with pytest.raises(UnknownName):
        tokens.revoke(SHELL, 99)


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("pump", [], 1),
        ("pump", ["sign"], 1),
        ("pump", ["see", "root"], 1),
        ("pump", ["see"], 0),
        ("pump", ["see"], -1),
        ("a b", ["see"], 1),
        ("taken", ["see"], 1),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(site, name, scopes, days):
    site.people.tokens.make(SHELL, "taken", ["see"], 1)
    with pytest.raises(InvalidInput):
        site.people.tokens.make(SHELL, name, scopes, days)
    assert len(site.people.tokens.listed()) == 1
