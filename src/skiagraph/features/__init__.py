"""Hand-crafted features: what can be said of a picture or an outline without a network."""

from skiagraph.features.ellipse import Ellipse, circumference, fitted_ellipse, moment_ellipse, outline, rasterised

__all__ = ["Ellipse", "circumference", "fitted_ellipse", "moment_ellipse", "outline", "rasterised"]
