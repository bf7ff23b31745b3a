"""`skiagraph enhance`: geometry and type are kept, the picture shows what happened, refusals leave nothing."""

import json

import nibabel as nib
import numpy as np
import PIL.Image
import pytest
import typer
from typer.testing import CliRunner

from skiagraph.cli.enhance import enhance
from skiagraph.cli.parameters import asked
from skiagraph.errors import (
    FormatError,
    GeometryError,
    InvalidInput,
    MissingInput,
    SkiagraphError,
    UnknownName,
    UnknownSize,
)
from skiagraph.image import pixels
from skiagraph.io import read_case
from skiagraph.preprocess.filters import FILTERS, KNearest
from skiagraph.preprocess.regions import REGIONS


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(enhance)

    def invoke(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return invoke


@pytest.fixture
def picture(tmp_path):
    away = np.hypot(*(np.indices((40, 60)) - 20))
    noise = np.random.default_rng(5).normal(0, 8, away.shape)
    PIL.Image.fromarray((60 + 100 * (away < 12) + noise).astype(np.uint8)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.fixture
def volume(tmp_path):
    away = np.sqrt(((np.indices((12, 20, 24)) - 10) ** 2).sum(0))
    data = (100 * (away < 6) + np.random.default_rng(5).normal(50, 8, away.shape)).astype(np.int16)
    affine = np.array([[0, 0.9, 0, -5], [0, 0, 1.1, 7], [2.5, 0, 0, 9], [0, 0, 0, 1]])
    nib.Nifti1Image(data, affine).to_filename(tmp_path / "a.nii.gz")
    return tmp_path / "a.nii.gz"


def test_a_picture_is_filtered_as_in_python(run, picture, tmp_path):
    done = run(picture, "--filter", "k-nearest:window=5,k=9", "--out", tmp_path / "b.png")
    assert done.exit_code == 0
    assert str(tmp_path / "b.png") in done.stdout
    expected = pixels(KNearest(window=5, k=9)(read_case(picture).image))
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "b.png")), expected)


def test_a_volume_keeps_its_geometry_and_its_type(run, volume, tmp_path):
    out, roi = tmp_path / "b.nii.gz", tmp_path / "roi.nii.gz"
    words = ("--filter", "median", "--filter", "diffusion:steps=3", "--roi", "otsu")
    assert run(volume, *words, "--out", out, "--roi-out", roi).exit_code == 0
    before, after, region = (nib.load(path) for path in (volume, out, roi))
    assert np.allclose(after.affine, before.affine)
    assert np.allclose(region.affine, before.affine)
    assert after.get_data_dtype() == before.get_data_dtype() == np.int16
    assert np.asarray(after.dataobj).std() < np.asarray(before.dataobj).std()
    assert set(np.unique(np.asarray(region.dataobj))) == {0, 1}


def test_outside_of_the_mask_nothing_changes(run, picture, tmp_path):
    inside = np.zeros((40, 60), dtype=np.uint8)
    inside[5:20, 5:30] = 255
    PIL.Image.fromarray(inside).save(tmp_path / "mask.png")
    out = tmp_path / "b.png"
    run(picture, "--filter", "median", "--mask", tmp_path / "mask.png", "--out", out)
    before, after = (np.asarray(PIL.Image.open(path)) for path in (picture, out))
    assert np.array_equal(before[inside == 0], after[inside == 0])
    assert (before != after).any()


