"""Associations with peers that we ask for: made safe, with an end to patience, and refused in one sentence."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext
from pynetdicom.status import code_to_category

from skiagraph.errors import InvalidInput, MissingInput, ProcessLost, SkiagraphError, StateError, UnknownName
from skiagraph.server.settings import Dicom, Peer, Settings

__all__ = ["LITTLE", "PeerGone", "PeerRefuses", "called", "context", "peer_named", "refused"]

LITTLE: Final = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
"""Explicit and Implicit VR Little Endian."""

_CONNECT, _SPEAK, _ANSWER = 10.0, 30.0, 120.0  # s for a connection, an association, and an answer within it
_LONGEST: Final = 128 * 1024


class PeerGone(ProcessLost):
    """A peer does not answer, or has too much to do; it can be asked again later."""


class PeerRefuses(StateError):
    """A peer answers, and will not do what it is asked; asking again does not help."""


def peer_named(settings: Settings, name: str) -> tuple[Peer, int]:
    """A peer and the port that it listens on.

    Raises:
        UnknownName: The settings have no such peer.
        InvalidInput: It only calls us.
    """
    peer = settings.dicom.peers.get(name)
    if peer is None:
        raise UnknownName(
            "a peer stands in the settings",
            got=name,
            way_out=f"choose one of {', '.join(sorted(settings.dicom.peers)) or 'none'}",
        )
    if peer.port is None:
        raise InvalidInput("a peer that is called has a port", got=f"{name}, which has none")
    return peer, peer.port


def context(abstract: str, *transfers: str) -> PresentationContext:
    """A presentation context to ask for; in little endian where nothing else is said."""
    made = PresentationContext()
    made.abstract_syntax = abstract
    made.transfer_syntax = list(transfers or LITTLE)
    return made


@contextmanager
def called(
    settings: Settings,
    name: str,
    contexts: Sequence[PresentationContext],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[EventHandlerType] = (),
) -> Iterator[Association]:
    """An association with a peer, released at the end.

    Raises:
        UnknownName: The settings have no such peer.
        InvalidInput: It only calls us.
        MissingInput: A file of TLS is not there.
        PeerGone: It does not answer, or is busy.
        PeerRefuses: It does not want us.
    """
    peer, port = peer_named(settings, name)
    entity = AE(ae_title=settings.dicom.title)
    entity.connection_timeout, entity.acse_timeout = _CONNECT, _SPEAK
    entity.dimse_timeout = entity.network_timeout = _ANSWER
    try:
        address = str(socket.getaddrinfo(peer.host, port, type=socket.SOCK_STREAM)[0][4][0])
        made = entity.associate(
            address,
            port,
            contexts=list(contexts),
            ae_title=peer.title,
            max_pdu=_LONGEST,
            ext_neg=list(roles),
            tls_args=(_tls(settings.dicom), peer.host) if peer.tls else None,
            evt_handlers=[(evt.EVT_CONN_OPEN, _at_once), *handlers],
        )
    except OSError as error:
        raise PeerGone(f"the peer {name} answers at its address", got=type(error).__name__) from error
    try:
        _check(made, name, peer)
        yield made
    except RuntimeError as error:
        made.abort()
        if isinstance(error, SkiagraphError):
            raise
        raise PeerGone(
            f"the peer {name} stays until all is said", got="the end of the association"
        ) from error
    except BaseException:
        made.abort()
        raise
    if made.is_established:
        made.release()


def refused(name: str, deed: str, status: int | None) -> StateError | ProcessLost:
    """The error for a status that is no success.

    Args:
        name: Of the peer.
        deed: What it was asked to do.
        status: Its answer; None where none came.
    """
    rule = f"the peer {name} {deed}"
    if status is None:
        return PeerGone(rule, got="no answer")
    if 0xA700 <= status <= 0xA7FF:
        return PeerGone(rule, got=f"status {status:04X}, it is out of room")
    return PeerRefuses(rule, got=f"status {status:04X} ({code_to_category(status).lower()})")


def _check(made: Association, name: str, peer: Peer) -> None:
    if made.is_established:
        if not made.accepted_contexts:
            raise PeerRefuses(
                f"the peer {name} has the service that it is asked for", got="none that it knows"
            )
        return
    if made.is_rejected:
        answer = made.acceptor.primitive
        kind = PeerGone if answer is not None and answer.result == 2 else PeerRefuses
        why = "" if answer is None else f", {answer.reason_str.lower()}"
        raise kind(
            f"the peer {name} takes an association",
            got=f"a refusal{why}",
            way_out="make our title and its own known on both sides",
        )
    got = "an abort" if made.is_aborted else "nothing"
    way_out = "see that it speaks TLS and trusts our certificate" if peer.tls else "see that it runs"
    raise PeerGone(f"the peer {name} answers at its address", got=got, way_out=way_out)


def _tls(node: Dicom) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=node.authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if node.certificate is not None and node.key is not None:
            context.load_cert_chain(node.certificate, node.key)
    except FileNotFoundError as error:
        raise MissingInput("the DICOM node finds its certificate, its key and its authorities") from error
    except ssl.SSLError as error:
        raise InvalidInput("certificate, key and authorities are PEM files", got="others") from error
    return context


def _at_once(event: Event) -> None:
    """Small units are not held back until others are acknowledged, which would take 40 ms each."""
    transport = event.assoc.dul.socket
    if transport is not None and transport.socket is not None:
        transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
