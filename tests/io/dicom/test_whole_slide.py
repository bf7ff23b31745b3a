"""Whole slides: regions by level from the tiles that they touch, in places that agree, without the whole in memory."""

import json

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import VLWholeSlideMicroscopyImageStorage, generate_uid

from skiagraph.codecs.slide import fitting, region
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry import spacing_of, to_world
from skiagraph.image import pixels
from skiagraph.io import read_case
from skiagraph.io.dicom import whole_slide
from skiagraph.io.dicom.source import Source
from skiagraph.io.dicom.whole_slide import read_whole_slide, slide_case

TILE = (16, 20)
SLIDE = generate_uid(entropy_srcs=["slide"])


def matrix(rows, columns, *, seed=0):
    """A picture in which every pixel tells its place."""
    y, x = np.mgrid[:rows, :columns]
    return np.stack([y % 251, x % 253, (y // 7 + x // 5 + 40 * seed) % 256], axis=-1).astype(np.uint8)


def item(**elements):
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def tiles_of(picture):
    """Corners and tiles from left to right, from top to bottom; those at the edge are filled up."""
    rows, columns = picture.shape[:2]
    for top in range(0, rows, TILE[0]):
        for left in range(0, columns, TILE[1]):
            tile = np.full((*TILE, *picture.shape[2:]), 7, picture.dtype)
            part = picture[top : top + TILE[0], left : left + TILE[1]]
            tile[: part.shape[0], : part.shape[1]] = part
            yield (top, left), tile


@pytest.fixture
def write(dicom):
    """Writes one file of a slide; `planes` are pictures by (optical path, focal plane)."""

    def written(name, planes, *, kind="VOLUME", sparse=False, spacing=0.0005, leave_out=(), **more):
        first = next(iter(planes.values()))
        paths = list(dict.fromkeys(path for path, _ in planes))
        heights = sorted({height for _, height in planes})
        frames, groups = [], []
        for (path, height), picture in sorted(planes.items(), key=lambda p: (paths.index(p[0][0]), p[0][1])):
            for (top, left), tile in tiles_of(picture):
                if (top, left) in leave_out:
                    continue
                frames.append(tile)
                place = item(
                    RowPositionInTotalImagePixelMatrix=top + 1,
                    ColumnPositionInTotalImagePixelMatrix=left + 1,
                    XOffsetInSlideCoordinateSystem=0.0,
                    YOffsetInSlideCoordinateSystem=0.0,
                    ZOffsetInSlideCoordinateSystem=height,
                )
                groups.append(
                    item(
                        PlanePositionSlideSequence=Sequence([place]),
                        OpticalPathIdentificationSequence=Sequence([item(OpticalPathIdentifier=path)]),
                    )
                )
        measures = item(PixelSpacing=[spacing, spacing * 2], SliceThickness=0.001, SpacingBetweenSlices=0.002)
        elements = {
            "ImageType": ["ORIGINAL", "PRIMARY", kind, "NONE"],
            "TotalPixelMatrixRows": first.shape[0],
            "TotalPixelMatrixColumns": first.shape[1],
            "TotalPixelMatrixFocalPlanes": len(heights),
            "DimensionOrganizationType": "TILED_SPARSE" if sparse else "TILED_FULL",
            "OpticalPathSequence": Sequence([item(OpticalPathIdentifier=path) for path in paths]),
            "SharedFunctionalGroupsSequence": Sequence([item(PixelMeasuresSequence=Sequence([measures]))]),
            "SeriesInstanceUID": SLIDE,
            "FrameOfReferenceUID": generate_uid(entropy_srcs=["slide frame"]),
        }
        if sparse:
            elements["PerFrameFunctionalGroupsSequence"] = Sequence(groups)
        array = np.stack(frames)
        if array.ndim == 3 and len(array) == 1:
            more = {"NumberOfFrames": 1, **more}
        path = dicom(
            array,
            f"slide/{name}.dcm",
            modality="SM",
            sop_class=VLWholeSlideMicroscopyImageStorage,
            **(elements | more),
        )
        return Source(path=path)

    return written


@pytest.fixture
def files(write):
    """Three levels, not in order, with label, overview and thumbnail."""
    return [
        write("b", {("1", 0.0): matrix(60, 75)}, spacing=0.001),
        write("a", {("1", 0.0): matrix(120, 150)}),
        write("c", {("1", 0.0): matrix(30, 37)}, spacing=0.002, sparse=True),
        write("label", {("1", 0.0): matrix(16, 20, seed=1)}, kind="LABEL"),
        write("overview", {("1", 0.0): matrix(40, 50, seed=2)}, kind="OVERVIEW"),
        write("thumbnail", {("1", 0.0): matrix(12, 15, seed=3)}, kind="THUMBNAIL"),
    ]


def test_a_slide_has_its_levels_in_order_and_its_other_pictures_by_name(files):
    slide = read_whole_slide(files)
    assert [level.shape for level in slide.levels] == [(120, 150), (60, 75), (30, 37)]
    assert [level.spacing for level in slide.levels] == [(0.0005, 0.001), (0.001, 0.002), (0.002, 0.004)]
    assert sorted(slide.pictures) == ["label", "overview", "thumbnail"]
    np.testing.assert_array_equal(pixels(slide.pictures["label"]), matrix(16, 20, seed=1))
    np.testing.assert_array_equal(pixels(slide.pictures["overview"]), matrix(40, 50, seed=2))


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(
    ("corner", "size"),
    [((0, 0), (1, 1)), ((15, 19), (2, 2)), ((3, 5), (20, 30)), ((10, 0), (20, 37)), ((29, 36), (1, 1))],
)
def test_a_region_is_that_part_of_the_picture(files, level, corner, size):
    found = pixels(region(read_whole_slide(files), level, corner, size))
    whole = matrix(*[(120, 150), (60, 75), (30, 37)][level])
    rows, columns = slice(corner[0], corner[0] + size[0]), slice(corner[1], corner[1] + size[1])
    np.testing.assert_array_equal(found, whole[rows, columns])


@pytest.mark.parametrize(
    ("level", "corner", "size"),
    [
        (3, (0, 0), (1, 1)),
        (-1, (0, 0), (1, 1)),
        (0, (-1, 0), (2, 2)),
        (0, (100, 0), (21, 1)),
        (0, (0, 0), (0, 5)),
    ],
)
def test_a_region_outside_of_the_slide_is_refused(files, level, corner, size):
    with pytest.raises(InvalidInput):
        region(read_whole_slide(files), level, corner, size)


def test_only_the_tiles_that_a_region_touches_are_decoded(files, monkeypatch):
    asked = []
    real = whole_slide.stored_pixels
    monkeypatch.setattr(
        whole_slide, "stored_pixels", lambda s, h, frames: asked.append(frames) or real(s, h, frames)
    )
    part = region(read_whole_slide(files), 0, (10, 15), (10, 10))
    assert asked == []
    pixels(part)
    assert asked == [[0, 1, 8, 9]]


def test_places_agree_between_levels_and_regions(files):
    slide = read_whole_slide(files)
    fine, coarse = region(slide, 0, (20, 40), (8, 8)), region(slide, 1, (10, 20), (4, 4))
    assert spacing_of(coarse.space) == pytest.approx((0.001, 0.002))
    assert fine.space.frame == coarse.space.frame
    # The middle of a coarse pixel is the middle of the four fine ones that it stands for.
    four = to_world(fine.space, np.array([[0.5, 0.5]]))
    np.testing.assert_allclose(to_world(coarse.space, np.array([[0.0, 0.0]])), four, atol=1e-12)
    np.testing.assert_allclose(to_world(region(slide, 0, (0, 0), (1, 1)).space, np.array([[0.0, 0.0]])), 0)


@pytest.mark.parametrize("sparse", [True, False])
def test_optical_paths_and_focal_planes_are_told_apart(write, sparse):
    planes = {
        (path, height): matrix(40, 50, seed=10 * at + n)
        for at, path in enumerate(("red", "blue"))
        for n, height in enumerate((0.0, 2.0, 4.0))
    }
    slide = read_whole_slide([write("a", planes, sparse=sparse)])
    assert slide.optical_paths == ("red", "blue")
    np.testing.assert_allclose(slide.focal_planes, [0, 0.002, 0.004])
    for at, path in enumerate(slide.optical_paths):
        for n, height in enumerate((0.0, 2.0, 4.0)):
            found = region(slide, 0, (3, 4), (30, 40), optical_path=at, focal_plane=n)
            np.testing.assert_array_equal(pixels(found), planes[path, height][3:33, 4:44])
    assert "2 optical paths" in slide.problems[0]
    assert "3 focal planes" in slide.problems[1]
    with pytest.raises(InvalidInput, match="3 focal planes"):
        region(slide, 0, (0, 0), (1, 1), focal_plane=3)


def test_optical_paths_in_files_of_their_own_are_one_level(write):
    one, other = matrix(40, 50)[..., 0], matrix(40, 50, seed=5)[..., 1]
    slide = read_whole_slide([write("a", {("DAPI", 0.0): one}), write("b", {("FITC", 0.0): other})])
    assert (slide.channels, slide.optical_paths, len(slide.levels)) == ((), ("DAPI", "FITC"), 1)
    np.testing.assert_array_equal(pixels(region(slide, 0, (0, 0), (40, 50), optical_path=1)), other)


def test_tiles_that_are_left_out_are_white(write):
    source = write("a", {("1", 0.0): matrix(40, 50)}, sparse=True, leave_out=[(16, 20)])
    found = pixels(region(read_whole_slide([source]), 0, (0, 0), (40, 50)))
    assert (found[16:32, 20:40] == 255).all()
    np.testing.assert_array_equal(found[:16], matrix(40, 50)[:16])


def test_a_part_of_a_concatenation_knows_which_tiles_it_holds(write):
    whole = write("a", {("1", 0.0): matrix(48, 40)})
    header = __import__("pydicom").dcmread(whole.path)
    array = header.pixel_array
    parts = []
    for n, frames in enumerate((slice(0, 4), slice(4, 6))):
        header.PixelData = array[frames].tobytes()
        header.NumberOfFrames = len(array[frames])
        header.ConcatenationFrameOffsetNumber = frames.start
        header.save_as(whole.path.with_name(f"part{n}.dcm"))
        parts.append(Source(path=whole.path.with_name(f"part{n}.dcm")))
    found = pixels(region(read_whole_slide(parts), 0, (0, 0), (48, 40)))
    np.testing.assert_array_equal(found, matrix(48, 40))


@pytest.mark.parametrize(
    ("most", "shape", "words"),
    [
        (60_000, (120, 150), "all were read"),
        (15_000, (60, 75), "level 1 was read"),
        (4_000, (30, 37), "level 2 was read"),
        (900, (15, 18), "averaged"),
    ],
)
def test_a_case_has_the_finest_level_that_fits_and_says_so(files, most, shape, words):
    case = slide_case(read_whole_slide(files), "slide", most_bytes=most)
    assert case.images["image"].data.shape == (*shape, 3)
    assert sorted(case.images) == ["image", "label", "overview", "thumbnail"]
    assert words in case.problems[0]
    assert "120 x 150" in case.problems[0]
    assert pixels(case.images["image"]).shape == (*shape, 3)


def test_a_level_that_is_too_large_is_averaged_block_by_block(write, monkeypatch):
    monkeypatch.setattr("skiagraph.codecs.slide._BLOCK", 24)
    picture = matrix(120, 150)
    slide = read_whole_slide([write("a", {("1", 0.0): picture})])
    image, _ = fitting(slide, 120 * 150 * 3 // 16)
    expected = picture[:120, :148].reshape(30, 4, 37, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(pixels(image), expected, atol=0.51)
    assert spacing_of(image.space) == pytest.approx((0.002, 0.004))


def test_a_slide_in_a_folder_is_one_case(files):
    case = read_case(files[0].path.parent)
    assert case.identifier == SLIDE
    assert sorted(case.images) == ["image", "label", "overview", "thumbnail"]
    assert case.images["image"].modality == "SM"
    np.testing.assert_array_equal(pixels(case.images["image"]), matrix(120, 150))


def test_a_size_that_is_not_stated_for_tiles_comes_from_the_whole_or_is_unknown(write):
    more = {"SharedFunctionalGroupsSequence": Sequence([item()])}
    known = write("a", {("1", 0.0): matrix(40, 50)}, ImagedVolumeWidth=5.0, ImagedVolumeHeight=2.0, **more)
    assert read_whole_slide([known]).levels[0].spacing == pytest.approx((0.05, 0.1))
    unknown = read_whole_slide([write("b", {("1", 0.0): matrix(40, 50)}, **more)])
    assert unknown.levels[0].spacing is None
    assert region(unknown, 0, (0, 0), (2, 2)).space.unit == "pixel"


def test_a_slide_without_a_level_or_with_too_few_frames_is_refused(write, files):
    with pytest.raises(FormatError, match="has a level"):
        read_whole_slide(files[3:])
    with pytest.raises(FormatError):
        read_whole_slide([write("x", {("1", 0.0): matrix(40, 50)}, NumberOfFrames=99)])
    with pytest.raises(FormatError):
        read_whole_slide([write("y", {("1", 0.0): matrix(40, 50)}, TotalPixelMatrixRows=0)])


def test_info_tells_of_a_slide_without_decoding_it(files, monkeypatch):
    import typer
    from typer.testing import CliRunner

    from skiagraph.cli.info import info

    app = typer.Typer()
    app.command()(info)
    said = json.loads(CliRunner().invoke(app, [str(files[0].path.parent), "--json"]).stdout)
    assert said["studies"][0]["series"][0]["files"] == 6
    assert {row["image"] for row in said["images"]} == {"image", "label", "overview", "thumbnail"}
