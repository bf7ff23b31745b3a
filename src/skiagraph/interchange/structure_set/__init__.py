"""Outlines for radiotherapy: segmentations and contours to and from DICOM structure sets."""

from skiagraph.interchange.structure_set.masks import mask_of, read_masks
from skiagraph.interchange.structure_set.outlines import filled, outlines
from skiagraph.interchange.structure_set.read import read_points, read_structure_set
from skiagraph.interchange.structure_set.write import structure_set_object

__all__ = [
    "filled",
    "mask_of",
    "outlines",
    "read_masks",
    "read_points",
    "read_structure_set",
    "structure_set_object",
]
