"""A volume of magnetic resonance signal as a classic series: one MR image object a slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from skiagraph.geometry import Grid
from skiagraph.phantoms.modules import DATE, TIME, number, place, put_pixels, slice_place
from skiagraph.phantoms.study import invented_study

__all__ = ["MrScan", "mr_series"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MrScan:
    """What the header of one scan says.

    Args:
        name: SeriesDescription.
        series: SeriesNumber, from 1.
        tr: Repetition time, ms.
        te: Echo time, ms.
        ti: Inversion time, ms; None without inversion.
        flip: Degrees.
        body: BodyPartExamined.
        sequence: ScanningSequence: SE, IR, GR or EP.
        first: InstanceNumber of the first slice.
        thickness: mm; that from slice to slice where None.
        more: Others by keyword, for every slice.
    """

    name: str
    series: int = 1
    tr: float = 1000.0
    te: float = 10.0
    ti: float | None = None
    flip: float = 90.0
    body: str = "HEAD"
    sequence: str = "SE"
    first: int = 1
    thickness: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def mr_series(
    values: NDArray[np.uint16], grid: Grid, scan: MrScan, *, digest: str, patient: str
) -> tuple[Dataset, ...]:
    """MR Image Storage, 12 bits.

    Args:
        values: Signal, axes (slice, row, column), 0 to 4095.
        grid: Where it lies.
        scan: How it was made.
        digest: Of the study; objects of one study share it.
        patient: A name that nobody has.

    Source: DICOM PS3.3 sections A.4 and C.8.3.1.
    """
    gap = float(np.linalg.norm(grid.affine[:3, 0]))
    result = []
    for n, plane in enumerate(values):
        ds = invented_study(digest, MRImageStorage, "MR", patient=patient)
        place(ds, digest, series=scan.series, instance=scan.first + n, description=scan.name)
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = DATE
        ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = TIME
        ds.ImageType, ds.BodyPartExamined = ["ORIGINAL", "PRIMARY", "OTHER"], scan.body
        ds.ScanningSequence = "IR" if scan.ti is not None else scan.sequence
        ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "NONE", "", "2D"
        ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength = number(scan.tr), number(scan.te), 1
        if scan.ti is not None:
            ds.InversionTime = number(scan.ti)
        ds.FlipAngle, ds.MagneticFieldStrength = number(scan.flip), "1.5"
        ds.AcquisitionNumber, ds.SpacingBetweenSlices = 1, number(gap)
        slice_place(ds, grid, n, thickness=scan.thickness or gap)
        put_pixels(ds, plane, bits=12)
        ds.WindowCenter, ds.WindowWidth = _window(values)
        for keyword, value in scan.more.items():
            setattr(ds, keyword, value)
        result.append(ds)
    return tuple(result)


def _window(values: NDArray[np.uint16]) -> tuple[int, int]:
    high = max(2, int(np.percentile(values[len(values) // 2], 99.5)))
    return high // 2, high
