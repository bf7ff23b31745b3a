"""The regions of a case that a classical model judges: an outline, each object of it, or the whole image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.features.region import Region, region_of
from skiagraph.findings import Segment, Segmentation, resample
from skiagraph.geometry import Space
from skiagraph.image import Image
from skiagraph.preprocess.grey import grey
from skiagraph.task import Described

__all__ = ["WHOLE", "brought", "masked", "named", "regions_of"]

WHOLE = "whole image"


def masked(image: Image, outline: Segmentation, structure: Code | None = None) -> Region:
    """The region of an image that lies in a segment, or in any.

    Args:
        image: A still image; colour is brought to grey.
        outline: In the space of the image.
        structure: The segment; None for all of them together.

    Raises:
        GeometryError: The outline lies in another space.
        InvalidInput: An image that moves, or no such segment.
    """
    if outline.space != image.space:
        raise GeometryError(
            "an outline lies in the space of its image",
            got="another space",
            way_out="resample it onto the image",
        )
    numbers = [s.number for s in outline.segments if structure is None or s.code == structure]
    if structure is not None and not numbers:
        raise InvalidInput("the outline has the segment that is described", got=f"no {structure.meaning}")
    masks = [outline.mask(number) for number in numbers] or [np.asarray(outline.labels, dtype=np.bool_)]
    return region_of(grey(image), np.logical_or.reduce(masks))


def brought(outline: Segmentation, space: Space) -> Segmentation:
    """The outlines in the space of an image.

    Raises:
        FrameMismatch: They lie in another frame.
        InvalidInput: They lie beside the image.
    """
    if outline.space is space:
        return outline
    there = outline.space
    if (
        there.shape == space.shape
        and type(there) is type(space)
        and np.array_equal(there.affine, space.affine)
    ):
        return dataclasses.replace(outline, space=space)
    found = resample(outline, space)
    if outline.labels.any() and not found.labels.any():
        raise InvalidInput(
            "a mask lies where its image lies",
            got="a mask that is nowhere in the image",
            way_out="name the mask of this image, or mend its header",
        )
    return found


def named(outline: Segmentation, segment: Segment) -> str:
    """What a segment is called; objects of one kind are told apart by their number."""
    name = segment.code.meaning or segment.code.value
    return f"{name} {segment.number}" if outline.kind == "instances" else name


def regions_of(
    image: Image, outlines: Sequence[Segmentation], described: Described
) -> tuple[tuple[str, Region], ...]:
    """What is judged, each with its name; empty where nothing is outlined.

    Of outlines of one structure that is taken, whatever it is called; of several the one that the model describes. A
    model that learnt from objects one by one gets each; another gets all that it describes as one region.

    Args:
        image: A still image; colour is brought to grey.
        outlines: Of it, in its space or in another of its frame.
        described: What the model describes.

    Raises:
        FrameMismatch: An outline lies in another frame.
        InvalidInput: Outlines of several structures without the one that the model describes, or beside the image.
    """
    still = grey(image)
    if described.region == "image":
        return ((WHOLE, _region(still, np.ones(still.space.shape, np.bool_), described)),)
    placed = [brought(outline, still.space) for outline in outlines]
    parts = [(named(o, s), s.code, o.mask(s.number)) for o, s in _wanted(placed, described.structure)]
    parts = [part for part in parts if part[2].any()]
    if not parts or described.region == "each":
        return tuple((name, _region(still, mask, described)) for name, _, mask in parts)
    together = np.logical_or.reduce([mask for *_, mask in parts])
    name = ", ".join(dict.fromkeys(code.meaning or code.value for _, code, _ in parts))
    return ((name, _region(still, together, described)),)


def _wanted(
    outlines: Sequence[Segmentation], structure: Code | None
) -> Iterator[tuple[Segmentation, Segment]]:
    every = [(o, s) for o in outlines for s in o.segments if s.code != codes.IGNORE]
    kinds = dict.fromkeys(segment.code for _, segment in every)
    if structure is None or len(kinds) < 2:
        yield from every
        return
    if structure not in kinds:
        raise InvalidInput(
            f"the model describes {structure.meaning or structure.value}",
            got=f"outlines of {', '.join(code.meaning or code.value for code in list(kinds)[:8])}",
            way_out="name a mask of that structure alone",
        )
    yield from ((o, s) for o, s in every if s.code == structure)


def _region(image: Image, mask: NDArray[np.bool_], described: Described) -> Region:
    region = region_of(image, mask)
    return region if described.sized else dataclasses.replace(region, spacing=None)
