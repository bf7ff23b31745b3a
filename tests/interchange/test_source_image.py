"""The image of a file that is not DICOM, as DICOM: read back it lies in the same place, unmirrored, with its values."""

import dataclasses

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from sources import OTHER_SOURCES, marks
from truth import ordered

from skiagraph.case import Case
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame, index_map, spacing_of, to_world
from skiagraph.image import Image, Window, pixels, resample_image
from skiagraph.image.quantity import HU
from skiagraph.interchange.invented import invented
from skiagraph.interchange.object import encoded, save
from skiagraph.interchange.planes import shown_planes
from skiagraph.interchange.source_image import source_object
from skiagraph.io import read_case
from skiagraph.testing.strategies import images

GRID = Grid(shape=(4, 12, 9), affine=np.diag([3.0, 1, 1, 1]), frame=derived_frame("grid"))
PLANE = Plane.upright(shape=(12, 9), spacing=(0.5, 0.3), frame=derived_frame("plane"))
RGB = ("red", "green", "blue")


def case_of(image):
    return Case(identifier="no patient", images={"image": image})


def read_back(case, folder):
    save(source_object(case, "image"), folder / "image.dcm")
    return read_case(folder / "image.dcm")


def check_place(back, image):
    """Lattices are one but for the order and direction of their axes."""
    if isinstance(image.space, Grid):
        assert index_map(dataclasses.replace(back.space, timeline=None), image.space).exact
        assert sorted(back.space.shape) == sorted(image.space.shape)
        assert back.space.frame == image.space.frame
    else:
        assert back.space.shape == image.space.shape
        assert spacing_of(back.space) == pytest.approx(spacing_of(image.space))


def values_on(back, image):
    """The values that were read, in the axes of the image."""
    if not isinstance(image.space, Grid):
        return pixels(back)
    still = dataclasses.replace(image.space, timeline=back.space.timeline)
    return pixels(resample_image(back, still))


@pytest.mark.parametrize("name", OTHER_SOURCES)
def test_each_source_is_valid_and_its_letter_lies_where_it_was(name, drawn_source, validator, tmp_path):
    source = drawn_source(name)
    back = read_back(source.case, tmp_path)
    assert validator(tmp_path / "image.dcm") == []
    image = source.case.image
    check_place(back.image, image)
    np.testing.assert_array_equal(values_on(back.image, image), pixels(image))
    here = to_world(image.space, np.argwhere(source.letter).astype(float))
    there = to_world(back.image.space, np.argwhere(marks(back) == 1).astype(float))
    np.testing.assert_allclose(ordered(there), ordered(here), atol=0.006)


@pytest.mark.parametrize("name", [name for name in OTHER_SOURCES if name != "PNG"])
def test_the_letter_lies_where_itk_puts_it(name, drawn_source, tmp_path):
    source = drawn_source(name)
    read_back(source.case, tmp_path)
    read = SimpleITK.ReadImage(str(tmp_path / "image.dcm"))
    original = SimpleITK.ReadImage(str(next(source.folder.iterdir())))

    def places(image):
        lit = np.argwhere(SimpleITK.GetArrayFromImage(image) > 2500)
        return ordered(
            np.array([image.TransformIndexToPhysicalPoint([int(n) for n in at[::-1]]) for at in lit])
        )

    np.testing.assert_allclose(places(read), places(original), atol=0.006)


@pytest.mark.parametrize("name", OTHER_SOURCES)
def test_its_uids_are_those_that_findings_refer_to(name, drawn_source):
    case = drawn_source(name).case
    origin = invented(case, "image")
    made = source_object(case, "image")
    ds = made.header
    assert (ds.SOPClassUID, ds.SOPInstanceUID) == (
        origin.instances[0].sop_class_uid,
        origin.instances[0].sop_instance_uid,
    )
    assert (ds.StudyInstanceUID, ds.SeriesInstanceUID) == (origin.study_uid, origin.series_uid)
    assert int(ds.NumberOfFrames) == origin.instances[0].frames
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert encoded(made) == encoded(source_object(case, "image"))
    assert ds.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert ds.PatientName == ""


def values(dtype, low, high, shape=GRID.shape):
    found = np.random.default_rng(1).uniform(low, high, shape)
    return (found if np.dtype(dtype).kind == "f" else found.round()).astype(dtype)


