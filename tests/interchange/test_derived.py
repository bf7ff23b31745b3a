"""Images that a model made come back as they were, and every reader sees that no scanner took them."""

import dataclasses

import numpy as np
import pytest
import SimpleITK
from battery import PROVENANCE, fields
from hypothesis import given, settings
from hypothesis import strategies as st
from sources import marks

from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.errors import FormatError, NoDicomHome
from skiagraph.findings import DerivedImage
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame
from skiagraph.image import DisplayTable, Image, Quantity, Window, pixels, resample_image
from skiagraph.image.quantity import GREY, HU
from skiagraph.interchange.derived import derived_image, read_derived_image
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded, save
from skiagraph.interchange.places import same_place
from skiagraph.io import read_case
from skiagraph.testing.strategies import images

CONTENT = content_of(PROVENANCE, "Clearer picture")
SERIES = Series(number=8, description="Clearer picture")
GRID = Grid(shape=(3, 4, 5), affine=np.diag([3.0, 1, 2, 1]), frame=derived_frame("derived"))
PLANE = Plane.upright(shape=(4, 5), spacing=(0.5, 0.25), frame=derived_frame("plane"))


def written(image, case=None, kind="enhanced"):
    case = case or Case(identifier="alone", images={"image": image})
    return derived_image(DerivedImage(image=image, kind=kind), case, SKIAGRAPH, SERIES, CONTENT)


def check_same(back, image):
    assert back.data.dtype == image.data.dtype
    np.testing.assert_array_equal(back.data, image.data)
    assert same_place(back.space, image.space)
    assert back.space.timeline == image.space.timeline
    assert (back.quantity, back.channels, back.modality) == (image.quantity, image.channels, image.modality)
    assert len(back.windows) == len(image.windows)
    for a, b in zip(back.windows, image.windows, strict=True):
        assert type(a) is type(b)
        assert a == b or isinstance(a, DisplayTable)


def check_comes_back(image, kind="enhanced"):
    back = read_derived_image(dataset_of(written(image, kind=kind)))
    assert back.kind == kind
    check_same(back.image, image)


def whole(dtype, low, high, shape=GRID.shape):
    values = np.linspace(low, high, int(np.prod(shape))).round().astype(dtype)
    return values.reshape(shape)


@given(images(), st.sampled_from(["enhanced", "translated", "synthetic"]))
@settings(max_examples=60)
def test_each_comes_back_or_has_no_home(image, kind):
    try:
        made = written(image, kind=kind)
    except NoDicomHome:
        oblique = isinstance(image.space, Grid)
        colour = bool(image.channels) and (len(image.channels) != 3 or image.data.dtype != np.uint8)
        assert oblique or colour or image.data.dtype.itemsize == 8
        return
    assert encoded(made) == encoded(written(image, kind=kind))
    back = read_derived_image(dataset_of(made))
    assert back.kind == kind
    check_same(back.image, image)


@pytest.mark.parametrize(("dtype", "low", "high", "kind"), [
    ("bool", 0, 1, "Grayscale Byte"),
    ("uint8", 0, 255, "Grayscale Byte"),
    ("uint16", 0, 65535, "Grayscale Word"),
    ("int8", -128, 127, "Parametric"),
    ("int16", -1024, 3071, "Parametric"),
    ("int16", -32768, 32767, "Parametric"),
    ("int32", -40000, 20000, "Parametric"),
    ("int32", -(2**31), 2**31 - 1, "Parametric"),
    ("uint32", 0, 2**32 - 1, "Parametric"),
    ("int64", 2**40, 2**40 + 9, "Parametric"),
    ("float16", -2, 2, "Parametric"),
    ("float32", -2, 2, "Parametric"),
    ("float64", -2, 2, "Parametric"),
])  # fmt: skip
def test_every_type_has_its_home(dtype, low, high, kind):
    image = Image(data=whole(dtype, low, high), space=GRID, quantity=GREY, modality="MR")
    assert kind in written(image).header.SOPClassUID.name
    check_comes_back(image)


@pytest.mark.parametrize("image", [
    Image(data=whole("int64", -(2**60), 2**60), space=GRID),
    Image(data=np.zeros((4, 5, 2), np.uint8), space=PLANE, channels=("a", "b")),
    Image(data=np.zeros((4, 5, 4), np.uint8), space=PLANE, channels=("red", "green", "blue", "alpha")),
    Image(data=np.zeros((4, 5, 3), np.uint16), space=PLANE, channels=("red", "green", "blue")),
])  # fmt: skip
def test_what_no_object_carries_is_refused(image):
    with pytest.raises(NoDicomHome):
        written(image)


def test_a_unit_stands_where_every_reader_looks_for_it():
    image = Image(data=whole("int16", -1000, 900), space=GRID, quantity=HU, modality="CT")
    item = written(image).header.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert item.MeasurementUnitsCodeSequence[0].CodeValue == "[hnsf'U]"
    assert item.RealWorldValueIntercept == -1000
    check_comes_back(image)


def test_a_quantity_of_ones_own_comes_back():
    unit = Code(value="mm2/s", scheme="UCUM", meaning="square millimetres per second")
    check_comes_back(
        Image(data=whole("float32", 0, 1), space=GRID, quantity=Quantity(name="diffusion", unit=unit))
    )


