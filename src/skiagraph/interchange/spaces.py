"""The space of a field: from the lattice of its frames, and what attributes leave out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.case import picture_frame
from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Plane, Space, Timeline, derived_frame
from skiagraph.interchange.frames import Frames, frames_of
from skiagraph.interchange.lattice import Lattice, lattice_of
from skiagraph.interchange.planes import Planes, from_frames, planes_of
from skiagraph.plain import from_plain, to_plain
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Laid", "laid", "laid_film", "sources_of", "space_of", "space_rest"]

_AXES: Final = (0, 1, 2)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laid:
    """A space, and which frames make it up.

    Args:
        space: It.
        planes: How its frames make it up.
        order: Shape (moments, slices), for each slice the number of its frame, from 0.
    """

    space: Space
    planes: Planes
    order: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", frozen(self.order, np.int64))

    def field(self, frames: NDArray[Any]) -> NDArray[Any]:
        """The field whose frames these are, shape (frames, rows, columns, ...): axes (time, spatial..., ...)."""
        return from_frames(frames[self.order], self.planes)


def laid(ds: Dataset, rest: Mapping[str, Any], chosen: NDArray[np.int64] | None = None) -> Laid:
    """The space of an object that has each slice once at each moment, as images and maps do.

    Args:
        ds: It.
        rest: What `space_rest` said of it; empty for objects of others.
        chosen: Numbers of the frames that count, from 0; all where None.

    Raises:
        FormatError: Frames that make up no lattice, or leave out a part of it.
    """
    frames = frames_of(ds, chosen)
    lattice = lattice_of(frames, sources_of(ds), rest)
    space, planes = space_of(ds, rest, frames, lattice, (int(ds.Rows), int(ds.Columns)))
    order = np.full((lattice.moments or 1, lattice.slices), -1, np.int64)
    numbers = np.arange(len(frames.segments)) if chosen is None else chosen
    order[lattice.moment, lattice.slice] = numbers
    if (order < 0).any() or order.size != len(numbers):
        raise FormatError(
            "each slice of an object is there once at each moment",
            got=f"{len(numbers)} frames for {order.shape[0]} moments of {order.shape[1]} slices",
        )
    return Laid(space=space, planes=planes, order=order)


def laid_film(ds: Dataset, rest: Mapping[str, Any]) -> Laid:
    """The space of an object without functional groups, whose frames follow one another in time.

    Args:
        ds: It.
        rest: What `space_rest` said of it; empty for objects of others.

    Raises:
        FormatError: Other frames than those of its space.
    """
    count = int(ds.get("NumberOfFrames") or 1)
    known: Timeline | None = from_plain(Timeline | None, rest.get("timeline"))
    stack = len(rest.get("space", {}).get("affine", ())) == 4
    moments = None if known is None else len(known)
    if moments is None and count > 1 and not stack:
        moments = count
    slices = count // (moments or 1) if stack else 1
    if slices * (moments or 1) != count:
        raise FormatError("an object has the frames of its space", got=f"{count} for {moments} moments")
    timeline = known if moments is None or known is not None else _film_times(ds, moments)
    shape = (slices, int(ds.Rows), int(ds.Columns))
    size = ds.get("PixelSpacing")
    space = _own_space(rest, shape, timeline) or Plane.upright(
        shape=shape[1:],
        spacing=(float(size[0]), float(size[1])) if size else None,
        frame=str(ds.get("FrameOfReferenceUID") or picture_frame(str(ds.SOPInstanceUID))),
        timeline=timeline,
    )
    order = np.arange(count).reshape(moments or 1, slices)
    return Laid(space=space, planes=planes_of(space, natural=True), order=order)


def _film_times(ds: Dataset, moments: int) -> Timeline:
    """Of a film as it states them, or no more than an order (DICOM PS3.3 C.7.6.5)."""
    steps = [float(v) for v in np.atleast_1d(ds.get("FrameTimeVector") or [])]
    step = float(ds.get("FrameTime") or 0.0)
    if len(steps) == moments and all(s > 0 for s in steps[1:]):
        return Timeline(times=np.asarray(np.cumsum([0.0, *steps[1:]]) / 1000.0, np.float64), unit="s")
    if step > 0:
        return Timeline(times=np.arange(moments, dtype=np.float64) * step / 1000.0, unit="s")
    return _order(moments)


def _order(moments: int) -> Timeline:
    return Timeline(times=np.arange(moments, dtype=np.float64))


def _said(timeline: Timeline) -> bool:
    """Whether functional groups say all of a timeline."""
    times = timeline.times
    plain = Timeline(times=times, unit="s") if timeline.unit == "s" else _order(len(times))
    return len(times) > 1 and timeline == plain


def _timeline(rest: Mapping[str, Any], frames: Frames, lattice: Lattice) -> Timeline | None:
    """The remembered times; else those that are stated, or the order of moments; None for what does not move."""
    if lattice.moments is None:
        return None
    if "timeline" in rest:
        known: Timeline = from_plain(Timeline, rest["timeline"])
        if len(known) == lattice.moments:
            return known
    if frames.times is not None:
        moments, first = np.unique(lattice.moment, return_index=True)
        times = frames.times[first]
        if len(moments) == lattice.moments and np.isfinite(times).all() and (np.diff(times) > 0).all():
            return Timeline(times=times, unit="s")
    return _order(lattice.moments)


def space_of(
    ds: Dataset, rest: Mapping[str, Any], frames: Frames, lattice: Lattice, canvas: tuple[int, int]
) -> tuple[Space, Planes]:
    """The space of a field, and how its array lies in the frames of the lattice.

    Args:
        ds: The object.
        rest: What `space_rest` said of it; empty for objects of others.
        frames: Its frames.
        lattice: Of these.
        canvas: Rows and columns of the whole picture.
    """
    timeline = _timeline(rest, frames, lattice)
    whole = (lattice.slices, *canvas)
    if lattice.affine is None:
        space = _own_space(rest, whole, timeline)
        if space is None:
            size = frames.spacing
            space = Plane.upright(shape=canvas, spacing=size, frame=_picture(ds, frames), timeline=timeline)
        axes = (0, 1, 2) if isinstance(space, Grid) else (-1, 0, 1)
        return space, _planes(axes, (False, False, False), whole, lattice)
    axes = _triple(rest.get("axes", (0, 1, 2)))
    back = _triple(rest.get("reversed", (False, False, False)))
    affine, shape = np.eye(4), [0, 0, 0]
    affine[:3, 3] = lattice.affine[:3, 3]
    for n, (axis, falls) in enumerate(zip(axes, back, strict=True)):
        column = lattice.affine[:3, n]
        affine[:3, axis], shape[axis] = column * (-1.0 if falls else 1.0), whole[n]
        affine[:3, 3] += column * (whole[n] - 1) if falls else 0.0
    frame = str(ds.get("FrameOfReferenceUID") or "") or _picture(ds, frames)
    grid = Grid(shape=_triple(shape), affine=affine, frame=frame, timeline=timeline)
    return grid, _planes(axes, back, whole, lattice)


def _triple(values: Any) -> tuple[Any, Any, Any]:
    first, second, third = values
    return first, second, third


def _planes(
    axes: tuple[int, int, int], back: tuple[bool, bool, bool], whole: tuple[int, int, int], lattice: Lattice
) -> Planes:
    return Planes(
        axes=axes,
        reversed=back,
        shape=whole,
        moments=lattice.moments,
        positions=None,
        orientation=None,
        spacing=None,
    )


def _picture(ds: Dataset, frames: Frames) -> str:
    """The frame of the picture that an object was made of, as it gets it where that is read."""
    if frames.tiles is not None:
        series = ds.get("ReferencedSeriesSequence")
        return derived_frame(f"whole slide {series[0].SeriesInstanceUID if series else ds.SOPInstanceUID}")
    known = [source[0] for source in frames.sources if source is not None]
    ordered = [uid for uid in sources_of(ds) if uid in known]
    return picture_frame((ordered or known or [str(ds.SOPInstanceUID)])[0])


def sources_of(ds: Dataset) -> list[str]:
    """SOPInstanceUIDs of the referenced objects, in their order."""
    series = ds.get("ReferencedSeriesSequence") or []
    return [
        str(item.ReferencedSOPInstanceUID)
        for one in series
        for item in one.get("ReferencedInstanceSequence", [])
    ]


def _own_space(
    rest: Mapping[str, Any], shape: tuple[int, int, int], timeline: Timeline | None
) -> Space | None:
    """The remembered space of what lies nowhere in the patient; None where none is."""
    known = rest.get("space")
    if not known:
        return None
    affine = np.array(known["affine"], np.float64)
    unit: Literal["mm", "pixel"] = "mm" if known["unit"] == "mm" else "pixel"
    if len(affine) == 4:
        return Grid(shape=shape, affine=affine, frame=known["frame"], unit=unit, timeline=timeline)
    return Plane(shape=shape[1:], affine=affine, frame=known["frame"], unit=unit, timeline=timeline)


def space_rest(space: Space, planes: Planes, *, film: bool = False) -> dict[str, Any]:
    """What attributes leave out of a space, as plain data.

    Args:
        space: It.
        planes: Its frames.
        film: Times are those of a film, which are rounded, and not of functional groups.
    """
    rest: dict[str, Any] = {}
    if space.timeline is not None and (film or not _said(space.timeline)):
        rest["timeline"] = to_plain(space.timeline)
    if planes.positions is None or planes.orientation is None:
        rest["space"] = {"affine": space.affine.tolist(), "frame": space.frame, "unit": space.unit}
        return rest
    step = space.affine[:3, planes.axes[0]] * (-1.0 if planes.reversed[0] else 1.0)
    alone = planes.shape[0] == 1
    if alone:
        rest["step"] = step.tolist()
    # Readers have slices rise along the normal of their planes.
    falls = not alone and float(step @ np.cross(planes.orientation[:3], planes.orientation[3:])) < 0
    back = (planes.reversed[0] != falls, *planes.reversed[1:])
    if planes.axes != _AXES or any(back):
        rest["axes"], rest["reversed"] = list(planes.axes), list(back)
    return rest