@pytest.mark.parametrize(("dtype", "low", "high"), [
    ("bool", 0, 1), ("uint8", 0, 255), ("uint16", 0, 65535), ("int16", 0, 3000), ("int16", -1024, 3071),
    ("int16", -32768, 32767), ("int32", -70000, -69000), ("int8", -128, 127),
])  # fmt: skip
@pytest.mark.parametrize("space", [GRID, PLANE], ids=["slices", "picture"])
def test_whole_numbers_that_16_bits_hold_come_back(dtype, low, high, space, validator, tmp_path):
    image = Image(data=values(dtype, low, high, space.shape), space=space)
    back = read_back(case_of(image), tmp_path)
    assert validator(tmp_path / "image.dcm") == []
    check_place(back.image, image)
    np.testing.assert_array_equal(values_on(back.image, image), image.data)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "float16"])
@pytest.mark.parametrize("unit", [None, HU], ids=["no unit", "a unit"])
def test_other_numbers_come_back_to_half_a_step_of_16_bits(dtype, unit, validator, tmp_path):
    image = Image(data=values(dtype, -30000, 60000), space=GRID, **({"quantity": unit} if unit else {}))
    back = read_back(case_of(image), tmp_path)
    assert validator(tmp_path / "image.dcm") == []
    step = np.ptp(image.data.astype(float)) / (2**16 - 2)
    off = np.abs(values_on(back.image, image) - image.data.astype(float)).max()
    assert off <= 0.51 * step
    assert unit is None or back.image.quantity == unit


def test_what_is_no_number_stays_none(tmp_path):
    data = values("float32", -1, 1)
    data[1, 2, 3], data[0, 0, 0] = np.nan, np.inf
    image = Image(data=data, space=GRID, quantity=HU)
    back = values_on(read_back(case_of(image), tmp_path).image, image)
    assert np.isnan(back[1, 2, 3])
    assert np.nanmax(np.abs(back - data)[np.isfinite(data)]) < 2e-5


@pytest.mark.parametrize("value", [0.0, 7.25, np.nan])
def test_one_value_everywhere_comes_back(value, tmp_path):
    image = Image(data=np.full(PLANE.shape, value, np.float32), space=PLANE, quantity=HU)
    np.testing.assert_allclose(pixels(read_back(case_of(image), tmp_path).image), image.data)


@pytest.mark.parametrize("timeline", [
    Timeline(times=np.array([0.0, 0.5, 1.0]), unit="s"),
    Timeline(times=np.array([0.0, 0.5, 1.25]), unit="s"),
    Timeline(times=np.arange(3.0)),
])  # fmt: skip
@pytest.mark.parametrize("still", [GRID, PLANE], ids=["slices", "picture"])
def test_films_come_back(still, timeline, validator, tmp_path):
    space = dataclasses.replace(still, timeline=timeline)
    image = Image(data=values("uint16", 0, 4000, (3, *still.shape)), space=space, modality="MR")
    back = read_back(case_of(image), tmp_path)
    assert validator(tmp_path / "image.dcm") == []
    np.testing.assert_allclose(back.image.space.timeline.times, timeline.times, atol=1e-9)
    assert back.image.space.timeline.unit == timeline.unit
    np.testing.assert_array_equal(values_on(back.image, image), image.data)


@pytest.mark.parametrize("channels", [RGB, (*RGB, "alpha"), ("a", "b")])
@pytest.mark.parametrize("still", [GRID, PLANE], ids=["slices", "picture"])
def test_colours_come_back_and_of_other_channels_the_first(still, channels, validator, tmp_path):
    data = values("uint8", 0, 255, (*still.shape, len(channels)))
    image = Image(data=data, space=still, channels=channels)
    back = read_back(case_of(image), tmp_path)
    assert validator(tmp_path / "image.dcm") == []
    coloured = channels[:3] == RGB
    assert back.image.channels == (RGB if coloured else ())
    shown = data[..., :3] if coloured else data[..., 0]
    if still is PLANE:
        np.testing.assert_array_equal(pixels(back.image), shown)
    else:
        assert np.array_equal(np.sort(pixels(back.image).ravel()), np.sort(shown.ravel()))


def test_windows_are_over_real_values_again(tmp_path):
    window = Window(low=-160.0, high=240.0, name="SOFT TISSUE")
    image = Image(data=values("int16", -1024, 2000), space=GRID, quantity=HU, windows=(window,))
    (back,) = read_back(case_of(image), tmp_path).image.windows
    assert (back.low, back.high, back.name) == (pytest.approx(-160), pytest.approx(240), "SOFT TISSUE")


@given(images())
@settings(max_examples=40)
def test_any_image_is_written(image):
    """Also one whose rows and columns do not stand at right angles: it has no place in the patient then."""
    case = case_of(image)
    made = source_object(case, "image")
    assert encoded(made) == encoded(source_object(case, "image"))
    assert ("FrameOfReferenceUID" in made.header) is (shown_planes(image.space).positions is not None)
