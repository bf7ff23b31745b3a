"""Palettes: pixels whose values are the numbers of colours, plain, segmented, or above the greys of a picture."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.io.dicom.attributes import big_endian, numbers, raw, table_of, whole, word
from skiagraph.io.dicom.lookup import indices, wrapped

__all__ = ["expanded", "from_palette", "palette", "supplemented"]

_COLOURS: Final = ("Red", "Green", "Blue")


def palette(header: Dataset) -> tuple[int, NDArray[np.uint8], tuple[str, ...]] | None:
    """The colours of a palette.

    Returns:
        The pixel value that has the first colour; the colours, shape (n, 3), red green blue; and what was noticed.
        None where the header has no whole palette. Entries of 16 bits are read with their high 8 bits.

    Raises:
        FormatError: A segmented palette that breaks its own rules.

    Source: DICOM PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.9.
    """
    descriptor = numbers(header, "RedPaletteColorLookupTableDescriptor")
    if len(descriptor) != 3:
        return None
    count, first, bits = (int(v) for v in descriptor)
    count = count % 65536 or 65536
    tables = [_entries(header, colour, count, bits) for colour in _COLOURS]
    if any(len(table) < count for table in tables):
        return None
    colours: NDArray[Any] = np.stack([table[:count] for table in tables], axis=-1)
    said: tuple[str, ...] = ()
    if bits > 8 and colours.size and int(colours.max()) > 255:
        colours = colours >> 8
    elif bits > 8:
        said = ("Its palette claims 16 bits and holds 8, which were taken as they are.",)
    signed = whole(header, "PixelRepresentation") == 1
    return wrapped(first, signed=signed), colours.astype(np.uint8), said


def _entries(header: Dataset, colour: str, count: int, bits: int) -> NDArray[np.uint16]:
    name = f"{colour}PaletteColorLookupTableData"
    swapped = big_endian(header)
    if raw(header, name):
        return table_of(header, name, bits=bits, swapped=swapped)
    value = raw(header, f"Segmented{name}")
    if not isinstance(value, (bytes, bytearray)):
        return np.empty(0, dtype=np.uint16)
    word_type = "u1" if bits <= 8 else (">u2" if swapped else "<u2")
    size = np.dtype(word_type).itemsize
    return expanded(np.frombuffer(bytes(value)[: len(value) // size * size], dtype=word_type), count)


def expanded(data: NDArray[Any], count: int) -> NDArray[np.uint16]:
    """A segmented palette as a plain one.

    Args:
        data: Shape (n,), uint8 or uint16: the segments.
        count: How many entries the palette has.

    Returns:
        Shape (m,), m at most `count`.

    Raises:
        FormatError: A segment of an unknown kind, one that ends beyond the data, or one that needs another before it.

    Source: DICOM PS3.3 C.7.9.2.
    """
    result: list[int] = []
    _expand(data, 0, None, result, count)
    return np.asarray(result[:count], dtype=np.uint16)


def _expand(data: NDArray[Any], start: int, segments: int | None, result: list[int], count: int) -> None:
    """Expands segments from `start` on: all, or as many as an indirect segment asks for."""
    place, done = start, 0
    while place + 1 < len(data) and len(result) < count and done != segments:
        kind, length = int(data[place]), int(data[place + 1])
        place += 2
        if kind == 0:
            result.extend(int(v) for v in data[place : place + length])
            place += length
        elif kind == 1 and result and place < len(data):
            end = int(data[place])
            result.extend(int(v) for v in np.rint(np.linspace(result[-1], end, length + 1)[1:]))
            place += 1
        elif kind == 2 and result and segments is None:
            step = 4 if data.dtype.itemsize == 1 else 2
            if place + step > len(data):
                break
            shift = 8 * data.dtype.itemsize
            offset = sum(int(v) << (shift * k) for k, v in enumerate(data[place : place + step]))
            _expand(data, offset // data.dtype.itemsize, length, result, count)
            place += step
        else:
            raise FormatError("a segment of a palette is discrete, linear or indirect", got=f"kind {kind}")
        done += 1


def from_palette(stored: NDArray[Any], header: Dataset) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The picture of a PALETTE COLOR object.

    Args:
        stored: Pixel values, any shape.
        header: Of the object.

    Returns:
        Shape of `stored` and an axis red, green, blue; and what was noticed.

    Raises:
        FormatError: No whole palette.

    Source: DICOM PS3.3 C.7.6.3.1.5 (values below the first and beyond the last have the first and last colour).
    """
    found = palette(header)
    if found is None:
        raise FormatError("a picture of palette colours has a whole palette", got="a part of one or none")
    first, colours, said = found
    return colours[indices(stored, first, len(colours))], said


def supplemented(stored: NDArray[Any], header: Dataset) -> NDArray[np.uint8] | None:
    """The picture of a grey object some of whose values are colours; None where the header says no such thing.

    Args:
        stored: Pixel values, any shape. Those from the first of the palette on are colours, those below are greys.
        header: Of the object.

    Returns:
        Shape of `stored` and an axis red, green, blue; greys reach from 0 to 255 just below the first colour.

    Source: DICOM PS3.3 C.7.6.19 and C.8.16.2.1.1.1.
    """
    if word(header, "PixelPresentation") not in {"COLOR", "MIXED"}:
        return None
    found = palette(header)
    if found is None or found[0] <= 0:
        return None
    first, colours, _ = found
    grey = np.clip(stored.astype(np.float64) * (255.0 / max(first - 1, 1)), 0, 255)
    result = np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=-1)
    coloured = stored >= first
    result[coloured] = colours[indices(stored[coloured], first, len(colours))]
    return result
