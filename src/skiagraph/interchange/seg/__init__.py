"""Segmentations to and from DICOM Segmentation and Label Map Segmentation objects."""

from skiagraph.interchange.seg.read import read_segmentation
from skiagraph.interchange.seg.write import segmentation_object

__all__ = ["read_segmentation", "segmentation_object"]
