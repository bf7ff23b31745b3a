"""What can be said of the shape of a region: pure functions from a region to features, and the outline to draw."""

from skiagraph.features.shape.chords import chord_lengths
from skiagraph.features.shape.classic import BREAST_OUTLINE, classic_outline
from skiagraph.features.shape.fourier import elliptic_fourier, fourier_descriptors, rebuilt
from skiagraph.features.shape.measures import outline_measures
from skiagraph.features.shape.moments import boundary_moments, hu_moments
from skiagraph.features.shape.outline import contour
from skiagraph.features.shape.solid import solid_measures

__all__ = [
    "BREAST_OUTLINE",
    "boundary_moments",
    "chord_lengths",
    "classic_outline",
    "contour",
    "elliptic_fourier",
    "fourier_descriptors",
    "hu_moments",
    "outline_measures",
    "rebuilt",
    "solid_measures",
]
