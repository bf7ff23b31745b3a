"""A client in Python: sign in, send studies, wait until they are read, and take their reports."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar, final

import httpx

from skiagraph.errors import InvalidInput, MissingInput, NotPermitted, SkiagraphError, StateError, WriteFailed

__all__ = ["Client", "Event", "Me", "Report", "Run", "Series", "Study", "Upload", "Worklist"]

READ: Final = ("drafted", "in review", "signed", "delivered", "unread")
"""States of studies that were read, or that no model reads."""

_AT_ONCE: Final = 200  # files in one request
_QUIET: Final = 20.0  # s after which a stream without a sign of life is broken: the server gives one every 15
_AGAIN: Final = 1.0  # s until a broken stream is asked for once more
_ERRORS: Final[Mapping[int, type[SkiagraphError]]] = {
    401: NotPermitted,
    403: NotPermitted,
    404: MissingInput,
    409: StateError,
    503: StateError,
    507: WriteFailed,
}

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who asks, and what they may do."""

    name: str
    role: str
    permissions: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series of a study."""

    uid: str
    modality: str
    number: int | None
    description: str
    instance_count: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The trace of one inference: model and weights, inputs, machine, precision, time of each stage in s."""

    model: str
    version: str
    digest: str
    outcome: str
    reason: str
    trace: Mapping[str, Any]
    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study, where it is on its way and why; series and runs only where one study was asked for."""

    uid: str
    patient_id: str
    patient_name: str
    date: str
    accession: str
    description: str
    modalities: str
    state: str
    reason: str
    priority: int
    series_count: int
    instance_count: int
    received: datetime
    series: tuple[Series, ...] = ()
    runs: tuple[Run, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """A page of the worklist, how many studies fit, and how many of them stand in each state."""

    studies: tuple[Study, ...]
    total: int
    states: Mapping[str, int]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What became of an upload: objects taken, pictures made to objects, their studies, and what was not taken."""

    objects: int
    made: int
    studies: tuple[str, ...]
    problems: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One version of a report; `content` holds its readings as reading.json has them."""

    identifier: str
    version: int
    state: str
    reader: str
    reason: str
    content: Mapping[str, Any]
    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step on the way of a study.

    Args:
        number: Growing; with it a stream goes on where it broke off.
        kind: The state that was reached, or what else happened.
        study: StudyInstanceUID.
        detail: More of it.
    """

    number: int
    kind: str
    study: str
    detail: Mapping[str, Any]