def test_the_picture_shows_before_after_and_the_difference(run, picture, tmp_path):
    shown = tmp_path / "shown.png"
    run(picture, "--filter", "median:window=5", "--roi", "otsu", "--picture", shown)
    sheet = np.asarray(PIL.Image.open(shown)).astype(int)
    high, wide = sheet.shape[:2]
    assert wide > 3 * 500
    assert 350 < high < 450  # the proportions of 40 x 60
    yellow = (sheet[..., 0] > 200) & (sheet[..., 2] < 60)
    thirds = [part.sum() for part in np.array_split(yellow, 3, axis=1)]
    assert thirds[1] > 500 > thirds[0] == thirds[2] == 0
    left, right = (sheet[100:150, at : at + 120, 0].std() for at in (400, 400 + 572))
    assert right < 0.6 * left
    assert abs(np.median(sheet[20:-40, 2 * wide // 3 + 20 : -20, 0]) - 128) < 12


def test_a_region_without_a_filter_is_shown_beside_the_image_alone(run, picture, tmp_path):
    shown = tmp_path / "shown.png"
    assert run(picture, "--roi", "otsu", "--picture", shown).exit_code == 0
    with PIL.Image.open(shown) as sheet:
        assert 2 * 500 < sheet.width < 3 * 500


def test_a_volume_shows_the_slice_with_something_to_see(run, volume, tmp_path):
    data = np.zeros(nib.load(volume).shape, dtype=np.uint8)
    data[1:4, 1:6, 1:6] = 1
    nib.Nifti1Image(data, nib.load(volume).affine).to_filename(tmp_path / "corner.nii.gz")
    shown = tmp_path / "shown.png"
    words = ("--filter", "median:window=5", "--mask", tmp_path / "corner.nii.gz", "--picture", shown)
    assert run(volume, *words).exit_code == 0
    sheet = np.asarray(PIL.Image.open(shown)).astype(int)
    last = sheet[20:-40, 2 * sheet.shape[1] // 3 + 20 : -20, 0]
    assert (np.abs(last - 128) > 20).mean() > 0.005
    assert run(volume, "--roi", "grown:seeds=0x0x0,tolerance=1", "--picture", shown).exit_code == 0
    sheet = np.asarray(PIL.Image.open(shown)).astype(int)
    assert ((sheet[..., 0] > 200) & (sheet[..., 2] < 60)).any()


def test_of_several_images_that_belong_together_one_is_chosen_by_name(run, tmp_path):
    from skiagraph.cli.phantom import phantom

    app = typer.Typer()
    app.command()(phantom)
    CliRunner().invoke(app, ["bone-scan", str(tmp_path / "scan")], catch_exceptions=False)
    words = (tmp_path / "scan" / "images", "--filter", "median", "--out", tmp_path / "out.nii.gz")
    with pytest.raises(UnknownName, match="--image: anterior, posterior"):
        run(*words)
    assert run(*words, "--image", "posterior").exit_code == 0
    expected = FILTERS["median"]()(read_case(words[0]).images["posterior"])
    found = pixels(read_case(tmp_path / "out.nii.gz").image)
    assert np.array_equal(np.sort(found, axis=None), np.sort(pixels(expected), axis=None))


def test_missing_slices_are_filled_where_that_is_asked(run, tmp_path):
    from skiagraph.cli.phantom import phantom

    app = typer.Typer()
    app.command()(phantom)
    CliRunner().invoke(app, ["tilted-ct", str(tmp_path / "ct")], catch_exceptions=False)
    images = sorted((tmp_path / "ct" / "images").rglob("*.dcm"))
    images[len(images) // 2].unlink()
    words = (tmp_path / "ct" / "images", "--filter", "median", "--out", tmp_path / "out.nii.gz")
    with pytest.raises(SkiagraphError, match="fill"):
        run(*words)
    assert run(*words, "--fill-gaps").exit_code == 0
    assert len(images) in nib.load(tmp_path / "out.nii.gz").shape


@pytest.mark.parametrize("name", ["volume", "picture"])
def test_every_filter_and_method_runs_by_its_name(name, run, request, tmp_path):
    source = request.getfixturevalue(name)
    middle = "grown:seeds=5x10x10" if name == "volume" else "grown:seeds=20x20+21x21,tolerance=30"
    for at, one in enumerate([*FILTERS, *REGIONS]):
        if name == "volume" and one == "grab-cut":
            continue
        text = {"match": f"match:reference={source}", "grown": middle}.get(one, one)
        out = tmp_path / f"{at}.nii.gz"
        words = ("--filter", text, "--out", out) if one in FILTERS else ("--roi", text, "--roi-out", out)
        assert run(source, *words, "--json").exit_code == 0
        assert out.is_file()


def test_the_list_names_every_filter_with_its_defaults(run):
    text = run("--list").stdout
    for name in (*FILTERS, *REGIONS):
        assert f"  {name}: " in text
    assert "window=3, k=4, unit=pixel" in text
    assert "reference=(needed)" in text
    listed = json.loads(run("--list", "--json").stdout)
    assert listed["filters"]["clahe"]["parameters"] == {"tiles": 8, "clip": 0.01, "bins": 256}
    assert listed["regions"]["grown"]["needs"] == ["seeds"]


def test_json_says_what_was_done(run, picture, tmp_path):
    words = ("--filter", "median:window=5", "--filter", "sharpen", "--roi", "watershed:smallest=9")
    done = run(picture, *words, "--roi-out", tmp_path / "r.png", "--json")
    said = json.loads(done.stdout)
    assert said["filters"] == ["median window=5", "sharpen"]
    assert said["region"] == "watershed smallest=9"
    assert said["to"] == {"roi-out": str(tmp_path / "r.png")}


def test_a_width_in_mm_takes_the_pixel_size_that_is_told(run, picture, tmp_path):
    words = (picture, "--filter", "median:window=1,unit=mm", "--out", tmp_path / "b.nii.gz")
    with pytest.raises(UnknownSize, match="pixel size"):
        run(*words)
    assert run(*words, "--pixel-size", "0.2").exit_code == 0


OUT = ("--out", "OUT.nii.gz")


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ((), InvalidInput, "needs an IMAGE"),
        (("IN",), InvalidInput, "--filter or a --roi"),
        (("IN", "--filter", "median"), InvalidInput, "--out, --roi-out or --picture"),
        (("IN", "--filter", "medium", *OUT), UnknownName, "one of k-nearest, median"),
        (("IN", "--filter", "median:size=3", *OUT), UnknownName, "median takes window, unit"),
        (("IN", "--filter", "median:3", *OUT), InvalidInput, "param=value"),
        (("IN", "--filter", "median:window=wide", *OUT), InvalidInput, "is a number"),
        (("IN", "--filter", "k-nearest:k=2.5", *OUT), InvalidInput, "whole number"),
        (("IN", "--filter", "median:unit=inch", *OUT), InvalidInput, "pixel, mm"),
        (("IN", "--filter", "median:window=-3", *OUT), InvalidInput, "above 0"),
        (("IN", "--filter", "match", *OUT), InvalidInput, "match needs reference"),
        (("IN", "--filter", "match:reference=none.png", *OUT), MissingInput, "none.png"),
        (("IN", "--roi", "otsu:bright=maybe", "--roi-out", "OUT.png"), InvalidInput, "yes or no"),
        (("IN", "--roi", "grown:seeds=a", "--roi-out", "OUT.png"), InvalidInput, "120x200"),
        (
            ("IN", "--roi", "grown:seeds=99x99", "--roi-out", "OUT.png"),
            GeometryError,
            "inside of the picture",
        ),
        (("IN", "--roi", "magic", "--roi-out", "OUT.png"), UnknownName, "one of otsu"),
        (("IN", "--roi", "otsu", *OUT), InvalidInput, "stays as it is"),
        (("IN", "--filter", "median", "--roi", "otsu", *OUT), InvalidInput, "written to --roi-out"),
        (("IN", "--filter", "median", "--roi-out", "OUT.png"), InvalidInput, "written to --roi-out"),
        (("IN", "--filter", "median", "--out", "IN"), InvalidInput, "name of its own"),
        (("IN", "--filter", "median", "--out", "OUT.dcm"), InvalidInput, "--out has a name that ends in"),
        (("IN", "--filter", "median", *OUT, "--picture", "OUT.jpg"), InvalidInput, "--picture has a name"),
        (("IN", "--filter", "median", "--out", "no/OUT.png"), MissingInput, "folder that exists"),
        (("none.png", "--filter", "median", *OUT), MissingInput, "none.png"),
        (("TEXT", "--filter", "median", *OUT), FormatError, "none of the formats"),
        (("IN", "--filter", "median", "--mask", "SMALL", *OUT), GeometryError, "shape of its image"),
        (("IN", "--filter", "median", "--mask", "EMPTY", *OUT), InvalidInput, "0 everywhere"),
        (("IN", "--mask", "SMALL", "--roi", "otsu", "--roi-out", "OUT.png"), InvalidInput, "for filters"),
        (("IN", "--filter", "median", "--image", "t1", *OUT), UnknownName, "one image is enhanced at a time"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(words, error, said, run, picture, monkeypatch):
    tmp_path = picture.parent
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no image")
    PIL.Image.fromarray(np.ones((4, 4), dtype=np.uint8)).save(tmp_path / "small.png")
    PIL.Image.fromarray(np.zeros((40, 60), dtype=np.uint8)).save(tmp_path / "empty.png")
    names = {"IN": str(picture), "TEXT": "text.png", "SMALL": "small.png", "EMPTY": "empty.png"}
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(SkiagraphError, match=said) as refused:
        run(*(names.get(word, word) for word in words))
    assert isinstance(refused.value, error)
    assert "\n" not in str(refused.value)
    assert sorted(tmp_path.rglob("*")) == there


def test_a_volume_is_no_png_and_is_refused_before_anything_is_written(run, volume, tmp_path):
    words = (
        "--filter",
        "median",
        "--out",
        tmp_path / "b.nii.gz",
        "--roi",
        "otsu",
        "--roi-out",
        tmp_path / "r.png",
    )
    with pytest.raises(InvalidInput, match="PNG holds one still picture"):
        run(volume, *words)
    assert not (tmp_path / "b.nii.gz").exists()


def test_a_mask_that_lies_elsewhere_is_refused(run, volume, tmp_path):
    there = nib.load(volume)
    nib.Nifti1Image(np.ones(there.shape, np.uint8), np.diag([1.0, 1, 1, 1])).to_filename(
        tmp_path / "m.nii.gz"
    )
    with pytest.raises(GeometryError, match="lies where its image lies"):
        run(volume, "--filter", "median", "--mask", tmp_path / "m.nii.gz", "--out", tmp_path / "b.nii.gz")


def test_a_caption_leaves_out_files_and_says_numbers_plainly(picture):
    one = asked(f"match:reference={picture}", FILTERS, what="a filter")
    assert one.said == "match"
    assert asked("median:window=3", FILTERS, what="a filter").said == "median window=3"
    assert asked("random-walk:seeds=auto,beta=90", REGIONS, what="a method").given == {
        "seeds": None,
        "beta": 90.0,
    }
    assert asked("grab-cut:box=1x2x3x4", REGIONS, what="a method").given == {"box": (1, 2, 3, 4)}


def test_colour_in_motion_is_shown_and_kept(run, tmp_path):
    frames = np.random.default_rng(1).integers(0, 200, (6, 20, 30, 3), dtype=np.uint8)
    from skiagraph.geometry import Plane, Timeline, derived_frame
    from skiagraph.image import Image
    from skiagraph.io import write_image

    time = Timeline(times=np.arange(6.0), unit="frame")
    space = Plane.upright(shape=(20, 30), spacing=None, frame=derived_frame("0" * 64), timeline=time)
    image = Image(data=frames, space=space, channels=("red", "green", "blue"))
    write_image(image, tmp_path / "cine.tif")
    out, shown = tmp_path / "done.tif", tmp_path / "shown.png"
    assert run(tmp_path / "cine.tif", "--filter", "clahe", "--out", out, "--picture", shown).exit_code == 0
    assert pixels(read_case(out).image).shape == frames.shape
    with PIL.Image.open(shown) as sheet:
        assert sheet.mode == "RGB"
