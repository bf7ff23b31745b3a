"""Compressed pixels in a file: which of its fragments make up which frame, by offset table or without one."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO, Final, Protocol

from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.io.dicom.elements import PixelPlace

__all__ = ["Piece", "Sized", "joined", "pieces_of"]

Piece = tuple[int, int]  # (offset in the file, length)


class Sized(Protocol):
    """A file."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def size(self) -> int:
        """In bytes."""


_ITEM: Final = 0xE000FFFE  # as little endian reads the tag in one go
_pair: Final = struct.Struct("<LL").unpack
# JPEG and JPEG-LS, JPEG 2000, JPEG 2000 in a box, JPEG XL, JPEG XL in a box.
_STARTS: Final = (
    b"\xff\xd8",
    b"\xff\x4f\xff\x51",
    b"\x00\x00\x00\x0cjP",
    b"\xff\x0a",
    b"\x00\x00\x00\x0cJXL ",
)


def joined(stream: BinaryIO, pieces: Sequence[Piece], name: str) -> bytes:
    """The bytes of one frame.

    Raises:
        FormatError: The file ends before.
    """
    parts = []
    for offset, length in pieces:
        stream.seek(offset)
        parts.append(stream.read(length))
        if len(parts[-1]) < length:
            raise _cut_off(name)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def pieces_of(
    stream: BinaryIO, place: PixelPlace, header: Dataset, frames: int, source: Sized
) -> list[list[Piece]]:
    """The pieces of each frame (DICOM PS3.5 A.4).

    Args:
        stream: The file.
        place: Where the pixels begin in it.
        header: Of the object, for the extended offset table.
        frames: How many the header states.
        source: The file, for its size and its name.

    Raises:
        FormatError: No fragments, cut off, or fragments that do not part into so many frames.
    """
    name = source.name
    table, fragments = _fragments(stream, place, source.size, name)
    long = _extended(header)
    if not fragments:
        raise _cut_off(name)
    if frames == 1:
        return [fragments]
    if len(fragments) == frames:
        return [[piece] for piece in fragments]
    base = fragments[0][0] - 8
    for offsets in (long, table):
        found = _by_offsets(fragments, [base + offset for offset in offsets], frames)
        if found:
            return found
    groups = _by_starts(stream, fragments)
    if len(groups) == frames:
        return groups
    raise FormatError(
        f"the compressed frames of {name} can be told apart by an offset table or by their beginnings",
        got=f"{len(fragments)} fragments for {frames} frames",
        way_out="export it again with an offset table",
    )


def _fragments(stream: BinaryIO, place: PixelPlace, size: int, name: str) -> tuple[list[int], list[Piece]]:
    """The basic offset table, and the fragments behind it."""
    at, end = place.offset, size if place.length is None else min(size, place.offset + place.length)
    stream.seek(at)
    table: list[int] | None = None
    fragments: list[Piece] = []
    while at + 8 <= end:
        tag, length = _pair(stream.read(8))
        if tag != _ITEM:
            break  # the delimiter, or what comes behind a fragment whose length is wrong
        at += 8
        if at + length > end:
            raise _cut_off(name)
        if table is None:
            words = stream.read(length // 4 * 4)
            table = list(struct.unpack(f"<{len(words) // 4}L", words))
        else:
            fragments.append((at, length))
        at += length
        stream.seek(at)
    if table is None:
        raise FormatError(f"the compressed pixels of {name} begin with an offset table", got="something else")
    return table, fragments


def _extended(header: Dataset) -> list[int]:
    """The extended offset table (DICOM PS3.3 C.7.6.3.1.8)."""
    words = header.get("ExtendedOffsetTable") or b""
    return list(struct.unpack(f"<{len(words) // 8}Q", words[: len(words) // 8 * 8]))


def _by_offsets(fragments: list[Piece], offsets: list[int], frames: int) -> list[list[Piece]]:
    """Empty where the table is absent or does not name beginnings of fragments."""
    if len(offsets) != frames:
        return []
    starts = {offset: n for n, offset in enumerate(offsets)}
    groups: list[list[Piece]] = []
    for piece in fragments:
        if starts.get(piece[0] - 8) == len(groups):
            groups.append([])
        if not groups:
            return []
        groups[-1].append(piece)
    return groups if len(groups) == frames else []


def _by_starts(stream: BinaryIO, fragments: list[Piece]) -> list[list[Piece]]:
    """Frames begin with the mark of their coding; fragments that do not carry on the frame before."""
    groups: list[list[Piece]] = []
    for piece in fragments:
        stream.seek(piece[0])
        if stream.read(min(8, piece[1])).startswith(_STARTS) or not groups:
            groups.append([])
        groups[-1].append(piece)
    return groups


def _cut_off(name: str) -> FormatError:
    return FormatError(f"the pixels of {name} are cut off or empty", way_out="export it again")