@final
class Client:
    """Talks to one server; a context manager.

    Args:
        address: Of the server, such as ``http://127.0.0.1:8765``.
        token: Of a service; None for people, who `sign_in`.
        seconds: In which an answer must begin.
    """

    def __init__(self, address: str, *, token: str | None = None, seconds: float = 30.0) -> None:
        shown = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._seconds = seconds
        self._web = httpx.Client(base_url=address, headers=shown, timeout=seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of all connections."""
        self._web.close()

    def sign_in(self, name: str, password: str) -> Me:
        """Begins a session.

        Raises:
            NotPermitted: Not with these.
            StateError: The server does not answer, or too many have tried.
        """
        said = self._ask("POST", "/api/sign-in", json={"name": name, "password": password})
        self._web.headers["X-CSRF-Token"] = said["csrf"]
        return _made(Me, said)

    def sign_out(self) -> None:
        """Ends the session."""
        self._ask("POST", "/api/sign-out")

    def me(self) -> Me:
        """Who asks, and what they may do."""
        return _made(Me, self._ask("GET", "/api/me"))

    def worklist(self, **asked: Any) -> Worklist:
        """The studies that fit.

        Args:
            asked: ``text``, ``modality``, ``states``, ``since``, ``until``, ``reader``, ``order``, ``start``, ``most``.

        Raises:
            InvalidInput: Another word, or out of range.
        """
        said = self._ask("GET", "/api/studies", params=asked)
        found = tuple(_made(Study, one) for one in said["studies"])
        return Worklist(studies=found, total=said["total"], states=said["states"])

    def study(self, uid: str) -> Study:
        """One study, with its series and the traces of all inferences; looking at it stands in the audit trail.

        Raises:
            MissingInput: There is none that the caller sees.
        """
        said = self._ask("GET", f"/api/studies/{uid}")
        series = tuple(_made(Series, one) for one in said.pop("series"))
        runs = tuple(_made(Run, one) for one in said.pop("runs"))
        return _made(Study, {**said, "series": series, "runs": runs})

    def upload(self, *paths: Path | str, patient: str = "") -> Upload:
        """Sends files and folders: DICOM, archives of it, pictures, volumes.

        Args:
            paths: Of files; of a folder all that lies in it.
            patient: Name for the patient of what is not DICOM.

        Raises:
            MissingInput: No such file.
            InvalidInput: More than the server takes.
        """
        files = [file for path in paths for file in _files(Path(path))]
        if not files:
            raise MissingInput("an upload is made of files", got="an empty folder, or nothing")
        parts = [self._send(files[n : n + _AT_ONCE], patient) for n in range(0, len(files), _AT_ONCE)]
        return Upload(
            objects=sum(one.objects for one in parts),
            made=sum(one.made for one in parts),
            studies=tuple(dict.fromkeys(uid for one in parts for uid in one.studies)),
            problems=tuple(problem for one in parts for problem in one.problems),
        )

    def reports(self, uid: str) -> tuple[Report, ...]:
        """All versions of the reports of a study, the newest last.

        Raises:
            MissingInput: There is no such study that the caller sees.
        """
        return tuple(_made(Report, one) for one in self._ask("GET", f"/api/studies/{uid}/reports"))

    def pdf(self, report: Report, study: str, *, reading: int = 0, language: str = "en") -> bytes:
        """The page of one reading of a report.

        Raises:
            MissingInput: There is none.
        """
        path = f"/api/studies/{study}/reports/{report.identifier}/{report.version}/pdf"
        return self._answer("GET", path, params={"reading": reading, "language": language}).content

    def read_anew(self, uid: str) -> Study:
        """Lets the models read a study again.

        Raises:
            StateError: Its report is with a reader, or signed.
        """
        return _made(Study, self._ask("POST", f"/api/studies/{uid}/read-anew"))

    def events(self, study: str = "", *, after: int | None = None) -> Iterator[Event]:
        """What happens to studies, as it happens, without an end; a stream that breaks is taken up where it was.

        Args:
            study: StudyInstanceUID of one; empty for all.
            after: Number of the last event that is known; None for from now on, 0 for all that were.

        Raises:
            NotPermitted: Not with these permissions.
        """
        known = after
        while True:
            try:
                for event in self._stream(study, known, _QUIET):
                    known = event.number
                    yield event
            except httpx.TransportError:
                time.sleep(_AGAIN)

    def wait(self, uid: str, states: Iterable[str] = READ, *, seconds: float = 300.0) -> Study:
        """Waits until a study is in one of some states; one that has not come yet may come meanwhile.

        Raises:
            StateError: It is not, after so many seconds.
        """
        wanted, end, known = set(states), time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            try:
                for event in self._stream(uid, known, min(left, _QUIET)):
                    known = event.number
                    if event.kind in wanted and (found := self.study(uid)).state in wanted:
                        return found
                    if time.monotonic() > end:
                        break
            except httpx.TransportError:
                time.sleep(min(_AGAIN, max(0.0, end - time.monotonic())))
        raise StateError(f"the study is read within {seconds:g} s", got="one that is on its way")

    def _stream(self, study: str, after: int | None, quiet: float) -> Iterator[Event]:
        asked = {"study": study, **({} if after is None else {"after": str(after)})}
        timeout = httpx.Timeout(self._seconds, read=quiet)
        with self._web.stream("GET", "/api/events", params=asked, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise _error(answer)
            block: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    block[name] = value
                    continue
                if "data" in block:
                    detail = json.loads(block["data"])
                    yield Event(
                        number=int(block["id"]), kind=block["event"], study=detail.pop("study"), detail=detail
                    )
                block = {}

    def _send(self, files: list[Path], patient: str) -> Upload:
        with ExitStack() as stack:
            parts = [("files", (file.name, stack.enter_context(file.open("rb")))) for file in files]
            timeout = httpx.Timeout(self._seconds, read=None, write=None)
            said = self._ask("POST", "/api/uploads", files=parts, data={"patient": patient}, timeout=timeout)
        return _made(Upload, said)

    def _ask(self, method: str, path: str, **said: Any) -> Any:
        answer = self._answer(method, path, **said)
        return answer.json() if answer.content else None

    def _answer(self, method: str, path: str, **said: Any) -> httpx.Response:
        try:
            answer = self._web.request(method, path, **said)
        except httpx.TransportError as error:
            raise StateError(
                "a server answers at its address",
                got=type(error).__name__,
                way_out="start it, or name another",
            ) from error
        if answer.is_error:
            raise _error(answer)
        return answer


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.is_file())
    if not path.is_file():
        raise MissingInput("an upload is made of files that are there", got=path.name)
    return [path]


def _error(answer: httpx.Response) -> SkiagraphError:
    """The sentence that the server said."""
    kind = _ERRORS.get(answer.status_code, StateError if answer.status_code >= 429 else InvalidInput)
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return kind("a Skiagraph server answers at this address", got=f"status {answer.status_code}")
    return kind(answer.json()["detail"])


def _made(kind: type[T], said: Mapping[str, Any]) -> T:
    """A value of what was said; words that a newer server says more are left out."""
    known = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name not in said:
            continue
        value = said[field.name]
        if field.type == "datetime":
            value = datetime.fromisoformat(value)
        known[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**known)
