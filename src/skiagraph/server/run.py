"""The processes of a server, from their settings to their end: everything starts in order, and stops in the other."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import signal
import socket as sockets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

import uvicorn

from skiagraph.errors import InvalidInput, StateError
from skiagraph.server.archive.admission import Admission
from skiagraph.server.logs import configure_logs, log
from skiagraph.server.node.node import Node
from skiagraph.server.settings import Settings
from skiagraph.server.site import Site, opened_site
from skiagraph.server.way.durable import Workers
from skiagraph.server.way.watch import Completion
from skiagraph.server.web.app import application

__all__ = ["Part", "held", "serve", "work"]

_LOCK: Final = "server.lock"
_GRACE: Final = 10  # s for requests in work when the server ends
_MALLOC: Final = (
    (-8, 2),
    (-1, 1 << 20),
    (-3, 1 << 20),
)  # mallopt(3): M_ARENA_MAX, M_TRIM_ and M_MMAP_THRESHOLD
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
        say: Told, a line at a time, where it answers, and the link of the first administrator while there is none.

    Raises:
        StateError: Another server runs on this home.
        InvalidInput: An address cannot be listened on.
    """
    configure_logs(settings.log)
    _spare_memory()
    with ExitStack() as stack:
        stack.enter_context(held(settings.home))
        site = opened_site(settings)
        stack.callback(site.close)
        server = uvicorn.Server(_config(site))
        _on_end(lambda: setattr(server, "should_exit", True))
        socket = _listening(settings)
        stack.callback(socket.close)
        node = Node(site)
        for part in (*parts_of(site), node):
            part.start()
            stack.callback(part.stop)
        port = socket.getsockname()[1]
        for line in _told(site, port, node.port):
            say(line)
        log.info("started", port=port, pid=os.getpid())
        server.run(sockets=[socket])
    log.info("ended", pid=os.getpid())


def work(settings: Settings, name: str, say: Callable[[str], None]) -> None:
    """Reads studies beside a server, in a process of its own, until it is told to end (SIGINT, SIGTERM).

    Args:
        settings: Those of the server; its home and its database are shared.
        name: Of this process among those that work on the same home; the same after a restart.
        say: Told when it works.

    Raises:
        InvalidInput: A name that cannot be one of a file.
        StateError: A process of this name works already.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput("a worker's name has letters, digits, dots and hyphens", got="other characters")
    configure_logs(settings.log)
    _spare_memory()
    end = threading.Event()
    _on_end(end.set)
    with ExitStack() as stack:
        site = opened_site(settings)
        stack.callback(site.close)
        workers = Workers(site, name)
        workers.start()
        stack.callback(workers.stop)
        say(f"{name} reads {settings.workers} at once")
        log.info("started", worker=name, pid=os.getpid())
        end.wait()
    log.info("ended", worker=name, pid=os.getpid())


def _spare_memory() -> None:
    """Lets glibc give back what was freed. With an arena a thread, as by default, 100 MB stay after a first study."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return  # another system, with another allocator
    for setting in _MALLOC:
        mallopt(*setting)


def _on_end(do: Callable[[], None]) -> None:
    """What the signals to end do. Without it uvicorn raises them once more at its end, and nothing else would stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: do())


def _told(site: Site, port: int, dicom: int) -> Iterator[str]:
    """Where it answers, and who may come first."""
    settings = site.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{'http' if settings.certificate is None else 'https'}://{host}:{port}"
    yield address
    if dicom:
        yield f"DICOM: {settings.dicom.title} at {settings.dicom.host}:{dicom}"
    secret = site.people.invitations.first()
    if secret is not None:
        yield f"first administrator, once: {address}/sign-in?invitation={secret}"
    yield "Ctrl+C ends it"


def _config(site: Site) -> uvicorn.Config:
    settings = site.settings
    return uvicorn.Config(
        application(site),
        host=settings.host,
        port=settings.port,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # those of a proxy are read by our own layers
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        timeout_graceful_shutdown=_GRACE,
    )


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
