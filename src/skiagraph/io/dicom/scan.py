"""The header of a DICOM object without its pixels: quickly where it is ordinary, through pydicom where it is odd."""

from __future__ import annotations

import functools
import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, final

import pydicom
from pydicom.charset import convert_encodings, default_encoding
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from skiagraph.errors import FormatError, SkiagraphError
from skiagraph.io.dicom.elements import Elements, Odd, PixelPlace, Window, elements, group_two, same_tag
from skiagraph.io.dicom.source import Source

__all__ = ["BROKEN", "Header", "inflater", "scan", "scan_many", "scan_stream"]

BROKEN: Final = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom and the decoders raise for damaged files; `RuntimeError` has `RecursionError` among its kinds."""

_CHARACTERS: Final = BaseTag(0x00080005)
_SYNTAX: Final = BaseTag(0x00020010)
_ODD: Final = (
    "",
    ExplicitVRBigEndian,
    "1.2.840.113619.5.2",
)  # the last: GE, pixels big endian, header implicit little
_MARKED: Final = 1024  # bytes in which a file names its transfer syntax
_MOST_INFLATED: Final = 16 * 2**20  # bytes of a deflated header, which may be packed a thousand times


@final
class Header(Dataset):
    """All of an object but its pixels; elements are converted when they are asked for.

    Attributes:
        file_meta: Group 2; empty where the file has none.
        syntax: The transfer syntax UID; empty where the file states none.
        pixels: Where the pixels lie; None where it has none.
    """

    syntax: str
    pixels: PixelPlace | None

    def __init__(self, found: Elements, meta: Elements, syntax: str, pixels: PixelPlace | None) -> None:
        super().__init__(found)
        self.file_meta, self.syntax, self.pixels = FileMetaDataset(), syntax, pixels
        self.file_meta._dict = meta  # noqa: SLF001  (its own door would convert each element)

    def get(self, key: Any, default: Any = None) -> Any:
        """As in pydicom; keywords, of which a header is asked a hundred times, take a short way."""
        tag = _tag_of(key) if type(key) is str else None
        if tag is None:
            return super().get(key, default)
        element = self._dict.get(tag)
        if element is None:
            return default
        if type(element) is not RawDataElement:
            return element.value
        if element.VR not in _SHARED or not element.is_little_endian:
            return self[tag].value
        known = (tag, element.VR, element.value)
        value = _values.get(known, _ABSENT)
        if value is _ABSENT:
            value = self[tag].value
            if element.length <= _SHORT and len(_values) < _MOST_VALUES:
                _values[known] = value
        return value

    def __contains__(self, name: Any) -> bool:
        tag = _tag_of(name) if type(name) is str else None
        return super().__contains__(name) if tag is None else tag in self._dict

    def get_item(self, key: Any, *, keep_deferred: bool = False) -> Any:
        """As in pydicom: an element that may not be converted yet."""
        tag = key if type(key) is BaseTag else _tag_of(key) if type(key) is str else None
        element = None if tag is None else self._dict.get(tag)
        return super().get_item(key, keep_deferred=keep_deferred) if element is None else element

    def __getattr__(self, name: str) -> Any:
        found = self.get(name, _ABSENT) if _tag_of(name) is not None else _ABSENT
        return super().__getattr__(name) if found is _ABSENT else found


_ABSENT: Final = object()
# Slices of a series state the same things: what was converted once is not converted again. Only values of VRs that
# mean the same whatever the character set, and no names.
_SHARED: Final = frozenset(["AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "SL", "SS", "TM", "UL", "US"])
_SHORT: Final = 64
_MOST_VALUES: Final = 8192
_values: Final[dict[tuple[BaseTag, str | None, bytes | None], Any]] = {}


@functools.lru_cache(maxsize=4096)
def _tag_of(keyword: str) -> BaseTag | None:
    """The tag of a keyword, as the very object that the quick parser uses, for those compare fastest."""
    number = tag_for_keyword(keyword)
    return None if number is None else same_tag(number)


def scan(source: Source) -> Header:
    """The header of one object.

    Args:
        source: Where it lies.

    Returns:
        All elements before the pixels, `file_meta`, and where the pixels begin. Values are converted when they are
        asked for, text by the character set that the file states; a wrong one raises or warns then, as in pydicom.

    Raises:
        FormatError: Not DICOM, cut off, damaged, or made to hang or to fill the memory of who opens it.
    """
    with source.open() as stream:
        return scan_stream(stream, source.name, lambda: source.size)


def scan_stream(stream: BinaryIO, name: str, size: Callable[[], int]) -> Header:
    """As `scan`, of a stream at its beginning, which can seek.

    Args:
        stream: It.
        name: For messages.
        size: Gives its length in bytes; called for odd files alone.

    Raises:
        FormatError: As `scan`.
    """
    try:
        return _quick(stream, name)
    except Odd:
        return _slow(stream, name, size())
    except SkiagraphError:
        raise
    except BROKEN as error:
        raise _damaged(name) from error


def scan_many(sources: Sequence[Source]) -> Iterator[Header | SkiagraphError]:
    """The headers of many objects, in their order, one at a time; in place of a broken one stands its error.

    One process does this faster than several would, for to hand a header over costs more than to read it.

    Yields:
        A header or an error for each source.
    """
    for source in sources:
        try:
            yield scan(source)
        except SkiagraphError as error:
            yield error


def inflater(stream: BinaryIO) -> Callable[[int], bytes]:
    """A function that gives the next n bytes of a deflated data set (DICOM PS3.5 A.5), and no more than n."""
    packed = zlib.decompressobj(-zlib.MAX_WBITS)

    def read(count: int) -> bytes:
        parts, missing = [], count
        while missing and not packed.eof:
            source = packed.unconsumed_tail or stream.read(64 * 2**10)
            part = packed.decompress(source, missing)
            if not source and not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    return read


def _quick(stream: BinaryIO, name: str) -> Header:
    window = Window(stream.read, name)
    meta, at = group_two(window)
    element = meta.get(_SYNTAX)
    if element is None:
        raise Odd
    syntax = (element.value or b"").rstrip(b"\0 ").decode("ascii")
    if syntax in _ODD:
        raise Odd
    if syntax == DeflatedExplicitVRLittleEndian:
        stream.seek(at)
        begin, window = at, Window(inflater(stream), name, _MOST_INFLATED)
        found, pixels, _ = elements(window, 0, explicit=True)
        if pixels is not None:
            pixels = PixelPlace(
                keyword=pixels.keyword,
                vr=pixels.vr,
                offset=pixels.offset,
                length=pixels.length,
                inflated=begin,
            )
    else:
        found, pixels, _ = elements(window, at, explicit=syntax != ImplicitVRLittleEndian)
    header = Header(found, meta, syntax, pixels)
    header.set_original_encoding(syntax == ImplicitVRLittleEndian, True, _encodings(found.get(_CHARACTERS)))  # noqa: FBT003
    return header


def _encodings(element: Any) -> str | list[str]:
    if element is None or not element.value:
        return default_encoding
    return list(_named(element.value))


@functools.lru_cache(maxsize=256)
def _named(stated: bytes) -> tuple[str, ...]:
    """Python's names of the character sets that a file states; an unknown one is read as the default one."""
    words = stated.rstrip(b"\0 ").decode("latin-1").split("\\")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(convert_encodings([w.strip() for w in words]))


