"""Where and when the frames of a multi-frame object are: objects to lattices, and what of one they leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.case import picture_frame
from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Plane, Space, Timeline
from skiagraph.interchange.places import same_place
from skiagraph.interchange.planes import Planes, from_frames, planes_of
from skiagraph.plain import from_plain, to_plain
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Lattice", "group", "lattice_of", "lattice_rest"]

_NEAR: Final = 0.01  # mm along the normal within which frames lie at one place
_EVEN: Final = 0.02  # of a step, by which a frame may lie off its even place


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """The lattice on which the frames of an object lie.

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


def group(ds: Dataset, number: int, name: str) -> Dataset | None:
    """A functional group of one frame (from 0): its own, or what all frames share; None where it has none."""
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or ()
    own = per_frame[number] if number < len(per_frame) else Dataset()
    shared = ds.get("SharedFunctionalGroupsSequence") or (Dataset(),)
    found = own.get(name) or shared[0].get(name)
    return found[0] if found else None


def lattice_rest(space: Space, planes: Planes, ds: Dataset) -> dict[str, Any]:
    """What the attributes of an object leave out of its lattice, as plain data.

    Args:
        space: The lattice.
        planes: Its frames.
        ds: The object, complete but for its pixels.
    """
    rest: dict[str, Any] = {}
    if planes.positions is None:
        if not _upright(space, planes, ds):
            rest["space"] = to_plain(space)
            return rest
    else:
        if planes.axes != (0, 1, 2) or any(planes.reversed):
            rest["axes"], rest["reversed"] = list(planes.axes), list(planes.reversed)
        if len(planes.positions) == 1:
            sign = -1.0 if planes.reversed[0] else 1.0
            rest["step"] = [float(v) * sign for v in space.affine[:3, planes.axes[0]]]
    stated = _stated_moments(ds)[1]
    alone = stated is None and planes.moments == 1
    if alone or _timeline(ds, planes.moments, stated) != space.timeline:
        rest["timeline"] = to_plain(space.timeline)
    return rest


def _upright(space: Space, planes: Planes, ds: Dataset) -> bool:
    """Whether a picture is one as any reader takes it."""
    if not isinstance(space, Plane):
        return False
    frame = str(ds.get("FrameOfReferenceUID") or "")
    return frame == space.frame and same_place(
        space,
        Plane.upright(shape=space.shape, spacing=planes.spacing, frame=frame, timeline=space.timeline),
    )


def lattice_of(ds: Dataset, rest: Mapping[str, Any], chosen: NDArray[np.int64] | None = None) -> Lattice:
    """The lattice of an object.

    Args:
        ds: It.
        rest: What `lattice_rest` said of it; empty for objects of others.
        chosen: Numbers of the frames that count, from 0; all where None.

    Raises:
        FormatError: Frames that make up no lattice.
    """
    numbers = np.arange(int(ds.get("NumberOfFrames") or 1)) if chosen is None else chosen
    if "space" in rest:
        space: Space = from_plain(Space, rest["space"])
        planes = planes_of(space, natural=True)
        shape = planes.moments or 1, planes.shape[0]
        if shape[0] * shape[1] != len(numbers):
            raise FormatError("an object has the frames of its lattice", got=f"{len(numbers)} for {shape}")
        return Lattice(space=space, planes=planes, order=numbers.reshape(shape))
    indices, stated = _stated_moments(ds, numbers)
    if group(ds, int(numbers[0]), "PlanePositionSequence") is None:
        return _picture(ds, rest, numbers, stated)
    order = _ordered(ds, numbers, indices)
    return _volume(ds, rest, order, stated if order.shape[0] > 1 or stated is not None else None)


