"""NRRD: a text header and pixels, in one file (.nrrd) or two (.nhdr)."""

from __future__ import annotations

import bz2
import math
import os
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded, check_claim
from skiagraph.codecs.itk import MM_OF_UNIT, Lattice, check_axes, data_file, in_place
from skiagraph.codecs.place import channel_names, file_affine, plain_pixels
from skiagraph.codecs.written import written
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.image import Image

__all__ = ["read", "write"]

_LONGEST_HEADER: Final = 65536
_NAMES: Final = {"float32": "float", "float64": "double"}
# The spellings of a type (NRRD definition, section 5), by NumPy's name.
_SPELLINGS: Final = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": (
        "longlong",
        "long long",
        "long long int",
        "signed long long",
        "signed long long int",
        "int64",
        "int64_t",
    ),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_TYPES: Final = {word: name for name, words in _SPELLINGS.items() for word in words}
_UNPACKERS: Final[Mapping[str, Callable[[], Any]]] = {
    "gzip": lambda: zlib.decompressobj(_ANY_HEADER),
    "gz": lambda: zlib.decompressobj(_ANY_HEADER),
    "bzip2": bz2.BZ2Decompressor,
    "bz2": bz2.BZ2Decompressor,
}
_ANY_HEADER: Final = 47  # of zlib or gzip
_ALONG: Final = {
    "right": -1.0,
    "left": 1.0,
    "anterior": -1.0,
    "posterior": 1.0,
    "inferior": -1.0,
    "superior": 1.0,
}
_SHORT: Final = {
    "r": "right",
    "l": "left",
    "a": "anterior",
    "p": "posterior",
    "i": "inferior",
    "s": "superior",
}
_PLACED: Final = (
    "domain",
    "space",
    "time",
)  # kinds of axes along which there are places; any other holds channels


def read(path: Path) -> Decoded:
    """One image; arrays come as (time, k, j, i, channel).

    Args:
        path: A .nrrd or .nhdr file.

    Returns:
        A `Grid`; a `Plane` for two axes, and for one slice that has no place in the patient. The unit is the pixel
        where the file states no spacing.

    Raises:
        FormatError: Damaged, truncated, or pixels that are missing or lie outside of the folder.

    Source: the NRRD file format, https://teem.sourceforge.net/nrrd/format.html.
    """
    header, begin = _header(path)
    try:
        sizes = tuple(int(n) for n in header["sizes"].split())
        dtype = np.dtype(_TYPES[header["type"].lower()])
        skips = tuple(int(header.get(f"{w} skip", header.get(f"{w}skip", "0"))) for w in ("line", "byte"))
    except (KeyError, ValueError) as error:
        raise FormatError(f"an NRRD file states its sizes and type, and {path.name} does not") from error
    name = header.get("data file", header.get("datafile"))
    if name is not None and (name.upper().startswith("LIST") or "%" in name):
        raise FormatError("an NRRD file has its pixels in one file", got=f"a list of files in {path.name}")
    source = path if name is None else data_file(path, name)
    check_claim(source, sizes, dtype.itemsize)
    if header.get("endian", "little").lower() == "big":
        dtype = dtype.newbyteorder(">")
    data = _bytes(
        source, begin if name is None else 0, header, (skips[0], skips[1]), math.prod(sizes) * dtype.itemsize
    )
    array = np.frombuffer(data, dtype).reshape(sizes[::-1])
    told = {"space", "space dimension"} & set(header) or len(sizes) == 2
    problems = () if told else ("It states no place in the patient.",)
    array, lattice = _placed(array, header, path)
    return in_place(array, lattice, scale=_scale(header), problems=problems)


def _header(path: Path) -> tuple[Mapping[str, str], int]:
    """The fields of the text header by their names in small letters, and where it ends."""
    with path.open("rb") as stream:
        head = stream.read(_LONGEST_HEADER)
    end = re.search(rb"\r?\n\r?\n", head)
    fields: dict[str, str] = {}
    for line in head[: end.start() if end else None].decode("latin-1").splitlines()[1:]:
        key, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            fields[key.strip().lower()] = value.strip()
    return fields, end.end() if end else len(head)


