"""Presentation states draw on the very pixels of the frames that they cite, by the files alone."""

import dataclasses
from itertools import product

import numpy as np
import pydicom
import pytest
from battery import LESION, LIVER, PROVENANCE, spatial_marks
from hypothesis import given, settings
from hypothesis import strategies as st
from pacs import differences
from sources import DICOM_SOURCES, SOURCES
from truth import marked_frames

from skiagraph.case import Case
from skiagraph.errors import NoDicomHome
from skiagraph.findings import Box, Boxes, Contour, Contours, Landmark, Landmarks
from skiagraph.geometry import Grid, derived_frame, to_world
from skiagraph.image import Image, Window, pixels, to_display
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded, save
from skiagraph.interchange.presentation import presentation_state
from skiagraph.interchange.source_image import source_object
from skiagraph.interchange.structure_set import filled, outlines
from skiagraph.io import read_case
from skiagraph.testing.strategies import spaces
from skiagraph.testing.strategies.findings import boxes, contours, landmarks

SERIES = Series(number=9, description="marks")
CONTENT = content_of(PROVENANCE, "letter")
GRID = Grid(shape=(5, 6, 7), affine=np.diag([1.0, 1, 2, 1])[:, [2, 1, 0, 3]], frame=derived_frame("marks"))


def drawn(finding, case):
    return presentation_state(finding, case, SKIAGRAPH, SERIES, CONTENT)


def graphics(ds):
    """By frame (SOPInstanceUID, number): kind and (column, row) of each graphic, and its words."""
    found = {}
    for item in ds.GraphicAnnotationSequence:
        lines = [
            (g.GraphicType, np.array(g.GraphicData, float).reshape(-1, 2)) for g in item.GraphicObjectSequence
        ]
        assert all(g.GraphicAnnotationUnits == "PIXEL" for g in item.GraphicObjectSequence)
        assert all(
            g.NumberOfGraphicPoints == len(p)
            for g, (_, p) in zip(item.GraphicObjectSequence, lines, strict=True)
        )
        words = [str(text.UnformattedTextValue) for text in item.TextObjectSequence]
        for image in item.ReferencedImageSequence:
            numbers = image.get("ReferencedFrameNumber", 1)
            for number in [numbers] if isinstance(numbers, int) else numbers:
                found[str(image.ReferencedSOPInstanceUID), int(number)] = lines, words
    return found


def letter_round(case, mask):
    """The outlines of the letter in the lattice of its image, at every moment and slice at which it is there."""
    space = case.image.space
    timed = mask if space.timeline is not None else mask[None]
    stacked = timed if space.ndim == 3 else timed[:, None]
    items = []
    for moment, number in product(range(len(stacked)), range(stacked.shape[1])):
        for line in outlines(stacked[moment, number]):
            index = np.insert(line, 0, number, axis=1) if space.ndim == 3 else line
            at = None if space.timeline is None else moment
            items.append(Contour(code=LIVER, points=to_world(space, index), moment=at))
    return Contours(space=space, items=tuple(items))


@pytest.mark.parametrize("name", DICOM_SOURCES)
def test_a_contour_is_drawn_round_the_letter_in_the_frame_that_holds_it(name, drawn_source):
    source = drawn_source(name)
    found = graphics(dataset_of(drawn(letter_round(source.case, source.letter), source.case)))
    lit = {key: values == 1 for key, values in marked_frames(source.folder).items() if (values == 1).any()}
    assert found.keys() == lit.keys()
    for key, mask in lit.items():
        ((kind, points),), words = found[key]
        assert (kind, words) == ("POLYLINE", ["Liver"])
        assert np.array_equal(points[0], points[-1])  # closed
        centres = points[:-1, ::-1] - 0.5  # the centre of the first pixel is 0.5\0.5 (PS3.3 C.10.5)
        assert np.array_equal(filled([centres], mask.shape), mask)


@pytest.mark.parametrize("name", [n for n in SOURCES if n not in DICOM_SOURCES])
def test_a_contour_is_drawn_round_the_letter_in_the_copy_of_an_image_that_was_no_dicom(name, drawn_source):
    source = drawn_source(name)
    ds = dataset_of(drawn(letter_round(source.case, source.letter), source.case))
    copy = dataset_of(source_object(source.case, next(iter(source.case.images))))
    stored = copy.pixel_array if copy.pixel_array.ndim == 3 else copy.pixel_array[None]
    (((uid, number), (lines, _)),) = graphics(ds).items()
    assert uid == copy.SOPInstanceUID
    mask = stored[number - 1] == stored.max()
    assert np.array_equal(filled([lines[0][1][:-1, ::-1] - 0.5], mask.shape), mask)


