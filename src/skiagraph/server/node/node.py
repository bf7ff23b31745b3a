"""The DICOM node as the main process sees it: its socket, the processes that receive, and what they tell."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, final

from skiagraph.errors import InvalidInput
from skiagraph.server.database import DatabaseGone
from skiagraph.server.logs import log
from skiagraph.server.node.commitment import Commitments
from skiagraph.server.node.told import Told
from skiagraph.server.settings import Dicom, Settings
from skiagraph.server.site import Site

__all__ = ["Node"]

_BACKLOG: Final = 256
_PATIENCE: Final = 10.0  # s for a receiver to be ready, or to end
_FIRST, _LAST = 0.2, 10.0  # s before a receiver that ended is started again: the first time, and at most
_STEADY: Final = 30.0  # s after which one that ended is taken for sound
_STEP: Final = 0.5
_QUIET: Final = 60.0  # s in which the same refusal is written into the audit trail once
_REFUSALS: Final = frozenset({"refused", "unsafe", "aborted"})

Line = dict[str, Any]


@final
class Node:
    """Receives over DICOM, in processes of their own.

    Args:
        site: The server.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._listening: socket.socket | None = None
        self._receivers: list[_Receiver] = []
        self._lines: queue.Queue[Line] = queue.Queue()
        self._ending = threading.Event()
        self._books = threading.Thread(target=self._keep_books, name="dicom-node", daemon=True)
        self._refusals: dict[tuple[str, ...], float] = {}

    @property
    def port(self) -> int:
        """On which it listens; 0 where it does not."""
        return 0 if self._listening is None else int(self._listening.getsockname()[1])

    @property
    def pids(self) -> list[int]:
        """Of the processes that receive now."""
        return [one.pid for one in self._receivers if one.pid]

    def start(self) -> None:
        """Listens, and waits until all receivers are ready.

        Raises:
            InvalidInput: The address cannot be listened on; or a file of TLS is none.
        """
        settings = self._site.settings
        if not settings.dicom.enabled:
            return
        self._listening = _listening(settings.dicom)
        told = _told(settings, self._listening.fileno())
        self._receivers = [_Receiver(told, self._lines) for _ in range(settings.dicom.receivers)]
        for one in self._receivers:
            one.start()
        try:
            for one in self._receivers:
                one.wait_ready()
        except InvalidInput:
            self.stop()
            raise
        self._books.start()
        log.info(
            "the DICOM node listens", port=self.port, title=settings.dicom.title, count=len(self._receivers)
        )

    def stop(self) -> None:
        """Ends the receivers; objects that are whole are kept, others were never promised."""
        self._ending.set()
        for one in self._receivers:
            one.end()
        for one in self._receivers:
            one.join()
        if self._books.is_alive():
            self._books.join()
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _keep_books(self) -> None:
        """What the receivers tell goes into the audit trail; storage commitment is seen to."""
        commitments, held = Commitments(self._site), list[Line]()
        while not (self._ending.is_set() and self._lines.empty()):
            held += self._told_now()
            try:
                while held:
                    self._write(held[0])
                    held.pop(0)
                if not self._ending.is_set():
                    commitments.step()
            except DatabaseGone as error:
                log.warning("the DICOM node waits for the database", sentence=str(error))
                if self._ending.wait(2.0):
                    return

    def _told_now(self) -> list[Line]:
        try:
            return [self._lines.get(timeout=_STEP)]
        except queue.Empty:
            return []

    def _write(self, line: Line) -> None:
        word, title, address = line["word"], line.get("title", ""), line.get("address", "")
        sentence = line.get("sentence", "")
        if word == "received":
            for study, count in line["studies"].items():
                self._site.audit.record(
                    "images received", title, study=study, address=address, detail=f"{count} received"
                )
            log.info("received", title=title, address=address, count=sum(line["studies"].values()))
            return
        log.warning(
            f"sender {word}", title=title, address=address, status=line.get("status", ""), sentence=sentence
        )
        if word in _REFUSALS and self._is_news((word, title, address, sentence)):
            self._site.audit.record("caller refused", title, address=address, failed=sentence)

    def _is_news(self, what: tuple[str, ...]) -> bool:
        """Whether a refusal was not written down a moment ago: one who tries all the time does not fill the disk."""
        now = time.monotonic()
        self._refusals = {key: at for key, at in self._refusals.items() if now - at < _QUIET}
        if what in self._refusals:
            return False
        self._refusals[what] = now
        return True


