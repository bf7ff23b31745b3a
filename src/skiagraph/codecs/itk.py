"""What MetaImage and NRRD share: the lattice of ITK, and sizes that only count where they are stated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded, derived
from skiagraph.codecs.place import channel_names, is_placeless, placed
from skiagraph.errors import FormatError
from skiagraph.geometry import Timeline

__all__ = ["MM_OF_UNIT", "Lattice", "check_axes", "data_file", "in_place"]

MM_OF_UNIT: Final = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "µm": 0.001, "micron": 0.001}
_FARTHEST: Final = 1e9  # mm, or whatever the unit is: nothing in a patient lies farther away


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Where pixels lie, as ITK states it.

    Args:
        spacing: Shape (n,), from one index to the next along each axis, fastest first.
        origin: Shape (n,), the place of the first pixel.
        direction: Shape (n, n), a column for each axis.
    """

    spacing: NDArray[np.float64]
    origin: NDArray[np.float64]
    direction: NDArray[np.float64]


def data_file(path: Path, name: str) -> Path:
    """The file beside `path` that holds its pixels.

    Raises:
        FormatError: It is missing, or the name leads out of the folder.
    """
    folder = path.parent.resolve()
    try:
        target = (folder / name).resolve()
        there = target.is_relative_to(folder) and target.is_file()
    except (OSError, ValueError) as error:  # a null byte, or longer than a file system takes
        raise FormatError(
            f"{path.name} names the file that holds its pixels", got="no name of a file"
        ) from error
    if not target.is_relative_to(folder):
        raise FormatError(
            f"the pixels of {path.name} lie beside it or below it", got="a name that leads elsewhere"
        )
    if not there:
        raise FormatError(
            f"{path.name} is a header whose pixels lie in another file, which is missing", got=Path(name).name
        )
    return target


def check_axes(ndim: int, path: Path) -> int:
    """The number of axes.

    Raises:
        FormatError: Fewer than two or more than four.
    """
    if not 2 <= ndim <= 4:
        raise FormatError(
            "an image has two or three axes in space, and time", got=f"{ndim} axes in {path.name}"
        )
    return ndim


def in_place(
    array: NDArray[Any], lattice: Lattice, *, scale: float | None, problems: tuple[str, ...] = ()
) -> Decoded:
    """The image of an array and its lattice.

    Args:
        array: Axes ([[time, k,] j, i, channel): those of the lattice in reverse, then the channels.
        lattice: Where the pixels lie.
        scale: mm in one unit of the lattice; None where the file states no spacing.
        problems: What was noticed so far.

    Raises:
        FormatError: A lattice without a volume.
    """
    ndim = array.ndim - 1
    names = channel_names(array.shape[-1])
    array = array if names else array[..., 0]
    affine, unit = _affine(lattice, scale)
    frames = array.shape[0] if ndim == 4 else 1
    timeline = Timeline(times=np.arange(frames, dtype=np.float64)) if frames > 1 else None
    if ndim == 4 and timeline is None:
        array = array[0]
    first = timeline is not None
    flat = ndim == 2 or (array.shape[first] == 1 and is_placeless(affine))
    if flat and ndim > 2:
        array = array[:, 0] if first else array[0]
    shape = array.shape[first : array.ndim - bool(names)]
    place, turned = placed(shape, affine, unit=unit, flat=flat, timeline=timeline)
    said = () if scale is not None else ("It states no size in millimetres.",)
    return derived(array, place, problems=(*problems, *said, *turned), channels=names)


def _affine(lattice: Lattice, scale: float | None) -> tuple[NDArray[np.float64], Literal["mm", "pixel"]]:
    """4x4, LPS, from index (i, j, k, 1)."""
    space = min(len(lattice.spacing), 3)
    affine = np.eye(4)
    with np.errstate(over="ignore", invalid="ignore"):
        affine[:space, :space] = lattice.direction[:space, :space] * lattice.spacing[:space]
    affine[:space, 3] = lattice.origin[:space]
    if not np.abs(affine).max() < _FARTHEST:
        raise FormatError("a place in the patient is stated by numbers of its size", got="others")
    affine[:3] *= 1.0 if scale is None else scale
    if space == 2:
        affine[2, 2] = 1.0
    return affine, "pixel" if scale is None else "mm"
