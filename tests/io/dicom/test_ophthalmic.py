"""The eye: slices of a tomography lie where their file says on the picture of the fundus."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import OphthalmicTomographyImageStorage

from skiagraph.errors import GeometryError
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.io import read_case, read_study
from skiagraph.io.dicom.ophthalmic import fundus_finding, places_on_fundus

FRAME = derived_frame("fundus")
PLANE = Plane.upright(shape=(100, 200), spacing=(0.01, 0.02), frame=FRAME)


def groups(coordinates, *, orientation="LINEAR", uid="1.2.3"):
    ds, place = Dataset(), Dataset()
    place.ReferencedSOPInstanceUID, place.OphthalmicImageOrientation = uid, orientation
    place.ReferenceCoordinates = coordinates
    ds.OphthalmicFrameLocationSequence = Sequence([place])
    return ds


def test_coordinates_count_from_the_corner_of_the_first_pixel():
    (place,) = places_on_fundus(groups([0.5, 0.5, 10.5, 20.5]))
    assert (place.uid, place.orientation) == ("1.2.3", "LINEAR")
    assert place.points.tolist() == [[0, 0], [10, 20]]


@pytest.mark.parametrize("coordinates", [[1.0, 2.0], [1.0, 2.0, 3.0]])
def test_a_place_of_one_point_or_of_half_a_point_is_none(coordinates):
    assert places_on_fundus(groups(coordinates)) == ()
    assert places_on_fundus(None) == ()


def test_slices_are_lines_in_millimetres_on_the_fundus():
    places = places_on_fundus(groups([50.5, 0.5, 50.5, 100.5]))
    (line,) = fundus_finding(places, "1.2.3", PLANE)["oct_slices"].items
    np.testing.assert_allclose(line.points, [[0, 0.5], [2.0, 0.5]])  # x right, y down
    assert not line.closed


def test_an_area_is_a_closed_rectangle():
    places = places_on_fundus(groups([10.5, 20.5, 30.5, 40.5], orientation="TRANSVERSE"))
    (area,) = fundus_finding(places, "1.2.3", PLANE)["oct_slices"].items
    np.testing.assert_allclose(area.points, [[0.4, 0.1], [0.8, 0.1], [0.8, 0.3], [0.4, 0.3]])
    assert area.closed


def test_places_on_another_picture_are_not_drawn_on_this_one():
    assert fundus_finding(places_on_fundus(groups([1, 1, 2, 2])), "9.9", PLANE) == {}


def test_the_fundus_is_a_flat_picture():
    with pytest.raises(GeometryError, match="flat"):
        fundus_finding((), "1.2", Grid(shape=(1, 2, 2), affine=np.eye(4), frame=FRAME))


@pytest.fixture
def tomography(dicom):
    """Writes three slices of an eye that lie on a picture of the fundus, row 10, 20 and 30."""
    frames = [groups([row + 0.5, 0.5, row + 0.5, 100.5]) for row in (10, 20, 30)]
    for ds in frames:
        ds.PlanePositionSequence = []
    return dicom(
        np.zeros((3, 4, 6), np.uint8),
        "eye/oct.dcm",
        modality="OPT",
        sop_class=OphthalmicTomographyImageStorage,
        PerFrameFunctionalGroupsSequence=frames,
    )


def test_the_slices_of_a_tomography_are_known_on_the_fundus_of_its_study(dicom, tomography):
    fundus = np.zeros((100, 200, 3), np.uint8)
    dicom(fundus, "eye/fundus.dcm", modality="OP", SOPInstanceUID="1.2.3")
    dicom(fundus, "eye/other.dcm", modality="OP", SOPInstanceUID="1.2.4")
    cases = {case.identifier: case for case in read_study(tomography.parent).cases}
    lines = cases["fundus"].known["oct_slices"]
    assert [line.points[:, 1].tolist() for line in lines.items] == [[10, 10], [20, 20], [30, 30]]
    assert lines.space is cases["fundus"].image.space
    assert not cases["other"].known
    assert not cases["oct"].known


def test_a_tomography_without_its_fundus_is_read(tomography):
    assert read_case(tomography).image.data.shape == (3, 4, 6)
