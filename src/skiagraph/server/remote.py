"""Another archive that speaks DICOMweb: it is searched, studies come from it, and results go to it."""

from __future__ import annotations

import secrets
import ssl
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, final

import httpx
from python_multipart.multipart import parse_options_header
from sqlalchemy import select

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.server.archive.files import Files
from skiagraph.server.archive.intake import Intake
from skiagraph.server.node.calls import PeerGone, PeerRefuses
from skiagraph.server.parts import Parts
from skiagraph.server.settings import Destination
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance, Series, Study

__all__ = ["Remote", "Sent", "remote_of", "send_to"]

_JSON: Final = "application/dicom+json"
_DICOM: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_PIECE: Final = 2**20
_MOST: Final = 1_000_000  # objects of one answer
_PAGE: Final = 500
_PATIENCE: Final = httpx.Timeout(60.0, connect=10.0)
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
_TOKEN: Final = 16 * 1024  # characters


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An object on its way.

    Args:
        uid: SOPInstanceUID.
        study: StudyInstanceUID.
        digest: Of its file.
        size: In bytes.
    """

    uid: str
    study: str
    digest: str
    size: int


@final
class Remote:
    """One archive, for as long as the block lasts.

    Args:
        url: Where its DICOMweb begins, without a slash at the end.
        token_file: File with its bearer token; None where it asks for none.
        authorities: PEM file of those who vouch for it; None for those that the world believes.

    Raises:
        InvalidInput: A URL that is none of HTTP.
        MissingInput: One of the files is not there.
    """

    def __init__(self, url: str, *, token_file: Path | None = None, authorities: Path | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise InvalidInput("an archive has a URL of http or https", got="another")
        headers = {} if token_file is None else {"Authorization": f"Bearer {_token(token_file)}"}
        self._web = httpx.Client(
            base_url=f"{url.rstrip('/')}/",
            headers=headers,
            timeout=_PATIENCE,
            verify=True if authorities is None else _trusting(authorities),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._web.close()

    def find(self, path: str, attributes: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Searches (QIDO-RS), page by page.

        Args:
            path: ``"studies"``, ``"studies/UID/series"`` ...
            attributes: Values to match by keyword.

        Yields:
            Matches, DICOM JSON.

        Raises:
            PeerGone: It does not answer.
            PeerRefuses: It does not do that, or answers with something else.
        """
        offset, last = 0, list[dict[str, Any]]()
        while True:
            asked = {**attributes, "limit": str(_PAGE), "offset": str(offset)}
            answer = self._asked("GET", path, params=asked, headers={"Accept": _JSON})
            page = [] if answer.status_code == 204 else _list(answer)
            if page == last:  # of one that does not know pages
                return
            yield from page
            if len(page) < _PAGE:
                return
            offset, last = offset + len(page), page

    def fetch(self, path: str, intake: Intake) -> int:
        """Takes objects (WADO-RS) into the journal, as they are stored there.

        Args:
            path: ``"studies/UID"``, ``"studies/UID/series/UID"`` ...
            intake: The journal.

        Returns:
            How many came.

        Raises:
            PeerGone: It does not answer, or no more; what came before stays.
            PeerRefuses: It has no such thing, or answers with something else.
            WriteFailed: Our disk is full or failed.
        """
        count = 0

        def take(content: IO[bytes], _digest: str, _kind: str) -> None:
            nonlocal count
            intake.take(_read(content))
            count += 1

        try:
            with self._web.stream("GET", path, headers={"Accept": _DICOM}) as answer:
                _check(answer)
                _, options = parse_options_header(answer.headers.get("content-type", ""))
                parts = Parts(intake.folder, take, most=_MOST, boundary=options.get(b"boundary", b""))
                try:
                    for chunk in answer.iter_bytes(_PIECE):
                        parts.write(chunk)
                    parts.finish()
                finally:
                    parts.close()
        except httpx.TransportError as error:
            raise _gone(error) from error
        except InvalidInput as error:
            raise PeerRefuses("an archive answers in parts", got="something else, or a part of it") from error
        return count

    def store(self, objects: Sequence[Sent], files: Files) -> dict[str, int]:
        """Sends objects (STOW-RS), which leave from their files.

        Args:
            objects: Of our archive.
            files: Where they lie.

        Returns:
            Why it does not take some, by SOPInstanceUID; empty where it has them all.

        Raises:
            PeerGone: It does not answer.
            PeerRefuses: It takes none, or does not say what it took.
        """
        mark = secrets.token_hex(16)
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={mark}',
            "Accept": _JSON,
        }
        answer = self._asked("POST", "studies", content=_body(objects, files, mark), headers=headers)
        said = _object(answer)
        failed = {_word(one, "00081155"): _reason(one) for one in _items(said, "00081198")}
        stored = {_word(one, "00081155") for one in _items(said, "00081199")}
        return {one.uid: failed.get(one.uid, 0x0110) for one in objects if one.uid not in stored}

    def _asked(self, method: str, path: str, **said: Any) -> httpx.Response:
        try:
            answer = self._web.request(method, path, **said)
        except httpx.TransportError as error:
            raise _gone(error) from error
        if method != "POST" or answer.status_code != 409:
            _check(answer)
        return answer


