"""Local descriptors: what a region looks like from place to place, by patterns, waves, kernels and keypoints."""

from skiagraph.features.local.bands import wavelets
from skiagraph.features.local.fisher import Mixture, fisher_vector
from skiagraph.features.local.kernels import laws
from skiagraph.features.local.keypoints import dense_sift, sift_points
from skiagraph.features.local.orientations import oriented_gradients
from skiagraph.features.local.patterns import binary_patterns
from skiagraph.features.local.waves import gabor
from skiagraph.features.local.words import Vocabulary

__all__ = [
    "Mixture",
    "Vocabulary",
    "binary_patterns",
    "dense_sift",
    "fisher_vector",
    "gabor",
    "laws",
    "oriented_gradients",
    "sift_points",
    "wavelets",
]
