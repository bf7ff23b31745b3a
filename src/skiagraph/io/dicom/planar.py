"""Size of the pixels of any flat picture: which of its many statements counts, and None where there is none."""

from __future__ import annotations

from pydicom.dataset import Dataset

from skiagraph.io.dicom.attributes import group_of, items_of, numbers, word
from skiagraph.io.dicom.projection import PROJECTIONS, Size, pair, projection_size
from skiagraph.io.dicom.ultrasound import ultrasound_size

__all__ = ["planar_size"]


def planar_size(header: Dataset, groups: Dataset | None = None) -> Size:
    """Millimetres between (rows, columns) of a picture, and what was noticed.

    None where the file states no size, or states it for a part of the picture only.

    Args:
        header: The object.
        groups: Functional groups of the frame, for enhanced objects.

    Source: DICOM PS3.3 C.8.5.5 (US region calibration), 10.7 (pixel spacing), C.7.6.16.2.1 (pixel measures),
    C.7.6.3.1.7 (pixel aspect ratio).
    """
    if items_of(header, "SequenceOfUltrasoundRegions"):
        return ultrasound_size(header)
    if word(header, "Modality") in PROJECTIONS or numbers(header, "ImagerPixelSpacing"):
        size, said = projection_size(header, groups)
    else:
        size = pair(numbers(group_of(header, groups, "PixelMeasuresSequence"), "PixelSpacing"))
        said = ()
    if size is None and not said:
        size, said = projection_size(header, groups)
    if size is not None:
        return size, said
    ratio = numbers(header, "PixelAspectRatio")
    if len(ratio) == 2 and ratio[0] != ratio[1]:
        return None, ("It states no size in millimetres, and its pixels are not square.",)
    return None, ("It states no size in millimetres.",)
