"""Siemens mosaics to frames: many slices laid out as tiles of one picture, each put back into its place."""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.io.dicom.facts import facts_of, order_of, parts_of, seconds_of
from skiagraph.io.dicom.frame import Frame, Slice, place_of
from skiagraph.io.dicom.quick import number_of, numbers_of, texts_at
from skiagraph.io.dicom.source import Source

__all__ = ["csa_elements", "is_mosaic", "mosaic_frames"]

_IMAGES: Final = (0x0019, 0x100A)  # NumberOfImagesInMosaic
_CSA: Final = (0x0029, 0x1010)  # CSA Image Header Info
_MOST_TAGS: Final = 1000  # of a CSA header; real ones have about 100
_MOST_ITEMS: Final = 10_000
_SV10: Final = b"SV10\x04\x03\x02\x01"


def is_mosaic(header: Dataset) -> bool:
    """Whether a picture is a mosaic of slices."""
    return "MOSAIC" in texts_at(header, "ImageType")


def mosaic_frames(source: Source, header: Dataset) -> tuple[Frame, ...]:
    """The slices of a mosaic, in their places.

    The stated position is that of a picture as large as the mosaic around the centre of the slice: each slice begins
    half the difference further. Slices follow one another along the slice normal of the scanner.

    Args:
        source: Where it lies.
        header: All of it but its pixels, private elements included.

    Raises:
        FormatError: The number of slices, their place or the distance between them is not stated.

    Source: Siemens MR DICOM conformance statement (CSA header); own comparison with dcm2niix (see the tests).
    """
    csa = csa_elements(_csa_bytes(header))
    count = _count(header, csa)
    whole = place_of(header)
    if count is None or whole is None:
        raise FormatError(
            f"a mosaic states how many slices it holds and where they lie, and {source.name} does not",
            way_out="export it with its private elements, or convert it with dcm2niix",
        )
    side = math.ceil(math.sqrt(count))
    rows, columns = int(header.Rows) // side, int(header.Columns) // side
    if rows < 1 or columns < 1 or (rows * side, columns * side) != (int(header.Rows), int(header.Columns)):
        raise FormatError(
            f"a mosaic of {count} slices has {side} x {side} tiles of one size",
            got=f"{header.Rows} x {header.Columns} pixels in {source.name}",
        )
    first = whole.moved((int(header.Rows) - rows) / 2, (int(header.Columns) - columns) / 2)
    step = _step(source, header, csa, whole)
    parts, facts, seconds, order = parts_of(header), facts_of(header), seconds_of(header), order_of(header)
    return tuple(
        Frame(
            source=source,
            header=header,
            shape=(rows, columns),
            corner=((n // side) * rows, (n % side) * columns),
            tiled=True,
            place=first.moved(0, 0, step * n),
            parts=parts,
            facts=facts,
            seconds=seconds,
            order=(*(order or (0.0,)), float(n)),
        )
        for n in range(count)
    )


def _csa_bytes(header: Dataset) -> bytes:
    value: Any = header[_CSA].value if _CSA in header else None
    return value if isinstance(value, bytes) else b""


def _count(header: Dataset, csa: dict[str, tuple[str, ...]]) -> int | None:
    value = header[_IMAGES].value if _IMAGES in header else None
    if isinstance(value, bytes):
        value = int.from_bytes(value, "little") if len(value) == 2 else value.decode("latin-1").strip("\x00 ")
    stated = number_of(value) or number_of((csa.get("NumberOfImagesInMosaic") or ("",))[0])
    return int(stated) if stated is not None and 0 < stated <= _MOST_ITEMS else None


def _step(
    source: Source, header: Dataset, csa: dict[str, tuple[str, ...]], whole: Slice
) -> NDArray[np.float64]:
    """The vector from one slice of a mosaic to the next, mm."""
    distance = number_of(header.get("SpacingBetweenSlices")) or number_of(header.get("SliceThickness"))
    if distance is None or distance <= 0:
        raise FormatError(f"a mosaic states the distance between its slices, and {source.name} does not")
    normal = numbers_of(csa.get("SliceNormalVector") or ())
    if len(normal) != 3:
        return whole.normal * distance
    along = float(np.array(normal) @ whole.normal)
    if abs(abs(along) - 1.0) > 1e-2:
        raise FormatError(
            f"the slice normal of a mosaic stands on its slices, and that of {source.name} does not",
            got=f"a cosine of {along:.3f}",
        )
    return whole.normal * math.copysign(distance, along)


def csa_elements(data: bytes) -> dict[str, tuple[str, ...]]:
    """The elements of a Siemens CSA header by name; empty where the bytes are none.

    Args:
        data: The value of (0029,1010) or (0029,1020).

    Source: layout as described in nibabel's documentation (doc/source/dicom/siemens_csa.rst), both versions.
    """
    second = data.startswith(_SV10)
    at = 8 if second else 0
    found: dict[str, tuple[str, ...]] = {}
    try:
        (tags,) = struct.unpack_from("<I", data, at)
        at += 8
        base: int | None = None
        for _ in range(min(tags, _MOST_TAGS)):
            name, _vm, _vr, _syngo, items, _mark = struct.unpack_from("<64si4siii", data, at)
            at += 84
            base = items if base is None else base
            values = []
            for _ in range(min(max(items, 0), _MOST_ITEMS)):
                lengths = struct.unpack_from("<4i", data, at)
                at += 16
                length = lengths[1] if second else lengths[0] - base
                length = min(max(length, 0), len(data) - at)
                text = data[at : at + length].split(b"\x00")[0].decode("latin-1").strip()
                at += (length + 3) // 4 * 4
                values.append(text)
            found[name.split(b"\x00")[0].decode("latin-1")] = tuple(v for v in values if v)
    except struct.error:
        return found
    return found
