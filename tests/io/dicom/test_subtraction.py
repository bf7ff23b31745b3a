"""Subtraction angiography: masks, ranges, offsets, averages and shifts as the Mask Module says; hand-computed."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph.image.quantity import GREY
from skiagraph.io.dicom.meaning import meant
from skiagraph.io.dicom.subtraction import subtracted

FRAMES = np.array([10, 12, 20, 40, 80], np.uint16)[:, None, None] * np.ones((1, 2, 3), np.uint16)


def header(*items, relationship="LOG"):
    ds = Dataset()
    ds.Modality, ds.PixelIntensityRelationship, ds.NumberOfFrames = "XA", relationship, len(FRAMES)
    ds.MaskSubtractionSequence = Sequence(items)
    return ds


def step(operation, **elements):
    ds = Dataset()
    ds.MaskOperation = operation
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


CASES = [
    # the step, the frames that are subtracted (from 0), contrast minus mask
    (step("AVG_SUB", MaskFrameNumbers=1, ApplicableFrameRange=[3, 5]), (2, 3, 4), (10, 30, 70)),
    (step("AVG_SUB", MaskFrameNumbers=[1, 2], ApplicableFrameRange=[3, 4]), (2, 3), (9, 29)),
    (step("AVG_SUB", MaskFrameNumbers=1, ApplicableFrameRange=[2, 2, 5, 5]), (1, 4), (2, 70)),
    (step("AVG_SUB", MaskFrameNumbers=1), (0, 1, 2, 3, 4), (0, 2, 10, 30, 70)),
    (
        step("AVG_SUB", MaskFrameNumbers=1, ApplicableFrameRange=[3, 5], ContrastFrameAveraging=2),
        (2, 3, 4),
        (20, 50, 70),
    ),
    (step("TID", TIDOffset=2, ApplicableFrameRange=[3, 5]), (2, 3, 4), (10, 28, 60)),
    (step("TID"), (1, 2, 3, 4), (2, 8, 20, 40)),
    (step("REV_TID", TIDOffset=1, ApplicableFrameRange=[3, 5]), (2, 3), (8, 30)),
]


@pytest.mark.parametrize(("item", "frames", "values"), CASES)
def test_frames_minus_their_mask(item, frames, values):
    found = subtracted(FRAMES, header(item))
    assert found.frames == frames
    np.testing.assert_allclose(found.values, np.array(values, float)[:, None, None] * np.ones((1, 2, 3)))
    assert found.problems == ()


def test_linear_pixels_are_subtracted_as_logarithms():
    found = subtracted(
        FRAMES, header(step("AVG_SUB", MaskFrameNumbers=1, ApplicableFrameRange=[3, 5]), relationship="LIN")
    )
    np.testing.assert_allclose(found.values[:, 0, 0], np.log([2, 4, 8]), rtol=1e-6)


@pytest.mark.parametrize(("relationship", "said"), [("DISP", "made for display"), ("", "does not say")])
def test_grey_levels_of_unknown_scale_are_said(relationship, said):
    found = subtracted(FRAMES, header(step("TID"), relationship=relationship))
    assert said in found.problems[0]


def test_a_shift_moves_the_mask_down_and_to_the_right():
    mask = np.zeros((5, 6), np.float32)
    mask[2, 2] = 100
    stored = np.stack([mask, np.zeros_like(mask)])
    item = step("AVG_SUB", MaskFrameNumbers=1, ApplicableFrameRange=[2, 2], MaskSubPixelShift=[1.0, 0.5])
    found = -subtracted(stored, header(item)).values[0]
    assert {tuple(p): found[tuple(p)] for p in np.argwhere(found)} == {(3, 2): 50.0, (3, 3): 50.0}


@pytest.mark.parametrize(
    "items",
    [
        (),
        (step("NONE"),),
        (step("AVG_SUB"),),
        (step("AVG_SUB", MaskFrameNumbers=9),),
        (step("TID", TIDOffset=7),),
    ],
)
def test_without_a_mask_nothing_is_subtracted(items):
    assert subtracted(FRAMES, header(*items)) is None


def test_frames_that_are_not_there_are_left_aside_and_said():
    items = (
        step("AVG_SUB", MaskFrameNumbers=9, ApplicableFrameRange=[2, 2]),
        step("TID", ApplicableFrameRange=[4, 9]),
    )
    found = subtracted(FRAMES, header(*items))
    assert found.frames == (3, 4)
    assert "does not have" in found.problems[0]


def test_the_modality_lut_of_an_angiogram_leads_to_rays_and_is_not_applied():
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [256, 0, 16], "US"
    table.add_new("LUTData", "OW", np.arange(256, dtype="<u2")[::-1].tobytes())
    ds = header()
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.ModalityLUTSequence = Sequence([table])
    found = meant(FRAMES, ds)
    np.testing.assert_array_equal(found.values, FRAMES)
    assert found.quantity == GREY
