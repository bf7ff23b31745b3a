"""MetaImage: .mha in one file, .mhd with its pixels beside it in .raw."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded, check_claim
from skiagraph.codecs.itk import MM_OF_UNIT, Lattice, check_axes, data_file, in_place
from skiagraph.codecs.place import channel_names, file_affine, plain_pixels
from skiagraph.codecs.written import written
from skiagraph.errors import FormatError
from skiagraph.image import Image

__all__ = ["read", "write"]

_TYPES: Final = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_SPELLINGS: Final = {
    "Position": "Offset",
    "Origin": "Offset",
    "Rotation": "TransformMatrix",
    "Orientation": "TransformMatrix",
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}
_READ: Final = _TYPES | {"MET_LONG": "i4", "MET_ULONG": "u4"}  # 4 bytes everywhere, as MetaIO has it
_TRUE: Final = ("true", "1")
_ANY_HEADER: Final = 47  # of zlib or gzip
_LONGEST_HEADER: Final = 65536


def read(path: Path) -> Decoded:
    """One image; arrays come as (time, k, j, i, channel).

    Args:
        path: A .mha or .mhd file.

    Returns:
        A `Grid`; a `Plane` for two axes, and for one slice that has no place in the patient. The unit is the pixel
        where the file states no spacing, or says that its unit is not known.

    Raises:
        FormatError: Damaged, truncated, or pixels that are missing or lie outside of the folder.
    """
    header, begin = _header(path)
    try:
        shape = _whole(header, "DimSize")
        channels = _whole(header, "ElementNumberOfChannels", (1,))[0]
        skipped = _whole(header, "HeaderSize", (0,))[0]
        dtype = np.dtype(_READ[header["ElementType"]])
    except (IndexError, KeyError, ValueError) as error:
        raise FormatError(
            f"a MetaImage states its DimSize and a known ElementType, and {path.name} does not"
        ) from error
    name = header["ElementDataFile"]
    if name.startswith("LIST") or "%" in name:
        raise FormatError("a MetaImage has its pixels in one file", got=f"a list of files in {path.name}")
    source = path if name.upper() == "LOCAL" else data_file(path, name)
    sizes = (*reversed(shape), channels)
    check_axes(len(shape), path)
    check_claim(source, sizes, dtype.itemsize)
    if header.get("BinaryDataByteOrderMSB", "").lower() in _TRUE:
        dtype = dtype.newbyteorder(">")
    at = begin if source is path else skipped
    if at < 0:  # the pixels are the last bytes of their file
        at = source.stat().st_size - math.prod(sizes) * dtype.itemsize
    array = _pixels(source, at, sizes, dtype, header).reshape(sizes)
    problems: tuple[str, ...] = ()
    if {"ElementToIntensityFunctionSlope", "ElementToIntensityFunctionOffset"} & set(header):
        problems = ("It states how intensities follow from its numbers, which were read as they are.",)
    return in_place(array, _lattice(header, len(shape), path), scale=_scale(header), problems=problems)


def _whole(header: Mapping[str, str], key: str, missing: tuple[int, ...] | None = None) -> tuple[int, ...]:
    if missing is not None and key not in header:
        return missing
    return tuple(int(n) for n in header[key].split())


def _pixels(
    source: Path, at: int, sizes: tuple[int, ...], dtype: np.dtype[Any], header: Mapping[str, str]
) -> NDArray[Any]:
    """All numbers in a row."""
    count = math.prod(sizes)
    needed = count * dtype.itemsize
    if header.get("BinaryData", "True").lower() not in _TRUE:
        raise FormatError(f"the pixels of {source.name} are stored as bytes", got="as text")
    with source.open("rb") as stream:
        stream.seek(max(at, 0))
        if header.get("CompressedData", "False").lower() in _TRUE:
            try:
                data = zlib.decompressobj(_ANY_HEADER).decompress(stream.read(), needed)
            except zlib.error as error:
                raise FormatError(f"the packed pixels of {source.name} are damaged") from error
        else:
            data = stream.read(needed)
    if len(data) < needed or at < 0:
        raise FormatError(f"{source.name} is cut off", got=f"{len(data)} of {needed} bytes of pixels")
    return np.frombuffer(data, dtype=dtype)


def _lattice(header: Mapping[str, str], ndim: int, path: Path) -> Lattice:
    """The lattice that a header states; its matrix has one axis a row."""
    try:
        spacing = np.array(
            [float(n) for n in _first(header, "ElementSpacing", "ElementSize").split()] or [1.0] * ndim
        )
        origin = np.array([float(n) for n in header.get("Offset", "").split()] or [0.0] * ndim)
        turned = np.array(
            [float(n) for n in header.get("TransformMatrix", "").split()] or np.eye(ndim).ravel()
        )
        fits = spacing.shape == origin.shape == (ndim,) and bool((spacing > 0).all())
        matrix = turned.reshape(ndim, ndim).T
    except ValueError:
        fits = False
    if not fits:
        raise FormatError(
            f"{path.name} states a size above zero and a place for each of its {ndim} axes", got="others"
        )
    return Lattice(spacing=spacing, origin=origin, direction=matrix)


def _first(header: Mapping[str, str], *keys: str) -> str:
    return next((header[key] for key in keys if key in header), "")


def _header(path: Path) -> tuple[Mapping[str, str], int]:
    """The keys of the text header, and where the pixels begin."""
    with path.open("rb") as stream:
        head = stream.read(_LONGEST_HEADER)
    fields: dict[str, str] = {}
    at = 0
    while at < len(head):
        end = head.find(b"\n", at)
        end = len(head) if end < 0 else end
        key, equals, value = head[at:end].decode("latin-1").partition("=")
        at = end + 1
        if not equals:
            continue
        known = _SPELLINGS.get(key.strip(), key.strip())
        fields[known] = value.strip()
        if known == "ElementDataFile":
            return fields, at
    raise FormatError(
        f"a MetaImage says where its pixels are, and {path.name} does not", got="no ElementDataFile"
    )


def _scale(header: Mapping[str, str]) -> float | None:
    if not ({"ElementSpacing", "ElementSize"} & set(header)):
        return None
    return MM_OF_UNIT.get(header.get("DistanceUnits", "mm").lower())


def write(image: Image, path: Path) -> tuple[str, ...]:
    """A MetaImage, not packed; for .mhd the pixels are written first, to a .raw file beside it.

    Args:
        image: Any image with a type of at least 8 bits.
        path: Ends in .mha or .mhd.

    Returns:
        What MetaImage cannot keep, one sentence each.

    Raises:
        WriteFailed: It could not be written; nothing was left.
    """
    array, lost = plain_pixels(image)
    if image.space.timeline is not None:
        lost = (*lost, "MetaImage keeps the order of frames and not their times.")
        array = array if image.space.ndim == 3 else np.expand_dims(array, 1)
    if image.channels and image.channels != channel_names(len(image.channels)):
        lost = (*lost, "MetaImage keeps no names of channels.")
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    beside = path.with_suffix(".raw") if path.suffix.lower() == ".mhd" else None
    head = _head(image, array.shape, array.dtype, "LOCAL" if beside is None else beside.name)
    if beside is not None:
        with written(beside) as temporary:
            temporary.write_bytes(little.data)
    with written(path) as temporary, temporary.open("wb") as stream:
        stream.write(head)
        if beside is None:
            stream.write(little.data)
    return lost


def _head(image: Image, shape: tuple[int, ...], dtype: np.dtype[np.generic], source: str) -> bytes:
    ndim = len(shape) - bool(image.channels)
    affine = file_affine(image.space)
    space = min(ndim, 3)
    sizes = np.linalg.norm(affine[:space, :space], axis=0)
    directions = np.eye(ndim)
    directions[:space, :space] = (affine[:space, :space] / sizes).T  # one axis a row, as ITK writes them
    names = {np.dtype(code): name for name, code in _TYPES.items()}
    extra = (1.0,) * (ndim - space)
    fields = {
        "ObjectType": "Image",
        "NDims": ndim,
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": _numbers(directions.ravel()),
        "Offset": _numbers([*affine[:space, 3], *(0.0 for _ in extra)]),
        "ElementSpacing": _numbers([*sizes, *extra]),
        "DistanceUnits": "mm" if image.space.unit == "mm" else "?",
        "DimSize": " ".join(str(n) for n in reversed(shape[:ndim])),
        **({"ElementNumberOfChannels": len(image.channels)} if image.channels else {}),
        "ElementType": names[dtype.newbyteorder("=")],
        "ElementDataFile": source,
    }
    return "".join(f"{key} = {value}\n" for key, value in fields.items()).encode("ascii")


def _numbers(values: object) -> str:
    return " ".join(repr(float(v)) for v in np.asarray(values).tolist())
