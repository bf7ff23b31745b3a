"""The elements of a DICOM data set as raw bytes, up to the pixels: little endian, explicit or implicit VR."""

from __future__ import annotations

import struct
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, final

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from skiagraph.errors import FormatError

__all__ = ["Odd", "PixelPlace", "Window", "elements", "group_two", "same_tag"]

UNDEFINED: Final = 0xFFFFFFFF
_FIRST: Final = 16 * 2**10  # bytes; the headers of most scanners are shorter
_MOST: Final = 256 * 2**20  # bytes of a header; the longest real ones are those of whole-slide images
_MOST_ELEMENTS: Final = 100_000  # each costs more memory than the few bytes that it may have in the file
_DEEPEST: Final = 32  # sequences of undefined length inside one another
_SHORT: Final = {v.encode(): str(v) for v in EXPLICIT_VR_LENGTH_16}
_LONG: Final = {v.encode(): str(v) for v in EXPLICIT_VR_LENGTH_32}
_PIXELS: Final = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000FFFE, 0xE00DFFFE, 0xE0DDFFFE  # as little endian reads a tag in one go
_NULLS: Final = frozenset(("AT", "DS", "FD", "FL", "IS", "SL", "SQ", "SS", "SV", "UL", "US", "UV"))
_explicit: Final = struct.Struct("<L2sH").unpack_from
_pair: Final = struct.Struct("<LL").unpack_from
_long: Final = struct.Struct("<L").unpack_from
_tags: Final[dict[int, BaseTag]] = {}  # by the four bytes read as one number
_MOST_TAGS: Final = 20_000

Elements = MutableMapping[BaseTag, Any]


