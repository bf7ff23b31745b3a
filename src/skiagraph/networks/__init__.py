"""Tensors in, tensors out: the networks of the house; they know no patient."""

from skiagraph.networks.catalogue import NETWORKS, Entry, Published, network
from skiagraph.networks.classifier import Classifier
from skiagraph.networks.counting import multiply_adds, parameter_count
from skiagraph.networks.foreign_weights import Loaded, load_foreign
from skiagraph.networks.ring import Committee, RingNet
from skiagraph.networks.tissue import DenseTissue
from skiagraph.networks.unet import ResidualUNet

__all__ = [
    "NETWORKS",
    "Classifier",
    "Committee",
    "DenseTissue",
    "Entry",
    "Loaded",
    "Published",
    "ResidualUNet",
    "RingNet",
    "load_foreign",
    "multiply_adds",
    "network",
    "parameter_count",
]
