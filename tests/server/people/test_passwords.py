"""Passwords: what is refused, what a hash is, and that names which there are not take as long as others."""

import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from skiagraph.errors import InvalidInput
from skiagraph.server.people.passwords import Passwords

GOOD = "seven grey herons wait"


@pytest.fixture
def quick():
    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("short words", "12 to 256 characters"),
        ("x" * 257, "12 to 256 characters"),
        ("aaaaaaaaaaaaaa", "guessed first"),
        ("123456789012", "guessed first"),
        ("20261121-1200", "guessed first"),
        ("Password123456!", "guessed first"),
        ("!!qwertyuiop123", "guessed first"),
        ("correcthorsebatterystaple", "guessed first"),
        ("dr.hoffmann12", "the name of its account"),
        ("I am dr.Hoffmann now", "the name of its account"),
    ],
)
def test_passwords_that_are_guessed_soon_are_refused(quick, password, rule):
    with pytest.raises(InvalidInput, match=rule) as refused:
        quick.hashed(password, "dr.hoffmann")
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", [GOOD, "十二个字以上的中文密码也可以用", "tr0ub4dor&3 and more", "p" * 12 + "qrst"]
)
def test_long_passwords_of_any_script_are_taken(quick, password):
    known = quick.hashed(password, "lee")
    assert quick.fit(known, password)
    assert not quick.fit(known, password + "x")


def test_a_password_fits_however_its_characters_are_composed(quick):
    assert quick.fit(quick.hashed("caf\u00e9 with milk", "lee"), "cafe\u0301 with milk")


def test_hashes_are_argon2id_with_the_parameters_of_rfc_9106():
    ours = Passwords()
    known = ours.hashed(GOOD, "lee")
    parameters = extract_parameters(known)
    assert known.startswith("$argon2id$v=19$")
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (65536, 3, 4)
    assert not ours.outdated(known)


def test_hashes_of_weaker_parameters_are_outdated(quick):
    known = quick.hashed(GOOD, "lee")
    assert Passwords().outdated(known)
    assert Passwords().fit(known, GOOD)


def test_where_there_is_no_hash_as_much_is_computed_as_where_there_is(monkeypatch):
    seen = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda self, known, pw: (seen.append(known), verify(self, known, pw))[1]
    )
    ours = Passwords()
    assert not ours.fit("", GOOD)
    assert extract_parameters(seen[0]) == extract_parameters(ours.hashed(GOOD, "lee"))


def test_a_hash_that_is_none_fits_nothing(quick):
    assert not quick.fit("no hash", GOOD)


def test_few_hashes_are_made_at_once():
    now, most, lock = [0], [0], threading.Lock()

    class Counting(PasswordHasher):
        def verify(self, known, password):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            threading.Event().wait(0.01)
            with lock:
                now[0] -= 1
            return True

    ours = Passwords(Counting())
    threads = [threading.Thread(target=ours.fit, args=("", GOOD)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2
