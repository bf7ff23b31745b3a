"""One server process, from its settings to its end: everything starts in order, and stops in the other."""

from __future__ import annotations

import fcntl
import os
import socket as sockets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

import uvicorn

from skiagraph.errors import InvalidInput, StateError
from skiagraph.server.archive.admission import Admission
from skiagraph.server.logs import configure_logs, log
from skiagraph.server.settings import Settings
from skiagraph.server.site import Site, opened_site
from skiagraph.server.way.durable import Workers
from skiagraph.server.way.watch import Completion
from skiagraph.server.web.app import application

__all__ = ["Part", "held", "serve"]

_LOCK: Final = "server.lock"
_GRACE: Final = 10  # s for requests in work when the server ends


class Part(Protocol):
    """Something that works in the background of a server."""

    def start(self) -> None:
        """Begins."""

    def stop(self) -> None:
        """Ends, with what is in work left so that the next start finds it."""


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Holds a home for one server process.

    Raises:
        StateError: Another server runs on it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StateError(
            "one server runs on a home", got="another that runs", way_out="end it, or name another --home"
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


def parts_of(site: Site) -> Sequence[Part]:
    """What works in the background, in the order of its start."""
    return (Admission(site), Workers(site), Completion(site))


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serves until it is told to end (SIGINT, SIGTERM).

    Args:
        settings: What it was told.
        say: Told, a line at a time, where it answers.

    Raises:
        StateError: Another server runs on this home.
        InvalidInput: The address cannot be listened on.
    """
    configure_logs(settings.log)
    with ExitStack() as stack:
        stack.enter_context(held(settings.home))
        site = opened_site(settings)
        stack.callback(site.close)
        config = uvicorn.Config(
            application(site),
            host=settings.host,
            port=settings.port,
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=settings.behind_proxy,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
            timeout_graceful_shutdown=_GRACE,
        )
        socket = _listening(settings)
        stack.callback(socket.close)
        for part in parts_of(site):
            part.start()
            stack.callback(part.stop)
        scheme = "http" if settings.certificate is None else "https"
        say(f"{scheme}://{settings.host}:{socket.getsockname()[1]}")
        log.info("started", port=socket.getsockname()[1], pid=os.getpid())
        uvicorn.Server(config).run(sockets=[socket])
    log.info("ended", pid=os.getpid())


def _listening(settings: Settings) -> sockets.socket:
    """Connections wait from now on, until the server takes them."""
    family = sockets.AF_INET6 if ":" in settings.host else sockets.AF_INET
    found = sockets.socket(family, sockets.SOCK_STREAM)
    found.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        found.bind((settings.host, settings.port))
        found.listen(2048)
    except OSError as error:
        found.close()
        raise InvalidInput(
            "a server listens on a free port of this machine",
            got=f"{settings.host}:{settings.port}, {error.strerror}",
            way_out="choose another --port",
        ) from error
    return found
