"""What two DICOM applications say to begin an association and to end it, in bytes (DICOM PS3.8 section 9.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from skiagraph.errors import FormatError

__all__ = [
    "ABORT",
    "ASSOCIATE",
    "DATA",
    "IMPLEMENTATION",
    "LONGEST",
    "RELEASE",
    "RELEASED",
    "Offer",
    "Request",
    "Turned",
    "aborted",
    "accepted",
    "rejected",
    "request_of",
    "uid_text",
]

ASSOCIATE, DATA, RELEASE, ABORT = 1, 4, 5, 7
"""Types of protocol data units that a provider is sent."""

RELEASED: Final = b"\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00"
LONGEST: Final = 128 * 1024
"""Bytes of a protocol data unit that others may send, without its own header of six."""

IMPLEMENTATION: Final = "2.25.143875424021057909615891413603786054120"
_VERSION: Final = "SKIAGRAPH"
_CONTEXT: Final = "1.2.840.10008.3.1.1.1"  # the one application context that DICOM has
_MOST: Final = 128  # presentation contexts that an association can hold: odd numbers of a byte
_FIXED: Final = 68  # bytes of a request before its items


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A presentation context that is asked for.

    Args:
        id: Its number.
        abstract: UID of the SOP class.
        transfers: UIDs of the transfer syntaxes, as the sender prefers them.
    """

    id: int
    abstract: str
    transfers: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one says who wants an association (A-ASSOCIATE-RQ).

    Args:
        called: The title that it calls.
        calling: Its own title.
        known: Whether its protocol version and application context are those of DICOM.
        offers: Its presentation contexts.
        longest: Bytes of a protocol data unit that it takes; 0 for any.
        roles: SOP classes in which it wants to be another than user, each with the item that says so.
        fixed: The titles and what stands around them, which an answer repeats.
    """

    called: str
    calling: str
    known: bool
    offers: tuple[Offer, ...]
    longest: int
    roles: tuple[tuple[str, bytes], ...]
    fixed: bytes


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Why an association is refused (DICOM PS3.8 table 9-21).

    Args:
        result: 1 for ever, 2 for now.
        source: 1 the application, 2 and 3 the provider.
        reason: By its number.
        sentence: For people.
    """

    result: int
    source: int
    reason: int
    sentence: str


def request_of(body: bytes) -> Request:
    """Reads a request for an association.

    Raises:
        FormatError: It is cut off, or no request.
    """
    if len(body) < _FIXED:
        raise FormatError("a request for an association is whole", got=f"{len(body)} bytes")
    context, offers, longest, roles = "", [], 0, []
    for kind, item in _items(body[_FIXED:]):
        if kind == 0x10:
            context = uid_text(item)
        elif kind == 0x20:
            offers.append(_offer(item))
        elif kind == 0x50:
            for part, value in _items(item):
                if part == 0x51 and len(value) == 4:
                    longest = int.from_bytes(value, "big")
                elif part == 0x54 and len(value) > 4:
                    roles.append((uid_text(value[2:-2]), value))
    if len(offers) > _MOST or len({one.id for one in offers}) != len(offers):
        raise FormatError(f"an association has at most {_MOST} contexts, each of its own number", got="more")
    return Request(
        called=_title(body[4:20]),
        calling=_title(body[20:36]),
        known=bool(body[1] & 1) and context == _CONTEXT,
        offers=tuple(offers),
        longest=longest,
        roles=tuple(roles),
        fixed=body[4:_FIXED],
    )


def accepted(request: Request, answers: Sequence[tuple[int, int, str]], either: str) -> bytes:
    """The answer that an association begins (A-ASSOCIATE-AC).

    Args:
        request: Which was asked for.
        answers: Of each presentation context its number, the result (0 accepted, 3 no such SOP class, 4 no such
            transfer syntax) and the transfer syntax.
        either: UID of the SOP class in which the other end may have the roles that it wants.
    """
    items = _item(0x10, _CONTEXT.encode())
    for number, result, transfer in answers:
        items += _item(0x21, bytes([number, 0, result, 0]) + _item(0x40, transfer.encode("ascii", "replace")))
    user = _item(0x51, LONGEST.to_bytes(4, "big")) + _item(0x52, IMPLEMENTATION.encode())
    for about, role in request.roles:
        user += _item(0x54, role) if about == either else b""
    items += _item(0x50, user + _item(0x55, _VERSION.encode()))
    return _unit(2, b"\x00\x01\x00\x00" + request.fixed + items)


def rejected(turned: Turned) -> bytes:
    """The answer that none begins (A-ASSOCIATE-RJ)."""
    return _unit(3, bytes([0, turned.result, turned.source, turned.reason]))


def aborted(reason: int) -> bytes:
    """That the provider ends an association at once (A-ABORT); 0 no reason, 1 not known, 2 not expected, 6 a value."""
    return _unit(7, bytes([0, 0, 2, reason]))


def uid_text(value: bytes | memoryview) -> str:
    """A UID as text; bytes that no UID has are replaced, so that nothing is equal to it."""
    return bytes(value).rstrip(b"\0 ").decode("ascii", "replace")


def _offer(item: bytes) -> Offer:
    if len(item) < 4:
        raise FormatError("a presentation context is whole", got=f"{len(item)} bytes")
    abstract, transfers = "", []
    for kind, value in _items(item[4:]):
        if kind == 0x30:
            abstract = uid_text(value)
        elif kind == 0x40:
            transfers.append(uid_text(value))
    return Offer(id=item[0], abstract=abstract, transfers=tuple(transfers))


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if at + 4 + length > len(data):
            raise FormatError("an item of a request lies within it", got="one that goes on")
        yield data[at], data[at + 4 : at + 4 + length]
        at += 4 + length


def _item(kind: int, value: bytes) -> bytes:
    return bytes([kind, 0]) + len(value).to_bytes(2, "big") + value


def _unit(kind: int, body: bytes) -> bytes:
    return bytes([kind, 0]) + len(body).to_bytes(4, "big") + body


def _title(value: bytes) -> str:
    """A title; what no title has becomes a question mark, so that it is equal to none and can be shown."""
    text = value.strip(b"\0 ").decode("ascii", "replace")
    return "".join(one if " " <= one <= "~" else "?" for one in text)