def _stated_moments(
    ds: Dataset, numbers: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    """Of each frame the index of its moment, and of each moment its time in s (or its index); None where not said."""
    chosen = np.arange(int(ds.get("NumberOfFrames") or 1)) if numbers is None else numbers
    contents = [group(ds, int(n), "FrameContentSequence") for n in chosen]
    indices = [None if c is None else c.get("TemporalPositionIndex") for c in contents]
    if any(index is None for index in indices):
        return None, None
    found = np.array(indices, dtype=np.int64)
    when = [group(ds, int(n), "TemporalPositionSequence") for n in chosen]
    seconds = [None if w is None else w.get("TemporalPositionTimeOffset") for w in when]
    known = sorted(set(found.tolist()))
    if any(s is None for s in seconds):
        return found, np.array(known, dtype=np.float64) * np.nan
    first = {int(index): float(s) for index, s in reversed(list(zip(found, seconds, strict=True)))}
    return found, np.array([first[index] for index in known])


def _timeline(ds: Dataset, moments: int | None, stated: NDArray[np.float64] | None) -> Timeline | None:
    """The times that an object states: of its groups, of its film, or no more than an order."""
    if moments is None:
        return None
    if stated is not None and len(stated) == moments and bool((np.diff(stated) > 0).all()):
        if np.isfinite(stated).all():
            return Timeline(times=stated, unit="s")
    elif stated is None:
        steps = [float(v) for v in np.atleast_1d(ds.get("FrameTimeVector") or [])]
        step = float(ds.get("FrameTime") or 0.0)
        if len(steps) == moments and all(s > 0 for s in steps[1:]):
            return Timeline(times=np.asarray(np.cumsum([0.0, *steps[1:]]) / 1000.0, np.float64), unit="s")
        if step > 0:
            return Timeline(times=np.arange(moments, dtype=np.float64) * step / 1000.0, unit="s")
    return Timeline(times=np.arange(moments, dtype=np.float64))


def _restored(ds: Dataset, rest: Mapping[str, Any], moments: int | None, stated: Any) -> Timeline | None:
    if "timeline" in rest:
        found: Timeline | None = from_plain(Timeline | None, rest["timeline"])
        return found
    return _timeline(ds, moments, stated)


def _picture(ds: Dataset, rest: Mapping[str, Any], numbers: NDArray[np.int64], stated: Any) -> Lattice:
    measures = group(ds, int(numbers[0]), "PixelMeasuresSequence") or Dataset()
    size = measures.get("PixelSpacing") or ds.get("PixelSpacing")
    moving = stated is not None or len(numbers) > 1
    timeline = _restored(ds, rest, len(numbers) if moving else None, stated)
    space = Plane.upright(
        shape=(int(ds.Rows), int(ds.Columns)),
        spacing=(float(size[0]), float(size[1])) if size else None,
        frame=str(ds.get("FrameOfReferenceUID") or picture_frame(str(ds.SOPInstanceUID))),
        timeline=timeline,
    )
    return Lattice(space=space, planes=planes_of(space, natural=True), order=numbers[:, None])


def _ordered(ds: Dataset, numbers: NDArray[np.int64], indices: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Frames by moment and slice: slices as they come where that is even, else along their normal."""
    positions = _positions(ds, numbers)
    turned = _orientation(ds, int(numbers[0]))
    along = positions @ np.cross(turned[:3], turned[3:])
    ranks = np.unique(np.round((along - along.min()) / _NEAR).astype(np.int64), return_inverse=True)[1]
    slices = int(ranks.max()) + 1
    count = len(numbers) // slices
    if count * slices != len(numbers):
        raise FormatError(
            "each moment of an object has the same slices", got=f"{len(numbers)} frames, {slices} places"
        )
    moment = (
        np.zeros(len(numbers), np.int64) if indices is None else np.unique(indices, return_inverse=True)[1]
    )
    if indices is None and count > 1:
        seen = np.zeros(slices, np.int64)
        for n, rank in enumerate(ranks):
            moment[n], seen[rank] = seen[rank], seen[rank] + 1
    place = ranks if slices == 1 or ranks[np.argsort(moment, kind="stable")][0] == 0 else slices - 1 - ranks
    order = np.full((count, slices), -1, np.int64)
    if moment.max() >= count:
        raise FormatError(
            "each moment of an object has the same slices", got=f"{int(moment.max()) + 1} moments"
        )
    order[moment, place] = numbers
    if (order < 0).any():
        raise FormatError("each slice of an object is there once at each moment", got="one that is missing")
    return order


def _volume(
    ds: Dataset, rest: Mapping[str, Any], order: NDArray[np.int64], stated: NDArray[np.float64] | None
) -> Lattice:
    positions, turned = _positions(ds, order[0]), _orientation(ds, int(order[0, 0]))
    measures = group(ds, int(order[0, 0]), "PixelMeasuresSequence") or Dataset()
    spacing = measures.get("PixelSpacing")
    if not spacing:
        raise FormatError("frames in the patient have a pixel spacing", got="none")
    step = _step(positions, turned, measures, rest)
    moments = order.shape[0] if stated is not None or order.shape[0] > 1 else None
    planes = Planes(
        axes=tuple(rest.get("axes", (0, 1, 2))),
        reversed=tuple(rest.get("reversed", (False, False, False))),
        shape=(order.shape[1], int(ds.Rows), int(ds.Columns)),
        moments=moments,
        positions=positions,
        orientation=turned,
        spacing=(float(spacing[0]), float(spacing[1])),
    )
    frame = str(ds.get("FrameOfReferenceUID") or picture_frame(str(ds.SOPInstanceUID)))
    timeline = _restored(ds, rest, moments, stated)
    grid = replace(_grid(planes, step, frame), timeline=timeline)
    return Lattice(space=grid, planes=planes, order=order)


def _grid(planes: Planes, step: NDArray[np.float64], frame: str) -> Grid:
    """The lattice in the order of its array, of frames as they are shown."""
    if planes.positions is None or planes.orientation is None or planes.spacing is None:
        raise FormatError("frames in the patient have a place", got="none")
    right, down = planes.orientation[:3], planes.orientation[3:]
    steps = (step, down * planes.spacing[0], right * planes.spacing[1])
    affine, shape = np.eye(4), [0, 0, 0]
    affine[:3, 3] = planes.positions[0]
    for axis, back, way, count in zip(planes.axes, planes.reversed, steps, planes.shape, strict=True):
        affine[:3, axis], shape[axis] = -way if back else way, count
        affine[:3, 3] += way * (count - 1) if back else 0.0
    return Grid(shape=(shape[0], shape[1], shape[2]), affine=affine, frame=frame)


def _step(
    positions: NDArray[np.float64], turned: NDArray[np.float64], measures: Dataset, rest: Mapping[str, Any]
) -> NDArray[np.float64]:
    normal = np.cross(turned[:3], turned[3:])
    if len(positions) == 1:
        thick = float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1.0)
        return np.array(rest["step"]) if "step" in rest else normal * abs(thick)
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    off = np.abs(positions - positions[0] - np.arange(len(positions))[:, None] * step).max()
    if off > max(_NEAR, _EVEN * float(np.linalg.norm(step))):
        raise FormatError("the slices of an object lie evenly on a line", got=f"one {off:.3f} mm beside it")
    return np.asarray(step)


def _positions(ds: Dataset, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    found = [group(ds, int(n), "PlanePositionSequence") for n in numbers]
    places = [None if item is None else item.get("ImagePositionPatient") for item in found]
    if any(place is None or len(place) != 3 for place in places):
        raise FormatError("each frame in the patient states its position", got="one that does not")
    return np.array(places, dtype=np.float64)


def _orientation(ds: Dataset, number: int) -> NDArray[np.float64]:
    item = group(ds, number, "PlaneOrientationSequence")
    turned = np.array((item or Dataset()).get("ImageOrientationPatient") or (), dtype=np.float64)
    if turned.shape != (6,):
        raise FormatError("frames in the patient state their orientation", got="none")
    return turned
