"""Tensors in, tensors out: the networks of the house; they know no patient."""

from skiagraph.networks.ring import Committee, RingNet
from skiagraph.networks.unet import ResidualUNet

__all__ = ["Committee", "ResidualUNet", "RingNet"]
