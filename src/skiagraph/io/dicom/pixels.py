"""Stored pixel values of one object, from any transfer syntax: signs extended, foreign bits cleared, colours RGB."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError, MissingPackage, SkiagraphError
from skiagraph.io.dicom.compressed import STILL, VIDEO, Still, decoded_frame, refusal
from skiagraph.io.dicom.elements import PixelPlace
from skiagraph.io.dicom.fragments import joined, pieces_of
from skiagraph.io.dicom.layout import Layout, layout_of
from skiagraph.io.dicom.native import native_frames, rgb, settle
from skiagraph.io.dicom.scan import BROKEN, Header, inflater, scan
from skiagraph.io.dicom.source import Source
from skiagraph.optional import optional

__all__ = ["place_of_pixels", "stored_pixels"]

_IMPLICIT: Final = "1.2.840.10008.1.2"
_BIG: Final = ("1.2.840.10008.1.2.2", "1.2.840.113619.5.2")
_IN_ITEMS: Final = "1.2.840.10008.1.2.1.98"
_NATIVE: Final = ("", _IMPLICIT, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", *_BIG)
_SKIP: Final = 2**20


def stored_pixels(source: Source, header: Dataset, frames: Sequence[int] | None = None) -> NDArray[Any]:
    """The stored values of an object, before any rescale or look-up table.

    Args:
        source: Where it lies.
        header: Its header, best as `scan` gave it.
        frames: Numbers from 0, in any order; None takes all. Memory is needed for these alone (and, for video, for
            its packets).

    Returns:
        Axes (frame, row, column[, sample]): whole numbers of the type that Bits Allocated and Pixel Representation
        state (uint8 for single bits), in the byte order of this machine, with sign extended and the bits outside of
        Bits Stored cleared; float32 or float64 for Float and Double Float Pixel Data. YBR becomes RGB, once; palette
        indices, and MONOCHROME1, stay as they are.

    Raises:
        FormatError: No pixels, cut off, damaged, contradicting its header, or packed in a way that is not decoded;
            the message names what to install for a video.

    Source:
        DICOM PS3.5, 8 and annex A; PS3.3 C.7.6.3.
    """
    place, syntax = place_of_pixels(source, header)
    layout = layout_of(header, source.name, place.keyword)
    chosen = range(layout.frames) if frames is None else tuple(int(n) for n in frames)
    if not chosen or min(chosen) < 0 or max(chosen) >= layout.frames:
        raise FormatError(
            f"frames are chosen from the {layout.frames} of {source.name}", got=str(frames)[:80]
        )
    layout.check(len(chosen), source.size, source.name)
    with source.open() as stream:
        try:
            if syntax in _NATIVE:
                return _native(stream, source, (place, syntax), layout, chosen)
            return _unpacked(stream, source, header, (place, syntax), (layout, chosen))
        except SkiagraphError:
            raise
        except BROKEN as error:
            raise FormatError(
                f"the pixels of {source.name} are damaged", way_out="export it again"
            ) from error


def place_of_pixels(source: Source, header: Dataset) -> tuple[PixelPlace, str]:
    """Where the pixels of an object lie, and their transfer syntax.

    Raises:
        FormatError: It has none.
    """
    known = header if isinstance(header, Header) else scan(source)
    if known.pixels is None:
        raise FormatError(f"{source.name} has pixels", got="a header alone", way_out="export it again")
    if known.syntax or known.pixels.vr:
        return known.pixels, known.syntax
    return known.pixels, _IMPLICIT


_Place = tuple[PixelPlace, str]
_Chosen = range | tuple[int, ...]


def _native(stream: BinaryIO, source: Source, where: _Place, layout: Layout, chosen: _Chosen) -> NDArray[Any]:
    place, syntax = where
    name, size = source.name, source.size
    data: BinaryIO = stream
    length = place.length
    if length is None:
        raise FormatError(f"the pixels of {name} are uncompressed and have a length", got="an undefined one")
    if place.inflated is not None:
        place, data = _inflated(stream, place, layout)
    elif min(length, size - place.offset) * 8 < (max(chosen) + 1) * layout.bits:
        raise FormatError(
            f"the pixels of {name} are cut off",
            got=f"{min(length, size - place.offset)} bytes of {(layout.frames * layout.bits + 7) // 8}",
            way_out="export it again",
        )
    if syntax in _BIG and place.vr == "OW" and layout.allocated == 8:
        place, data = _swapped(data, place, size)
    array = native_frames(data, place, layout, chosen, name)
    if syntax in _BIG and layout.allocated > 8:
        array.byteswap(inplace=True)
    settle(array, layout)
    return rgb(array, layout.photometric, layout.stored)


def _swapped(stream: BinaryIO, place: PixelPlace, size: int) -> tuple[PixelPlace, BinaryIO]:
    """Bytes that were written as big endian words, each in its own place."""
    stream.seek(place.offset)
    data = np.frombuffer(stream.read(min(place.length or 0, size - place.offset) // 2 * 2), np.uint16)
    alone = PixelPlace(keyword=place.keyword, vr=place.vr, offset=0, length=data.nbytes)
    return alone, io.BytesIO(data.byteswap().tobytes())


def _inflated(stream: BinaryIO, place: PixelPlace, layout: Layout) -> tuple[PixelPlace, BinaryIO]:
    """The pixels of a deflated data set alone, in memory."""
    stream.seek(place.inflated or 0)
    read, left = inflater(stream), place.offset
    while left:
        gone = len(read(min(left, _SKIP)))
        if not gone:
            break
        left -= gone
    data = read(min(place.length or 0, (layout.frames * layout.bits + 7) // 8))
    alone = PixelPlace(keyword=place.keyword, vr=place.vr, offset=0, length=len(data))
    return alone, io.BytesIO(data)


def _unpacked(
    stream: BinaryIO, source: Source, header: Dataset, where: _Place, what: tuple[Layout, _Chosen]
) -> NDArray[Any]:
    (place, syntax), (layout, chosen) = where, what
    coding = STILL.get(syntax)
    if syntax in VIDEO:
        return _video(stream, source, header, place, what)
    if coding is None and syntax != _IN_ITEMS:
        raise refusal(syntax, source.name)
    pieces = pieces_of(stream, place, header, layout.frames, source)
    out = np.empty((len(chosen), *layout.shape), dtype=layout.dtype)
    for slot, number in enumerate(chosen):
        data = joined(stream, pieces[number], source.name)
        out[slot] = _frame(data, coding, place, layout, source.name)
    return out


def _frame(data: bytes, coding: Still | None, place: PixelPlace, layout: Layout, name: str) -> NDArray[Any]:
    """One frame from its bytes, settled."""
    if coding is None:
        alone = PixelPlace(keyword=place.keyword, vr=place.vr, offset=0, length=len(data))
        found, photometric = native_frames(io.BytesIO(data), alone, layout, (0,), name)[0], layout.photometric
        settle(found, layout)
    else:
        found, photometric = decoded_frame(coding, data, layout, name)
    picture: NDArray[Any] = rgb(found[None], photometric, layout.stored)[0]
    return picture


def _video(
    stream: BinaryIO, source: Source, header: Dataset, place: PixelPlace, what: tuple[Layout, _Chosen]
) -> NDArray[Any]:
    layout, chosen = what
    try:
        video = optional("skiagraph.codecs.video", package="PyAV", extra="video")
    except MissingPackage as error:
        raise FormatError(
            f"the pixels of {source.name} are a video, which PyAV decodes",
            way_out="install it with: pip install 'skiagraph[video]'",
        ) from error
    pieces = [piece for frame in pieces_of(stream, place, header, 1, source) for piece in frame]
    packets = io.BytesIO(joined(stream, pieces, source.name))
    order = sorted(set(chosen))
    found: NDArray[np.uint8] = video.decoded_stream(packets, name=source.name, frames=order)
    if found.shape[1:] != layout.shape:
        raise FormatError(
            f"the video in {source.name} is the picture that its header describes, {layout.shape}",
            got=str(found.shape[1:]),
        )
    if list(chosen) == order:
        return found
    return np.take(found, [order.index(n) for n in chosen], axis=0)
