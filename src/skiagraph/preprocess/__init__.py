"""What happens to numbers before a network sees them: lattice, normalisation, augmentation (sample, then apply)."""

from skiagraph.preprocess.affine import Affine
from skiagraph.preprocess.blur import Blur
from skiagraph.preprocess.colour import network_input, network_stack
from skiagraph.preprocess.erase import Erase
from skiagraph.preprocess.gain import Gain
from skiagraph.preprocess.gamma import Gamma
from skiagraph.preprocess.lattice import linear_weights, network_pixels, network_space
from skiagraph.preprocess.noise import Noise
from skiagraph.preprocess.normalise import NORMALISATIONS, WINDOW, normalised
from skiagraph.preprocess.pose import Pose
from skiagraph.preprocess.speckle import Speckle
from skiagraph.preprocess.step import Step, augmented, augmented_stack

__all__ = [
    "NORMALISATIONS",
    "WINDOW",
    "Affine",
    "Blur",
    "Erase",
    "Gain",
    "Gamma",
    "Noise",
    "Pose",
    "Speckle",
    "Step",
    "augmented",
    "augmented_stack",
    "linear_weights",
    "network_input",
    "network_pixels",
    "network_space",
    "network_stack",
    "normalised",
]
