"""Command sets, the sentences that DICOM applications say within an association (DICOM PS3.7 sections 6.3 and E.1)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from skiagraph.errors import FormatError
from skiagraph.server.node.pdu import uid_text

__all__ = [
    "CANCEL",
    "ECHO",
    "NO_DATA",
    "N_ACTION",
    "N_EVENT",
    "STORE",
    "SYNTAX",
    "answer",
    "command_of",
    "number",
    "pieces",
    "uid",
]

STORE, ECHO, N_EVENT, N_ACTION, CANCEL = 0x0001, 0x0030, 0x0100, 0x0130, 0x0FFF
"""Values of Command Field."""

AFFECTED_CLASS, REQUESTED_CLASS, FIELD, MESSAGE, RESPONDED, KIND, STATUS, COMMENT = (
    0x0002, 0x0003, 0x0100, 0x0110, 0x0120, 0x0800, 0x0900, 0x0902,
)  # fmt: skip
AFFECTED_INSTANCE, REQUESTED_INSTANCE, EVENT, ACTION = 0x1000, 0x1001, 0x1002, 0x1008
"""Elements of group 0000, by their numbers."""

NO_DATA: Final = 0x0101
"""Command Data Set Type of a command that is all."""

SYNTAX: Final = "1.2.840.10008.1.2"
"""Implicit VR Little Endian, in which commands are written."""

_COMMENT: Final = 64  # letters of an error comment


def command_of(data: bytes) -> dict[int, bytes]:
    """The elements of a command set, by their numbers.

    Raises:
        FormatError: It is cut off, or has elements that are none of a command.
    """
    found, at = {}, 0
    while at < len(data):
        if at + 8 > len(data):
            raise FormatError("a command set is whole", got="a part of an element")
        group, element, length = struct.unpack_from("<HHL", data, at)
        at += 8
        if group != 0 or at + length > len(data):
            raise FormatError("a command set has whole elements of group 0000", got="others")
        found[element] = data[at : at + length]
        at += length
    return found


def number(fields: Mapping[int, bytes], element: int) -> int:
    """A number of a command set; -1 where it is not there or none."""
    value = fields.get(element, b"")
    return int.from_bytes(value, "little") if len(value) == 2 else -1


def uid(fields: Mapping[int, bytes], element: int) -> str:
    """A UID of a command set; empty where it is not there."""
    return uid_text(fields.get(element, b""))


def answer(fields: Mapping[int, bytes], status: int, comment: str = "") -> bytes:
    """The answer to a command.

    Args:
        fields: The command.
        status: DICOM PS3.7 annex C.
        comment: Why, for people; without patient data.
    """
    asked = number(fields, FIELD)
    about = fields.get(AFFECTED_CLASS) or fields.get(REQUESTED_CLASS) or b""
    instance = fields.get(AFFECTED_INSTANCE) or fields.get(REQUESTED_INSTANCE) or b""
    elements = [(AFFECTED_CLASS, about)] if 0 < len(about) <= 64 else []
    elements += [
        (FIELD, _short(asked | 0x8000)),
        (RESPONDED, _short(max(number(fields, MESSAGE), 0))),
        (KIND, _short(NO_DATA)),
        (STATUS, _short(status)),
    ]
    if comment:
        elements.append((COMMENT, comment[:_COMMENT].encode("ascii", "replace")))
    if asked != ECHO and 0 < len(instance) <= 64:
        elements.append((AFFECTED_INSTANCE, instance))
    for operation, element in ((N_EVENT, EVENT), (N_ACTION, ACTION)):
        if asked == operation and element in fields:
            elements.append((element, fields[element]))
    return _written(elements)


def pieces(context: int, command: bytes, longest: int) -> bytes:
    """A command as protocol data units, none longer than `longest` bytes without its header; 0 for any."""
    room = max(longest, 256) - 6 if longest else len(command)
    units = b""
    for at in range(0, len(command), room):
        part = command[at : at + room]
        last = 2 if at + room >= len(command) else 0
        value = bytes([context, 1 | last]) + part
        units += struct.pack(">BBLL", 4, 0, len(value) + 4, len(value)) + value
    return units


def _written(elements: Sequence[tuple[int, bytes]]) -> bytes:
    body = b""
    for element, value in elements:
        padding = b"" if len(value) % 2 == 0 else b" " if element == COMMENT else b"\0"
        body += struct.pack("<HHL", 0, element, len(value) + len(padding)) + value + padding
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def _short(value: int) -> bytes:
    return (value & 0xFFFF).to_bytes(2, "little")
