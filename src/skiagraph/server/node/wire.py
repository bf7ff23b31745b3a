"""A connection that carries protocol data units: nothing longer than agreed, and nothing slower than patience lasts."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Final, final

from skiagraph.errors import FormatError, ProcessLost
from skiagraph.server.node.pdu import ABORT, ASSOCIATE, DATA, LONGEST, RELEASE

__all__ = ["Wire"]

_KINDS: Final = frozenset({ASSOCIATE, DATA, RELEASE, ABORT})
_UNIT: Final = 60.0  # s for one protocol data unit to arrive whole, and for an answer to be taken
_LAST: Final = 2.0  # s for the other end to close the connection (ARTIM timer, DICOM PS3.8 section 9.1.5)


@final
class Wire:
    """One connection.

    Args:
        connection: Taken, and made safe by TLS where that is asked for.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unit = memoryview(bytearray(LONGEST))
        self._head = memoryview(bytearray(6))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def unit(self, patience: float) -> tuple[int, memoryview]:
        """The next protocol data unit: its type and its body, which lasts until the next is asked for.

        Args:
            patience: Seconds until it begins.

        Raises:
            ProcessLost: The sender is gone, or too slow.
            FormatError: What comes is no such unit, or longer than agreed.
        """
        until = time.monotonic() + patience
        self._fill(self._head[:1], until)
        until = time.monotonic() + min(_UNIT, patience)
        self._fill(self._head[1:], until)
        kind, length = self._head[0], int.from_bytes(self._head[2:], "big")
        if kind not in _KINDS:
            raise FormatError("a protocol data unit is of a type that a provider is sent", got=str(kind))
        if length > LONGEST:
            raise FormatError(f"a protocol data unit has at most {LONGEST} bytes", got=str(length))
        body = self._unit[:length]
        self._fill(body, until)
        return kind, body

    def send(self, data: bytes) -> None:
        """Sends some bytes.

        Raises:
            ProcessLost: Nobody takes them.
        """
        try:
            self._connection.settimeout(_UNIT)
            self._connection.sendall(data)
        except OSError as error:
            raise ProcessLost("a sender takes its answer", got=type(error).__name__) from error

    def close(self) -> None:
        """Ends the connection, after the other end had a moment to read what was said last and to end it itself."""
        until = time.monotonic() + _LAST
        try:
            while (left := until - time.monotonic()) > 0:
                self._connection.settimeout(left)
                if self._connection.recv_into(self._unit) == 0:
                    break
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other end was first, or says nothing
        finally:
            self._connection.close()

    def _fill(self, part: memoryview, until: float) -> None:
        at, wanted = 0, len(part)
        while at < wanted:
            left = until - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                self._connection.settimeout(left)
                count = self._connection.recv_into(part[at:])
            except (OSError, ssl.SSLError) as error:
                raise ProcessLost("a sender goes on until it is done", got=type(error).__name__) from error
            if count == 0:
                raise ProcessLost("a sender goes on until it is done", got="the end of the connection")
            at += count
