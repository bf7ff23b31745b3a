"""Registrations say which way they go, by points seen in both scans, and are the same after DICOM."""

import dataclasses

import numpy as np
import pydicom
import pytest
import SimpleITK
from battery import PROVENANCE, fields
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from scipy.spatial import KDTree
from sources import AXIAL, OBLIQUE, OTHER_SOURCES, ct
from truth import LETTER, marked_places

from skiagraph.case import Case
from skiagraph.errors import FormatError, NoDicomHome
from skiagraph.findings import DisplacementField
from skiagraph.geometry import Grid, Transform, derived_frame, to_world
from skiagraph.image import Image, pixels
from skiagraph.interchange.deformable import deformable_registration, read_deformable_registration
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded, save
from skiagraph.interchange.registration import read_spatial_registration, spatial_registration
from skiagraph.testing.strategies import frames, grids, planes, transforms
from skiagraph.testing.strategies.findings import displacements

SERIES = Series(number=8, description="registration")
CONTENT = content_of(PROVENANCE, "fixed and moving")
PATIENTS = ("axial CT", "oblique MR", "sagittal MR", "decubitus CT", "bare CT", *OTHER_SOURCES)
VOLUMES = [name for name in PATIENTS if name != "PNG"]


def rigid(transform, case):
    return spatial_registration(transform, case, SKIAGRAPH, SERIES, CONTENT)


