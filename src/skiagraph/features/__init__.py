"""Hand-crafted features: what can be said of a picture or an outline without a network."""

from skiagraph.features.ellipse import (
    Ellipse,
    circumference,
    fitted_ellipse,
    moment_ellipse,
    outline,
    rasterised,
)
from skiagraph.features.fetal_head import measured_head
from skiagraph.features.gestational_age import gestational_age, head_circumference_range

__all__ = [
    "Ellipse",
    "circumference",
    "fitted_ellipse",
    "gestational_age",
    "head_circumference_range",
    "measured_head",
    "moment_ellipse",
    "outline",
    "rasterised",
]
