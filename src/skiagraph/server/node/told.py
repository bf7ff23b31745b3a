"""What a receiving process is told when it starts, and who may call it."""

from __future__ import annotations

import json
import socket
import ssl
import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Final, final

from skiagraph.errors import InvalidInput
from skiagraph.server.node.pdu import Request, Turned

__all__ = ["Told"]

_FRESH: Final = 60.0  # s that the addresses of a name are believed

_STRANGER: Final = Turned(
    result=1, source=1, reason=3, sentence="the calling title and address are no peer's"
)
_NOT_OURS: Final = Turned(result=1, source=1, reason=7, sentence="the called title is not ours")
_NOT_DICOM: Final = Turned(result=1, source=1, reason=2, sentence="another application context or version")

_FULL: Final = Turned(result=2, source=3, reason=2, sentence="too many associations at once")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The settings of a receiving process.

    Args:
        home: Of the server.
        title: Our application entity title.
        socket: Number of the descriptor on which it listens.
        peers: Title and host of each that may call; and whether it can be called back.
        any_peer: Whether others may call too.
        associations: At once, in one process.
        idle: Seconds in which an association must say something.
        key_file: Of the key with which files are encrypted; empty for none.
        certificate: PEM file; empty for no TLS.
        key: PEM file.
        authorities: PEM file of those who vouch for peers; empty where none must.
    """

    home: str
    title: str
    socket: int
    peers: tuple[tuple[str, str, bool], ...] = field(default=())
    any_peer: bool = False
    associations: int = 64
    idle: float = 60.0
    key_file: str = ""
    certificate: str = ""
    key: str = ""
    authorities: str = ""

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def of_line(line: str) -> Told:
        """From its line."""
        plain = json.loads(line)
        plain["peers"] = tuple(tuple(peer) for peer in plain["peers"])
        return Told(**plain)

    def turned(self, request: Request, address: str, *, full: bool) -> Turned | None:
        """Why a request is refused, by who asks and how many are here; None where it is not."""
        if not request.known:
            return _NOT_DICOM
        if request.called != self.title:
            return _NOT_OURS
        if self.any_peer or self.peer(request.calling, address) is not None:
            return _FULL if full else None
        return _STRANGER

    def peer(self, title: str, address: str) -> tuple[str, str, bool] | None:
        """The peer of a title that calls from an address; None for a stranger."""
        for peer in self.peers:
            if peer[0] == title and address in _addresses(peer[1], int(time.monotonic() / _FRESH)):
                return peer
        return None

    def tls(self) -> ssl.SSLContext | None:
        """How connections are made safe; None where they are not.

        Raises:
            InvalidInput: A file that is none of a certificate, a key or authorities.
        """
        if not self.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.authorities:
                context.load_verify_locations(self.authorities)
                context.verify_mode = ssl.CERT_REQUIRED
        except OSError as error:
            raise InvalidInput(
                "the DICOM node has a certificate and its key as PEM files", got=type(error).__name__
            ) from error
        return context


@lru_cache(maxsize=256)
def _addresses(host: str, _minute: int) -> frozenset[str]:
    try:
        return frozenset(str(one[4][0]) for one in socket.getaddrinfo(host, None))
    except OSError:
        return frozenset()
