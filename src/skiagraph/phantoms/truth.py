"""What is true of a phantom, as findings, and as the file that lies beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.codecs import written
from skiagraph.features.ellipse import Ellipse, outline, rasterised
from skiagraph.findings import Contour, Contours, Finding, Measurement, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame, to_world
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.phantoms.fetal_head import SHAPE, FetalHead, outer_skull
from skiagraph.plain import to_plain
from skiagraph.values import array_digest

__all__ = ["fetal_head_image", "fetal_head_truth", "write_truth"]

FORMAT: Final = "skiagraph-truth"
VERSION: Final = 1
_METHOD: Final = "known: the ellipse that was drawn"


def fetal_head_image(head: FetalHead, picture: NDArray[np.uint8]) -> Image:
    """The picture of a phantom with its size, in the frame that readers of its files derive from the pixels."""
    frame = derived_frame(array_digest(picture))
    space = Plane.upright(shape=SHAPE, spacing=(head.pixel_size, head.pixel_size), frame=frame)
    return Image(data=picture, space=space, quantity=GREY, modality="US")


def fetal_head_truth(head: FetalHead, image: Image) -> tuple[Finding, ...]:
    """The outline of the outer border of the skull, its two diameters, and their lengths.

    Args:
        head: What was drawn.
        image: The picture of it, for its space.

    Returns:
        Segmentation, Contours (outline, BPD, OFD), and the measurements HC, BPD and OFD in mm.
    """
    ellipse = outer_skull(head)
    in_pixels = Ellipse(centre=ellipse.centre / head.pixel_size, form=ellipse.form / head.pixel_size**2)
    labels = rasterised(in_pixels, SHAPE).astype(np.uint8)
    segment = Segment(number=1, code=codes.HEAD, confidence=1.0)
    lengths = (
        (codes.HEAD_CIRCUMFERENCE, head.head_circumference),
        (codes.BIPARIETAL_DIAMETER, head.biparietal_diameter),
        (codes.OCCIPITOFRONTAL_DIAMETER, head.occipitofrontal_diameter),
    )
    return (
        Segmentation(space=image.space, labels=labels, segments=(segment,)),
        Contours(space=image.space, items=_lines(in_pixels, image)),
        *(Measurement(concept=code, value=mm, unit=codes.MM, method=_METHOD) for code, mm in lengths),
    )


def _lines(ellipse: Ellipse, image: Image) -> tuple[Contour, ...]:
    ends = [
        ellipse.centre + np.array([[-1.0], [1.0]]) * length * way
        for length, way in zip(ellipse.semi_axes, ellipse.directions, strict=True)
    ]
    long, short = (to_world(image.space, end) for end in ends)
    return (
        Contour(code=codes.HEAD, points=to_world(image.space, outline(ellipse))),
        Contour(code=codes.BIPARIETAL_DIAMETER, points=short, closed=False),
        Contour(code=codes.OCCIPITOFRONTAL_DIAMETER, points=long, closed=False),
    )


def write_truth(path: Path, phantom: Any, findings: tuple[Finding, ...], *, image: str) -> None:
    """Writes what is true of an image to a JSON file.

    Args:
        path: The file; its folder is made.
        phantom: The value that was drawn.
        findings: What is true.
        image: Name of the file of the image.

    Raises:
        WriteFailed: The disk does not take it.
        NotPermitted: The folder may not be written to.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "image": image,
        "findings": to_plain(findings),
        "phantom": to_plain(phantom),
    }
    with written(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", "utf-8")
