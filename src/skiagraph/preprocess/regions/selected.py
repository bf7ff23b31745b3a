"""What all methods for regions of interest share: a grey picture with its numbers, and the finding that comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import spacing_of
from skiagraph.image import Image, pixels
from skiagraph.preprocess.filters.still import Still, nearest_known
from skiagraph.preprocess.grey import grey

__all__ = ["SELECTED", "Places", "places_of", "segmented"]

SELECTED: Final = Code(value="111099", scheme="DCM", meaning="Selected region")
Places: TypeAlias = tuple[tuple[int, ...], ...]
"""Indices, one number an axis, in the order of the array's axes."""


def segmented(
    image: Image,
    act: Callable[[Still], NDArray[np.integer] | NDArray[np.bool_]],
    *,
    kind: Literal["exclusive", "instances"] = "exclusive",
) -> Segmentation:
    """The finding that a method gives, moment by moment; colour is seen by its luminance.

    Places without a number belong to no region. Objects of a moving image are numbered through all its moments.

    Args:
        image: Still or moving, 2-D or 3-D.
        act: Gives whole numbers or truth values, shape of the still.
        kind: How the numbers are to be read.

    Raises:
        InvalidInput: Channels that are not red, green and blue, or truth values instead of numbers.
    """
    array = np.asarray(pixels(grey(image)))
    if array.dtype == np.bool_:
        raise InvalidInput(
            "a region is sought among numbers that were measured", got="truth values of a mask"
        )
    frames = array if image.space.timeline is not None else array[np.newaxis]
    labels = np.zeros(frames.shape, dtype=np.int32 if kind == "instances" else np.uint8)
    for label, frame in zip(labels, frames, strict=True):
        known = np.isfinite(frame)
        if not known.any() or frame[known].min() == frame[known].max():
            continue
        numbers = nearest_known(np.asarray(frame, dtype=np.float64), known)
        found = act(Still(numbers=numbers, known=known, wanted=known, spacing=spacing_of(image.space)))
        top = int(labels.max()) if kind == "instances" else 0
        inside = (found != 0) & known
        label[inside] = found[inside] + top
    there = np.unique(labels[labels > 0]).tolist() if kind == "instances" else [1]
    return Segmentation(
        space=image.space,
        labels=labels if image.space.timeline is not None else labels[0],
        segments=tuple(Segment(number=number, code=SELECTED) for number in there),
        kind=kind,
    )


def places_of(places: Places, still: Still, what: str) -> tuple[NDArray[np.intp], ...]:
    """Indices as NumPy takes them.

    Raises:
        GeometryError: None, another number of axes, or outside of the picture.
    """
    shape = still.numbers.shape
    if not places or any(
        len(place) != len(shape) or not all(0 <= at < side for at, side in zip(place, shape, strict=True))
        for place in places
    ):
        raise GeometryError(
            f"{what} are places inside of the picture, one index an axis",
            got=f"{' and '.join('x'.join(map(str, place)) for place in places) or 'none'} for {shape}",
        )
    return tuple(np.asarray(axis, dtype=np.intp) for axis in zip(*places, strict=True))
