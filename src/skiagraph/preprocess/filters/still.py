"""What all filters share: a picture as one filter sees it, widths in pixels or mm, and the way back to the image."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, final

import numpy as np
import pywt
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import GeometryError, InvalidInput, UnknownSize
from skiagraph.geometry import spacing_of
from skiagraph.image import Image, pixels
from skiagraph.image.quantity import GREY
from skiagraph.preprocess.grey import LUMA

__all__ = [
    "Filter",
    "Numbers",
    "Still",
    "Unit",
    "by_sheets",
    "check_counts",
    "check_not_negative",
    "check_positive",
    "check_unit",
    "filtered",
    "nearest_known",
    "noise_of",
    "sigmas_of",
    "steps_of",
    "window_of",
]

Numbers: TypeAlias = NDArray[np.float64]
Unit: TypeAlias = Literal["pixel", "mm"]
_RGB = ("red", "green", "blue")
_THICK = 2.0  # a slice this many times as thick as its pixels are wide is filtered by itself


class Filter(Protocol):
    """A frozen value with the parameters of one filter; calling it filters an image."""

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image in the same space; outside of the mask it stays as it was."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Still:
    """One channel of one moment, as a filter sees it.

    Args:
        numbers: Shape (rows, columns) or (i, j, k), float64, finite: the nearest number stands where there is none.
        known: Same shape: where the image has a number.
        wanted: Same shape: where the result is wanted; never where nothing is known.
        spacing: mm between neighbours along each axis; None where it is not known.
        channel: Which one of a colour image; 0 of all others.
    """

    numbers: Numbers
    known: NDArray[np.bool_]
    wanted: NDArray[np.bool_]
    spacing: tuple[float, ...] | None
    channel: int = 0


Act: TypeAlias = Callable[[Still], Numbers]


def filtered(
    image: Image,
    act: Act,
    mask: NDArray[np.bool_] | None,
    *,
    luminance: bool = False,
    keeps_unit: bool = True,
) -> Image:
    """An image after a filter: moment by moment, and channel by channel or by the luminance of a colour picture.

    Whole numbers stay whole numbers of their type: results are rounded and clipped to its range. Places without a
    number (NaN, infinity) keep what they have. A picture of one value alone stays as it is.

    Args:
        image: Still or moving, 2-D or 3-D, grey or of several channels.
        act: Gives the numbers of a `Still` after the filter; shape as they came.
        mask: Shape of the image's space, with or without its times: what lies outside stays bit for bit.
        luminance: Colour keeps its hue: only the luminance (ITU-R BT.601) goes through the filter.
        keeps_unit: False where grey levels are given a new meaning: what had a physical unit is a grey level then.

    Raises:
        InvalidInput: Truth values instead of numbers.
        GeometryError: A mask of another shape.
    """
    array = pixels(image)
    if array.dtype == np.bool_:
        raise InvalidInput("a filter works on numbers that were measured", got="truth values of a mask")
    moving = image.space.timeline is not None
    frames = array if moving else array[None]
    inside = np.broadcast_to(_mask(image, mask), frames.shape[: 1 + image.space.ndim])
    spacing = spacing_of(image.space)
    colour = luminance and image.channels == _RGB
    result = np.array(frames)
    for frame, wanted, before in zip(result, inside, frames, strict=True):
        if colour:
            _by_luminance(frame, before, wanted, spacing, act)
            continue
        for channel in range(max(1, len(image.channels))):
            at = (..., channel) if image.channels else ...
            numbers = np.asarray(before[at], dtype=np.float64)
            after, done = _acted(numbers, wanted, spacing, act, channel)
            frame[at][done] = _typed(after[done], array.dtype)
    changed = dataclasses.replace(image, data=result if moving else result[0])
    if keeps_unit or image.quantity.unit is None:
        return changed
    return dataclasses.replace(changed, quantity=GREY, windows=())


def _mask(image: Image, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Shape (time or 1, spatial...), or what broadcasts to it."""
    if mask is None:
        return np.ones((1,) * (1 + image.space.ndim), dtype=np.bool_)
    inside = np.asarray(mask, dtype=np.bool_)
    shape, timeline = tuple(image.space.shape), image.space.timeline
    if inside.shape == shape:
        return inside[np.newaxis]
    if timeline is not None and inside.shape == (len(timeline), *shape):
        return inside
    raise GeometryError("a mask has the shape of its image", got=f"{inside.shape} for {shape}")


def _acted(
    numbers: Numbers,
    inside: NDArray[np.bool_],
    spacing: tuple[float, ...] | None,
    act: Act,
    channel: int = 0,
) -> tuple[Numbers, NDArray[np.bool_]]:
    """Numbers after the filter, and where they count."""
    known = np.isfinite(numbers)
    wanted = inside & known
    there = numbers[known]
    if not wanted.any() or there.min() == there.max():
        return numbers, np.zeros_like(wanted)
    still = Still(
        numbers=nearest_known(numbers, known), known=known, wanted=wanted, spacing=spacing, channel=channel
    )
    return act(still), wanted


