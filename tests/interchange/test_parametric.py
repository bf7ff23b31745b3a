"""Heat maps become Parametric Maps and come back as they were; the maps of others are read."""

import dataclasses

import highdicom
import numpy as np
import pydicom
import pytest
from battery import LESION, PROVENANCE, fields
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.sr.codedict import codes as dicom_codes
from truth import LETTER, marked_places, objects, ordered

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.errors import FormatError, NoDicomHome
from skiagraph.findings import Heatmap
from skiagraph.geometry import Grid, Timeline, derived_frame, to_world
from skiagraph.image import Image
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.imported import imported
from skiagraph.interchange.object import dataset_of, encoded, save
from skiagraph.interchange.parametric import parametric_map, read_parametric_map, read_parametric_maps
from skiagraph.interchange.places import same_place
from skiagraph.testing.strategies import grids, planes, spaces, spatial_findings

CONTENT = content_of(PROVENANCE, "Anomaly")
SERIES = Series(number=7, description="Anomaly map")


def written(heat, case):
    return parametric_map(heat, case, SKIAGRAPH, SERIES, CONTENT)


def alone(space):
    """A case whose one image has the lattice of a finding."""
    shape = (() if space.timeline is None else (len(space.timeline),)) + space.shape
    return Case(identifier="alone", images={"image": Image(data=np.zeros(shape, np.uint8), space=space)})


def check_same(back, heat):
    assert back.values.dtype == heat.values.dtype
    np.testing.assert_array_equal(back.values, heat.values)
    assert same_place(back.space, heat.space)
    assert back.space.timeline == heat.space.timeline
    assert (back.concept, back.unit) == (heat.concept, heat.unit)


def grid(shape=(3, 4, 5), timeline=None):
    return Grid(shape=shape, affine=np.diag([3.0, 1, 2, 1]), frame=derived_frame("map"), timeline=timeline)


def heat_on(space, dtype="float32", seed=3):
    shape = (() if space.timeline is None else (len(space.timeline),)) + space.shape
    values = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    return Heatmap(space=space, values=values, concept=LESION, unit=codes.ONE)


@given(spaces().flatmap(lambda s: spatial_findings(space=s)).filter(lambda f: isinstance(f, Heatmap)))
@settings(max_examples=40)
def test_each_comes_back_or_has_no_home(heat):
    case = alone(heat.space)
    try:
        made = written(heat, case)
    except NoDicomHome:
        assert isinstance(heat.space, Grid)
        return
    assert encoded(made) == encoded(written(heat, case))
    check_same(read_parametric_map(dataset_of(made)), heat)


@given(st.one_of(grids(), planes()), st.sampled_from(["float16", "float32", "float64"]), st.integers(0, 99))
@settings(max_examples=30)
def test_every_float_comes_back_in_its_type(space, dtype, seed):
    heat = heat_on(space, dtype, seed)
    try:
        made = written(heat, alone(space))
    except NoDicomHome:
        return
    check_same(read_parametric_map(dataset_of(made)), heat)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_no_number_is_kept_and_stated_as_padding(value, dtype):
    values = np.arange(60, dtype=dtype).reshape(3, 4, 5)
    values[1, 2] = value
    heat = Heatmap(space=grid(), values=values, concept=LESION, unit=codes.ONE)
    made = written(heat, alone(heat.space))
    check_same(read_parametric_map(dataset_of(made)), heat)
    keyword = "FloatPixelPaddingValue" if dtype == "float32" else "DoubleFloatPixelPaddingValue"
    assert (keyword in made.header) is bool(np.isnan(value))


def test_a_map_without_any_number_comes_back():
    values = np.full((3, 4, 5), np.nan, np.float32)
    heat = Heatmap(space=grid(), values=values, concept=LESION, unit=codes.ONE)
    check_same(read_parametric_map(dataset_of(written(heat, alone(heat.space)))), heat)


def test_more_than_64_bits_have_no_home():
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("this machine has no wider float")
    heat = heat_on(grid(), "longdouble")
    with pytest.raises(NoDicomHome, match="64 bits"):
        written(heat, alone(heat.space))


