"""All measures of one image, each where it makes sense for its kind, on planes that are looked at one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.quality import lattice
from skiagraph.features.quality.attenuation import most_dense, off_scale
from skiagraph.features.quality.blank import blank_planes
from skiagraph.features.quality.border import body_on_border
from skiagraph.features.quality.content import object_of
from skiagraph.features.quality.ghost import ghosting
from skiagraph.features.quality.kind import Kind
from skiagraph.features.quality.limits import Topic
from skiagraph.features.quality.metal import metal_pixels, streaks
from skiagraph.features.quality.noise import noise_of_plane, noise_of_tissue
from skiagraph.features.quality.planes import Planes, planes_of
from skiagraph.features.quality.rings import ring_profile, ring_strength
from skiagraph.features.quality.saturation import black_share, white_share
from skiagraph.features.quality.sharpness import blur
from skiagraph.features.quality.step import largest_step
from skiagraph.geometry import Space
from skiagraph.image import Image

__all__ = ["Measured", "measured"]

_MOST: Final = 16  # planes that are looked at closely
_STREAKED: Final = 3  # planes with the most metal
_THIN: Final = 4  # every how many voxels values are counted
_LEAST: Final = 32  # pixels along a side below which texture says nothing
_NAMED: Final = 10  # numbers of blank planes that are written out


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measure of an image.

    Args:
        topic: What was measured.
        value: In the unit of the topic; None where it could not be told.
        detail: What a remark adds, e.g. which frames.
    """

    topic: Topic
    value: float | None
    detail: str = ""


def measured(image: Image, kind: Kind, *, scanned: bool = False) -> tuple[Measured, ...]:
    """Everything that is measured of an image of this kind, in the order in which it should be read.

    At most 16 planes, evenly over slices and moments, are looked at closely; blank planes, metal and steps are looked
    for in all. Memory: a few planes beside the image.

    Args:
        image: Any image.
        kind: What kind it is (`kind_of`).
        scanned: Whether it comes from a scanner as it is, so that blank slices at its ends are not meant.
    """
    planes = planes_of(image)
    low, high = planes.ranges()
    blank = blank_planes(low, high, ends=scanned)
    rows = [*_of_space(image.space, kind), _of_blank(blank, planes)]
    flat = set(blank_planes(low, high))
    some = [n for n in planes.some(_MOST) if n not in flat]
    if not some or min(planes.array.shape[2:4]) < _LEAST:
        return tuple(rows)
    view = _Seen(planes=planes, some=some, low=float(np.nanmin(low)), high=float(np.nanmax(high)))
    return (*rows, *_of_values(view, kind))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """The planes that are looked at: their numbers, and the ends of all values."""

    planes: Planes
    some: list[int]
    low: float
    high: float

    def greys(self) -> Iterator[NDArray[np.float32]]:
        return (self.planes.grey(n) for n in self.some)


def _of_space(space: Space, kind: Kind) -> Iterator[Measured]:
    finest = lattice.finest(space)
    if finest is None:
        yield Measured(topic="size", value=None)
    else:
        yield Measured(topic="spacing", value=finest)
        yield Measured(topic="extent", value=lattice.field_of_view(space))
        if space.ndim == 3:
            yield Measured(topic="place", value=lattice.far_from_origin(space))
    yield Measured(topic="anisotropy" if space.ndim == 3 else "aspect", value=lattice.anisotropy(space))
    if space.ndim == 3 and kind in ("ct", "mr", "other"):
        yield Measured(topic="tilt", value=lattice.tilt(space))


def _of_blank(blank: tuple[int, ...], planes: Planes) -> Measured:
    if len(planes) == 1:
        return Measured(topic="blank", value=float(len(blank)), detail="It shows nothing: it has one value.")
    word = "Slices" if planes.times == 1 else "Frames" if planes.slices == 1 else "Planes"
    named = ", ".join(str(n + 1) for n in blank[:_NAMED]) + (", ..." if len(blank) > _NAMED else "")
    detail = f"{word} {named} of {len(planes)} are blank." if blank else ""
    return Measured(topic="blank", value=float(len(blank)), detail=detail)


def _of_values(seen: _Seen, kind: Kind) -> Iterator[Measured]:
    planes = seen.planes
    white = [white_share(planes.raw(n), seen.high) for n in seen.some]
    yield Measured(topic="saturation", value=100.0 * float(np.median(white)))
    if kind == "ct":
        yield from _of_ct(seen)
    else:
        yield from _of_noise(seen, kind)
    if kind == "mr":
        yield _upper("ghosts", [ghosting(plane) for plane in seen.greys()])
    if kind == "xray":
        black = [black_share(plane, seen.low) for plane in seen.greys()]
        yield Measured(topic="black", value=100.0 * float(np.median(black)))
    if kind in ("xray", "photograph"):
        yield Measured(topic="blur", value=float(np.median([blur(plane) for plane in seen.greys()])))
    if kind in ("ct", "mr"):
        yield _of_steps(planes)


def _of_noise(seen: _Seen, kind: Kind) -> Iterator[Measured]:
    noises, ratios = [], []
    for plane in seen.greys():
        inside = object_of(plane)
        noise = noise_of_plane(plane, inside)
        if noise is not None:
            noises.append(noise)
            ratios.append((float(plane[inside].mean()) - min(seen.low, 0.0)) / max(noise, 1e-9))
    yield Measured(topic="noise", value=float(np.median(noises)) if noises else None)
    if kind in ("mr", "xray", "photograph"):
        yield Measured(topic="signal to noise", value=float(np.median(ratios)) if ratios else None)


def _of_ct(seen: _Seen) -> Iterator[Measured]:
    planes = seen.planes
    thin = np.concatenate([planes.raw(n)[::_THIN, ::_THIN].ravel() for n in seen.some])
    thin = thin[np.isfinite(thin)]
    yield Measured(topic="density", value=most_dense(thin))
    yield Measured(topic="scale", value=100.0 * off_scale(thin))
    edges, noises, rings = [], [], []
    for plane in seen.greys():
        edges.append(body_on_border(plane))
        noises.append(noise_of_tissue(plane))
        rings.append(ring_profile(plane))
    yield Measured(topic="field of view", value=100.0 * float(np.quantile(edges, 0.9)))
    told = [noise for noise in noises if noise is not None]
    yield Measured(topic="noise", value=float(np.median(told)) if told else None)
    yield Measured(topic="rings", value=ring_strength(np.stack(rings)))
    metal = metal_pixels(planes)
    most = [int(n) for n in np.argsort(metal)[-_STREAKED:] if metal[n]]
    pixel = None if planes.spacing is None else max(planes.spacing)
    yield Measured(topic="metal", value=max((streaks(planes.grey(n), pixel) for n in most), default=0.0))


def _of_steps(planes: Planes) -> Measured:
    step = largest_step(planes)
    if step is None:
        return Measured(topic="step", value=None)
    mm, after = step
    return Measured(
        topic="step", value=mm, detail=f"slice {after + 1} lies {mm:.1f} mm beside slice {after}."
    )


def _upper(topic: Topic, values: list[float | None]) -> Measured:
    told = [value for value in values if value is not None]
    return Measured(topic=topic, value=float(np.quantile(told, 0.75)) if told else None)