def nearest_known(numbers: Numbers, known: NDArray[np.bool_]) -> Numbers:
    """The numbers, and where none is known the nearest one that is; at least one is."""
    if known.all():
        return numbers
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(numbers[tuple(nearest)])


def _by_luminance(
    frame: NDArray[Any],
    before: NDArray[Any],
    wanted: NDArray[np.bool_],
    spacing: tuple[float, ...] | None,
    act: Act,
) -> None:
    """Writes red, green and blue into `frame`, each moved by as much as the luminance moved."""
    colours = np.asarray(before, dtype=np.float64)
    luma = colours @ LUMA.astype(np.float64)
    after, done = _acted(luma, wanted, spacing, act)
    frame[done] = _typed(colours[done] + (after[done] - luma[done])[:, None], frame.dtype)


def _typed(numbers: Numbers, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        return numbers.astype(dtype)
    limits = np.iinfo(dtype)
    # The float nearest to the largest 64-bit number lies above it.
    highest = np.nextafter(float(limits.max), 0.0) if limits.bits == 64 else float(limits.max)
    return np.rint(numbers).clip(float(limits.min), highest).astype(dtype)


def steps_of(still: Still, unit: Unit = "pixel") -> tuple[float, ...]:
    """How far neighbours lie apart along each axis: in mm, or in pixels of the finest axis (1 where no size is known).

    Raises:
        UnknownSize: Millimetres of an image without a size.
    """
    if still.spacing is None:
        if unit == "mm":
            raise UnknownSize(
                "a width in mm needs an image whose pixel size is known",
                way_out="state the pixel size, or give the width in pixels",
            )
        return (1.0,) * still.numbers.ndim
    return tuple(s if unit == "mm" else s / min(still.spacing) for s in still.spacing)


def window_of(still: Still, width: float, unit: Unit) -> tuple[int, ...]:
    """Samples along each axis of a window that is as wide in the patient along all of them: odd numbers, 1 or more."""
    return tuple(2 * max(0, round((width / step - 1) / 2)) + 1 for step in steps_of(still, unit))


def sigmas_of(still: Still, sigma: float, unit: Unit) -> tuple[float, ...]:
    """Samples along each axis of one standard deviation."""
    return tuple(sigma / step for step in steps_of(still, unit))


def by_sheets(still: Still, act: Callable[[Numbers], Numbers]) -> Numbers:
    """A volume as a whole, or slice by slice where slices are more than twice as far apart as the pixels in them."""
    steps = steps_of(still)
    if still.numbers.ndim == 2 or max(steps) <= _THICK:
        return act(still.numbers)
    axis = int(np.argmax(steps))
    return np.stack([act(sheet) for sheet in np.moveaxis(still.numbers, axis, 0)], axis=axis)


def noise_of(still: Still) -> float:
    """Standard deviation of additive noise, in the unit of the image, from the finest details of a wavelet transform.

    Source: Donoho and Johnstone, Ideal spatial adaptation by wavelet shrinkage (1994).
    """
    wavelet = pywt.Wavelet("db2")
    detail = pywt.dwtn(still.numbers, wavelet)["d" * still.numbers.ndim]
    there = np.abs(detail[detail != 0])
    return float(np.median(there)) / 0.6745 if there.size else 0.0


def check_positive(**values: float | None) -> None:
    """Refuses parameters that are not finite and above zero; None stands for "estimated" and is allowed.

    Raises:
        InvalidInput: One that is not.
    """
    for name, value in values.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InvalidInput(f"{name} of a filter is a number above 0", got=str(value))


def check_counts(**values: float) -> None:
    """Refuses parameters that are not whole numbers from 1.

    Raises:
        InvalidInput: One that is not.
    """
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 1 and value == int(value)):
            raise InvalidInput(f"{name} of a filter is a whole number from 1", got=str(value))


def check_unit(unit: str) -> None:
    """Refuses a unit of widths that is neither pixel nor mm.

    Raises:
        InvalidInput: Another one.
    """
    if unit not in ("pixel", "mm"):
        raise InvalidInput("widths are in pixel or in mm", got=repr(unit))


def check_not_negative(still: Still, what: str) -> None:
    """Refuses pictures with numbers below zero.

    Raises:
        InvalidInput: There are some.
    """
    lowest = float(still.numbers.min())
    if lowest < 0:
        raise InvalidInput(f"{what} multiplies amplitudes, which are not negative", got=f"{lowest:g}")