def test_each_source_gets_a_valid_map_that_comes_back(source, validator, tmp_path):
    heat = fields(source)["heat map"]
    made = written(heat, source)
    save(made, tmp_path / "map.dcm")
    assert validator(tmp_path / "map.dcm") == []
    check_same(read_parametric_map(dataset_of(made)), heat)
    in_patient = isinstance(heat.space, Grid)
    for frame in dataset_of(made).PerFrameFunctionalGroupsSequence:
        assert ("PlanePositionSequence" in frame) is in_patient
    assert ("PlaneOrientationSequence" in made.header.SharedFunctionalGroupsSequence[0]) is in_patient
    assert made.header.FrameOfReferenceUID == heat.space.frame


@pytest.mark.parametrize("name", ["axial CT", "oblique MR", "sagittal MR", "decubitus CT", "enhanced MR"])
def test_others_find_the_letter_where_its_source_has_it(name, drawn_source, tmp_path):
    source = drawn_source(name)
    heat = fields(source.case)["heat map"]
    save(written(heat, source.case), tmp_path / "map.dcm")
    truth = marked_places(source.folder, LETTER)
    read = highdicom.imread(tmp_path / "map.dcm")
    volume = read.get_volume(dtype=np.float32)
    lit = np.argwhere(volume.array == 1)
    np.testing.assert_allclose(ordered(volume.map_indices_to_reference(lit)), truth, atol=1e-3)
    frames = read.get_frames(dtype=np.float64)
    assert np.nanmax(frames) == 1
    assert np.isnan(frames).sum() == np.isnan(heat.values).sum()


@pytest.mark.parametrize("name", ["axial CT", "decubitus CT", "oblique MR", "ultrasound cine", "enhanced MR"])
def test_each_frame_names_the_frame_that_it_was_made_of(name, drawn_source):
    case = drawn_source(name).case
    made = written(fields(case)["heat map"], case)
    origin = case.origins["image"]
    found = []
    for frame in dataset_of(made).PerFrameFunctionalGroupsSequence:
        item = frame.DerivationImageSequence[0].SourceImageSequence[0]
        uids = [i.sop_instance_uid for i in origin.instances]
        found.append((uids.index(item.ReferencedSOPInstanceUID), int(item.get("ReferencedFrameNumber", 1))))
    assert found == [tuple(int(n) for n in pair) for pair in origin.frames.reshape(-1, 2)]


def test_on_a_lattice_of_its_own_it_names_all_of_its_source(drawn_source):
    case = drawn_source("axial CT").case
    affine = np.diag([5.0, 5, 5, 1])
    space = Grid(shape=(2, 3, 4), affine=affine, frame=case.image.space.frame)
    heat = heat_on(space)
    made = written(heat, case)
    item = made.header.SharedFunctionalGroupsSequence[0].DerivationImageSequence[0]
    assert len(item.SourceImageSequence) == len(case.origins["image"].instances)
    assert {s.SpatialLocationsPreserved for s in item.SourceImageSequence} == {"NO"}
    check_same(read_parametric_map(dataset_of(made)), heat)


@pytest.mark.parametrize("timeline", [
    Timeline(times=np.array([0.0])),
    Timeline(times=np.array([0.25, 1.5]), unit="s"),
    Timeline(times=np.array([0.0, 2.0])),
    Timeline(times=np.array([0.0, 1.0]), unit="s", conditions={"echo_time": np.array([3.0, 9.0])}),
])  # fmt: skip
@pytest.mark.parametrize("still", [grid(), grid(shape=(1, 4, 5))], ids=["slices", "one slice"])
def test_moments_come_back(still, timeline):
    heat = heat_on(dataclasses.replace(still, timeline=timeline))
    check_same(read_parametric_map(dataset_of(written(heat, alone(heat.space)))), heat)


def foreign(source, array, mappings, **more):
    """A map that highdicom wrote over a CT."""
    return highdicom.pm.ParametricMap(
        source_images=objects(source.folder),
        pixel_array=array,
        series_instance_uid="1.2.3",
        series_number=1,
        sop_instance_uid="1.2.4",
        instance_number=1,
        manufacturer="Other",
        manufacturer_model_name="Other",
        software_versions="1",
        device_serial_number="1",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=mappings,
        voi_lut_transformations=[highdicom.VOILUTTransformation(window_center=1, window_width=2)],
        **more,
    )