def remote_of(destination: Destination) -> Remote:
    """The archive of a destination with a URL.

    Raises:
        InvalidInput: It has none.
        MissingInput: The file of its token is not there.
    """
    if destination.url is None:
        raise InvalidInput("a destination of DICOMweb has a url", got="one without")
    return Remote(destination.url, token_file=destination.token_file)


def send_to(site: Site, name: str, instances: Sequence[str]) -> None:
    """Sends objects of the archive to a destination with a URL. It may be done again: they are the same objects then.

    Args:
        site: The server.
        name: Of the destination.
        instances: Their SOPInstanceUIDs.

    Raises:
        MissingInput: The archive has no such object.
        UnknownName: The settings have no such destination.
        PeerGone: It does not answer.
        PeerRefuses: It does not take them.
    """
    destination = site.settings.destination(name)
    objects = _objects(site, instances)
    with remote_of(destination) as remote:
        failed = remote.store(objects, site.files)
    host = httpx.URL(destination.url or "").host
    for study, count in Counter(one.study for one in objects if one.uid not in failed).items():
        site.audit.record("images sent", name, study=study, address=host, detail=f"{count} sent by DICOMweb")
    if failed:
        reason = next(iter(failed.values()))
        raise PeerRefuses(
            f"{name} takes what is sent to it", got=f"{len(failed)} refused, reason {reason:04X}H"
        )


def _objects(site: Site, instances: Sequence[str]) -> list[Sent]:
    wanted = (
        select(Instance.uid, Study.uid, Instance.digest, Instance.size)
        .join(Series, Instance.series_id == Series.id)
        .join(Study, Series.study_id == Study.id)
        .where(Instance.uid.in_(instances))
    )
    with site.database.reading() as session:
        found = [
            Sent(uid=uid, study=study, digest=digest, size=size)
            for uid, study, digest, size in session.execute(wanted)
        ]
    if len(found) != len(set(instances)):
        raise MissingInput(
            "what is sent is in the archive", got=f"{len(found)} of {len(set(instances))} objects"
        )
    return found


def _body(objects: Sequence[Sent], files: Files, mark: str) -> Iterator[bytes]:
    for one in objects:
        yield f"--{mark}\r\nContent-Type: application/dicom\r\nContent-Length: {one.size}\r\n\r\n".encode()
        with files.open(one.digest) as stream:
            yield from _read(stream)
        yield b"\r\n"
    yield f"--{mark}--\r\n".encode()


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def _check(answer: httpx.Response) -> None:
    if answer.status_code in _LATER:
        raise PeerGone("an archive answers", got=f"status {answer.status_code}", way_out="try again later")
    if not answer.is_success:
        raise PeerRefuses("an archive does what it is asked", got=f"status {answer.status_code}")


def _gone(error: httpx.TransportError) -> PeerGone:
    return PeerGone("an archive answers", got=type(error).__name__, way_out="check its url and its network")


def _list(answer: httpx.Response) -> list[dict[str, Any]]:
    said = _json(answer)
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise PeerRefuses("an archive answers a search with a list", got="something else")
    return said


def _object(answer: httpx.Response) -> dict[str, Any]:
    said = _json(answer)
    if not isinstance(said, dict):
        raise PeerRefuses(
            "an archive says what it took", got=f"status {answer.status_code} and something else"
        )
    return said


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise PeerRefuses("an archive answers in JSON", got=f"status {answer.status_code} without") from error


def _items(said: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    found = said.get(tag, {})
    values = found.get("Value", []) if isinstance(found, dict) else []
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _word(said: Mapping[str, Any], tag: str) -> str:
    found = said.get(tag, {})
    values = found.get("Value", []) if isinstance(found, dict) else []
    return str(values[0]) if isinstance(values, list) and values else ""


def _reason(said: Mapping[str, Any]) -> int:
    word = _word(said, "00081197")
    return int(word) if word.isdecimal() else 0x0110


def _token(file: Path) -> str:
    try:
        token = file.read_text("utf-8").strip()
    except FileNotFoundError as error:
        raise MissingInput(
            "the token of an archive lies in its file", got="none", way_out="make it"
        ) from error
    if not token.isascii() or not token.isprintable() or not 0 < len(token) <= _TOKEN:
        raise FormatError("the token of an archive is one line of letters and signs", got="another")
    return token


def _trusting(authorities: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(authorities))
    except FileNotFoundError as error:
        raise MissingInput("those who vouch for an archive are in a file", got="none") from error
    except ssl.SSLError as error:
        raise FormatError("those who vouch for an archive are in a PEM file", got="another") from error
