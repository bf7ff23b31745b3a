"""A whole slide: levels of one picture that is too large for one array, read by region, in places that agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.picture import RGB
from skiagraph.errors import InvalidInput
from skiagraph.geometry import Plane
from skiagraph.image import Image, Lazy
from skiagraph.image.quantity import COLOUR, GREY

__all__ = ["Box", "Level", "WholeSlide", "fitting", "region"]

_BLOCK: Final = 2048  # pixels of the side of what is decoded at once when a level is made smaller
Box: TypeAlias = tuple[int, int, int, int]
"""Top, left, rows, columns, in pixels of a level."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """One size of the picture.

    Args:
        shape: (rows, columns).
        spacing: mm between (rows, columns); None where it is not known.
        read: From a box inside of it, an optical path and a focal plane, both as numbers from 0, to its pixels, axes
            (row, column[, channel]); decodes the tiles that it needs and no others.
    """

    shape: tuple[int, int]
    spacing: tuple[float, float] | None
    read: Callable[[Box, int, int], NDArray[Any]]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeSlide:
    """One slide.

    Args:
        levels: At least one, the finest first.
        frame: Of reference, shared by all its regions.
        dtype: Of its pixels.
        channels: ``("red", "green", "blue")``, or empty for grey.
        optical_paths: What each optical path is called; at least one.
        focal_planes: Distance of each focal plane from the glass, mm; at least one.
        pictures: Other pictures of the slide by name: ``"label"``, ``"overview"``, ``"thumbnail"``.
        uid: SeriesInstanceUID, where it is DICOM.
        problems: What was noticed, one sentence each.

    Raises:
        InvalidInput: No level, or levels that do not become smaller.
    """

    levels: tuple[Level, ...]
    frame: str
    dtype: np.dtype[Any]
    channels: tuple[str, ...] = RGB
    optical_paths: tuple[str, ...] = ("",)
    focal_planes: tuple[float, ...] = (0.0,)
    pictures: Mapping[str, Image] = field(default_factory=dict)
    uid: str | None = None
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = [math.prod(level.shape) for level in self.levels]
        if not sizes or sizes != sorted(sizes, reverse=True):
            raise InvalidInput(
                "a slide has levels, the finest first", got=str([x.shape for x in self.levels])
            )
        object.__setattr__(self, "pictures", MappingProxyType(dict(self.pictures)))


def region(
    slide: WholeSlide,
    level: int,
    corner: tuple[int, int],
    size: tuple[int, int],
    *,
    optical_path: int = 0,
    focal_plane: int = 0,
) -> Image:
    """A part of a slide; only the tiles that it touches are decoded, when its pixels are first read.

    Args:
        slide: The slide.
        level: From 0, the finest.
        corner: (top, left) in pixels of the level.
        size: (rows, columns) in pixels of the level.
        optical_path: Number from 0.
        focal_plane: Number from 0.

    Returns:
        A picture whose places, in mm from the first pixel of the finest level, agree with those of all other regions
        and levels.

    Raises:
        InvalidInput: No such level, path or plane, or a region that is not inside of the level.
    """
    if not 0 <= level < len(slide.levels):
        raise InvalidInput(f"the slide has levels 0 to {len(slide.levels) - 1}", got=str(level))
    (top, left), (rows, columns) = corner, size
    height, width = slide.levels[level].shape
    inside = 0 <= top < top + rows <= height and 0 <= left < left + columns <= width
    if not inside:
        raise InvalidInput(
            f"a region lies inside of level {level}, {height} x {width} pixels",
            got=f"{rows} x {columns} at {top}, {left}",
        )
    if not (0 <= optical_path < len(slide.optical_paths) and 0 <= focal_plane < len(slide.focal_planes)):
        raise InvalidInput(
            f"the slide has {len(slide.optical_paths)} optical paths and {len(slide.focal_planes)} focal planes",
            got=f"numbers {optical_path} and {focal_plane}",
        )
    box = (top, left, rows, columns)
    read = slide.levels[level].read
    return _image(slide, box, slide.levels[level].spacing, lambda: read(box, optical_path, focal_plane))


def fitting(slide: WholeSlide, most_bytes: int) -> tuple[Image, str]:
    """The whole slide in a size that fits into memory, and a sentence about what was read.

    Args:
        slide: The slide.
        most_bytes: That its pixels may need. Where no level is small enough the coarsest is averaged.

    Returns:
        The image of the first optical path and focal plane, and what to say about it.
    """
    height, width = slide.levels[0].shape
    said = f"It is a whole slide of {height} x {width} pixels, of which "
    most = f"{most_bytes / 2**20:.0f} MiB"
    for at, level in enumerate(slide.levels):
        if _bytes(slide, level.shape) <= most_bytes:
            part = (
                "all were read."
                if at == 0
                else f"level {at} was read, {_size(level.shape)}, the finest in {most}."
            )
            return region(slide, at, (0, 0), level.shape), said + part
    level = slide.levels[-1]
    factor = math.ceil(math.sqrt(_bytes(slide, level.shape) / most_bytes))
    shape = (max(1, level.shape[0] // factor), max(1, level.shape[1] // factor))
    spacing = None if level.spacing is None else (level.spacing[0] * factor, level.spacing[1] * factor)
    image = _image(slide, (0, 0, *shape), spacing, lambda: _averaged(slide, level, factor, shape))
    return (
        image,
        f"{said}{_size(shape)} were averaged from its coarsest level to fit into {most}.",
    )


def _bytes(slide: WholeSlide, shape: tuple[int, int]) -> int:
    return math.prod(shape) * max(1, len(slide.channels)) * slide.dtype.itemsize


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]} pixels"


def _image(
    slide: WholeSlide,
    box: Box,
    spacing: tuple[float, float] | None,
    load: Callable[[], NDArray[Any]],
) -> Image:
    """A part of the slide in the plane of its finest level; sizes that are not known are those of its pixels."""
    top, left, rows, columns = box
    finest = slide.levels[0].spacing
    known = spacing is not None and finest is not None
    step = np.array(spacing if known else (1.0, 1.0))
    first = np.array(finest if known else (1.0, 1.0))
    begin = (np.array([top, left]) + 0.5) * step - 0.5 * first
    affine = np.array([[0.0, step[1], begin[1]], [step[0], 0.0, begin[0]], [0.0, 0.0, 1.0]])
    plane = Plane(shape=(rows, columns), affine=affine, frame=slide.frame, unit="mm" if known else "pixel")
    channels = (len(slide.channels),) if slide.channels else ()
    return Image(
        data=Lazy(load, shape=(rows, columns, *channels), dtype=slide.dtype),
        space=plane,
        quantity=COLOUR if slide.channels else GREY,
        channels=slide.channels,
        modality="SM",
    )


def _averaged(slide: WholeSlide, level: Level, factor: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Means of squares of `factor` pixels, block by block so that no more than a block is held."""
    channels = (len(slide.channels),) if slide.channels else ()
    out = np.empty((*shape, *channels), dtype=slide.dtype)
    side = max(1, _BLOCK // factor)
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            rows, columns = min(side, shape[0] - top), min(side, shape[1] - left)
            box = (top * factor, left * factor, rows * factor, columns * factor)
            block = level.read(box, 0, 0).reshape(rows, factor, columns, factor, *channels)
            mean = block.mean(axis=(1, 3), dtype=np.float32)
            out[top : top + rows, left : left + columns] = np.rint(mean) if slide.dtype.kind in "iu" else mean
    return out