def mapping(label, ends, slope, intercept=0.0, **more):
    return highdicom.pm.RealWorldValueMapping(
        lut_label=label,
        lut_explanation="of others",
        unit=dicom_codes.UCUM.Millimeter,
        value_range=ends,
        slope=slope,
        intercept=intercept,
        **more,
    )


def by_place(source, chosen=slice(None)):
    """The sources as highdicom takes them (in the order of their files), and where each lies in the lattice."""
    origin = source.case.origins["image"]
    uids = [i.sop_instance_uid for i in origin.instances]
    slices = {uids[int(index)]: n for n, (index, _) in enumerate(origin.frames[0])}
    return [slices[str(ds.SOPInstanceUID)] for ds in objects(source.folder)[chosen]]


@pytest.mark.parametrize("name", ["axial CT", "oblique MR"])
@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
def test_the_maps_of_highdicom_are_read(name, dtype, drawn_source):
    source = drawn_source(name)
    numbers = np.random.default_rng(5).integers(0, 900, source.case.image.data.shape)
    stored = numbers[by_place(source)].astype(dtype)
    whole = dtype == "uint16"
    ends = (0, 800) if whole else (0.0, 800.0)
    made = foreign(
        source, stored, [mapping("A", ends, 0.5, 1.0, quantity_definition=dicom_codes.SCT.Diameter)]
    )
    back = read_parametric_map(made)
    there = numbers if back.space.affine[:3, 0] @ source.case.image.space.affine[:3, 0] > 0 else numbers[::-1]
    expected = np.where(there <= 800, there * 0.5 + 1.0, np.nan)
    np.testing.assert_allclose(back.values, expected)
    assert back.unit == codes.MM
    assert back.concept.meaning == "Diameter"
    corner = to_world(back.space, np.zeros((1, 3)))
    ends_of = to_world(
        source.case.image.space, np.array([[0.0, 0, 0], [source.case.image.space.shape[0] - 1, 0, 0]])
    )
    assert np.abs(ends_of - corner).max(axis=1).min() < 1e-4


def test_a_map_of_several_quantities_is_several_heat_maps(drawn_source):
    source = drawn_source("axial CT")
    stored = np.random.default_rng(6).normal(size=(*source.case.image.data.shape, 2)).astype(np.float32)
    both = [[mapping("A", (-9.0, 9.0), 1.0)], [mapping("B", (-9.0, 9.0), 2.0)]]
    made = foreign(source, stored, both)
    with pytest.raises(FormatError, match="one parametric map"):
        read_parametric_map(made)
    first, second = read_parametric_maps(made)
    assert [type(finding) for finding in imported(made).findings] == [Heatmap, Heatmap]
    assert first.values.shape == second.values.shape == source.case.image.data.shape
    assert sorted(first.values.ravel()) == sorted(stored[..., 0].ravel())
    np.testing.assert_allclose(np.sort(second.values.ravel()), np.sort(stored[..., 1].ravel() * 2), rtol=1e-6)


def test_the_numbers_are_those_that_pydicom_reads(drawn_source, tmp_path):
    case = drawn_source("axial CT").case  # SimpleITK 2.5 reads no float pixel data
    heat = fields(case)["heat map"]
    save(written(heat, case), tmp_path / "map.dcm")
    np.testing.assert_array_equal(pydicom.dcmread(tmp_path / "map.dcm").pixel_array, heat.values)


def test_a_damaged_map_is_refused():
    heat = heat_on(grid())
    ds = dataset_of(written(heat, alone(heat.space)))
    del ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    with pytest.raises(FormatError, match="real world value mapping"):
        read_parametric_map(ds)
    ds = dataset_of(written(heat, alone(heat.space)))
    ds.FloatPixelData = ds.FloatPixelData[:-8]
    with pytest.raises(FormatError):
        read_parametric_map(ds)
