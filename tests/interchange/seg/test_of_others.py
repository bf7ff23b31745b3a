"""Segmentation objects that others wrote are read, voxel by voxel in their place; what cannot be is refused."""

import copy
import io
import warnings

import highdicom
import numpy as np
import pydicom
import pytest
from battery import LIVER, PROVENANCE, segmentations
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from truth import LETTER, POLE, marked_frames, marked_places, objects, ordered

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Plane, to_world
from skiagraph.interchange.facts import facts_of_frames, facts_of_groups
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of
from skiagraph.interchange.seg import read_segmentation, segmentation_object
from skiagraph.io import read_case

VOLUMES = ["axial CT", "oblique MR", "sagittal MR", "decubitus CT", "enhanced MR"]


def description(number):
    identity = highdicom.AlgorithmIdentificationSequence("other", codes.DCM.ArtificialIntelligence, "1")
    return SegmentDescription(
        segment_number=number,
        segment_label=f"segment {number}",
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.Liver if number == 1 else codes.SCT.Spleen,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=identity,
    )


def by_highdicom(source, pixels, kind="BINARY", **options):
    return highdicom.seg.Segmentation(
        source_images=objects(source.folder),
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=[description(1), description(2)],
        series_instance_uid=highdicom.UID(),
        series_number=9,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="other",
        manufacturer_model_name="other",
        software_versions="1",
        device_serial_number="1",
        **options,
    )


def found_frames(source):
    return np.stack(list(marked_frames(source.folder).values()))


def places(found, number):
    return ordered(to_world(found.space, np.argwhere(found.mask(number)).astype(float)))


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
@pytest.mark.parametrize("name", VOLUMES)
def test_those_of_highdicom_lie_where_the_letter_and_the_pole_lie(name, kind, drawn_source):
    source = drawn_source(name)
    found = read_segmentation(by_highdicom(source, found_frames(source), kind))
    assert [s.code for s in found.segments] == [
        LIVER,
        segmentations(source.case)["exclusive"].segments[1].code,
    ]
    assert found.kind == "exclusive"
    for which in (LETTER, POLE):
        assert np.allclose(places(found, which), marked_places(source.folder, which), atol=1e-4)
    if found.space.shape == source.case.image.space.shape:
        assert np.allclose(found.space.affine, source.case.image.space.affine, atol=1e-4)
        assert np.array_equal(found.labels, source.marks)
        assert found.space.frame == source.case.image.space.frame


def test_segments_that_overlap_come_apart(drawn_source):
    source = drawn_source("axial CT")
    marked = found_frames(source)
    both = np.stack([marked > 0, marked == POLE], axis=-1).astype(np.uint8)
    found = read_segmentation(by_highdicom(source, both))
    assert found.kind == "overlapping"
    assert np.array_equal(found.labels, np.stack([source.marks > 0, source.marks == POLE]))


def test_probabilities_come_with_the_labels_that_follow(drawn_source):
    source = drawn_source("axial CT")
    marked = found_frames(source)
    chances = np.stack([marked == 1, marked == 2], axis=-1) * np.float32(0.75)
    found = read_segmentation(by_highdicom(source, chances, "FRACTIONAL", max_fractional_value=100))
    assert np.allclose(found.probabilities[0], (source.marks == 1) * 0.75)
    assert np.array_equal(found.mask(2), source.marks == 2)


