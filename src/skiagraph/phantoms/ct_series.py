"""A volume of Hounsfield units as a series of CT images, one data set a slice."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from skiagraph.geometry import Grid
from skiagraph.phantoms.modules import DATE, TIME, place, put_pixels, slice_place
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["ct_series"]

_INTERCEPT: Final = -1024


def ct_series(
    values: NDArray[np.int16], grid: Grid, *, patient: str, thickness: float, **attributes: Any
) -> tuple[Dataset, ...]:
    """CT Image Storage, 16 bits, with the usual intercept of -1024.

    Args:
        values: HU, axes (slice, row, column), -1024 to 3071.
        grid: Where they lie.
        patient: A name that nobody has.
        thickness: mm of each slice.
        attributes: Others by keyword, for every slice.

    Source: DICOM PS3.3 sections A.3 and C.8.2.1.
    """
    digest = array_digest(values, grid.affine)
    result = []
    for n, plane in enumerate(values):
        ds = invented_study(digest, CTImageStorage, "CT", patient=patient)
        place(ds, digest, series=1, instance=n + 1)
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = DATE
        ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = TIME
        ds.ImageType, ds.AcquisitionNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], 1
        ds.KVP, ds.BodyPartExamined = 120, "CHEST"
        slice_place(ds, grid, n, thickness=thickness)
        put_pixels(ds, (plane - _INTERCEPT).astype(np.uint16))
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = _INTERCEPT, 1, "HU"
        ds.WindowCenter, ds.WindowWidth = [40, -500], [400, 1500]
        for keyword, value in attributes.items():
            setattr(ds, keyword, value)
        result.append(ds)
    return tuple(result)
