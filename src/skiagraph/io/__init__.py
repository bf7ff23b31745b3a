"""Files and folders to cases: DICOM, and everything that the codecs read."""

from skiagraph.io.datasets import read_dataset
from skiagraph.io.formats import read_image, write_image
from skiagraph.io.pixel_sizes import read_pixel_sizes
from skiagraph.io.study import read_case, read_cases, read_study

__all__ = [
    "read_case",
    "read_cases",
    "read_dataset",
    "read_image",
    "read_pixel_sizes",
    "read_study",
    "write_image",
]
