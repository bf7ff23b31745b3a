"""The geometry that readers get wrong: a CT of twelve slices, 5 mm apart, whose values say where they lie."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, generate_uid

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, to_world
from skiagraph.image import pixels
from skiagraph.io import read_case, read_study

FRAME = generate_uid(entropy_srcs=["frame"])
ROWS, COLUMNS, SPACING = 10, 14, np.array([0.7, 0.5])
FIRST = np.array([-10.0, -20.0, 100.0])
SLOPE = 0.002  # mm a stored step
WAYS = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0.3, -0.4, 0.5]])  # ramps along x, y, z and across


def places(offsets, normal=(0.0, 0.0, 1.0)):
    return [FIRST + offset * np.array(normal) for offset in offsets]


def ramp(position, right, down, way):
    """Stored values of one slice: the place of each pixel along `way`, in steps of SLOPE from FIRST."""
    row, column = np.indices((ROWS, COLUMNS))
    world = position + down * (SPACING[0] * row[..., None]) + right * (SPACING[1] * column[..., None])
    return np.rint(((world - FIRST) @ way) / SLOPE).astype(np.int16)


class Scan:
    """A way to write the slices; `tilt` is that of the gantry, in degrees."""

    def __init__(self, offsets, *, tilt=0.0, numbers=None, unnumbered=()):
        angle = np.deg2rad(tilt)
        self.right, self.down = np.array([1.0, 0, 0]), np.array([0, np.cos(angle), -np.sin(angle)])
        self.positions = places(offsets)
        self.numbers = list(range(len(offsets))) if numbers is None else numbers
        self.unnumbered = unnumbered

    def write(self, dicom, way):
        for k, position in enumerate(self.positions):
            elements = {} if k in self.unnumbered else {"InstanceNumber": self.numbers[k] + 1}
            path = dicom(
                ramp(position, self.right, self.down, way),
                f"scan/{(k * 7) % len(self.positions):02d}.dcm",
                modality="CT",
                sop_class=CTImageStorage,
                FrameOfReferenceUID=FRAME,
                ImagePositionPatient=position.tolist(),
                ImageOrientationPatient=[*self.right.tolist(), *self.down.tolist()],
                PixelSpacing=SPACING.tolist(),
                SliceThickness=5,
                RescaleSlope=SLOPE,
                RescaleIntercept=0,
                **elements,
            )
        return path.parent


class Enhanced(Scan):
    """The same in one multi-frame object, its frames shuffled."""

    def write(self, dicom, way):
        order = [(k * 7) % len(self.positions) for k in range(len(self.positions))]
        values = [ramp(self.positions[k], self.right, self.down, way) for k in order]
        shared, orientation, measures, rescale = Dataset(), Dataset(), Dataset(), Dataset()
        orientation.ImageOrientationPatient = [*self.right.tolist(), *self.down.tolist()]
        measures.PixelSpacing, measures.SliceThickness = SPACING.tolist(), 5
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = SLOPE, 0, "HU"
        shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
        shared.PixelValueTransformationSequence = [rescale]
        frames = []
        for k in order:
            frame, place = Dataset(), Dataset()
            place.ImagePositionPatient = self.positions[k].tolist()
            frame.PlanePositionSequence = [place]
            frames.append(frame)
        return dicom(
            np.stack(values),
            "scan/enhanced.dcm",
            modality="CT",
            sop_class=EnhancedCTImageStorage,
            FrameOfReferenceUID=FRAME,
            SharedFunctionalGroupsSequence=[shared],
            PerFrameFunctionalGroupsSequence=frames,
        ).parent


EVEN = [5.0 * k for k in range(12)]
MISSING = [5.0 * k for k in range(12) if k not in (4, 5)]
HALVES = [*(5.0 * k for k in range(8)), *(35 + 2.5 * k for k in range(1, 5))]
DOUBLES = [*(2.5 * k for k in range(8)), *(17.5 + 5 * k for k in range(1, 5))]
JITTER = np.cumsum([0, 5, 4.4, 5.2, 5.9, 4.8, 5.1, 5.0, 4.6, 5.7, 5.3, 5.0]).tolist()
TABLE = {
    # how it was scanned: the series, whether gaps may be filled, what is said
    "regular": (Scan(EVEN), False, ""),
    "two slices missing, filled": (Scan(MISSING), True, "missing between slices 4 and 5"),
    "spacing halves midway": (Scan(HALVES), False, "unevenly, 2.500 to 5.000 mm apart"),
    "spacing doubles midway": (Scan(DOUBLES), False, "unevenly, 2.500 to 5.000 mm apart"),
    "no two steps alike": (Scan(JITTER), False, "unevenly, 4.400 to 5.900 mm apart"),
    "gantry tilt of 20 degrees": (Scan(EVEN, tilt=20), False, ""),
    "tilt the other way": (Scan(EVEN, tilt=-20), False, ""),
    "tilt and spacing that halves": (Scan(HALVES, tilt=20), False, "unevenly"),
    "tilt and two slices missing, filled": (Scan(MISSING, tilt=20), True, "missing between"),
    "InstanceNumber shuffled": (Scan(EVEN, numbers=[(k * 5) % 12 for k in range(12)]), False, ""),
    "two slices without InstanceNumber": (Scan(EVEN, unnumbered=(3, 8)), False, ""),
    "all slices without InstanceNumber": (Scan(EVEN, unnumbered=range(12)), False, ""),
    "from head to feet": (Scan([-o for o in EVEN]), False, ""),
    "enhanced multi-frame": (Enhanced(EVEN), False, ""),
    "enhanced, tilted": (Enhanced(EVEN, tilt=20), False, ""),
    "enhanced, spacing halves midway": (Enhanced(HALVES), False, "unevenly"),
    "enhanced, two slices missing, filled": (Enhanced(MISSING), True, "missing between"),
}


@pytest.mark.parametrize("way", WAYS, ids=["x", "y", "z", "across"])
@pytest.mark.parametrize("name", TABLE)
def test_each_voxel_lies_where_its_value_says_within_a_hundredth_of_a_millimetre(dicom, name, way):
    scan, fill_gaps, said = TABLE[name]
    case = read_case(scan.write(dicom, way), fill_gaps=fill_gaps)
    space = case.image.space
    world = to_world(space, np.moveaxis(np.indices(space.shape), 0, -1).astype(float))
    assert np.abs(pixels(case.image) - (world - FIRST) @ way).max() < 0.01
    reach = np.ptp([p[2] for p in scan.positions])
    assert np.linalg.norm(np.ptp(world[:, 0, 0], axis=0)) == pytest.approx(reach, abs=1e-6)
    assert space.frame == FRAME
    assert said in " ".join(case.problems)
    assert bool(said) == bool(case.problems)


REFUSED = {
    "two slices missing": (
        Scan(MISSING),
        "got 15.000 mm between slices 4 and 5 of 10 (115.00 to 130.00 mm along",
    ),
    "one slice missing": (Scan([o for o in EVEN if o != 20]), "10.000 mm between slices 4 and 5 of 11"),
    "two gaps": (Scan([o for o in EVEN if o not in (10, 30, 35)]), "the widest of 2 gaps"),
    "enhanced, two slices missing": (Enhanced(MISSING), "15.000 mm between slices 4 and 5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_missing_slices_are_refused_and_the_gap_is_named(dicom, name):
    scan, said = REFUSED[name]
    with pytest.raises(FormatError) as caught:
        read_case(scan.write(dicom, WAYS[2]))
    assert said in str(caught.value)
    assert "--fill-gaps" in str(caught.value)


def test_places_that_the_file_rounds_are_left_and_said(dicom):
    offsets = [round(1.25 * k, 1) for k in range(12)]
    case = read_case(Scan(offsets).write(dicom, WAYS[2]))
    assert case.image.data.shape[0] == 12
    assert "mm off even steps" in case.problems[0]


# Which way the rows and columns of a picture run, by how the patient lies in a scanner whose gantry does not turn.
POSITIONS = {
    "HFS": ([1, 0, 0], [0, 1, 0]),
    "HFP": ([-1, 0, 0], [0, -1, 0]),
    "HFDR": ([0, 1, 0], [-1, 0, 0]),
    "HFDL": ([0, -1, 0], [1, 0, 0]),
    "FFS": ([-1, 0, 0], [0, 1, 0]),
    "FFP": ([1, 0, 0], [0, -1, 0]),
    "FFDR": ([0, -1, 0], [-1, 0, 0]),
    "FFDL": ([0, 1, 0], [1, 0, 0]),
}
MARKER = np.array([31.0, -12.0, 85.0])  # left, anterior and superior of the corner that all scans share


@pytest.mark.parametrize("position", POSITIONS)
def test_a_marker_lies_in_the_patient_where_it_is_however_the_patient_lies(dicom, position):
    right, down = (np.array(v, float) for v in POSITIONS[position])
    normal = np.cross(right, down)
    sizes, shape = np.array([2.0, 1.0]), (30, 60)
    centre = MARKER - 4 * normal * 3 - down * 11 * sizes[0] - right * 17 * sizes[1]
    for k in range(9):
        values = np.zeros(shape, np.int16)
        if k == 4:
            values[11, 17] = 1000
        dicom(
            values,
            f"scan/{(k * 4) % 9}.dcm",
            modality="CT",
            sop_class=CTImageStorage,
            PatientPosition=position,
            FrameOfReferenceUID=FRAME,
            ImagePositionPatient=(centre + 3 * k * normal).tolist(),
            ImageOrientationPatient=[*right.tolist(), *down.tolist()],
            PixelSpacing=sizes.tolist(),
            SliceThickness=3,
        )
    image = read_case(dicom.folder / "scan").image
    assert isinstance(image.space, Grid)
    at = np.argwhere(pixels(image) == 1000)
    np.testing.assert_allclose(to_world(image.space, at.astype(float)), [MARKER], atol=0.01)


def test_nothing_is_decoded_before_it_is_asked_for(dicom, monkeypatch):
    from skiagraph.io.dicom import picture

    folder = Scan(EVEN).write(dicom, WAYS[2])
    monkeypatch.setattr(picture, "decoded", None)
    study = read_study(folder)
    assert study.cases[0].image.data.shape == (12, ROWS, COLUMNS)
