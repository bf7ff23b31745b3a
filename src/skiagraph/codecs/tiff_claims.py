"""Whether a TIFF holds what its directories claim: pages, tags, strips and tiles, before tifffile believes them."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, TypeAlias, final
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.decoded import check_claim
from skiagraph.codecs.stated import ANY, Claim, j2k_claim, jpeg_claim, xl_claim
from skiagraph.errors import FormatError

__all__ = ["SIZED", "STATED", "check_directories", "check_ome", "check_series", "check_stated"]

SIZED: Final = frozenset({1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 34926, 50000, 50013})
"""Packings whose unpackers are told how much comes out: none, fax, LZW, deflate, PackBits, LZMA, Zstandard."""
STATED: Final[Mapping[int, Callable[[bytes], Claim]]] = MappingProxyType(
    dict.fromkeys((6, 7, 33007, 34892), jpeg_claim)
    | dict.fromkeys((33003, 33004, 33005, 34712), j2k_claim)
    | dict.fromkeys((50002, 52546), xl_claim)
)
"""Packings whose pictures state how large they are, JPEG and its heirs, and where to read it."""

_MOST_PAGES: Final = 100_000
_MOST_TAGS: Final = 4096  # of a directory; those of cameras have about 100
_MOST_TOLD: Final = 16 * 2**20  # bytes of tags beyond those of the file, for values may share a place
_HEAD: Final = 2**16  # bytes of a coded picture within which it states its size
_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTES_OF_BIG: Final = {16: 8, 17: 8, 18: 8}
_WHOLE: Final = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_SIZES: Final = (256, 257, 258, 277, 278, 322, 323, 32997, 32998)  # of image, sample, strip and tile
_PLACES: Final = (324, 273, 513)  # of tiles, of strips, of one old JPEG; the first that is there counts
_LENGTHS: Final = (325, 279, 514)
_INNER: Final = 330  # places of more directories
_PLANES: Final = ("SizeZ", "SizeC", "SizeT", "PlaneCount", "NumPlanes")

_Tags: TypeAlias = "dict[int, _Tag]"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Tag:
    kind: int
    size: int
    at: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Tiff:
    """An open file and how it writes numbers."""

    name: str
    stream: BinaryIO
    size: int
    order: str
    big: bool

    def lies(self, got: str) -> FormatError:
        return FormatError(
            f"{self.name} begins like TIFF and is damaged, cut off, or claims what it does not hold", got=got
        )

    def number(self, at: int, form: str) -> int:
        """One number; 0 where the file ends before it."""
        whole = struct.Struct(self.order + form)
        self.stream.seek(min(at, self.size))
        data = self.stream.read(whole.size)
        return int(whole.unpack(data)[0]) if len(data) == whole.size else 0

    def numbers(self, tag: _Tag | None) -> NDArray[Any]:
        """Whole numbers of a tag; none where it holds others."""
        if tag is None or tag.kind not in _WHOLE:
            return np.empty(0, dtype=np.int64)
        self.stream.seek(tag.at)
        data = self.stream.read(tag.size)
        return np.frombuffer(data, dtype=np.dtype(_WHOLE[tag.kind]).newbyteorder(self.order))  # type: ignore[arg-type]

    def directory(self, at: int) -> tuple[_Tags, int]:
        """The tags of a directory whose values lie in the file, and the place of the next one; 0 after the last."""
        count_form, entry, form = ("Q", "HHQQ", "Q") if self.big else ("H", "HHLL", "L")
        skip, step, inline = (8, 20, 8) if self.big else (2, 12, 4)
        count = self.number(at, count_form) if 8 <= at < self.size else 0
        if not count or count > _MOST_TAGS or at + skip + count * step > self.size:
            raise self.lies(f"a directory of {count} tags at {at} of {self.size} bytes")
        self.stream.seek(at + skip)
        found: _Tags = {}
        for n, (code, kind, many, place) in enumerate(
            struct.iter_unpack(self.order + entry, self.stream.read(count * step))
        ):
            size = many * (_BYTES | _BYTES_OF_BIG).get(kind, 0)
            own = at + skip + n * step + step - inline
            where = own if size <= inline else place
            if size and 8 <= where <= self.size - size:
                found.setdefault(code, _Tag(kind=kind, size=size, at=where))
        return found, self.number(at + skip + count * step, form)


def check_directories(path: Path) -> None:
    """Walks from directory to directory, those inside of others included.

    Args:
        path: A TIFF or BigTIFF file.

    Raises:
        FormatError: They follow one another in a ring, there are too many, sizes that are not positive, or strips and
            tiles that lie outside of the file.

    Source: TIFF 6.0, section 2; BigTIFF as in libtiff's description; Adobe TIFF Technical Note 1 (SubIFDs).
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(16)
        order, big = "<" if head[:2] != b"MM" else ">", head[2:4] in (b"+\0", b"\0+")
        file = _Tiff(name=path.name, stream=stream, size=size, order=order, big=big)
        waiting = [file.number(8, "Q") if big else file.number(4, "L")]
        met: set[int] = set()
        told = 0
        while waiting:
            at = waiting.pop()
            if not at:
                continue
            if at in met or len(met) >= _MOST_PAGES:
                raise FormatError(
                    f"the pages of {path.name} follow one another to an end", got="a ring or too many"
                )
            met.add(at)
            tags, following = file.directory(at)
            told += sum(tag.size for tag in tags.values())
            if told > _MOST_TOLD + size:
                raise file.lies(f"{told} bytes of tags in {size}")
            _check_sizes(file, tags)
            _check_segments(file, tags)
            waiting += [*file.numbers(tags.get(_INNER)).tolist()[:_MOST_PAGES], following]