@final
class _Receiver:
    """One process that receives; started again whenever it ends."""

    def __init__(self, told: Told, lines: queue.Queue[Line]) -> None:
        self._told, self._lines = told, lines
        self._thread = threading.Thread(target=self._watch, name="dicom-receiver", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._ready, self._ending = threading.Event(), threading.Event()
        self._changing = threading.Lock()
        self._unable = ""

    @property
    def pid(self) -> int:
        """Of its process; 0 while there is none."""
        process = self._process
        return 0 if process is None or process.poll() is not None else process.pid

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def wait_ready(self) -> None:
        """Until it takes connections.

        Raises:
            InvalidInput: It cannot.
        """
        if not self._ready.wait(_PATIENCE) or self._unable:
            raise InvalidInput("a process that receives can start", got=self._unable or "nothing from it")

    def end(self) -> None:
        """Tells it to end."""
        with self._changing:
            self._ending.set()
            if self._process is not None:
                _closed(self._process)

    def join(self) -> None:
        """Until it has ended; one that does not is killed."""
        self._thread.join(_PATIENCE)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join()

    def _watch(self) -> None:
        pause = _FIRST
        while not self._ending.is_set():
            begun = time.monotonic()
            process = self._started()
            if process is None:
                return
            self._listen(process)
            code = process.wait()
            with self._changing:
                _closed(process)
            if self._ending.is_set() or self._unable:
                return
            pause = _FIRST if time.monotonic() - begun > _STEADY else min(2 * pause, _LAST)
            log.error("a process that receives ended, and is started again", pid=process.pid, status=code)
            self._ending.wait(pause)

    def _started(self) -> subprocess.Popen[bytes] | None:
        with self._changing:
            if self._ending.is_set():
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "skiagraph.server.node.receiver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(self._told.socket,),
            )
            self._process = process
        try:
            if process.stdin is not None:
                process.stdin.write(self._told.line().encode() + b"\n")
                process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended at once, which is seen next
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for text in lines:
                if not text.endswith(b"\n"):
                    return  # it was killed within a word
                line: Line = json.loads(text)
                if line["word"] == "ready":
                    self._ready.set()
                elif line["word"] == "unable":
                    log.error("a process that receives cannot start", sentence=line["sentence"])
                    self._unable = "" if self._ready.is_set() else line["sentence"]
                    self._ready.set()
                else:
                    self._lines.put(line)


def _closed(process: subprocess.Popen[bytes]) -> None:
    """Closes the standard input of a process, which tells it to end."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()


def _told(settings: Settings, descriptor: int) -> Told:
    node = settings.dicom
    return Told(
        home=str(settings.home),
        title=node.title,
        socket=descriptor,
        peers=tuple((peer.title, peer.host, peer.port is not None) for peer in node.peers.values()),
        any_peer=node.any_peer,
        associations=node.associations,
        idle=node.idle_seconds,
        key_file=_path(settings.encryption_key),
        certificate=_path(node.certificate),
        key=_path(node.key),
        authorities=_path(node.authorities),
    )


def _path(path: Path | None) -> str:
    return "" if path is None else os.fspath(path)


def _listening(node: Dicom) -> socket.socket:
    """One socket for all receivers: a connection that waits is taken by whichever is free, also when one has ended."""
    family = socket.AF_INET6 if ":" in node.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((node.host, node.port))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        raise InvalidInput(
            "the DICOM node listens on a free port of this machine",
            got=f"{node.host}:{node.port}, {error.strerror}",
            way_out="choose another --dicom-port",
        ) from error
    return found
