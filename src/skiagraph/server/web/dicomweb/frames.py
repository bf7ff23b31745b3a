"""Frames of stored objects: straight from the file where they lie in it as they are asked for, decoded where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.io.dicom.compressed import VIDEO
from skiagraph.io.dicom.fragments import pieces_of
from skiagraph.io.dicom.layout import Layout, layout_of
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.scan import Header
from skiagraph.io.dicom.source import Source
from skiagraph.server.site import Site
from skiagraph.server.web.dicomweb.accept import EXPLICIT, FLAT, NATIVE, Pixels, media_of
from skiagraph.server.web.dicomweb.instances import Stored, header_of
from skiagraph.server.web.dicomweb.sending import Piece, Span
from skiagraph.server.web.problems import NotAcceptable

__all__ = ["as_stored", "chosen", "labelled", "laid_out", "pieces_at", "plain_bytes", "unpacked"]

_MOST: Final = 10_000  # frames in one request


def chosen(said: str) -> tuple[int, ...]:
    """Numbers of frames from 0, of a list that counts from 1 (``1,2,5``).

    Raises:
        InvalidInput: No such list.
    """
    words = said.split(",")
    if len(words) > _MOST or not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in words):
        raise InvalidInput(
            f"frames are numbers from 1 on with commas between them, {_MOST} at most", got="others"
        )
    numbers = tuple(int(one) - 1 for one in words)
    if min(numbers) < 0:
        raise InvalidInput("frames are counted from 1", got="0")
    return numbers


def pieces_at(site: Site, stored: Stored, wanted: Pixels, numbers: Sequence[int]) -> list[list[Piece]]:
    """The bytes of some frames, each as pieces.

    Args:
        site: The server.
        stored: The object.
        wanted: In which coding.
        numbers: From 0.

    Raises:
        MissingInput: It has no pixels, or not so many frames.
        NotAcceptable: They cannot be told apart, or not be decoded.
    """
    header = header_of(site.files, stored)
    if header.pixels is None:
        raise MissingInput("frames are those of an object with pixels", got="one without")
    try:
        layout = layout_of(header, stored.name, header.pixels.keyword)
        if max(numbers) >= layout.frames:
            raise MissingInput("a frame that is asked for is there", got=f"one behind the {layout.frames}")
        if wanted.stored and stored.syntax in NATIVE and stored.pixels_at is not None:
            bits = _bits(layout, header.pixels.length or 0)
            return [_native(site, stored, bits, number) for number in numbers]
        if wanted.stored and stored.syntax not in FLAT:
            return _packed(site, stored, header, layout, numbers)
    except FormatError as error:
        raise NotAcceptable(error.rule, got=error.got) from error
    first = plain_bytes(site, stored, header, numbers[0])
    rest: list[list[Piece]] = [[partial(_made, site, stored, header, number)] for number in numbers[1:]]
    return [[first], *rest]


def _made(site: Site, stored: Stored, header: Header, number: int) -> Iterator[bytes]:
    """A frame that is decoded when its turn comes, so that many do not fill the memory."""
    yield plain_bytes(site, stored, header, number)


def _bits(layout: Layout, size: int) -> int:
    """Of one frame as it lies in the file; some say that chroma is shared, and it is not."""
    whole = layout.rows * layout.columns * layout.samples * layout.allocated
    return whole if 8 * size >= layout.frames * whole else layout.bits


def _native(site: Site, stored: Stored, bits: int, number: int) -> list[Piece]:
    """A frame that lies in the file as it is; one of single bits may begin within a byte."""
    begin, end = number * bits, (number + 1) * bits
    first, last = begin // 8, -(-end // 8)
    place = (stored.pixels_at or 0) + first
    if place + last - first > stored.size:
        raise FormatError("the pixels of the object are as large as its header says", got="smaller ones")
    if begin % 8 == 0:
        return [Span(digest=stored.digest, begin=place, size=last - first)]
    with site.files.open(stored.digest) as stream:
        stream.seek(place)
        single = np.unpackbits(np.frombuffer(stream.read(last - first), np.uint8), bitorder="little")
    aligned = single[begin % 8 : begin % 8 + bits]
    return [np.packbits(aligned, bitorder="little").tobytes()]


def _packed(
    site: Site, stored: Stored, header: Header, layout: Layout, numbers: Sequence[int]
) -> list[list[Piece]]:
    """Frames as they are packed; a film is one piece, which its frames share."""
    place = header.pixels
    if place is None or place.length is not None:
        raise FormatError("packed frames lie in fragments", got="others")
    count = 1 if stored.syntax in VIDEO else layout.frames
    if count < len(numbers) or max(numbers) >= count:
        raise FormatError("a film is asked for whole", got="one of its frames")
    with site.files.open(stored.digest) as stream, guarded(stored.name):
        pieces = pieces_of(stream, place, header, count, stored)
    return [
        [Span(digest=stored.digest, begin=begin, size=size) for begin, size in pieces[number]]
        for number in numbers
    ]


def plain_bytes(site: Site, stored: Stored, header: Header, number: int) -> bytes:
    """A frame decoded, little endian, colours pixel by pixel.

    Raises:
        NotAcceptable: It cannot be decoded.
    """
    with unpacked(site, stored, header) as decode:
        return decode(number)


@contextmanager
def unpacked(site: Site, stored: Stored, header: Header) -> Iterator[Callable[[int], bytes]]:
    """A function that decodes frames of an object one at a time.

    Raises:
        NotAcceptable: By the function: it cannot be decoded.
    """
    with laid_out(site, stored) as source:

        def decode(number: int) -> bytes:
            try:
                return _encoded(stored_pixels(source, header, [number])[0], header)
            except FormatError as error:
                raise NotAcceptable(error.rule, got=error.got) from error

        yield decode


@contextmanager
def laid_out(site: Site, stored: Stored) -> Iterator[Source]:
    """An object as a plain file, for as long as the block lasts.

    Raises:
        MissingInput: Its file is gone.
        WriteFailed: The disk is full or failed.
    """
    folder: Path = site.intake.upload_folder()
    try:
        (path,) = site.files.lay_out([stored.digest], folder)
        yield Source(path=path)
    finally:
        rmtree(folder, ignore_errors=True)


def _encoded(array: NDArray[np.generic], header: Header) -> bytes:
    if int(header.get("BitsAllocated") or 0) == 1:
        return np.packbits(array.ravel().astype(np.uint8), bitorder="little").tobytes()
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def labelled(wanted: Pixels) -> str:
    """The content type of a part with pixels."""
    return f"{wanted.media}; transfer-syntax={wanted.syntax}"


def as_stored(syntax: str) -> Pixels:
    """All pixels of an object in parts, in their own coding."""
    native = syntax in FLAT
    return Pixels(parts=True, stored=True, media=media_of(syntax), syntax=EXPLICIT if native else syntax)