def bent(field, case):
    return deformable_registration(field, case, SKIAGRAPH, SERIES, CONTENT)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two scans of one letter, elsewhere and otherwise turned: ``(case, way, folders)`` with the way from the first."""
    folder = tmp_path_factory.mktemp("pair")
    fixed, moving = ct(AXIAL, folder / "fixed"), ct(OBLIQUE, folder / "moving")
    images = {"fixed": fixed.image, "moving": moving.image}
    origins = {
        name: next(iter(case.origins.values())) for name, case in (("fixed", fixed), ("moving", moving))
    }
    case = Case(identifier="pair", images=images, origins=origins)
    way = moving.image.space.affine @ np.linalg.inv(fixed.image.space.affine)
    frames_of = fixed.image.space.frame, moving.image.space.frame
    return case, Transform(matrix=way, source=frames_of[0], target=frames_of[1]), folder


def assert_same_places(a, b):
    assert len(a) == len(b)
    assert KDTree(a).query(b)[0].max() < 1e-3


def field_of(pair):
    """The way of the pair as a field on the lattice of the fixed scan."""
    case, way, _ = pair
    space = case.images["fixed"].space
    places = to_world(space, np.moveaxis(np.indices(space.shape), 0, -1).astype(float))
    vectors = places @ way.matrix[:3, :3].T + way.matrix[:3, 3] - places
    return DisplacementField(space=space, vectors=vectors.astype(np.float32), target=way.target)


def test_a_matrix_brings_the_letter_from_the_scan_of_its_item_onto_that_of_the_object(pair):
    case, way, folder = pair
    ds = dataset_of(rigid(way, case))
    letter = {name: marked_places(folder / name, LETTER) for name in ("fixed", "moving")}
    scans = {i.FrameOfReferenceUID: i for i in ds.RegistrationSequence}
    assert ds.FrameOfReferenceUID == case.images["moving"].space.frame
    for name in ("fixed", "moving"):
        item = scans[case.images[name].space.frame]
        numbers = item.MatrixRegistrationSequence[0].MatrixSequence[0].FrameOfReferenceTransformationMatrix
        matrix = np.array(numbers, float).reshape(4, 4)
        assert_same_places(letter[name] @ matrix[:3, :3].T + matrix[:3, 3], letter["moving"])
        files = {pydicom.dcmread(path).SOPInstanceUID for path in (folder / name).glob("*.dcm")}
        assert {i.ReferencedSOPInstanceUID for i in item.ReferencedImageSequence} == files


def test_a_grid_leads_from_the_letter_in_the_registered_scan_to_that_in_the_source(pair):
    case, _, folder = pair
    ds = dataset_of(bent(field_of(pair), case))
    item = ds.DeformableRegistrationSequence[0]
    assert ds.FrameOfReferenceUID == case.images["fixed"].space.frame
    assert item.SourceFrameOfReferenceUID == case.images["moving"].space.frame
    field = itk_field(item.DeformableRegistrationGridSequence[0])
    letter = {name: marked_places(folder / name, LETTER) for name in ("fixed", "moving")}
    there = SimpleITK.DisplacementFieldTransform(field)
    moved = np.array([there.TransformPoint([float(v) for v in place]) for place in letter["fixed"]])
    assert_same_places(moved, letter["moving"])


def test_simpleitk_resamples_the_moving_scan_onto_the_fixed_one_through_the_grid(pair):
    case, _, folder = pair
    ds = dataset_of(bent(field_of(pair), case))
    there = SimpleITK.DisplacementFieldTransform(
        itk_field(ds.DeformableRegistrationSequence[0].DeformableRegistrationGridSequence[0])
    )
    fixed, moving = (itk_series(folder / name) for name in ("fixed", "moving"))
    warped = SimpleITK.Resample(moving, fixed, there, SimpleITK.sitkNearestNeighbor, -1024)
    expected = SimpleITK.GetArrayFromImage(fixed)
    inside = (slice(1, -1), slice(1, -1), slice(1, -1))  # rounding may push the outermost voxels out
    assert np.array_equal(SimpleITK.GetArrayFromImage(warped)[inside], expected[inside])
    assert np.array_equal(expected, pixels(case.images["fixed"]))


def itk_field(grid):
    """The grid as the standard lays it out (PS3.3 C.20.3.1), read without us."""
    columns, rows, slices = (int(n) for n in grid.GridDimensions)
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(slices, rows, columns, 3)
    image = SimpleITK.GetImageFromArray(vectors.astype(np.float64), isVector=True)
    right, down = np.array(grid.ImageOrientationPatient, float).reshape(2, 3)
    image.SetOrigin([float(v) for v in grid.ImagePositionPatient])
    image.SetSpacing([float(v) for v in grid.GridResolution])
    image.SetDirection(np.stack([right, down, np.cross(right, down)], axis=1).ravel().tolist())
    return image


def itk_series(folder):
    return SimpleITK.ReadImage(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))


@pytest.mark.parametrize("name", VOLUMES)
def test_registrations_of_every_volume_are_valid_and_the_same_again(name, drawn_source, validator, tmp_path):
    case = drawn_source(name).case
    found = fields(case)
    save(rigid(found["registration"], case), tmp_path / "rigid.dcm")
    save(bent(found["displacement"], case), tmp_path / "bent.dcm")
    for file in ("rigid.dcm", "bent.dcm"):
        assert validator(tmp_path / file) == [] or name == "bare CT"
    (transform,) = read_spatial_registration(pydicom.dcmread(tmp_path / "rigid.dcm"))
    assert_same_transform(transform, found["registration"])
    (field,) = read_deformable_registration(pydicom.dcmread(tmp_path / "bent.dcm"))
    assert_same_field(field, found["displacement"])


def test_a_case_with_both_scans_gives_valid_objects(pair, validator, tmp_path):
    case, way, _ = pair
    save(rigid(way, case), tmp_path / "rigid.dcm")
    save(bent(field_of(pair), case), tmp_path / "bent.dcm")
    assert validator(tmp_path / "rigid.dcm") == []
    assert validator(tmp_path / "bent.dcm") == []
    (field,) = read_deformable_registration(pydicom.dcmread(tmp_path / "bent.dcm"))
    assert_same_field(field, field_of(pair))


def assert_same_transform(a, b):
    assert (a.source, a.target) == (b.source, b.target)
    np.testing.assert_allclose(a.matrix, b.matrix, rtol=1e-9, atol=1e-9)


def assert_same_field(a, b):
    assert (a.space.shape, a.space.frame, a.space.timeline) == (
        b.space.shape,
        b.space.frame,
        b.space.timeline,
    )
    np.testing.assert_allclose(a.space.affine, b.space.affine, rtol=1e-6, atol=1e-6)
    assert a.target == b.target
    assert a.vectors.dtype == b.vectors.dtype
    assert np.array_equal(a.vectors, b.vectors)


def case_in(frame):
    space = Grid(shape=(2, 3, 4), affine=np.eye(4), frame=frame)
    return Case(
        identifier="made up", images={"image": Image(data=np.zeros((2, 3, 4), np.uint8), space=space)}
    )


@settings(max_examples=60, deadline=None)
@given(transform=transforms(3), frame=frames())
def test_any_transform_is_the_same_after_dicom(transform, frame):
    (again,) = read_spatial_registration(dataset_of(rigid(transform, case_in(frame))))
    assert_same_transform(again, transform)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_field_on_a_lattice_without_shear_is_the_same_after_dicom(data):
    field = data.draw(displacements(data.draw(grids(largest=4))))
    linear = field.space.affine[:3, :3] / np.linalg.norm(field.space.affine[:3, :3], axis=0)
    if np.abs(linear.T @ linear - np.eye(3)).max() > 1e-6:
        with pytest.raises(NoDicomHome, match="right angles"):
            bent(field, case_in(field.space.frame))
    else:
        (again,) = read_deformable_registration(dataset_of(bent(field, case_in(data.draw(frames())))))
        assert_same_field(again, field)


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_vectors_of_another_type_are_rounded_to_32_bits_and_keep_it(dtype, pair):
    exact = field_of(pair)
    field = dataclasses.replace(exact, vectors=(exact.vectors / 16).astype(dtype))
    (again,) = read_deformable_registration(dataset_of(bent(field, pair[0])))
    assert again.vectors.dtype == dtype
    assert np.array_equal(again.vectors, field.vectors.astype(np.float32).astype(dtype))


def test_vectors_too_long_for_32_bits_have_no_home(pair):
    exact = field_of(pair)
    field = dataclasses.replace(exact, vectors=np.full(exact.vectors.shape, 1e60))
    with pytest.raises(NoDicomHome, match="32-bit"):
        bent(field, pair[0])


@settings(max_examples=5, deadline=None)
@given(transform=transforms(2), data=st.data())
def test_what_lies_in_planes_has_no_home(transform, data):
    with pytest.raises(NoDicomHome, match="JSON"):
        rigid(transform, case_in(transform.target))
    field = data.draw(displacements(data.draw(planes(largest=3))))
    with pytest.raises(NoDicomHome, match="JSON"):
        bent(field, case_in(field.space.frame))


def test_what_is_written_twice_is_the_same_twice(pair):
    case, way, _ = pair
    assert encoded(rigid(way, case)) == encoded(rigid(way, case))
    assert encoded(bent(field_of(pair), case)) == encoded(bent(field_of(pair), case))


KINDS = {
    "RIGID": np.array([[0.0, -1, 0, 3], [1, 0, 0, 4], [0, 0, 1, 5], [0, 0, 0, 1]]),
    "RIGID_SCALE": np.diag([2.0, 3.0, 0.5, 1.0]),
    "AFFINE": np.array([[1.0, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
}


@pytest.mark.parametrize(("kind", "matrix"), [*KINDS.items(), ("AFFINE", np.diag([-1.0, 1.0, 1.0, 1.0]))])
def test_the_type_of_a_matrix_is_said(kind, matrix):
    one, other = derived_frame("one"), derived_frame("other")
    ds = dataset_of(rigid(Transform(matrix=matrix, source=one, target=other), case_in(one)))
    step = ds.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
    assert step.FrameOfReferenceTransformationMatrixType == kind


def item(**values):
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def step(matrix, kind="AFFINE"):
    return item(
        FrameOfReferenceTransformationMatrix=np.ravel(matrix).tolist(),
        FrameOfReferenceTransformationMatrixType=kind,
    )


def registered(frame, *steps):
    return item(FrameOfReferenceUID=frame, MatrixRegistrationSequence=[item(MatrixSequence=list(steps))])


def test_the_matrices_of_others_are_multiplied_in_their_order():
    one, other = derived_frame("one"), derived_frame("other")
    first, second = KINDS["RIGID"], KINDS["RIGID_SCALE"]
    ds = item(
        FrameOfReferenceUID=other,
        RegistrationSequence=[registered(other, step(np.eye(4))), registered(one, step(first), step(second))],
    )
    (found,) = read_spatial_registration(ds)
    assert (found.source, found.target) == (one, other)
    assert np.array_equal(found.matrix, first @ second)


def test_matrices_before_and_after_a_grid_of_others_become_part_of_its_vectors():
    one, other = derived_frame("one"), derived_frame("other")
    before, after = KINDS["RIGID"], KINDS["RIGID_SCALE"]
    vectors = np.arange(2 * 3 * 4 * 3, dtype="<f4").reshape(2, 3, 4, 3)
    grid = item(
        ImagePositionPatient=[1, 2, 3],
        ImageOrientationPatient=[0, 1, 0, 0, 0, 1],
        GridDimensions=[4, 3, 2],
        GridResolution=[1.0, 2.0, 5.0],
        VectorGridData=vectors.tobytes(),
    )
    ds = item(
        FrameOfReferenceUID=one,
        DeformableRegistrationSequence=[
            item(
                SourceFrameOfReferenceUID=other,
                PreDeformationMatrixRegistrationSequence=[step(before)],
                PostDeformationMatrixRegistrationSequence=[step(after)],
                DeformableRegistrationGridSequence=[grid],
            )
        ],
    )
    (found,) = read_deformable_registration(ds)
    place = np.array([1.0 + 1 * 5.0, 2 + 3 * 1.0, 3 + 2 * 2.0, 1.0])  # column 3, row 2, slice 1
    goes = after @ (before @ place + [*vectors[1, 2, 3], 0])
    assert np.allclose(to_world(found.space, np.array([1.0, 2, 3])), place[:3])
    assert np.allclose(place[:3] + found.vectors[1, 2, 3], goes[:3])
    assert (found.space.frame, found.target) == (one, other)


def test_damage_is_refused():
    one, other = derived_frame("one"), derived_frame("other")
    bad = registered(one, step(np.full((4, 4), 2.0)))
    with pytest.raises(FormatError):
        read_spatial_registration(item(FrameOfReferenceUID=other, RegistrationSequence=[bad]))
    with pytest.raises(FormatError):
        read_spatial_registration(item(FrameOfReferenceUID=other, RegistrationSequence=[]))
    with pytest.raises(FormatError):
        read_deformable_registration(item(FrameOfReferenceUID=other))


def test_a_deformation_that_is_not_defined_everywhere_is_refused(pair):
    ds = dataset_of(bent(field_of(pair), pair[0]))
    grid = ds.DeformableRegistrationSequence[0].DeformableRegistrationGridSequence[0]
    grid.VectorGridData = np.full(len(grid.VectorGridData) // 4, np.nan, "<f4").tobytes()
    with pytest.raises(FormatError, match="everywhere"):
        read_deformable_registration(ds)
