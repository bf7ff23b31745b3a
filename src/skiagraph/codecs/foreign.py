"""Packages that take files apart for us: what they raise for a damaged one becomes an error of ours."""

from __future__ import annotations

import logging
import lzma
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from skiagraph.errors import FormatError, SkiagraphError

__all__ = ["BROKEN", "foreign", "quiet"]

BROKEN: Final[tuple[type[Exception], ...]] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)
"""What parsers raise for files that nobody meant to write; not `MemoryError`, for claims are checked before."""

_TALKATIVE: Final = (  # loggers that quote what they read
    "PIL.TiffImagePlugin",
    "highdicom",
    "nibabel.global",
    "pydicom",
    "tifffile",
)


@contextmanager
def foreign(
    rule: str, *, way_out: str | None = None, also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """A block in which another package reads a file.

    Args:
        rule: The sentence for a file that it cannot read.
        way_out: What can be done then.
        also: Errors of the package's own.

    Raises:
        FormatError: The package failed. Errors of ours pass as they are.
    """
    with quiet():
        try:
            yield
        except SkiagraphError:
            raise
        except (*BROKEN, *also) as error:
            raise FormatError(rule, way_out=way_out) from error


@contextmanager
def quiet() -> Iterator[None]:
    """A block without warnings, in words or in logs, for they quote values, and values name patients.

    Blocks may overlap in threads, which `warnings.catch_warnings` alone does not bear.
    """
    _silence.begin()
    try:
        yield
    finally:
        _silence.end()


@final
class _Silence:
    """Counts the blocks that are open: the first sets the filter, the last gives back what was there."""

    def __init__(self) -> None:
        self._lock, self._open = threading.Lock(), 0
        self._before = warnings.catch_warnings()

    def begin(self) -> None:
        with self._lock:
            if not self._open:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.simplefilter("ignore")
                self._disable(said=True)
            self._open += 1

    def end(self) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                self._disable(said=False)
                self._before.__exit__(None, None, None)

    def _disable(self, *, said: bool) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).disabled = said


_silence: Final = _Silence()
