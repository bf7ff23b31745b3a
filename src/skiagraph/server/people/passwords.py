"""Passwords: a rule that keeps the worst out, and hashes that are slow to guess (argon2id, RFC 9106)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final, final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from skiagraph.errors import InvalidInput
from skiagraph.server.people.access import Throttled

__all__ = ["Passwords"]

_LEAST: Final = 12  # characters
_MOST: Final = 256
_DIFFERENT: Final = 5  # characters
_TELLING: Final = 4  # characters of a name that tell something
_AT_ONCE: Final = 2  # hashes, each of 64 MiB
_WAIT: Final = 10  # s for a turn

_COMMON: Final = frozenset(
    """
    password passwort passw0rd p@ssw0rd passwordpassword letmein welcome welcomeback iloveyou qwerty qwertyuiop
    qwertyuiopasdf asdfghjkl zxcvbnm qazwsxedc qazwsx dragon monkey football baseball basketball superman batman
    sunshine princess trustno1 trustno starwars whatever computer internet changeme changemenow administrator admin
    adminadmin root rootroot guest default secret topsecret hospital radiology radiologist doctor doctors medical
    medicine orthanc skiagraph login loginlogin master letmeinplease abcdefghijkl abcdefghijklm abcdefghijklmnop
    woaini woainima correcthorsebatterystaple
    """.split()  # noqa: SIM905  a list of words reads best as words
)
"""What people take first (letters alone: digits and signs before and after change nothing)."""

_NONE: Final = "$argon2id$v=19$m=65536,t=3,p=4$c2tpYWdyYXBoLW5vYm9keQ$" + "A" * 43
"""Fits no password; stands where there is no account, so that asking takes as long."""


@final
class Passwords:
    """Makes and compares hashes, few at a time, so that many who try at once do not use up the memory.

    Args:
        hasher: Of argon2; None for the second choice of RFC 9106 (64 MiB, three passes).
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(
            time_cost=3, memory_cost=65536, parallelism=4, hash_len=32, salt_len=16, type=Type.ID
        )
        self._turns = BoundedSemaphore(_AT_ONCE)

    def hashed(self, password: str, name: str) -> str:
        """The hash of a new password.

        Args:
            password: As it was typed.
            name: Of the account.

        Raises:
            InvalidInput: One that is guessed soon.
        """
        plain = _normal(password)
        _check(plain, name)
        with self._turn():
            return self._hasher.hash(plain)

    def fit(self, known: str, password: str) -> bool:
        """Whether a password is the one of a hash; takes as long where there is no hash.

        Args:
            known: The hash; empty for an account without a password, or none.
            password: As it was typed.

        Raises:
            Throttled: Too many are trying.
        """
        with self._turn():
            try:
                return self._hasher.verify(known or _NONE, _normal(password[: _MOST + 1]))
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, known: str) -> bool:
        """Whether a hash was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(known)

    def again(self, password: str) -> str:
        """The hash of a password that fits already, with the parameters of today."""
        with self._turn():
            return self._hasher.hash(_normal(password))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=_WAIT):
            raise Throttled.after(_WAIT)
        try:
            yield
        finally:
            self._turns.release()


def _normal(password: str) -> str:
    """The same characters however a keyboard composes them (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _check(password: str, name: str) -> None:
    folded = password.casefold()
    letters = "".join(character for character in folded if character.isalpha())
    if not _LEAST <= len(password) <= _MOST:
        raise InvalidInput(
            f"a password has {_LEAST} to {_MOST} characters",
            got=f"{len(password)}",
            way_out="take a few words",
        )
    if len(set(folded)) < _DIFFERENT or not letters or letters in _COMMON or folded in _COMMON:
        raise InvalidInput(
            "a password is none that is guessed first", got="a common one", way_out="take a few words"
        )
    whose = name.casefold()
    if folded == whose or (len(whose) >= _TELLING and whose in folded):
        raise InvalidInput("a password does not hold the name of its account", got="one that does")