@pytest.mark.parametrize("windows", [
    (),
    (Window(low=-160.0, high=240.0, name="SOFT"),),
    (Window(low=0.125, high=0.7, name="A"), Window(low=1.0, high=9.0)),
    (Window(low=0.0, high=1.0, function="sigmoid"),),
    (Window(low=0.0, high=1.0), Window(low=0.0, high=2.0, function="sigmoid")),
    (DisplayTable(first=1.0, levels=np.array([0.0, 0.5, 1.0])),),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_windows_come_back(windows, dtype):
    check_comes_back(Image(data=whole(dtype, 0, 100), space=GRID, windows=windows))


@pytest.mark.parametrize("channels", [("red", "green", "blue"), ("x", "y", "z")])
@pytest.mark.parametrize("timeline", [
    None,
    Timeline(times=np.array([0.0])),
    Timeline(times=np.array([0.0, 0.04, 0.08]), unit="s"),
    Timeline(times=np.array([0.5, 0.75, 2.0]), unit="s"),
    Timeline(times=np.arange(3.0)),
])  # fmt: skip
@pytest.mark.parametrize("still", [GRID, PLANE], ids=["slices", "picture"])
def test_colours_come_back(still, timeline, channels):
    space = dataclasses.replace(still, timeline=timeline)
    shape = (() if timeline is None else (len(timeline),)) + still.shape
    check_comes_back(
        Image(data=whole("uint8", 0, 255, (*shape, 3)), space=space, channels=channels, modality="US")
    )


@pytest.mark.parametrize("kind", ["enhanced", "translated", "synthetic"])
@pytest.mark.parametrize("image", [
    Image(data=whole("uint8", 0, 255), space=GRID),
    Image(data=whole("float32", 0, 1), space=GRID),
    Image(data=whole("uint8", 0, 255, (4, 5, 3)), space=PLANE, channels=("red", "green", "blue")),
])  # fmt: skip
def test_every_reader_sees_that_a_model_made_it(image, kind):
    ds = written(image, kind=kind).header
    assert ds.ImageType[0] == "DERIVED"
    assert ds.SeriesDescription.lower().startswith(kind)
    assert ds.DerivationDescription.lower().startswith(f"{kind} image: made by software")
    assert ds.BurnedInAnnotation == "NO"
    assert ds.DerivationCodeSequence[0].CodeValue == "112187"
    assert len(ds.SourceImageSequence) == 1
    assert ds.ContributingEquipmentSequence[0].ManufacturerModelName == "letter finder"


def test_a_long_name_of_a_series_still_says_it():
    image = Image(data=whole("uint8", 0, 255), space=GRID)
    case = Case(identifier="alone", images={"image": image})
    made = derived_image(
        DerivedImage(image=image, kind="synthetic"),
        case,
        SKIAGRAPH,
        Series(number=1, description="long " * 30),
        CONTENT,
    )
    assert made.header.SeriesDescription.startswith("Synthetic: long")
    assert len(made.header.SeriesDescription) <= 64


def test_each_source_gets_a_valid_image_that_comes_back(source, validator, tmp_path):
    finding = fields(source)["derived image"]
    save(written(finding.image, source), tmp_path / "derived.dcm")
    assert validator(tmp_path / "derived.dcm") == []
    check_same(read_derived_image(dataset_of(written(finding.image, source))).image, finding.image)


@pytest.mark.parametrize("name", ["axial CT", "oblique MR", "decubitus CT", "sagittal MR", "tilted CT"])
def test_grey_levels_are_read_as_any_image_and_the_letter_lies_where_it_was(name, drawn_source, tmp_path):
    case = drawn_source(name).case
    grey = (marks(case) == 1).astype(np.uint8) * 200
    image = Image(data=grey, space=case.image.space, quantity=GREY, modality="CT")
    save(written(image, case), tmp_path / "derived.dcm")
    back = read_case(tmp_path / "derived.dcm").image
    assert back.space.frame == image.space.frame
    assert back.data.read().sum() == grey.sum()
    there = np.argwhere(back.data.read())
    here = np.argwhere(grey)
    a = np.sort(np.round((np.c_[there, np.ones(len(there))] @ back.space.affine.T)[:, :3], 2), axis=0)
    b = np.sort(np.round((np.c_[here, np.ones(len(here))] @ image.space.affine.T)[:, :3], 2), axis=0)
    np.testing.assert_allclose(a, b, atol=0.011)
    read = SimpleITK.ReadImage(str(tmp_path / "derived.dcm"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(read), grey)


def test_what_does_not_say_how_it_was_made_is_refused():
    ds = dataset_of(written(Image(data=whole("uint8", 0, 255), space=GRID)))
    ds.DerivationDescription = "Image: turned"
    with pytest.raises(FormatError, match="how it was made"):
        read_derived_image(ds)


def test_without_what_is_remembered_the_standard_attributes_are_enough():
    image = Image(data=whole("float32", 0, 1), space=GRID, quantity=HU)
    ds = dataset_of(written(image))
    del ds[0x00090010]
    del ds[0x00091001]
    back = read_derived_image(ds).image  # the order of its axes is that of its frames
    np.testing.assert_array_equal(pixels(resample_image(back, image.space)), image.data)
    assert back.quantity == HU
