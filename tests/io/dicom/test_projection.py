"""Which spacing of a flat picture counts: calibrated, at the detector, on film; and what is said of it."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph.io.dicom.planar import planar_size
from skiagraph.io.dicom.projection import projection_size


def header(**elements):
    ds = Dataset()
    for keyword, value in {"Modality": "DX", "Rows": 10, "Columns": 10, **elements}.items():
        setattr(ds, keyword, value)
    return ds


DETECTOR = {"ImagerPixelSpacing": [0.4, 0.2]}
CASES = [
    # what the file states, the size in mm, what is noticed
    ({}, None, "states no size"),
    ({"PixelSpacing": [0.3, 0.3], "PixelSpacingCalibrationType": "GEOMETRY", **DETECTOR}, (0.3, 0.3), None),
    ({"PixelSpacing": [0.4, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL", **DETECTOR}, (0.4, 0.2), None),
    ({"PixelSpacing": [0.3, 0.15], **DETECTOR}, (0.3, 0.15), None),
    ({"PixelSpacing": [0.4, 0.2], **DETECTOR}, (0.4, 0.2), "at the detector"),
    ({"PixelSpacing": [0.3, 0.15]}, (0.3, 0.15), "whether it holds at the detector"),
    (DETECTOR, (0.4, 0.2), "at the detector"),
    ({"EstimatedRadiographicMagnificationFactor": 1.25, **DETECTOR}, (0.32, 0.16), "magnification of 1.25"),
    (
        {"PixelSpacing": [0.4, 0.2], "EstimatedRadiographicMagnificationFactor": 2, **DETECTOR},
        (0.2, 0.1),
        "of 2",
    ),
    ({"DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 800, **DETECTOR}, (0.32, 0.16), "of 1.25"),
    ({"EstimatedRadiographicMagnificationFactor": 0.5, **DETECTOR}, (0.4, 0.2), "at the detector"),
    (
        {"DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 1, **DETECTOR},
        (0.4, 0.2),
        "at the detector",
    ),
    ({"NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "film"),
    ({"ImagerPixelSpacing": [0.4, 0]}, None, "states no size"),
    (
        {"Modality": "MG", "EstimatedRadiographicMagnificationFactor": 1.05, **DETECTOR},
        (0.4 / 1.05, 0.2 / 1.05),
        "1.05",
    ),
    ({"Modality": "XC", "PixelSpacing": [0.3, 0.3]}, (0.3, 0.3), None),
    ({"Modality": "OP", "PixelAspectRatio": [2, 1]}, None, "not square"),
    ({"Modality": "OP", "PixelAspectRatio": [1, 1]}, None, "states no size in millimetres."),
    ({"Modality": "SC", "NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "film"),
]


@pytest.mark.parametrize(("stated", "size", "noticed"), CASES)
def test_the_spacing_that_counts_is_the_one_nearest_to_the_patient(stated, size, noticed):
    found, said = planar_size(header(**stated))
    assert found == (None if size is None else pytest.approx(size))
    assert len(said) == (noticed is not None)
    assert noticed is None or noticed in said[0]


def test_the_center_of_the_beam_counts_for_enhanced_angiograms():
    groups, calibration = Dataset(), Dataset()
    calibration.ObjectPixelSpacingInCenterOfBeam = [0.25, 0.25]
    groups.ProjectionPixelCalibrationSequence = Sequence([calibration])
    assert projection_size(header(Modality="XA", **DETECTOR), groups) == ((0.25, 0.25), ())


def test_pixel_measures_of_a_frame_are_its_size():
    groups, measures = Dataset(), Dataset()
    measures.PixelSpacing = [0.004, 0.012]
    groups.PixelMeasuresSequence = Sequence([measures])
    assert planar_size(header(Modality="OPT"), groups) == ((0.004, 0.012), ())
