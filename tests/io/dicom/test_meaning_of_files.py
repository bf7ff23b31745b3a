"""Meaning on whole files: those that pydicom ships agree with pydicom, and broken headers raise nothing but ours."""

import warnings
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.sequence import Sequence

from skiagraph.errors import FormatError
from skiagraph.io.dicom import (
    doppler,
    lesions,
    nuclear,
    ophthalmic,
    overlays,
    planar,
    shutters,
    subtraction,
    suv,
    ultrasound,
    views,
    voi,
)
from skiagraph.io.dicom.meaning import linear, meant

FILES = sorted((Path(pydicom.data.__file__).parent / "test_files").glob("*.dcm"))


def decoded(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = dcmread(path, force=True)
            stored = header.pixel_array
        except Exception:  # noqa: BLE001 - decoding is tested elsewhere; here only what decodes counts
            pytest.skip("pydicom alone does not decode it")
    return header, stored


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")
def test_the_files_that_pydicom_ships_mean_what_pydicom_says(path):
    header, stored = decoded(path)
    found = meant(stored, header)
    if found.channels or header.get("DoseGridScaling") or header.PhotometricInterpretation != "MONOCHROME2":
        return
    expected = apply_modality_lut(stored, header) if linear(header) else stored
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)


# Elements that the modules read, with values of the right and of the wrong kind.
NUMBERS = st.one_of(
    st.sampled_from(
        [0, 1, -1, 2, 7, 65535, 1e9, -0.5, None, "", "x", [], [1, 2], [1, 2, 3], [0, 0], ["a", "b"]]
    ),
    st.lists(st.integers(-5, 70000), max_size=6),
)
WORDS = st.sampled_from(
    [
        "",
        "MONOCHROME1",
        "PALETTE COLOR",
        "PT",
        "CT",
        "XA",
        "NM",
        "US",
        "BQML",
        "CNTS",
        "START",
        "NONE",
        "R",
        "X",
        "AVG_SUB",
        "TID",
        "CIRCULAR",
        "POLYGONAL",
        "MIXED",
        "LIN",
        "20260102",
        "100000",
    ]
)
KEYWORDS = [
    "Modality",
    "PhotometricInterpretation",
    "Units",
    "DecayCorrection",
    "CorrectedImage",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionTime",
    "ShutterShape",
    "PixelPresentation",
    "PixelIntensityRelationship",
    "ImageType",
    "ViewPosition",
    "ImageLaterality",
]
AMOUNTS = [
    "BitsStored",
    "BitsAllocated",
    "PixelRepresentation",
    "SamplesPerPixel",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "PatientWeight",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "EstimatedRadiographicMagnificationFactor",
    "DoseGridScaling",
    "CenterOfCircularShutter",
    "RadiusOfCircularShutter",
    "VerticesOfThePolygonalShutter",
    "DetectorVector",
    "RedPaletteColorLookupTableDescriptor",
    "FrameIncrementPointer",
]
INNER = [
    "MaskFrameNumbers",
    "ApplicableFrameRange",
    "TIDOffset",
    "MaskSubPixelShift",
    "ContrastFrameAveraging",
    "LUTDescriptor",
    "LUTData",
    "RealWorldValueSlope",
    "RealWorldValueIntercept",
    "RegionLocationMinX0",
    "RegionLocationMaxX1",
    "RegionLocationMinY0",
    "RegionLocationMaxY1",
    "RegionSpatialFormat",
    "PhysicalDeltaX",
    "RadionuclideTotalDose",
    "TableOfPixelValues",
    "TableOfParameterValues",
    "PixelComponentOrganization",
    "PixelComponentPhysicalUnits",
    "ReferenceCoordinates",
    "StartAngle",
    "EnergyWindowLowerLimit",
]
SEQUENCES = [
    "ModalityLUTSequence",
    "VOILUTSequence",
    "RealWorldValueMappingSequence",
    "MaskSubtractionSequence",
    "SequenceOfUltrasoundRegions",
    "RadiopharmaceuticalInformationSequence",
    "DetectorInformationSequence",
    "OphthalmicFrameLocationSequence",
    "ViewCodeSequence",
    "AnatomicRegionSequence",
]


def filled(amounts, plain):
    ds = Dataset()
    for keyword, value in {**amounts, **plain}.items():
        try:
            setattr(ds, keyword, value)
        except Exception:  # noqa: BLE001 - pydicom refuses some values at once; the rest is what can be in a file
            continue
    return ds


@settings(max_examples=60)
@pytest.mark.filterwarnings("ignore")
@given(
    st.dictionaries(st.sampled_from(AMOUNTS), NUMBERS, max_size=12),
    st.dictionaries(st.sampled_from(KEYWORDS), WORDS, max_size=6),
    st.dictionaries(st.sampled_from(INNER), NUMBERS, max_size=12),
    st.lists(st.sampled_from(SEQUENCES), max_size=4),
    st.sampled_from([(3, 4), (2, 3, 4), (3, 4, 3)]),
)
def test_headers_with_anything_in_them_raise_nothing_but_ours(amounts, plain, inner, sequences, shape):
    header = filled(amounts, plain)
    for keyword in sequences:
        setattr(header, keyword, Sequence([filled(inner, {"MaskOperation": "AVG_SUB"})]))
    stored = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    for deed in (
        lambda: meant(stored, header),
        lambda: linear(header),
        lambda: voi.windows(header),
        lambda: planar.planar_size(header),
        lambda: overlays.overlays(header),
        lambda: shutters.shutter(header),
        lambda: views.view_findings(header),
        lambda: suv.body_weight(header),
        lambda: ultrasound.regions(header),
        lambda: doppler.velocity(stored, header),
        lambda: lesions.lesions([header, header]),
        lambda: subtraction.subtracted(stored, header),
        lambda: nuclear.nuclear_views(header),
        lambda: ophthalmic.places_on_fundus(header),
    ):
        try:
            deed()
        except FormatError:
            continue
