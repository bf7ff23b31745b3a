"""Whole-slide microscopy: the files of a slide to its levels, of which regions are read tile by tile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.case import Case
from skiagraph.codecs.picture import RGB
from skiagraph.codecs.slide import Box, Level, WholeSlide, fitting
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry import derived_frame
from skiagraph.image import Image
from skiagraph.io.dicom.frame import uid_of
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.quick import numbers_of
from skiagraph.io.dicom.scan import BROKEN, scan
from skiagraph.io.dicom.source import Source

__all__ = ["WHOLE_SLIDE", "read_whole_slide", "slide_case", "slide_of"]

WHOLE_SLIDE: Final = "1.2.840.10008.5.1.4.1.1.77.1.6"
"""VL Whole Slide Microscopy Image Storage."""
_SPARSEST: Final = 1000  # times the pixels of its tiles that a slide may be large
_AT_ONCE: Final = 64  # tiles that are decoded together
_MOST_BYTES: Final = 256 * 2**20  # of the level that stands for a slide where a case is asked for
_PICTURES: Final = ("label", "overview", "thumbnail")
_Tiles = NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """One file of a slide.

    Args:
        source: Where it lies.
        header: Its header.
        kind: The third value of ImageType in small letters.
        shape: (rows, columns) of the whole matrix.
        tile: (rows, columns) of a tile.
        spacing: mm between (rows, columns).
        tiles: Shape (n, 2), top and left of each frame, from 0.
        paths: Shape (n,), identifier of the optical path of each frame.
        heights: Shape (n,), mm of each frame above the glass.
    """

    source: Source
    header: Dataset
    kind: str
    shape: tuple[int, int]
    tile: tuple[int, int]
    spacing: tuple[float, float] | None
    tiles: _Tiles
    paths: tuple[str, ...]
    heights: NDArray[np.float64]


def read_whole_slide(sources: Iterable[Source]) -> WholeSlide:
    """The slide in some files.

    Args:
        sources: The files of one series: levels, and label, overview and thumbnail where there are any.

    Raises:
        FormatError: Not a whole slide, damaged, or without a level.
    """
    return slide_of([(source, scan(source)) for source in sources])


def slide_of(files: Sequence[tuple[Source, Dataset]]) -> WholeSlide:
    """As `read_whole_slide`, of headers that were read before.

    Raises:
        FormatError: As for `read_whole_slide`.

    Source: DICOM PS3.3 A.32.8, C.8.12.4 and C.7.6.17.3 (the order of frames of TILED_FULL).
    """
    parts = []
    for source, header in files:
        try:
            parts.append(_part(source, header))
        except FormatError:
            raise
        except BROKEN as error:
            raise FormatError(f"{source.name} is a whole slide and its header is damaged") from error
    volume = [part for part in parts if part.kind not in _PICTURES]
    if not volume:
        raise FormatError(
            "a whole slide has a level", got=", ".join(sorted({p.kind for p in parts})) or "none"
        )
    paths = tuple(dict.fromkeys(path for part in volume for path in part.paths))
    planes = tuple(sorted({float(z) for part in volume for z in np.unique(part.heights)}))
    shapes = sorted({part.shape for part in volume}, key=lambda s: -s[0] * s[1])
    levels = tuple(_level([p for p in volume if p.shape == s], paths, planes) for s in shapes)
    header = volume[0].header
    colour = int(header.SamplesPerPixel) == len(RGB)
    uid = uid_of(header, "SeriesInstanceUID")
    mark = uid or volume[0].source.name
    return WholeSlide(
        levels=levels,
        frame=derived_frame(f"whole slide {mark}"),
        dtype=np.dtype(np.uint16 if int(header.BitsAllocated) > 8 else np.uint8),
        channels=RGB if colour else (),
        optical_paths=paths,
        focal_planes=planes,
        pictures={p.kind: _picture(p, mark) for p in parts if p.kind in _PICTURES},
        uid=uid,
        problems=tuple(_said(paths, planes)),
    )


def slide_case(slide: WholeSlide, identifier: str, *, most_bytes: int = _MOST_BYTES) -> Case:
    """A case with the finest level of a slide that fits into memory, and its other pictures by name.

    Args:
        slide: The slide.
        identifier: Of the case.
        most_bytes: That the pixels of the level may need.
    """
    image, said = fitting(slide, most_bytes)
    images = {"image": image, **slide.pictures}
    uids = {} if slide.uid is None else dict.fromkeys(images, slide.uid)
    return Case(identifier=identifier, images=images, uids=uids, problems=(said, *slide.problems))


def _said(paths: tuple[str, ...], planes: tuple[float, ...]) -> Iterable[str]:
    if len(paths) > 1:
        yield f"It has {len(paths)} optical paths, of which the first is shown: {', '.join(paths)}."
    if len(planes) > 1:
        yield f"It has {len(planes)} focal planes, of which the one nearest to the glass is shown."


def _part(source: Source, header: Dataset) -> _Part:
    tile = int(header.Rows), int(header.Columns)
    shape = int(header.TotalPixelMatrixRows), int(header.TotalPixelMatrixColumns)
    kinds = [str(word).lower() for word in header.get("ImageType") or ()]
    frames = int(header.get("NumberOfFrames") or 1)
    if min(*tile, *shape, frames) < 1:
        raise FormatError(f"{source.name} is a whole slide with tiles", got=f"{shape} in tiles of {tile}")
    if frames > source.size:
        raise FormatError(
            f"{source.name} has a byte or more for each of its tiles",
            got=f"{frames} tiles in {source.size} bytes",
        )
    if shape[0] * shape[1] > _SPARSEST * frames * tile[0] * tile[1]:
        raise FormatError(
            f"{source.name} holds a good part of its slide",
            got=f"{frames} tiles of {tile} for {shape} pixels",
        )
    groups = header.get("PerFrameFunctionalGroupsSequence")
    sparse = header.get("DimensionOrganizationType") != "TILED_FULL" and groups
    lay = _sparse(header, list(groups or ())) if sparse else _full(header, shape, tile, frames)
    if len(lay[0]) != frames:
        raise FormatError(
            f"{source.name} has a frame for each tile", got=f"{frames} frames for {len(lay[0])} tiles"
        )
    return _Part(
        source=source,
        header=header,
        kind=kinds[2] if len(kinds) > 2 else "volume",
        shape=shape,
        tile=tile,
        spacing=_spacing(header, shape),
        tiles=lay[0],
        paths=lay[1],
        heights=lay[2],
    )


def _full(
    header: Dataset, shape: tuple[int, int], tile: tuple[int, int], frames: int
) -> tuple[_Tiles, tuple[str, ...], NDArray[np.float64]]:
    """All tiles, left to right, top to bottom, from the glass upward, one optical path after the other."""
    down, across = (-(-whole // part) for whole, part in zip(shape, tile, strict=True))
    paths = [str(path.get("OpticalPathIdentifier", n)) for n, path in enumerate(header.OpticalPathSequence)]
    planes = int(header.get("TotalPixelMatrixFocalPlanes") or 1)
    step = float(header.get("SpacingBetweenSlices") or _measures(header).get("SpacingBetweenSlices") or 0.0)
    first = int(header.get("ConcatenationFrameOffsetNumber") or 0)
    every = down * across
    wanted = np.arange(first, first + frames)
    if first + frames > every * planes * len(paths):
        raise FormatError(
            "a fully tiled slide has as many frames as tiles, planes and optical paths make",
            got=f"{frames} for {every} x {planes} x {len(paths)}",
        )
    number = wanted % every
    tiles: _Tiles = np.stack([number // across * tile[0], number % across * tile[1]], axis=1).astype(np.int64)
    heights: NDArray[np.float64] = np.asarray(wanted // every % planes, dtype=np.float64) * (step or 1e-3)
    return tiles, tuple(paths[n] for n in wanted // (every * planes)), heights


def _sparse(header: Dataset, groups: list[Dataset]) -> tuple[_Tiles, tuple[str, ...], NDArray[np.float64]]:
    """The tiles that are there, each at its stated place."""
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    tiles, paths, heights = [], [], []
    for group in groups:
        place = group.PlanePositionSlideSequence[0]
        tiles.append(
            (
                int(place.RowPositionInTotalImagePixelMatrix) - 1,
                int(place.ColumnPositionInTotalImagePixelMatrix) - 1,
            )
        )
        path = group.get("OpticalPathIdentificationSequence") or shared.get(
            "OpticalPathIdentificationSequence"
        )
        paths.append(str(path[0].OpticalPathIdentifier) if path else "")
        heights.append(float(place.get("ZOffsetInSlideCoordinateSystem") or 0.0) / 1000.0)
    return np.array(tiles, dtype=np.int64), tuple(paths), np.array(heights)


def _measures(header: Dataset) -> Dataset:
    shared = header.get("SharedFunctionalGroupsSequence") or []
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*shared[:1], *frames[:1]):
        if group.get("PixelMeasuresSequence"):
            found: Dataset = group.PixelMeasuresSequence[0]
            return found
    return Dataset()


def _spacing(header: Dataset, shape: tuple[int, int]) -> tuple[float, float] | None:
    """Distance of (rows, columns), mm: as stated for the tiles, or else from the size of the whole matrix."""
    stated = numbers_of(_measures(header).get("PixelSpacing"))
    if len(stated) != 2:
        size = numbers_of([header.get("ImagedVolumeHeight"), header.get("ImagedVolumeWidth")])
        stated = tuple(mm / pixels for mm, pixels in zip(size, shape, strict=True)) if len(size) == 2 else ()
    return (stated[0], stated[1]) if len(stated) == 2 and min(stated) > 0 else None


def _level(parts: list[_Part], paths: tuple[str, ...], planes: tuple[float, ...]) -> Level:
    def read(box: Box, path: int, plane: int) -> NDArray[Any]:
        with guarded(parts[0].source.name):
            return _read(parts, box, paths[path], planes[plane])

    return Level(shape=parts[0].shape, spacing=parts[0].spacing, read=read)


def _read(parts: Sequence[_Part], box: Box, path: str, height: float) -> NDArray[Any]:
    """The pixels of a box; tiles that the file leaves out are white, or black where they are grey."""
    top, left, rows, columns = box
    header = parts[0].header
    samples = int(header.SamplesPerPixel)
    dtype = np.uint16 if int(header.BitsAllocated) > 8 else np.uint8
    shape = (rows, columns, samples) if samples > 1 else (rows, columns)
    out = np.full(shape, 255 if samples > 1 and dtype == np.uint8 else 0, dtype=dtype)
    if not any(_shows(part, path, height).any() for part in parts):
        raise FormatError(
            "this level of the slide has the optical path and focal plane that are asked for",
            got=f"none for {path!r} at {height:.4f} mm",
        )
    for part in parts:
        begin = part.tiles - (top, left)
        end = begin + part.tile
        touched = (begin < (rows, columns)).all(axis=1) & (end > 0).all(axis=1)
        frames = np.flatnonzero(touched & _shows(part, path, height))
        for first in range(0, len(frames), _AT_ONCE):
            chosen = frames[first : first + _AT_ONCE]
            tiles = stored_pixels(part.source, part.header, [int(n) for n in chosen])
            for tile, corner in zip(tiles, begin[chosen], strict=True):
                _paste(out, tile, int(corner[0]), int(corner[1]))
    return out


def _shows(part: _Part, path: str, height: float) -> NDArray[np.bool_]:
    """Which frames of a file are of this optical path and focal plane."""
    return np.asarray(np.isclose(part.heights, height, atol=1e-9) & (np.array(part.paths) == path))


def _paste(out: NDArray[Any], tile: NDArray[Any], top: int, left: int) -> None:
    rows, columns = slice(max(top, 0), top + tile.shape[0]), slice(max(left, 0), left + tile.shape[1])
    seen = out[rows, columns]
    from_top, from_left = max(-top, 0), max(-left, 0)
    seen[...] = tile[from_top : from_top + seen.shape[0], from_left : from_left + seen.shape[1]]


def _picture(part: _Part, mark: str) -> Image:
    """A label, overview or thumbnail as a picture of its own."""
    try:
        slide = WholeSlide(
            levels=(_level([part], part.paths[:1], (float(part.heights[0]),)),),
            frame=derived_frame(f"{part.kind} of whole slide {mark}"),
            dtype=np.dtype(np.uint16 if int(part.header.BitsAllocated) > 8 else np.uint8),
            channels=RGB if int(part.header.SamplesPerPixel) == len(RGB) else (),
        )
    except InvalidInput as error:
        raise FormatError(f"{part.source.name} is the {part.kind} of a slide") from error
    return fitting(slide, _MOST_BYTES)[0]