def _bytes(source: Path, at: int, header: Mapping[str, str], skips: tuple[int, int], needed: int) -> bytes:
    """The pixels, unpacked; first lines are skipped, and of what is unpacked then, bytes."""
    encoding = header.get("encoding", "raw").lower()
    if encoding not in ("raw", *_UNPACKERS):
        raise FormatError(
            f"the pixels of {source.name} are raw or packed by gzip or bzip2", got=encoding[:20]
        )
    lines, over = skips
    if lines < 0 or lines > _LONGEST_HEADER or over < -1 or over > source.stat().st_size:
        raise FormatError(f"{source.name} skips lines and bytes that are there", got=f"{lines}, {over}")
    with source.open("rb") as stream:
        stream.seek(at)
        for _ in range(lines):
            stream.readline(_LONGEST_HEADER)
        if encoding == "raw":
            stream.seek(*((-needed, os.SEEK_END) if over < 0 else (over, os.SEEK_CUR)))
            data = stream.read(needed)
        else:
            try:
                data = _UNPACKERS[encoding]().decompress(stream.read(), max(over, 0) + needed)[max(over, 0) :]
            except (OSError, EOFError, zlib.error) as error:
                raise FormatError(f"the packed pixels of {source.name} are damaged") from error
    if len(data) < needed:
        raise FormatError(f"{source.name} is cut off", got=f"{len(data)} of {needed} bytes of pixels")
    return data


def _placed(array: NDArray[Any], header: Mapping[str, str], path: Path) -> tuple[NDArray[Any], Lattice]:
    """Channels last, and where the other axes lie, in LPS."""
    ndim = array.ndim
    vectors = re.findall(r"none|\([^)]*\)", header.get("space directions", ""))
    kinds = header.get("kinds", "").lower().split() or ["domain"] * ndim
    kinds = [
        "list" if v == "none" and k not in _PLACED else k
        for k, v in zip(kinds, vectors or kinds, strict=False)
    ]
    channels = [n for n, kind in enumerate(kinds) if kind not in (*_PLACED, "???", "none")]
    if len(kinds) != ndim or len(channels) > 1 or len(vectors) not in (0, ndim):
        raise FormatError(
            f"{path.name} states a kind and a direction for each of its {ndim} axes", got="others"
        )
    placed = [n for n in range(ndim) if n not in channels]
    array = np.moveaxis(array, ndim - 1 - channels[0], -1) if channels else array[..., None]
    check_axes(len(placed), path)
    try:
        lattice = _lattice(header, [vectors[n] for n in placed] if vectors else [], placed)
    except ValueError as error:
        raise FormatError(f"{path.name} states its places by numbers", got="others") from error
    return array, lattice


def _lattice(header: Mapping[str, str], vectors: list[str], placed: list[int]) -> Lattice:
    """The lattice of the axes in `placed`; one without a direction has a step of 1 along itself."""
    ndim = len(placed)
    steps, origin = np.eye(ndim), np.zeros(ndim)
    if vectors:
        signs = _signs(header.get("space", ""), ndim)
        for n, vector in enumerate(vectors):
            if vector != "none":
                steps[:, n] = 0.0
                numbers = np.array([float(v) for v in vector.strip("()").split(",")])[:ndim]
                steps[: len(numbers), n] = numbers * signs[: len(numbers)]
        stated = [float(v) for v in header.get("space origin", "").strip("()").split(",") if v.strip()]
        origin[: len(stated[:ndim])] = np.array(stated[:ndim]) * signs[: len(stated[:ndim])]
    elif "spacings" in header:
        spacings = [float(v) for v in header["spacings"].split()]
        chosen = np.array([spacings[n] if n < len(spacings) else 1.0 for n in placed])
        steps = np.diag(np.where(np.isfinite(chosen), chosen, 1.0))
    return Lattice(spacing=np.ones(ndim), origin=origin, direction=steps)


