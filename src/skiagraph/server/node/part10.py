"""What stands before a data set in a file: preamble and file meta information (DICOM PS3.10 section 7.1)."""

from __future__ import annotations

import struct
from typing import Final

from skiagraph.server.node.pdu import IMPLEMENTATION

__all__ = ["file_head"]

_VERSION: Final = b"SKIAGRAPH "


def file_head(sop_class: str, instance: str, transfer: str) -> bytes:
    """The beginning of a file whose data set follows as it came.

    Who sent it is not said: one object is one file, whoever sends it.

    Args:
        sop_class: UID of its SOP class.
        instance: SOPInstanceUID.
        transfer: UID of the transfer syntax of the data set.
    """
    elements = struct.pack("<HH2sHL2s", 2, 1, b"OB", 0, 2, b"\0\1")
    for number, text in ((2, sop_class), (3, instance), (0x10, transfer), (0x12, IMPLEMENTATION)):
        value = text.encode("ascii")
        value += b"\0" * (len(value) % 2)
        elements += struct.pack("<HH2sH", 2, number, b"UI", len(value)) + value
    elements += struct.pack("<HH2sH", 2, 0x13, b"SH", len(_VERSION)) + _VERSION
    return bytes(128) + b"DICM" + struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(elements)) + elements