@pytest.mark.parametrize("name", ["X-ray", "photograph"])
def test_without_a_place_in_the_patient_it_lies_on_its_picture(name, drawn_source):
    source = drawn_source(name)
    marked = found_frames(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read_segmentation(by_highdicom(source, marked))
    space = source.case.image.space
    assert isinstance(found.space, Plane)
    assert (found.space.frame, found.space.shape) == (space.frame, space.shape)
    assert np.array_equal(found.labels, source.marks)


@pytest.mark.parametrize("file", ["liver_1frame.dcm", "liver_expb_1frame.dcm"])
def test_those_that_pydicom_ships_are_read(file):
    """Cut to one frame of three, in little and big endian; the groups of all three are still there."""
    ds = pydicom.dcmread(get_testdata_file(file))
    found = read_segmentation(ds)
    assert [(s.number, s.code.value, s.code.scheme) for s in found.segments] == [(1, "T-62000", "SRT")]
    assert found.space.shape == (1, 512, 512)
    assert np.array_equal(found.labels[0], ds.pixel_array)
    assert 0 < found.labels.mean() < 0.5
    assert np.allclose(found.space.affine[:3, 3], [-235.2, -226.8, -128.69])
    assert np.allclose(found.space.affine[:3, :3][:, ::-1], np.diag([0.810547, 0.810547, 1.0]))


@pytest.fixture
def ours(drawn_source):
    """Our own object without what is remembered beside the standard, as another would have written it."""

    def made(name, what="exclusive", form="auto"):
        case = drawn_source(name).case
        content = content_of(PROVENANCE, "what was found")
        series = Series(number=1, description="x")
        finding = segmentations(case)[what]
        ds = dataset_of(segmentation_object(finding, case, SKIAGRAPH, series, content, form=form))
        for element in list(ds.group_dataset(0x0009)):
            del ds[element.tag]
        return finding, ds

    return made


@pytest.mark.parametrize("form", ["auto", "labelmap"])
@pytest.mark.parametrize("name", [*VOLUMES, "tilted CT", "bare CT", "X-ray", "photograph"])
def test_the_attributes_alone_say_where_and_what(name, form, ours):
    finding, ds = ours(name, form=form)
    found = read_segmentation(ds)
    assert np.array_equal(found.labels, finding.labels)
    assert found.space.frame == finding.space.frame
    if isinstance(found.space, Grid):
        assert np.allclose(found.space.affine, finding.space.affine, atol=1e-9)


@pytest.mark.parametrize("name", ["ultrasound cine", "cardiac cine"])
@pytest.mark.parametrize("told_apart_by", ["index", "source"])
def test_moments_are_told_apart_by_their_index_or_by_what_they_were_made_of(name, told_apart_by, ours):
    finding, ds = ours(name)
    if told_apart_by == "source":
        for item in ds.PerFrameFunctionalGroupsSequence:
            del item.FrameContentSequence[0].TemporalPositionIndex
    found = read_segmentation(ds)
    assert np.array_equal(found.labels, finding.labels)
    assert found.space.timeline.unit == "s"
    assert np.array_equal(found.space.timeline.times, finding.space.timeline.times)


def test_frames_may_come_in_any_order_and_empty_ones_be_left_out(ours):
    finding, ds = ours("oblique MR")
    frames = ds.pixel_array
    kept = [n for n in np.random.default_rng(1).permutation(len(frames)) if frames[n].any()]
    ds.PerFrameFunctionalGroupsSequence = [ds.PerFrameFunctionalGroupsSequence[int(n)] for n in kept]
    ds.NumberOfFrames = len(kept)
    ds.PixelData = np.packbits(frames[kept].reshape(-1), bitorder="little").tobytes()
    found = read_segmentation(ds)
    assert np.array_equal(found.labels, finding.labels)
    assert np.allclose(found.space.affine, finding.space.affine, atol=1e-9)


def test_slices_between_others_that_were_left_out_are_empty(ours):
    finding, ds = ours("axial CT", "pole")
    frames = ds.pixel_array
    kept = [0, 2, 6]
    ds.PerFrameFunctionalGroupsSequence = [ds.PerFrameFunctionalGroupsSequence[n] for n in kept]
    ds.NumberOfFrames = len(kept)
    ds.PixelData = np.packbits(frames[kept].reshape(-1), bitorder="little").tobytes()
    found = read_segmentation(ds)
    assert found.space.shape == finding.space.shape
    assert [n for n in range(7) if found.labels[n].any()] == kept


def moved(ds, millimetres):
    item = ds.PerFrameFunctionalGroupsSequence[2]
    place = item.PlanePositionSequence[0].ImagePositionPatient
    item.PlanePositionSequence[0].ImagePositionPatient = [
        float(p) + m for p, m in zip(place, millimetres, strict=True)
    ]


def without_frames(ds):
    ds.NumberOfFrames, ds.PerFrameFunctionalGroupsSequence = 0, []


def twice(ds):
    items = ds.PerFrameFunctionalGroupsSequence
    for name in ("PlanePositionSequence", "DerivationImageSequence"):
        setattr(items[1], name, copy.deepcopy(items[0][name].value))


def turned(ds):
    turn = copy.deepcopy(ds.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence)
    turn[0].ImageOrientationPatient = [0, 1, 0, -1, 0, 0]
    ds.PerFrameFunctionalGroupsSequence[1].PlaneOrientationSequence = turn


REFUSED = {
    "lie evenly": lambda ds: moved(ds, (0, 0, 1.1)),
    "on one line": lambda ds: moved(ds, (5, 0, 0)),
    "as many pixels as it says": without_frames,
    "its functional groups": lambda ds: ds.PerFrameFunctionalGroupsSequence.pop(),
    "one frame at a place": twice,
    "parallel": turned,
    "as many pixels": lambda ds: setattr(ds, "PixelData", ds.PixelData[:10]),
    "a segment that is described|segment": lambda ds: delattr(ds, "SegmentSequence"),
    "DICOM Segmentation object": lambda ds: setattr(ds, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
    "what the standard asks for": lambda ds: delattr(ds, "Rows"),
    "binary, fractional": lambda ds: setattr(ds, "SegmentationType", "SOMETHING"),
}


@pytest.mark.parametrize("says", REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(says, ours):
    _, ds = ours("axial CT", "pole")
    REFUSED[says](ds)
    with pytest.raises(FormatError, match=says):
        read_segmentation(ds)


def test_tiles_of_a_slide_become_one_picture():
    for full in (False, True):
        whole = np.zeros((25, 33), bool)
        whole[3:20, 5:31] = True
        found = read_segmentation(tiled(whole, full=full))
        assert found.space.shape == whole.shape
        assert np.allclose(found.space.affine[:2, :2], [[0, 0.002], [0.001, 0]])
        assert np.array_equal(found.labels, whole)


def tiled(whole, *, full):
    """A segmentation of tiles of 16 by 16 pixels, sparse ones only where something is."""
    ds, shared, size, segment = Dataset(), Dataset(), Dataset(), Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.3"
    ds.SegmentationType, ds.Rows, ds.Columns, ds.BitsAllocated = "BINARY", 16, 16, 1
    ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns = whole.shape
    ds.DimensionOrganizationType = "TILED_FULL" if full else "TILED_SPARSE"
    size.PixelSpacing, segment.SegmentNumber, segment.SegmentLabel = [0.001, 0.002], 1, "Tumour"
    shared.PixelMeasuresSequence, ds.SegmentSequence = [size], [segment]
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], []
    padded = np.zeros((32, 48), bool)
    padded[: whole.shape[0], : whole.shape[1]] = whole
    pixels = []
    for row in (0, 16):
        for column in (0, 16, 32):
            item, place, named = Dataset(), Dataset(), Dataset()
            place.RowPositionInTotalImagePixelMatrix, place.ColumnPositionInTotalImagePixelMatrix = (
                row + 1,
                column + 1,
            )
            named.ReferencedSegmentNumber = 1
            item.PlanePositionSlideSequence, item.SegmentIdentificationSequence = [place], [named]
            tile = padded[row : row + 16, column : column + 16]
            if full or tile.any():
                pixels.append(tile)
                ds.PerFrameFunctionalGroupsSequence.append(item)
    ds.NumberOfFrames = len(pixels)
    if full:
        del ds.PerFrameFunctionalGroupsSequence
    ds.PixelData = np.packbits(np.stack(pixels).reshape(-1), bitorder="little").tobytes()
    return ds


def test_ours_lies_on_its_source_when_both_are_read_from_files(drawn_source, ours):
    for name in ("X-ray", "ultrasound cine", "tilted CT"):
        _, ds = ours(name)
        assert read_segmentation(ds).space.frame == read_case(drawn_source(name).folder).image.space.frame


@pytest.mark.parametrize("name", ["cardiac cine", "enhanced MR", "X-ray"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("lengths", ["stated", "open"])
def test_groups_that_are_decoded_once_say_what_all_of_them_say(name, syntax, lengths, ours):
    finding, ds = ours(name)
    if lengths == "open":
        for item in ds.PerFrameFunctionalGroupsSequence:
            item["FrameContentSequence"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    stored = io.BytesIO()
    ds.save_as(stored, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    quick = facts_of_frames(pydicom.dcmread(io.BytesIO(stored.getvalue())))
    again = pydicom.dcmread(io.BytesIO(stored.getvalue()))
    assert quick == [facts_of_groups(item) for item in again.PerFrameFunctionalGroupsSequence]
    assert facts_of_frames(again) == quick
    assert np.array_equal(read_segmentation(again).labels, finding.labels)
