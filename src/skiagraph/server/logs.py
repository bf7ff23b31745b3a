"""Logs for machines and administrators: a line an event, of named facts that may stand there; never patient data."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO, final

import structlog

from skiagraph.errors import SkiagraphError

__all__ = ["FACTS", "configure_logs", "log"]

FACTS: Final = frozenset(
    {
        "address", "at", "attempt", "bytes", "count", "destination", "digest", "error", "event", "frames", "instance",
        "level", "logger", "method", "model", "peer", "pid", "port", "request", "role", "route", "rule", "seconds",
        "series", "sentence", "state", "status", "step", "study", "title", "user", "version", "worker",
    }
)  # fmt: skip
"""What may stand in a log. Studies, series and instances are named by their UIDs; names, identifiers and dates of
patients have no word here, and a fact that is not in this list is left out."""

_LOUD: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "dbos", "pynetdicom", "pydicom", "alembic")

log: Final = structlog.stdlib.get_logger("skiagraph")
"""Events with facts: ``log.info("stored", study=uid, count=3)``."""

_Event = MutableMapping[str, Any]


def configure_logs(form: Literal["json", "text"] = "json", to: TextIO | None = None) -> None:
    """Sends all logs, also those of other packages, to one stream.

    Of the messages of others only their patterns are kept, without the values that were put into them: nobody vouches
    for these. Of errors that are not ours the kind and the places in the code are kept, not the message.

    Args:
        form: ``"json"`` a line, or ``"text"`` for people.
        to: The stream; None for standard error.
    """
    stream = sys.stderr if to is None else to
    last = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _errors,
            _allowed,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(_Others())
    root.setLevel(logging.WARNING)
    for name in (*_LOUD, *logging.root.manager.loggerDict):
        one = logging.getLogger(name)
        one.handlers, one.propagate, one.disabled = [], True, False
        one.setLevel(logging.WARNING if name in _LOUD else logging.NOTSET)


def _errors(_logger: Any, _method: str, event: _Event) -> _Event:
    """An error as its kind, our own sentence where it is ours, and where it was raised."""
    error = event.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["frames"] = [
            f"{frame.name} {frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames
        ]
        if isinstance(error, SkiagraphError):
            event["sentence"] = str(error)
    return event


def _allowed(_logger: Any, _method: str, event: _Event) -> _Event:
    return {name: value for name, value in event.items() if name in FACTS}


@final
class _Others(logging.Handler):
    """What other packages log, by its pattern alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        error = record.exc_info[1] if record.exc_info else None
        pattern = record.msg.splitlines()[0] if isinstance(record.msg, str) and record.args else ""
        log.log(record.levelno, pattern or "a message of another package", logger=record.name, exc_info=error)
