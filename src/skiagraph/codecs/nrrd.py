"""NRRD: a text header and pixels, in one file (.nrrd) or two (.nhdr)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded, check_claim
from skiagraph.codecs.itk import MM_OF_UNIT, data_file, read_itk
from skiagraph.codecs.place import channel_names, file_affine, plain_pixels
from skiagraph.codecs.written import written
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.image import Image

__all__ = ["read", "write"]

_LONGEST_HEADER: Final = 65536
_NAMES: Final = {"float32": "float", "float64": "double"}
_BYTES: Final = {"char": 1, "short": 2, "int": 4, "long long": 8, "longlong": 8, "float": 4, "double": 8}


def read(path: Path) -> Decoded:
    """One image; arrays come as (time, k, j, i, channel).

    Args:
        path: A .nrrd or .nhdr file.

    Returns:
        A `Grid`; a `Plane` for two axes, and for one slice that has no place in the patient. The unit is the pixel
        where the file states no spacing.

    Raises:
        FormatError: Damaged, truncated, or pixels that are missing or lie outside of the folder.
    """
    header = _header(path)
    try:
        sizes = tuple(int(n) for n in header["sizes"].split())
        kind = header["type"]
    except (KeyError, ValueError) as error:
        raise FormatError(f"an NRRD file states its sizes and type, and {path.name} does not") from error
    name = header.get("data file", header.get("datafile"))
    if name is not None and (name.upper().startswith("LIST") or "%" in name):
        raise FormatError("an NRRD file has its pixels in one file", got=f"a list of files in {path.name}")
    source = path if name is None else data_file(path, name)
    itemsize = next((n for word, n in _BYTES.items() if word in kind), 1)
    digits = "".join(c for c in kind if c.isdigit())
    check_claim(source, sizes, int(digits) // 8 if digits else itemsize)
    told = {"space", "space dimension"} & set(header) or len(sizes) == 2
    problems = () if told else ("It states no place in the patient.",)
    return read_itk(path, "NrrdImageIO", scale=_scale(header), problems=problems)


def _header(path: Path) -> Mapping[str, str]:
    with path.open("rb") as stream:
        head = stream.read(_LONGEST_HEADER).replace(b"\r\n", b"\n")
    fields: dict[str, str] = {}
    for line in head.partition(b"\n\n")[0].decode("latin-1").splitlines()[1:]:
        key, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            fields[key.strip().lower()] = value.strip()
    return fields


def _scale(header: Mapping[str, str]) -> float | None:
    stated = header.get("space directions") or header.get("spacings", "")
    if not any(c.isdigit() for c in stated):
        return None
    units = header.get("space units", header.get("units", '"mm"')).replace('"', " ").split()
    return MM_OF_UNIT.get(units[0].lower()) if units else 1.0


def write(image: Image, path: Path) -> tuple[str, ...]:
    """An NRRD file, not packed.

    Args:
        image: A picture or a volume, without time.
        path: Ends in .nrrd.

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
        stream.write(_head(image, array.shape, array.dtype))
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
    return ("\n".join(lines) + "\n\n").encode("ascii")


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