@pytest.mark.parametrize("name", DICOM_SOURCES)
def test_a_box_is_drawn_at_the_outer_edges_of_the_letter_and_a_landmark_at_a_pixel_centre(name, drawn_source):
    source = drawn_source(name)
    marks = spatial_marks(source.case)
    lit = {key: values == 1 for key, values in marked_frames(source.folder).items() if (values == 1).any()}
    ((key, (((_, box),), words)),) = graphics(dataset_of(drawn(marks["boxes"], source.case))).items()
    rows, columns = np.nonzero(lit[key])
    low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
    assert (box.min(axis=0).tolist(), box.max(axis=0).tolist()) == (list(low), list(high))
    assert words == ["Lesion 75%"]
    ((same, (points, words)),) = graphics(dataset_of(drawn(marks["landmarks"], source.case))).items()
    assert same == key
    assert [kind for kind, _ in points] == ["POINT", "POINT"]
    assert points[0][1].tolist() == [[low[0] + 0.5, low[1] + 0.5]]
    assert points[1][1].tolist() == [[high[0] - 0.5, low[1] + 0.5]]
    assert words == ["Lesion 50%", "Liver"]


@pytest.mark.parametrize("name", SOURCES)
def test_presentation_states_are_valid_and_the_same_again(name, drawn_source, validator, tmp_path):
    case = drawn_source(name).case
    for what in ("contours", "landmarks", "boxes"):
        finding = spatial_marks(case)[what]
        save(drawn(finding, case), tmp_path / "state.dcm")
        assert validator(tmp_path / "state.dcm") == [] or name == "bare CT"
        assert encoded(drawn(finding, case)) == (tmp_path / "state.dcm").read_bytes()


def test_stored_values_are_brought_to_the_window_of_the_image(drawn_source):
    case = drawn_source("axial CT").case
    ds = dataset_of(drawn(spatial_marks(case)["boxes"], case))
    assert (ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType) == (1, -1024, "HU")
    window = case.image.windows[0]
    (item,) = ds.SoftcopyVOILUTSequence
    half = float(item.WindowWidth) / 2
    assert item.VOILUTFunction == "LINEAR_EXACT"
    ends = float(item.WindowCenter) - half, float(item.WindowCenter) + half
    assert Window(low=ends[0], high=ends[1]) == dataclasses.replace(window, name="")
    assert ds.PresentationLUTShape == "IDENTITY"


def inverted(folder):
    """The X-ray as a file of which low values are bright."""
    (path,) = SOURCES["X-ray"](folder) and folder.rglob("*.dcm")
    ds = pydicom.dcmread(path)
    ds.PhotometricInterpretation, ds.PresentationLUTShape = "MONOCHROME1", "INVERSE"
    ds.PixelData = (4095 - ds.pixel_array).astype(np.uint16).tobytes()
    ds.save_as(path)
    return read_case(folder)


GREY = [name for name in DICOM_SOURCES if name != "photograph"]


@pytest.mark.parametrize("name", [*GREY, "inverted X-ray"])
def test_its_grey_levels_are_those_of_the_image(name, drawn_source, tmp_path):
    """The pipeline of PS3.4 N.2: stored values, modality LUT, VOI LUT, presentation LUT, all from the state alone."""
    case = inverted(tmp_path / "x") if name == "inverted X-ray" else drawn_source(name).case
    folder = tmp_path / "x" if name == "inverted X-ray" else drawn_source(name).folder
    state = dataset_of(drawn(spatial_marks(case)["boxes"], case))
    (image,) = state.ReferencedSeriesSequence[0].ReferencedImageSequence
    uid, number = image.ReferencedSOPInstanceUID, int(image.get("ReferencedFrameNumber") or 1)
    (ds,) = (d for d in map(pydicom.dcmread, folder.rglob("*.dcm")) if d.SOPInstanceUID == uid)
    stored = ds.pixel_array[number - 1] if "NumberOfFrames" in ds else ds.pixel_array
    values = stored * float(state.RescaleSlope) + float(state.RescaleIntercept)
    low, high = 0.0, 255.0
    if "SoftcopyVOILUTSequence" in state:
        (item,) = state.SoftcopyVOILUTSequence
        low, high = (float(item.WindowCenter) + float(item.WindowWidth) * side / 2 for side in (-1, 1))
    shown = np.rint(np.clip((values - low) / (high - low), 0, 1) * 255)
    assert state.PresentationLUTShape == "IDENTITY"
    (origin,) = case.origins.values()
    index = [i.sop_instance_uid for i in origin.instances].index(uid)
    ((moment, at),) = np.argwhere((origin.frames == (index, number)).all(axis=-1))
    levels = to_display(
        pixels(case.image), case.image.windows[0] if case.image.windows else whole(case.image)
    )
    frame = levels.reshape(*origin.frames.shape[:2], *shown.shape)[moment, at]
    assert np.abs(frame - shown).max() <= 1


def whole(image):
    """From the least to the greatest value; bytes as they are."""
    values = pixels(image)
    return None if values.dtype == np.uint8 else Window(low=float(values.min()), high=float(values.max()))