@final
class _Bounded(io.RawIOBase):
    """A stream that never asks for more bytes than its file has, whatever length an element claims."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._size - self._stream.tell())
        return self._stream.read(left if count < 0 else min(count, left))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _slow(stream: BinaryIO, name: str, size: int) -> Header:
    """Big endian, no preamble, wrong VRs and all else that pydicom has learnt to forgive."""
    stream.seek(0)
    if not _begins_like_dicom(stream.read(132)):
        raise FormatError(f"{name} is no DICOM file")
    if DeflatedExplicitVRLittleEndian.encode() in stream.read(_MARKED):
        raise _damaged(name)  # pydicom would inflate it without bound
    stream.seek(0)
    bounded = _Bounded(stream, size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pydicom.dcmread(bounded, force=True, stop_before_pixels=True)
        implicit, little = found.original_encoding
        pixels = _place(bounded, little=little is not False)
    except BROKEN as error:
        raise _damaged(name) from error
    meta = getattr(found, "file_meta", FileMetaDataset())
    syntax = str(meta.get("TransferSyntaxUID") or "")
    header = Header(found._dict, meta._dict, syntax, pixels)  # noqa: SLF001
    header.set_original_encoding(implicit, little, found.original_character_set)
    return header


def _begins_like_dicom(head: bytes) -> bool:
    """By its mark, or by a first element of group 2 or 8 as files without a preamble have."""
    return head[128:132] == b"DICM" or head[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")


def _place(stream: _Bounded, *, little: bool) -> PixelPlace | None:
    """Where the pixels lie: pydicom stops before them."""
    head, at = stream.read(12), stream.tell()
    if len(head) < 12:
        return None
    at -= 12
    order = "<" if little else ">"
    group, element, length = struct.unpack_from(order + "HHL", head)
    names = {0x8: "FloatPixelData", 0x9: "DoubleFloatPixelData", 0x10: "PixelData"}
    if group != 0x7FE0 or element not in names:
        return None
    vr, begin = head[4:6].decode("latin-1"), at + 8
    if vr in ("OB", "OW", "OF", "OD", "UN"):
        begin, (length,) = at + 12, struct.unpack_from(order + "L", head, 8)
    else:
        vr = ""  # implicit, or written as if it were
    return PixelPlace(
        keyword=names[element], vr=vr, offset=begin, length=None if length == 0xFFFFFFFF else length
    )


def _damaged(name: str) -> FormatError:
    return FormatError(f"{name} is DICOM and is damaged or cut off", way_out="export it again")