def _signs(space: str, ndim: int) -> NDArray[np.float64]:
    """How the axes of the file's space point along those of LPS; a space without a name is taken as it is."""
    words = space.lower().split("-")
    words = [_SHORT.get(c, c) for c in words[0]] if len(words) == 1 and len(space) in (3, 4) else words
    signs = np.ones(max(ndim, 3))
    pairs = (("right", "left"), ("anterior", "posterior"), ("inferior", "superior"))
    if len(words) >= 3 and all(word in pair for word, pair in zip(words, pairs, strict=False)):
        signs[:3] = [_ALONG[word] for word in words[:3]]
    return signs[:ndim]


def _scale(header: Mapping[str, str]) -> float | None:
    stated = header.get("space directions") or header.get("spacings", "")
    if not any(c.isdigit() for c in stated):
        return None
    units = header.get("space units", header.get("units", '"mm"')).replace('"', " ").split()
    return MM_OF_UNIT.get(units[0].lower()) if units else 1.0


def write(image: Image, path: Path, *, notes: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """An NRRD file, not packed.

    Args:
        image: A picture or a volume, without time.
        path: Ends in .nrrd.
        notes: Further words by key, such as programs that know NRRD agree upon (``"Segment0_Name"``).

    Returns:
        What NRRD cannot keep, one sentence each.

    Raises:
        InvalidInput: A moving image.
        WriteFailed: It could not be written; nothing was left.
    """
    if image.space.timeline is not None:
        raise InvalidInput(
            "NRRD is written for still images", got="a moving one", way_out="write NIfTI or TIFF"
        )
    array, lost = plain_pixels(image)
    if image.channels and image.channels != channel_names(len(image.channels)):
        lost = (*lost, "NRRD keeps no names of channels.")
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    with written(path) as temporary, temporary.open("wb") as stream:
        stream.write(_head(image, array.shape, array.dtype) + _notes(notes or {}) + b"\n")
        stream.write(little.data)
    return lost


def _head(image: Image, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> bytes:
    ndim = image.space.ndim
    affine = file_affine(image.space)
    vector = ["none"] if image.channels else []
    lines = [
        "NRRD0005",
        f"type: {_NAMES.get(dtype.name, dtype.name)}",
        f"dimension: {len(shape)}",
        *([] if image.space.unit == "pixel" else [_space_line(ndim)]),
        f"sizes: {' '.join(str(n) for n in (*shape[ndim:], *reversed(shape[:ndim])))}",
        *_place_lines(affine[:ndim, :ndim], affine[:ndim, 3], vector, unit=image.space.unit),
        f"kinds: {' '.join([*('vector' for _ in vector), *('domain',) * ndim])}",
        "endian: little",
        "encoding: raw",
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def _notes(notes: Mapping[str, str]) -> bytes:
    """Key/value pairs: a line each, with line feeds and backslashes escaped."""
    pairs = {
        key: value.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n")
        for key, value in notes.items()
    }
    return "".join(f"{key}:={value}\n" for key, value in pairs.items()).encode()


def _space_line(ndim: int) -> str:
    return "space: left-posterior-superior" if ndim == 3 else "space dimension: 2"


def _place_lines(
    linear: NDArray[np.float64], origin: NDArray[np.float64], vector: list[str], *, unit: str
) -> list[str]:
    if unit == "pixel":
        return []
    units = " ".join('"mm"' for _ in origin)
    return [
        f"space directions: {' '.join([*vector, *(_point(column) for column in linear.T)])}",
        f"space units: {units}",
        f"space origin: {_point(origin)}",
    ]


def _point(values: NDArray[np.float64]) -> str:
    return f"({','.join(repr(float(v)) for v in values)})"