def test_the_whole_picture_is_shown_in_its_true_proportions(drawn_source):
    for name, keyword, value in (
        ("X-ray", "PresentationPixelSpacing", [0.8, 0.4]),
        ("PNG", "PresentationPixelAspectRatio", [1, 1]),
    ):
        case = drawn_source(name).case
        (area,) = dataset_of(drawn(spatial_marks(case)["boxes"], case)).DisplayedAreaSelectionSequence
        assert list(area.DisplayedAreaTopLeftHandCorner) == [1, 1]
        assert list(area.DisplayedAreaBottomRightHandCorner) == [19, 23]  # columns, rows
        assert [float(v) for v in area[keyword].value] == value


def test_a_colour_picture_has_a_colour_state_with_a_profile_of_an_input_device(drawn_source):
    case = drawn_source("photograph").case
    ds = dataset_of(drawn(spatial_marks(case)["boxes"], case))
    assert ds.SOPClassUID.name == "Color Softcopy Presentation State Storage"
    assert ds.ICCProfile[12:20] == b"scnrRGB "
    assert "PresentationLUTShape" not in ds


def made_up(space=GRID):
    times = () if space.timeline is None else (len(space.timeline),)
    return Case(
        identifier="made up",
        images={"image": Image(data=np.zeros((*times, *space.shape), np.uint8), space=space)},
    )


def by_frame(items):
    kind = {Box: Boxes, Contour: Contours, Landmark: Landmarks}[type(items[0])]
    ds = dataset_of(drawn(kind(space=GRID, items=tuple(items)), made_up()))
    return {number: lines for (_, number), (lines, _) in graphics(ds).items()}


def test_a_box_is_drawn_on_each_slice_between_its_edges_and_a_thin_one_on_the_nearest():
    box = Box(code=LESION, low=np.array([0.5, 1, 1]), high=np.array([3.4, 2, 2]))
    assert sorted(by_frame([box])) == [2, 3, 4]
    thin = Box(code=LESION, low=np.array([1.2, 1, 1]), high=np.array([1.4, 2, 2]))
    assert sorted(by_frame([thin])) == [2]


def test_a_contour_across_slices_is_a_point_on_each_that_it_cuts():
    ends = to_world(GRID, np.array([[0.5, 2.0, 1.0], [3.5, 2.0, 4.0]]))
    found = by_frame([Contour(code=LIVER, points=ends, closed=False)])
    assert {n: [(kind, p.tolist()) for kind, p in lines] for n, lines in found.items()} == {
        2: [("POINT", [[2.0, 2.5]])],
        3: [("POINT", [[3.0, 2.5]])],
        4: [("POINT", [[4.0, 2.5]])],
    }


def test_a_landmark_is_drawn_on_the_slice_nearest_to_it():
    point = to_world(GRID, np.array([2.4, 1.0, 3.0]))
    assert sorted(by_frame([Landmark(code=LIVER, point=point)])) == [3]


def test_marks_on_no_frame_have_no_presentation_state():
    far = Landmarks(space=GRID, items=(Landmark(code=LIVER, point=np.array([0.0, 0, 500])),))
    with pytest.raises(NoDicomHome, match="frames of an image"):
        drawn(far, made_up())
    elsewhere = Landmarks(
        space=Grid(shape=GRID.shape, affine=GRID.affine, frame=derived_frame("else")), items=far.items
    )
    with pytest.raises(NoDicomHome, match="in the frame of its marks"):
        drawn(elsewhere, made_up())


def drawn_or_none(finding, case):
    """None where a lattice has shear in its slices, or no mark lies on it."""
    try:
        return dataset_of(drawn(finding, case))
    except NoDicomHome as error:
        if "right angles" in str(error) or "frames of an image" in str(error):
            return None
        raise


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_marks_are_drawn_or_refused_for_a_reason(data):
    space = data.draw(spaces())
    finding = data.draw(st.one_of(contours(space), landmarks(space), boxes(space)))
    ds = drawn_or_none(finding, made_up(space))
    if ds is None:
        return
    assert graphics(ds)
    cited = {
        (str(i.ReferencedSOPInstanceUID), n)
        for i in ds.ReferencedSeriesSequence[0].ReferencedImageSequence
        for n in np.atleast_1d(i.ReferencedFrameNumber).tolist()
    }
    assert cited == graphics(ds).keys()


def test_a_state_of_a_file_is_read_by_pydicom(drawn_source, tmp_path):
    case = drawn_source("enhanced MR").case
    save(drawn(spatial_marks(case)["contours"], case), tmp_path / "state.dcm")
    assert pydicom.dcmread(tmp_path / "state.dcm").Modality == "PR"


@pytest.mark.parametrize("name", ["ultrasound cine", "photograph", "NIfTI LAS"])
def test_an_archive_gives_it_back_as_it_was(name, drawn_source, archive, tmp_path):
    case = drawn_source(name).case
    path = tmp_path / "state.dcm"
    save(drawn(spatial_marks(case)["contours"], case), path)
    ds = pydicom.dcmread(path)
    for way_in, way_out in (("stow", "wado"), ("c_store", "file")):
        archive.forget()
        getattr(archive, way_in)([path])
        assert differences(path, getattr(archive, way_out)(ds)) == []