def _check_sizes(file: _Tiff, tags: _Tags) -> None:
    for code in _SIZES:
        if code in tags:
            found = file.numbers(tags[code])
            if not found.size or bool((found < 1).any()):
                raise file.lies(f"tag {code} without a positive number")


def _check_segments(file: _Tiff, tags: _Tags) -> None:
    """Strips or tiles lie inside of the file; those of no bytes lie nowhere."""
    found = [next((code for code in codes if code in tags), 0) for codes in (_PLACES, _LENGTHS)]
    if any(code and tags[code].kind not in _WHOLE for code in found):
        raise file.lies("strips or tiles at no whole numbers")
    begin, length = (file.numbers(tags.get(code)) for code in found)
    many = min(len(begin), len(length))
    begin, length = (np.clip(v[:many], -1, file.size + 1).astype(np.int64) for v in (begin, length))
    outside = (begin < 0) | (length < 0) | ((length > 0) & (begin + length > file.size))
    if bool(outside.any()):
        raise file.lies(f"{int(outside.sum())} strips or tiles outside of {file.size} bytes")


def check_ome(path: Path, metadata: str) -> tuple[str, ...]:
    """Refuses metadata of OME that count more planes than are read, for tifffile keeps a place for each.

    Args:
        path: The file, for its name.
        metadata: As XML. What is no XML is left to tifffile, which then does without it.

    Returns:
        What was noticed, one sentence each.

    Raises:
        FormatError: They do, or numbers that are none.
    """
    try:
        root = ET.fromstring(metadata)  # noqa: S314  (expat itself bounds entities)
    except ET.ParseError:
        return ()
    elements = list(root.iter())
    for element in elements:
        said = element.attrib
        planes: float = math.prod(max(1, int(said[name])) for name in _PLANES if name in said)
        if "Start" in said and "End" in said:
            planes = abs((float(said["End"]) - float(said["Start"])) / float(said.get("Step", 1)))
        if not planes <= _MOST_PAGES:
            raise FormatError(
                f"the metadata of {path.name} count at most {_MOST_PAGES} planes", got=f"{planes:.3g}"
            )
    own = {(root.get("UUID") or "").lower(), path.name.lower()}
    named = [e for e in elements if e.tag.endswith("UUID") and "FileName" in e.attrib]
    others = [e for e in named if own.isdisjoint({(e.text or "").lower(), e.attrib["FileName"].lower()})]
    return ("Its metadata name planes in other files, which were not read.",) if others else ()


def check_series(path: Path, series: Any) -> tuple[str, ...]:
    """Holds what tifffile made of directories and descriptions against the file, before pixels are asked for.

    Args:
        path: The file.
        series: A `tifffile.TiffPageSeries`.

    Returns:
        What was noticed, one sentence each.

    Raises:
        FormatError: Pages or parts of them that are not there, or more pixels than the file can hold.
    """
    keyframe, itemsize = series.keyframe, np.dtype(series.dtype).itemsize
    check_claim(path, series.shape, itemsize)
    if series.dataoffset is not None:
        missing = series.dataoffset + math.prod(series.shape) * itemsize - path.stat().st_size
        if missing > 0:
            raise _not_there(path, f"{missing} bytes")
        return ()
    check_claim(path, (len(series), *keyframe.chunked, *keyframe.chunks), itemsize)
    pages, needed = list(series), math.prod(keyframe.chunked)
    if len(pages) * math.prod(keyframe.shape) != math.prod(series.shape) or None in pages:
        raise _not_there(path, "whole pages")
    empty = 0
    for page in pages:
        parts = list(zip(page.dataoffsets, page.databytecounts, strict=False))[:needed]
        if len(parts) < needed:
            raise _not_there(path, f"{needed - len(parts)} strips or tiles")
        empty += sum(1 for offset, length in parts if not offset or not length)
    return (f"{empty} of its strips or tiles hold nothing, and were read as empty.",) if empty else ()


def _not_there(path: Path, what: str) -> FormatError:
    return FormatError(
        f"{path.name} is damaged, cut off, or claims pixels that are not there", got=f"{what} missing"
    )


def check_stated(path: Path, series: Any) -> None:
    """Refuses pictures inside of strips and tiles that state to be larger than these: decoders make room for them.

    Args:
        path: The file.
        series: A `tifffile.TiffPageSeries` that `check_series` let pass.

    Raises:
        FormatError: A larger one, or one that states no size.
    """
    keyframe = series.keyframe
    stated = STATED.get(int(keyframe.compression))
    if stated is None:
        return
    together = keyframe.planarconfig == 1 and keyframe.samplesperpixel > 1
    rows, columns = keyframe.chunks[:-1][-2:] if together else keyframe.chunks[-2:]
    samples = max(4, keyframe.samplesperpixel)
    with path.open("rb") as stream:
        parts = (zip(page.dataoffsets, page.databytecounts, strict=False) for page in series)
        for offset, length in itertools.chain.from_iterable(parts):
            stream.seek(offset)
            found = stated(stream.read(min(length, _HEAD)))
            fits = (
                0 < found[0] <= rows and 0 < found[1] <= columns and found[2] in (*range(1, samples + 1), ANY)
            )
            if length and not fits:
                raise FormatError(
                    f"a strip or tile of {path.name} is no larger than its directory says",
                    got=f"{found[0]} x {found[1]} with {found[2]} samples",
                )
