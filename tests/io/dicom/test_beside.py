"""What headers say beside their pixels arrives in the case: uptake, side and view, drawings, further pictures."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
    XRayAngiographicImageStorage,
)

from skiagraph.geometry import spacing_of
from skiagraph.image import pixels
from skiagraph.image.quantity import SUV
from skiagraph.io import read_case, read_study

GREY = np.arange(60, dtype=np.uint8).reshape(6, 10)


def pet(dicom, *, weight=70.0):
    tracer = Dataset()
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = 370e6, 6586.2
    tracer.RadiopharmaceuticalStartTime = "110000"
    for k in range(4):
        path = dicom(
            np.full((4, 6), 100, np.int16),
            f"pet/{k}.dcm",
            modality="PT",
            sop_class=PositronEmissionTomographyImageStorage,
            ImagePositionPatient=[0, 0, 3 * k],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[4, 4],
            SliceThickness=3,
            RescaleSlope=10.0 * (k + 1),
            RescaleIntercept=0,
            Units="BQML",
            CorrectedImage=["ATTN", "DECY"],
            DecayCorrection="START",
            SeriesDate="20260101",
            SeriesTime="120000",
            AcquisitionDate="20260101",
            AcquisitionTime="120000",
            RadiopharmaceuticalInformationSequence=[tracer],
            **({"PatientWeight": weight} if weight else {}),
        )
    return path.parent


def test_a_pet_is_read_as_uptake_by_body_weight(dicom):
    image = read_case(pet(dicom)).image
    assert image.quantity == SUV
    at_scan = 370e6 * 2 ** (-3600 / 6586.2)
    expected = 100 * 10.0 * np.arange(1, 5) * 70_000 / at_scan
    np.testing.assert_allclose(pixels(image)[:, 0, 0], expected, rtol=1e-5)


def test_a_pet_without_a_weight_stays_activity_and_says_why(dicom):
    case = read_case(pet(dicom, weight=None))
    assert case.image.quantity != SUV
    np.testing.assert_allclose(pixels(case.image)[:, 0, 0], 1000.0 * np.arange(1, 5))
    assert "no standardized uptake values" in " ".join(case.problems)


def test_side_view_and_shutter_of_a_radiograph_are_known(dicom):
    case = read_case(
        dicom(
            GREY.astype(np.uint16),
            modality="DX",
            sop_class=DigitalXRayImageStorageForPresentation,
            ImageLaterality="L",
            ViewPosition="PA",
            ImagerPixelSpacing=[0.2, 0.2],
            ShutterShape="RECTANGULAR",
            ShutterLeftVerticalEdge=2,
            ShutterRightVerticalEdge=9,
            ShutterUpperHorizontalEdge=2,
            ShutterLowerHorizontalEdge=5,
            WindowCenter=30,
            WindowWidth=40,
        )
    )
    assert {"laterality", "view", "shutter"} <= set(case.known)
    assert spacing_of(case.image.space) == (0.2, 0.2)
    assert case.image.windows


def test_an_overlay_is_known_as_a_segmentation(dicom):
    mask = GREY % 7 == 0
    path = dicom(GREY, modality="OT")
    import pydicom

    header = pydicom.dcmread(path)
    for element, vr, value in [
        (0x0010, "US", 6),
        (0x0011, "US", 10),
        (0x0040, "CS", "R"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x3000, "OB", np.packbits(mask.ravel(), bitorder="little").tobytes()),
    ]:
        header.add_new((0x6000, element), vr, value)
    header.save_as(path)
    found = read_case(path).known["overlay_1"]
    np.testing.assert_array_equal(found.labels > 0, mask)


def test_a_calibrated_colour_doppler_has_its_velocities_as_a_second_picture(dicom):
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 2, 0
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.02
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 9, 5
    region.PixelComponentOrganization, region.PixelComponentPhysicalUnits = 1, 7
    region.PixelComponentRangeStart, region.PixelComponentRangeStop = 0, 255
    region.NumberOfTableBreakPoints = 2
    region.TableOfXBreakPoints, region.TableOfYBreakPoints = [0, 255], [-51.0, 51.0]
    region.PixelComponentDataType = 2
    case = read_case(
        dicom(GREY, modality="US", sop_class=UltrasoundImageStorage, SequenceOfUltrasoundRegions=[region])
    )
    assert set(case.images) == {"image", "velocity"}
    assert case.images["velocity"].quantity.unit.value == "cm/s"
    np.testing.assert_allclose(pixels(case.images["velocity"]), GREY * 0.4 - 51, atol=1e-4)


def test_an_angiography_with_a_mask_has_its_subtraction_as_a_second_picture(dicom):
    item = Dataset()
    item.MaskOperation, item.MaskFrameNumbers = "AVG_SUB", [1]
    item.ApplicableFrameRange = [2, 3]
    stored = np.stack([np.full((6, 10), v, np.uint16) for v in (100, 80, 60)])
    case = read_case(
        dicom(
            stored,
            modality="XA",
            sop_class=XRayAngiographicImageStorage,
            MaskSubtractionSequence=[item],
            PixelIntensityRelationship="LOG",
            FrameTime=100,
        )
    )
    assert set(case.images) == {"image", "subtracted"}
    subtracted = case.images["subtracted"]
    np.testing.assert_allclose(pixels(subtracted)[:, 0, 0], [-20, -40])
    assert subtracted.space.timeline.times.tolist() == [0.1, 0.2]


def test_front_and_back_of_a_bone_scan_are_called_so(dicom):
    detectors = []
    for angle in (180, 0):
        detector = Dataset()
        detector.StartAngle = angle
        detectors.append(detector)
    case = read_case(
        dicom(
            np.stack([GREY, GREY + 1]).astype(np.uint16),
            modality="NM",
            sop_class=NuclearMedicineImageStorage,
            ImageType=["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"],
            FrameIncrementPointer=[0x00540010, 0x00540020],
            DetectorVector=[1, 2],
            EnergyWindowVector=[1, 1],
            DetectorInformationSequence=detectors,
            PixelSpacing=[2, 2],
        )
    )
    assert {name: pixels(image)[0, 0] for name, image in case.images.items()} == {
        "anterior": 0,
        "posterior": 1,
    }


def test_grey_and_doppler_of_one_lesion_are_named_images_of_one_case(dicom):
    flow = Dataset()
    flow.RegionSpatialFormat, flow.RegionDataType, flow.RegionFlags = 1, 2, 0
    flow.RegionLocationMinX0, flow.RegionLocationMinY0 = 0, 0
    flow.RegionLocationMaxX1, flow.RegionLocationMaxY1 = 9, 5
    flow.PhysicalUnitsXDirection = flow.PhysicalUnitsYDirection = 3
    flow.PhysicalDeltaX = flow.PhysicalDeltaY = 0.02
    common = {"modality": "US", "Laterality": "L", "ContentDate": "20260101", "SeriesInstanceUID": "1.2.3"}
    dicom(GREY, "us/a.dcm", ContentTime="100000", **common)
    dicom(
        np.stack([GREY] * 3, -1),
        "us/b.dcm",
        ContentTime="100020",
        UltrasoundColorDataPresent=1,
        SequenceOfUltrasoundRegions=[flow],
        **common,
    )
    study = read_study(dicom.folder / "us")
    assert [(case.identifier, set(case.images)) for case in study.cases] == [("a", {"grey", "doppler"})]
    assert set(study.cases[0].uids) == {"grey", "doppler"}


@pytest.mark.parametrize("modality", ["US", "XA", "DX", "OT"])
def test_a_plain_picture_has_nothing_beside_it(dicom, modality):
    case = read_case(dicom(GREY, modality=modality))
    assert set(case.images) == {"image"}
    assert not case.known
