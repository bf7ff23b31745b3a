"""Follows a data set while it comes in, without holding it: whether it is whole, and the UIDs that it states."""

from __future__ import annotations

import struct
from typing import Final, final

from skiagraph.server.node.pdu import uid_text

__all__ = ["Walk"]

_IMPLICIT: Final = "1.2.840.10008.1.2"
_BIG: Final = "1.2.840.10008.1.2.2"
_EXPLICIT: Final = "1.2.840.10008.1.2.1"
_ENCAPSULATED: Final = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")
_DEFLATED: Final = frozenset(
    {"1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"}
)  # JPIP, its headers deflated
_LONG: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_ENDS, _SEQUENCE_ENDS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_SOP_INSTANCE, _STUDY = 0x00080018, 0x0020000D
_UID: Final = 64


@final
class Walk:
    """Goes from element to element (DICOM PS3.5 section 7), as far as it understands; it decodes no value but two UIDs.

    Sequences and items of undefined length are entered, all others are passed over whole. Where it meets what it does
    not understand (a deflated data set, a private transfer syntax, an odd coding) it stops.

    Args:
        syntax: UID of the transfer syntax.
    """

    def __init__(self, syntax: str) -> None:
        self.instance: str | None = None
        self.study: str | None = None
        plain = syntax in (_IMPLICIT, _EXPLICIT, _BIG)
        self._lost: bool = syntax in _DEFLATED or not (plain or syntax.startswith(_ENCAPSULATED))
        self._implicit = syntax == _IMPLICIT
        end = ">" if syntax == _BIG else "<"
        self._tag, self._short, self._long = (struct.Struct(end + one) for one in ("HH", "H", "L"))
        self._held = b""  # the beginning of an element whose rest has not come
        self._skip = 0  # bytes of a value that have not come
        self._depth = 0  # sequences and items that were entered

    def feed(self, data: memoryview) -> None:
        """Follows some more bytes."""
        if self._lost:
            return
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        view = bytes(data) if self._held or self._skip == 0 else bytes(data[self._skip :])
        view, self._skip = self._held + view, 0
        at, end = 0, len(view)
        while at < end and (step := self._element(view, at)):
            at += step
        self._held = view[at:]
        self._skip = max(at - end, 0)

    def cut(self) -> bool:
        """Whether the data set ended within an element or a sequence, or has nothing in it."""
        if self._lost:
            return False
        return bool(self._held) or self._skip > 0 or self._depth > 0 or self.instance is None

    def _element(self, view: bytes, at: int) -> int:
        """Length of the element that begins at a place, 0 where more of it must come first."""
        left = len(view) - at
        if left < 8:
            return 0
        tag, head, length = self._head(view, at)
        if length < 0:
            return self._stop()
        if left < head:
            return 0
        if length == _UNDEFINED or tag >> 16 == 0xFFFE:
            return self._nested(tag, head, length)
        if tag in (_SOP_INSTANCE, _STUDY) and self._depth == 0 and length <= _UID:
            if left < head + length:
                return 0
            text = uid_text(view[at + head : at + head + length])
            if tag == _STUDY:
                self.study = text
            else:
                self.instance = text
        return head + length

    def _head(self, view: bytes, at: int) -> tuple[int, int, int]:
        """Tag of an element, bytes before its value, and bytes of that; -1 where nobody can tell."""
        group, element = self._tag.unpack_from(view, at)
        tag, kind = group << 16 | element, view[at + 4 : at + 6]
        if self._implicit or group == 0xFFFE:
            return tag, 8, self._long.unpack_from(view, at + 4)[0]
        if kind in _LONG:
            length = self._long.unpack_from(view, at + 8)[0] if len(view) - at >= 12 else 0
            otherwise = kind == b"UN" and length == _UNDEFINED  # its items are written in another way
            return tag, 12, -1 if otherwise else length
        return tag, 8, self._short.unpack_from(view, at + 6)[0] if kind.isalpha() else -1

    def _nested(self, tag: int, head: int, length: int) -> int:
        if tag in (_ITEM_ENDS, _SEQUENCE_ENDS):
            self._depth -= 1
            return head if self._depth >= 0 else self._stop()
        if length == _UNDEFINED:
            self._depth += 1
            return head
        return head + length if tag == _ITEM else self._stop()

    def _stop(self) -> int:
        self._lost = True
        return 0
