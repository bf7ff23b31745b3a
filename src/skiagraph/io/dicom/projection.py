"""Size of pixels in projections: at the detector, in the patient, or on film, and which of them a file states."""

from __future__ import annotations

import math
from typing import Any, Final

from pydicom.dataset import Dataset

from skiagraph.io.dicom.attributes import group_of, item_of, number, numbers, word

__all__ = ["Size", "pair", "projection_size"]

Size = tuple[tuple[float, float] | None, tuple[str, ...]]

PROJECTIONS: Final = frozenset({"CR", "DX", "MG", "XA", "RF", "RG", "IO", "PX", "RTIMAGE"})
_DETECTOR: Final = "Its pixel size holds at the detector; in the patient it is smaller."
_UNSAID: Final = "Its pixel size does not say whether it holds at the detector or in the patient."
_FILM: Final = "Its pixel size holds on the film that was scanned."
_ESTIMATED: Final = "Its pixel size is that of the detector divided by an estimated magnification of {:.3g}."
_MOST: Final = 10.0  # magnifications beyond are wrong entries


def pair(value: Any) -> tuple[float, float] | None:
    """Millimetres between (rows, columns), where both are positive numbers."""
    sides = tuple(value)
    if len(sides) != 2 or not all(math.isfinite(side) and side > 0 for side in sides):
        return None
    return float(sides[0]), float(sides[1])


def projection_size(header: Dataset, groups: Dataset | None = None) -> Size:
    """Millimetres between (rows, columns) of a projection, and what was noticed.

    Args:
        header: Of a CR, DX, MG, XA, RF or dental object.
        groups: Functional groups of the frame, for enhanced objects.

    Returns:
        In this order: Object Pixel Spacing in the center of the beam (enhanced XA); Pixel Spacing that was calibrated
        (its type is GEOMETRY or FIDUCIAL, or it differs from that of the detector); the spacing of the detector over
        the estimated magnification; the spacing of the detector; that of the film.

    Source: DICOM PS3.3 10.7.1.1 (calibration types), 10.7.1.3 (equal ones are not calibrated), C.8.7.5, C.8.11.2 and
    C.8.11.7 (magnification), C.8.19.6.9 (enhanced XA).
    """
    beam = pair(
        numbers(item_of(groups, "ProjectionPixelCalibrationSequence"), "ObjectPixelSpacingInCenterOfBeam")
    )
    if beam is not None:
        return beam, ()
    measures = group_of(header, groups, "PixelMeasuresSequence")
    stated, detector = pair(numbers(measures, "PixelSpacing")), pair(numbers(header, "ImagerPixelSpacing"))
    if stated is not None and word(header, "PixelSpacingCalibrationType") in {"GEOMETRY", "FIDUCIAL"}:
        return stated, ()
    if stated is not None and detector is None:
        return stated, (_UNSAID,) if word(header, "Modality") in PROJECTIONS else ()
    if stated is not None and detector is not None and not _same(stated, detector):
        return stated, ()
    if detector is not None:
        return _in_patient(header, detector)
    film = pair(numbers(header, "NominalScannedPixelSpacing"))
    return film, () if film is None else (_FILM,)


def _in_patient(header: Dataset, detector: tuple[float, float]) -> Size:
    """The spacing of the detector over its magnification, which is source to detector over source to patient."""
    magnification = number(header, "EstimatedRadiographicMagnificationFactor")
    if magnification is None:
        far, near = number(header, "DistanceSourceToDetector"), number(header, "DistanceSourceToPatient")
        magnification = far / near if far and near and near > 0 else None
    if magnification is None or not 1.0 < magnification <= _MOST:
        return detector, (_DETECTOR,)
    return (detector[0] / magnification, detector[1] / magnification), (_ESTIMATED.format(magnification),)


def _same(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(math.isclose(p, q, rel_tol=1e-4) for p, q in zip(a, b, strict=True))
