"""A process that receives: it shares the node's socket with its siblings, and only writes files into the intake."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, final

from skiagraph.errors import ProcessLost, SkiagraphError
from skiagraph.server.archive.intake import Intake
from skiagraph.server.archive.sealed import read_key
from skiagraph.server.node.association import Association
from skiagraph.server.node.told import Told
from skiagraph.server.node.wire import Wire

__all__ = ["main"]

_HANDSHAKE: Final = 15.0  # s for TLS
_GRACE: Final = 3.0  # s for what comes in when the process is told to end


@final
class _Receiver:
    """Takes connections, each in a thread of its own."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._tls = told.tls()
        self._intake = Intake(Path(told.home), read_key(Path(told.key_file)) if told.key_file else None)
        self._listening = socket.socket(fileno=told.socket)
        self._saying, self._counting = threading.Lock(), threading.Lock()
        self._open = 0
        self._ending = threading.Event()

    def say(self, word: str, facts: Mapping[str, Any]) -> None:
        """One line for the main process; where that is gone, so is this one."""
        with self._saying:
            try:
                sys.stdout.write(json.dumps({"word": word, **facts}) + "\n")
                sys.stdout.flush()
            except OSError:
                os._exit(1)

    def run(self) -> None:
        """Until the main process closes our standard input, or is no more."""
        threading.Thread(target=self._take, daemon=True).start()
        self.say("ready", {"pid": os.getpid()})
        while sys.stdin.buffer.read(1024):
            pass
        self._ending.set()
        with suppress(OSError):  # a sibling was first
            self._listening.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + _GRACE
        while self._open and time.monotonic() < until:
            time.sleep(0.01)
        os._exit(0)  # what is not whole by now was never promised

    def _take(self) -> None:
        while not self._ending.is_set():
            try:
                connection, address = self._listening.accept()
            except OSError:
                time.sleep(0.05)  # no descriptor is free, or the other end was quick
                continue
            with self._counting:
                self._open += 1
                count = self._open
            if self._ending.is_set() or count > 2 * self._told.associations:
                connection.close()
                self._done()
            else:
                full = count > self._told.associations
                work = threading.Thread(
                    target=self._serve, args=(connection, str(address[0]), full), daemon=True
                )
                work.start()

    def _done(self) -> None:
        with self._counting:
            self._open -= 1

    def _serve(self, connection: socket.socket, address: str, full: bool) -> None:  # noqa: FBT001  a thread calls it
        try:
            with connection:
                if self._tls is not None:
                    connection.settimeout(_HANDSHAKE)
                    connection = self._tls.wrap_socket(connection, server_side=True)
                wire = Wire(connection)
                try:
                    Association(wire, address, self._told, self._intake, self.say).serve(full=full)
                finally:
                    wire.close()
        except ProcessLost:
            pass  # nobody was there to be told
        except OSError as error:
            self.say("unsafe", {"title": "", "address": address, "sentence": type(error).__name__})
        finally:
            self._done()


def main() -> None:
    """Runs on what standard input says first, and ends with it; signals to the whole group are the main process's."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    line = sys.stdin.buffer.readline().decode()
    try:
        receiver = _Receiver(Told.of_line(line))
    except SkiagraphError as error:
        sys.stdout.write(json.dumps({"word": "unable", "sentence": str(error)}) + "\n")
        sys.exit(1)
    receiver.run()


if __name__ == "__main__":
    main()
