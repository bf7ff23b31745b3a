"""The durable run of steps: after any kill each study goes on where it was, and each effect is there once."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, final

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, StepOptions
from sqlalchemy.exc import DBAPIError

from skiagraph.errors import InvalidInput, ProcessLost, SkiagraphError, StateError, UnknownName, WriteFailed
from skiagraph.server.database import DatabaseGone
from skiagraph.server.deliver import arrived, delivered, delivery_failed, planned
from skiagraph.server.logs import log
from skiagraph.server.node.priors import fetch_priors
from skiagraph.server.results import made_results
from skiagraph.server.routing import Priors
from skiagraph.server.site import Site
from skiagraph.server.way.models import Models
from skiagraph.server.way.steps import chosen, drafted, prepared, read_by, unread

__all__ = ["Workers", "enqueue_delivery", "enqueue_reading"]

_READING, _DELIVERY = "readings", "deliveries"
_AT_ONCE: Final = 4  # deliveries
_POLL: Final = 0.1  # s
_LOOK: Final = 15.0  # s between looks for workers that are gone
_GRACE: Final = 10  # s for the step in work when a process ends; what takes longer is done again
_PASSING: Final = (DatabaseGone, WriteFailed, ProcessLost, DBAPIError)
"""Errors that pass: the database, the disk or a peer is gone for a while. A step is done again until they are over."""


class _Here:
    """What this process works on. DBOS knows one application a process, and so there is one of these."""

    site: Site | None = None
    models: Models | None = None


def _site() -> tuple[Site, Models]:
    if _Here.site is None or _Here.models is None:
        raise StateError("steps run in a process whose workers were started", got="one without")
    return _Here.site, _Here.models


@DBOS.workflow(name="read study")
def _read_study(uid: str, digest: str) -> str:
    """From complete to drafted, or to unread with the reason.

    Args:
        uid: StudyInstanceUID.
        digest: Of the images; a study that grew is read anew, as another workflow.
    """
    try:
        plan = _step("choose", _choose, uid)
        _step("fetch priors", _fetch_priors, uid, plan)
        _step("prepare", _prepare, uid, plan)
        keys: list[str] = []
        for work in plan["work"]:
            keys += _step(f"read by {work['model']}", _read, uid, work)
        if not plan["work"]:
            return "unread"  # and why stands at the study
        report = _step("draft", _draft, uid, digest, keys)
        if report is None:
            return "unread"
        _step("results", _results, uid, *report)
    except _ForGoodError as error:
        _step("give up", _give_up, uid, str(error))
        return "unread"
    _deliver(uid, *report)
    return "drafted"


@DBOS.workflow(name="deliver report")
def _deliver_report(uid: str, identifier: str, version: int) -> str:
    """The results of a signed report to where the rules send them."""
    try:
        _step("results", _results, uid, identifier, version)
    except _ForGoodError as error:
        return str(error)
    _deliver(uid, identifier, version)
    return "delivered"


def _deliver(uid: str, identifier: str, version: int) -> None:
    for destination in _step("plan deliveries", _plan, uid, identifier, version):
        try:
            _step(f"send to {destination}", _send, uid, destination)
        except _ForGoodError as error:
            _step(f"note {destination}", _note, uid, destination, str(error))
    _step("arrived", _arrived, uid, identifier, version)


class _ForGoodError(Exception):
    """A step that fails however often it is tried, and why in one sentence."""


def _step(name: str, do: Callable[..., Any], *args: Any) -> Any:
    """Does a step until what passes is over; what does not is kept as its outcome, for it has to survive a kill too.

    Raises:
        _ForGoodError: The step does not work.
    """
    options: StepOptions = {
        "name": name,
        "retries_allowed": True,
        "interval_seconds": 1.0,
        "backoff_rate": 1.5,
        "max_attempts": 1_000,
    }
    outcome = DBOS.run_step(options, _tried, do, *args)
    if "why" in outcome:
        raise _ForGoodError(outcome["why"])
    return outcome["done"]


def _tried(do: Callable[..., Any], *args: Any) -> dict[str, Any]:
    try:
        return {"done": do(*args)}
    except _PASSING:
        raise
    except SkiagraphError as error:
        return {"why": str(error)}
    except Exception as error:  # noqa: BLE001  a model or codec that fails must end this study, not the worker
        log.error("step failed", step=do.__name__.strip("_"), exc_info=error)
        return {"why": f"The step ended with an error that nobody foresaw ({type(error).__name__})."}


def _choose(uid: str) -> dict[str, Any]:
    work, routes = chosen(_site()[0], uid)
    priors = [route.priors.model_dump() for route in routes if route.priors is not None]
    return {"work": work, "priority": max((route.priority for route in routes), default=0), "priors": priors}


def _fetch_priors(uid: str, plan: dict[str, Any]) -> list[str]:
    """Earlier studies help, but their absence holds nothing up: a peer that is gone is noted."""
    found: list[str] = []
    for rule in plan["priors"]:
        try:
            found += fetch_priors(_site()[0], uid, Priors(**rule))
        except (ProcessLost, StateError, InvalidInput, UnknownName) as error:
            log.warning("priors not fetched", study=uid, peer=rule["peer"], sentence=str(error))
    return found


def _prepare(uid: str, plan: dict[str, Any]) -> None:
    prepared(_site()[0], uid, plan["work"], plan["priority"])


def _read(uid: str, work: dict[str, Any]) -> list[str]:
    site, models = _site()
    return read_by(site, uid, work, models(work["model"]))


def _draft(uid: str, digest: str, keys: list[str]) -> list[Any] | None:
    made = drafted(_site()[0], uid, digest, keys)
    return None if made is None else list(made)


def _results(uid: str, identifier: str, version: int) -> None:
    made_results(_site()[0], uid, identifier, version)


def _plan(uid: str, identifier: str, version: int) -> list[str]:
    return planned(_site()[0], uid, identifier, version)


def _send(uid: str, destination: str) -> int:
    return delivered(_site()[0], uid, destination)


def _note(uid: str, destination: str, reason: str) -> None:
    delivery_failed(_site()[0], uid, destination, reason)


def _arrived(uid: str, identifier: str, version: int) -> None:
    arrived(_site()[0], uid, identifier, version)


def _give_up(uid: str, reason: str) -> None:
    unread(_site()[0], uid, reason)


def enqueue_reading(uid: str, digest: str, turn: int) -> None:
    """Lets a study be read; asked twice for the same turn it is read once.

    Args:
        uid: StudyInstanceUID.
        digest: Of its images.
        turn: How often the study was complete; a person may ask for another reading of the same images.
    """
    with SetWorkflowID(f"read {uid} {digest[:16]} {turn}"):
        DBOS.enqueue_workflow(_READING, _read_study, uid, digest)


def enqueue_delivery(uid: str, identifier: str, version: int, turn: int) -> None:
    """Lets the results of a signed report be made and sent; asked twice for the same turn it happens once.

    Args:
        uid: StudyInstanceUID.
        identifier: Of the report.
        version: Of the report.
        turn: How often a person asked to send again what was not taken.
    """
    with SetWorkflowID(f"deliver {identifier} {version} {turn}"):
        DBOS.enqueue_workflow(_DELIVERY, _deliver_report, uid, identifier, version)


@final
class Workers:
    """The workers of one process; a part of a server.

    Args:
        site: What they work on.
        name: Of this process among those that work on the same home; the same after a restart, so that it takes up
            what it left.
    """

    def __init__(self, site: Site, name: str = "server") -> None:
        self._site, self._name = site, name
        self._lock: int | None = None
        self._end = threading.Event()
        self._looking: threading.Thread | None = None

    def start(self) -> None:
        """Opens the store of steps, takes up what was left, and begins.

        Raises:
            StateError: A process of this name works already.
        """
        settings = self._site.settings
        folder = settings.home / "workers"
        folder.mkdir(exist_ok=True, mode=0o700)
        self._lock = _locked(folder / self._name)
        if self._lock is None:
            raise StateError("workers of one name run once", got=f"another called {self._name}")
        _Here.site, _Here.models = self._site, Models()
        config: DBOSConfig = {
            "name": "skiagraph",
            "system_database_url": _steps_url(self._site),
            "executor_id": self._name,
            "application_version": "1",  # of the steps: what was begun by one release is ended by the next
            "serializer": DBOSPortableJSONSerializer(),
            "notification_listener_polling_interval_sec": _POLL,
            "log_level": "WARNING",
        }
        DBOS(config=config)
        DBOS.launch()
        DBOS.register_queue(_READING, worker_concurrency=settings.workers, polling_interval_sec=_POLL)
        DBOS.register_queue(_DELIVERY, worker_concurrency=_AT_ONCE, polling_interval_sec=_POLL)
        self._looking = threading.Thread(target=self._look, name="workers that are gone", daemon=True)
        self._looking.start()

    def stop(self) -> None:
        """Ends; what is in work is taken up by the next start."""
        self._end.set()
        DBOS.destroy(workflow_completion_timeout_sec=_GRACE)
        _Here.site = _Here.models = None
        if self._lock is not None:
            os.close(self._lock)

    def _look(self) -> None:
        """Takes up the work of processes that are gone and did not come again."""
        while not self._end.wait(_LOOK):
            for file in sorted((self._site.settings.home / "workers").iterdir()):
                lock = None if file.name == self._name else _locked(file)
                if lock is None:
                    continue
                try:
                    DBOS._recover_pending_workflows([file.name])  # noqa: SLF001  it has no public name
                    file.unlink(missing_ok=True)
                except (DatabaseGone, SkiagraphError) as error:
                    log.warning("worker not taken over", worker=file.name, exc_info=error)
                finally:
                    os.close(lock)


def _locked(file: Path) -> int | None:
    """The lock of a worker's name; None where it is held."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _steps_url(site: Site) -> str:
    """The store of steps: beside our tables."""
    url = site.database.url
    if site.database.sqlite:
        return f"sqlite:///{(site.settings.home / 'steps.sqlite').resolve()}"
    return url.render_as_string(hide_password=False)
