"""What a sonographer measures on the outline of a fetal head: circumference and diameters, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.features.ellipse import Ellipse, circumference, moment_ellipse, outline
from skiagraph.features.gestational_age import gestational_age
from skiagraph.findings import Contour, Contours, Finding, Interval, Measurement, Segmentation
from skiagraph.geometry import Plane

__all__ = ["measured_head"]

_METHOD: Final = {
    codes.HEAD_CIRCUMFERENCE: "Perimeter (Ramanujan 1914) of the ellipse through the outer edge of the skull.",
    codes.BIPARIETAL_DIAMETER: "Short axis of the ellipse, outer to outer.",
    codes.OCCIPITOFRONTAL_DIAMETER: "Long axis of the ellipse, outer to outer.",
}


def measured_head(segmentation: Segmentation, calibration: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Outline, diameters and measurements of a segmented head.

    Args:
        segmentation: Segment 1 is the head, in a plane.
        calibration: ``"inset"``: what is taken from both semi-axes before measuring, as a share of the picture's
            width, for a model whose references carry half the width of the pen that drew them. ``"relative error"``:
            by code value, the share of a measurement within which the truth lies in 95 % of cases; without it no
            interval is given.

    Returns:
        Contours (outline, short axis, long axis); in a plane of known size also head circumference, biparietal and
        occipitofrontal diameter in mm, and gestational age or why there is none. Nothing where there is no outline.

    Raises:
        InvalidInput: A volume, or a moving picture.
    """
    plane = segmentation.space
    if not isinstance(plane, Plane) or plane.timeline is not None:
        raise InvalidInput("a head is measured in one still plane", got=f"{plane.ndim}-D")
    found = moment_ellipse(segmentation.mask(1)) if segmentation.segments else None
    if found is None:
        return ()
    inset = float(calibration.get("inset", 0.0)) * plane.shape[1]
    head = found.grown(-inset).mapped(plane.affine[:-1, :-1], plane.affine[:-1, -1])
    contours = _contours(head, plane)
    if plane.unit == "pixel":
        return (contours,)
    long, short = head.semi_axes
    errors = calibration.get("relative error", {})
    values = {
        codes.HEAD_CIRCUMFERENCE: circumference(long, short),
        codes.BIPARIETAL_DIAMETER: 2 * short,
        codes.OCCIPITOFRONTAL_DIAMETER: 2 * long,
    }
    measurements = [
        _measurement(concept, value, errors.get(concept.value)) for concept, value in values.items()
    ]
    return (contours, *measurements, gestational_age(measurements[0]))


def _measurement(concept: Code, value: float, error: float | None) -> Measurement:
    interval = None if error is None else Interval(low=value * (1 - error), high=value * (1 + error))
    return Measurement(
        concept=concept, value=value, unit=codes.MM, interval=interval, method=_METHOD[concept]
    )


def _contours(head: Ellipse, plane: Plane) -> Contours:
    """The lines of an ellipse in world coordinates: only there are its axes those that are measured."""
    items = [Contour(code=codes.HEAD, points=outline(head))]
    axes = zip(
        (codes.OCCIPITOFRONTAL_DIAMETER, codes.BIPARIETAL_DIAMETER),
        head.semi_axes,
        head.directions,
        strict=True,
    )
    for code, half, direction in axes:
        ends = np.stack([head.centre - half * direction, head.centre + half * direction])
        items.append(Contour(code=code, points=ends, closed=False))
    return Contours(space=plane, items=tuple(items))