class Odd(Exception):
    """What the quick parser leaves to pydicom."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PixelPlace:
    """Where the pixels of an object lie.

    Args:
        keyword: PixelData, FloatPixelData or DoubleFloatPixelData.
        vr: OB, OW, OF or OD; empty in implicit VR.
        offset: Of the first byte of the value, in the file; in the inflated data set where that is deflated.
        length: In bytes; None where it is undefined, as encapsulated pixels are.
        inflated: None, or the offset in the file of the deflated data set.
    """

    keyword: str
    vr: str
    offset: int
    length: int | None
    inflated: int | None = None


@final
class Window:
    """The beginning of a stream, read as far as it was needed.

    Args:
        read: Gives the next n bytes, fewer at the end.
        name: Of the file, for messages.
        most: How many bytes a header may have.
    """

    __slots__ = ("_most", "_read", "data", "name")

    def __init__(self, read: Callable[[int], bytes], name: str, most: int = _MOST) -> None:
        self._read, self.name, self._most = read, name, most
        self.data = read(_FIRST)

    def upto(self, stop: int) -> bytes:
        """The bytes from the beginning, at least `stop` of them unless the stream is shorter.

        Raises:
            FormatError: More than the header of any image has.
        """
        if stop > self._most:
            raise FormatError(
                f"the header of {self.name} is at most {self._most >> 20} MiB long", got=f"{stop >> 20} MiB"
            )
        while len(self.data) < stop:
            more = self._read(max(stop - len(self.data), 3 * len(self.data)))
            if not more:
                break
            self.data += more
        return self.data


def elements(  # noqa: C901, PLR0912  (one loop without calls: each header goes through it a hundred times)
    window: Window, at: int, *, explicit: bool, until: int | None = None
) -> tuple[Elements, PixelPlace | None, int]:
    """The elements from `at` on, raw, as pydicom holds them before it converts them.

    Args:
        window: The stream.
        at: Offset of the first element.
        explicit: Whether each states its VR.
        until: Stop before the first element of a group above this one.

    Returns:
        The elements by tag; where the pixels lie, if there are any; and the offset behind the last element read.

    Raises:
        FormatError: Cut off, too long or nested too deep.
        Odd: Something that real files hold and that this parser does not know.
    """
    found: Elements = {}
    data, have = window.data, len(window.data)
    raw, known, stop_group = tuple.__new__, _tags, 0xFFFF if until is None else until
    while True:
        if at + 12 > have:
            data = _further(window, at, len(found))
            have = len(data)
            if at + 8 > have:
                return found, None, at  # the end, or padding shorter than an element
        if explicit:
            number, code, length = _explicit(data, at)
            vr, begin = _SHORT.get(code), at + 8
            if vr is None:
                if number & 0xFFFF > stop_group:  # where a deflated data set begins, there is no VR
                    return found, None, at
                vr, length, begin = _lengthy(data, at, code)
        else:
            number, length = _pair(data, at)
            vr, begin = None, at + 8
        tag = known.get(number) or _tag(number)
        if number & 0xFFFF > stop_group:
            return found, None, at
        if tag in _PIXELS:
            return found, _pixels(tag, vr, begin, length), at
        if length == UNDEFINED:
            if vr not in (None, "SQ"):
                raise Odd
            stop, at = _past_sequence(window, begin, explicit=explicit)
            data, have, vr, length = window.data, len(window.data), "SQ", stop - begin
        else:
            at = stop = begin + length
            if stop > have:
                data = window.upto(stop)
                have = len(data)
                if stop > have:
                    raise _cut_off(window)
        value = data[begin:stop] if length else (None if vr in _NULLS else b"")
        found[tag] = raw(RawDataElement, (tag, vr, length, value, begin, not explicit, True, True, False))


def _further(window: Window, at: int, count: int) -> bytes:
    """The bytes with those of the element at `at`; they end before it where nothing but padding is left.

    Raises:
        FormatError: Too many elements, or cut off inside of one.
    """
    if count > _MOST_ELEMENTS:
        raise FormatError(f"the header of {window.name} has at most {_MOST_ELEMENTS} elements", got="more")
    data = window.upto(at + 12)
    if at + 8 > len(data) and data[at:].strip(b"\0"):
        raise _cut_off(window)
    return data


def group_two(window: Window) -> tuple[Elements, int]:
    """The file meta information (DICOM PS3.10 7.1), which is explicit in every file, and the offset behind it.

    Raises:
        FormatError: As `elements`.
        Odd: As `elements`; and where the file has no preamble.
    """
    if window.data[128:132] != b"DICM":
        raise Odd
    found, pixels, at = elements(window, 132, explicit=True, until=2)
    if pixels is not None:
        raise Odd
    return found, at


def _lengthy(data: bytes, at: int, code: bytes) -> tuple[str, int, int]:
    """VR, length and begin of the value of an element with a length of 32 bits."""
    vr = _LONG.get(code)
    if vr is None or at + 12 > len(data):
        raise Odd
    return vr, int(_long(data, at + 8)[0]), at + 12


def same_tag(tag: int) -> BaseTag:
    """The one object that stands for a tag in all headers."""
    number = (tag & 0xFFFF) << 16 | tag >> 16
    return _tags.get(number) or _tag(number)


def _tag(number: int) -> BaseTag:
    tag = BaseTag((number & 0xFFFF) << 16 | number >> 16)
    if len(_tags) < _MOST_TAGS:
        _tags[number] = tag
    return tag


def _pixels(tag: BaseTag, vr: str | None, begin: int, length: int) -> PixelPlace:
    stated = None if length == UNDEFINED else length
    return PixelPlace(keyword=_PIXELS[tag], vr=vr or "", offset=begin, length=stated)


def _past_sequence(window: Window, at: int, *, explicit: bool) -> tuple[int, int]:
    """Where the value of a sequence of undefined length ends, and where its delimiter ends.

    `inside` counts what is open: its last is a sequence where it is odd, and an item where it is even.
    """
    inside = 1
    while inside:
        if inside > 2 * _DEEPEST:
            raise FormatError(
                f"the sequences of {window.name} are nested at most {_DEEPEST} deep", got="more"
            )
        data = window.upto(at + 12)
        if at + 8 > len(data):
            raise _cut_off(window)
        number, length = _pair(data, at)
        at += 8
        if number == (_SEQUENCE_END if inside % 2 else _ITEM_END):
            inside -= 1
            continue
        if inside % 2 and number != _ITEM:
            raise Odd
        if explicit and not inside % 2:
            length, at = _nested_length(data, at - 8)
        if length == UNDEFINED:
            inside += 1
        else:
            at += length
    return at - 8, at


def _nested_length(data: bytes, at: int) -> tuple[int, int]:
    """Length and begin of the value of an explicit element; undefined for sequences alone."""
    _, code, length = _explicit(data, at)
    if code in _SHORT:
        return int(length), at + 8
    vr, length, begin = _lengthy(data, at, code)
    if length == UNDEFINED and vr != "SQ":
        raise Odd
    return length, begin


def _cut_off(window: Window) -> FormatError:
    return FormatError(f"{window.name} is DICOM and is cut off", way_out="export it again")
