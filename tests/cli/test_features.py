"""`skiagraph features` as its users meet it: tables, what is written beside them, and refusals."""

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from skiagraph.cli.features import features
from skiagraph.codecs import nifti, picture
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, MissingInput, SkiagraphError, UnknownName
from skiagraph.features.sets import SETS
from skiagraph.findings import Provenance, Segment, Segmentation
from skiagraph.geometry import Grid, Plane, derived_frame, spacing_of
from skiagraph.image import Image
from skiagraph.image.quantity import GREY, LABEL
from skiagraph.interchange import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import save
from skiagraph.interchange.seg import segmentation_object
from skiagraph.io import read_case
from skiagraph.phantoms.drawn import write_drawn
from skiagraph.phantoms.pet import pet

APP = typer.Typer()
APP.command()(features)


def run(*arguments: object):
    done = CliRunner().invoke(APP, [str(one) for one in arguments])
    if done.exception is not None and isinstance(done.exception, SkiagraphError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def disc(radius: float, at=(32.0, 30.0)) -> np.ndarray:
    rows, columns = np.indices((64, 60))
    return np.hypot(rows - at[0], columns - at[1]) <= radius


def write_picture(path, data, quantity=GREY):
    path.parent.mkdir(exist_ok=True)
    space = Plane.upright(shape=data.shape, spacing=None, frame=derived_frame("test"))
    picture.write(Image(data=data.astype(np.uint8), space=space, quantity=quantity), path)


def grid(shape, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)) -> Grid:
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = origin
    return Grid(shape=shape, affine=affine, frame=derived_frame("grid"))


def write_volume(path, data, space, quantity=GREY):
    nifti.write(Image(data=data, space=space, quantity=quantity), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four discs of growing size as pictures, masks and a data set."""
    place = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(0)
    with (place / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["image", "mask", "label", "group", "split", "pixel_size_mm"])
        for n in range(4):
            mask = disc(8 + 4 * n)
            write_picture(place / "images" / f"{n}.png", 90 + 60 * mask + rng.normal(0, 8, mask.shape))
            write_picture(place / "masks" / f"{n}.png", 255 * mask, LABEL)
            kind = "large" if n > 1 else "small"
            lines.writerow([f"images/{n}.png", f"masks/{n}.png", kind, f"p{n}", "train", "0.5"])
    return place


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """A volume with two boxes, its mask, a mask on a coarser lattice, and one that lies elsewhere."""
    place = tmp_path_factory.mktemp("volume")
    rng = np.random.default_rng(1)
    labels = np.zeros((16, 20, 24), np.uint8)
    labels[2:8, 4:14, 4:12] = 1
    labels[10:14, 4:12, 12:20] = 2
    space = grid(labels.shape)
    write_volume(place / "image.nii.gz", rng.normal(100, 20, labels.shape).astype(np.float32), space)
    write_volume(place / "mask.nii.gz", labels, space, LABEL)
    coarse = grid((8, 10, 12), (2.0, 2.0, 2.0), (0.5, 0.5, 0.5))
    write_volume(place / "coarse.nii.gz", labels[::2, ::2, ::2], coarse, LABEL)
    far = grid((8, 10, 12), (2.0, 2.0, 2.0), (500.0, 0.0, 0.0))
    write_volume(place / "far.nii.gz", labels[::2, ::2, ::2], far, LABEL)
    write_volume(place / "moved.nii.gz", labels, grid(labels.shape, origin=(7.3, 0.0, 0.0)), LABEL)
    return place


def test_a_data_set_gives_a_row_a_case_with_what_is_known_of_it(folder, tmp_path):
    run(folder / "dataset.csv", "--set", "outline", "--csv", tmp_path / "out.csv")
    rows = table(tmp_path / "out.csv")
    assert [row["case"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["label"] for row in rows] == ["small", "small", "large", "large"]
    assert [row["group"] for row in rows] == ["p0", "p1", "p2", "p3"]
    areas = [float(row["outline_area"]) for row in rows]
    assert areas == [float(disc(8 + 4 * n).sum()) * 0.25 for n in range(4)]


def test_parameters_units_and_digests_are_written_beside_the_table(folder, tmp_path):
    run(
        folder / "dataset.csv",
        "--set",
        "glcm",
        "--set",
        "outline",
        "--levels",
        16,
        "--csv",
        tmp_path / "out.csv",
    )
    told = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert told["format"] == "skiagraph-features"
    assert told["parameters"]["glcm"]["levels"]["bins"] == 16
    assert told["columns"]["outline_area"]["unit"] == "mm2"
    assert told["columns"]["glcm_contrast"]["ibsi"] == "ACUI"
    assert len({row["mask_sha256"] for row in told["rows"]}) == 4
    assert list(table(tmp_path / "out.csv")[0])[6:] == list(told["columns"])
    assert {"skiagraph", "numpy", "scipy"} <= set(told["software"])


def test_the_same_input_gives_the_same_bytes(folder, tmp_path):
    for name in ("a", "b"):
        run(
            folder / "dataset.csv", "--set", "hu-moments", "--stability", 2, "--csv", tmp_path / f"{name}.csv"
        )
    for end in (".csv", ".json", "-stability.csv"):
        assert (tmp_path / f"a{end}").read_bytes() == (tmp_path / f"b{end}").read_bytes()


def test_a_folder_of_images_finds_masks_of_the_same_names(folder, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    for n in (0, 1, 3):
        (masks / f"{n}.png").write_bytes((folder / "masks" / f"{n}.png").read_bytes())
    done = run(
        folder / "images", "--mask", masks, "--pixel-size", 0.5, "--set", "shape", "--csv", tmp_path / "o.csv"
    )
    rows = table(tmp_path / "o.csv")
    assert [row["case"] for row in rows] == ["0", "1", "3"]
    assert "2: a folder of masks" in done.stderr
    assert "no mask of this name in masks" in done.stderr
    run(folder / "dataset.csv", "--set", "shape", "--csv", tmp_path / "same.csv")
    same = table(tmp_path / "same.csv")
    assert rows[2]["outline_perimeter"] == same[3]["outline_perimeter"]


def test_several_images_go_without_a_mask_and_are_described_whole(folder, tmp_path):
    files = [folder / "images" / f"{n}.png" for n in range(2)]
    run(*files, "--set", "statistics", "--csv", tmp_path / "o.csv")
    rows = table(tmp_path / "o.csv")
    assert [row["structure"] for row in rows] == ["whole image"] * 2
    mean = float(np.asarray(picture.read(files[0]).image.data).mean())
    assert float(rows[0]["statistics_mean"]) == pytest.approx(mean)


def test_one_image_without_a_file_is_shown_as_a_table_or_as_json(folder):
    image, mask = folder / "images" / "1.png", folder / "masks" / "1.png"
    shown = run(image, "--mask", mask, "--set", "boundary-moments").stdout
    assert "boundary moments" in shown
    told = json.loads(run(image, "--mask", mask, "--set", "boundary-moments", "--json").stdout)
    assert set(told["rows"][0]["values"]) | set(told["rows"][0]["reasons"]) == set(told["columns"])


def test_structures_of_a_volume_are_rows_and_families_of_outlines_are_left_out_with_a_reason(
    volume, tmp_path
):
    run(volume / "image.nii.gz", "--mask", volume / "mask.nii.gz", "--csv", tmp_path / "o.csv")
    rows = table(tmp_path / "o.csv")
    assert [row["structure"] for row in rows] == ["mask 1", "mask 2"]
    assert float(rows[0]["solid_volume_voxel_counting"]) == 6 * 10 * 8
    told = json.loads((tmp_path / "o.json").read_text("utf-8"))["rows"][0]
    assert set(told["left_out"]) == set(SETS["all"].left_out(3))


@pytest.mark.parametrize("label", ["2", "mask 2", "MASK 2"])
def test_a_structure_is_chosen_by_name_or_number(volume, label):
    told = json.loads(
        run(
            volume / "image.nii.gz",
            "--mask",
            volume / "mask.nii.gz",
            "--label",
            label,
            "--set",
            "solid",
            "--json",
        ).stdout
    )
    assert [row["structure"] for row in told["rows"]] == ["mask 2"]
    assert told["rows"][0]["values"]["solid_volume_voxel_counting"] == 4 * 8 * 8


def test_a_mask_on_another_lattice_is_brought_to_that_of_the_image(volume):
    told = json.loads(
        run(volume / "image.nii.gz", "--mask", volume / "coarse.nii.gz", "--set", "solid", "--json").stdout
    )
    found = [row["values"]["solid_volume_voxel_counting"] for row in told["rows"]]
    assert found == pytest.approx([480, 256], rel=0.25)


def test_a_missing_value_is_an_empty_cell_with_its_reason_beside(tmp_path):
    mask = np.zeros((20, 20))
    mask[4, 5] = 255
    write_picture(tmp_path / "image.png", np.full((20, 20), 7.0))
    write_picture(tmp_path / "mask.png", mask, LABEL)
    run(tmp_path / "image.png", "--mask", tmp_path / "mask.png", "--csv", tmp_path / "o.csv")
    (row,) = table(tmp_path / "o.csv")
    reasons = json.loads((tmp_path / "o.json").read_text("utf-8"))["rows"][0]["reasons"]
    assert row["glcm_correlation"] == ""
    assert reasons["glcm_correlation"]
    assert {key for key, cell in row.items() if cell == ""} == set(reasons)


def test_stability_tells_the_agreement_of_every_feature(folder, tmp_path):
    run(folder / "dataset.csv", "--set", "outline", "--stability", 4, "--csv", tmp_path / "o.csv")
    found = {row["feature"]: row for row in table(tmp_path / "o-stability.csv")}
    assert set(found) == set(list(table(tmp_path / "o.csv")[0])[6:])
    area = found["outline_area"]
    assert 0.8 < float(area["low"]) <= float(area["icc"]) <= float(area["high"]) <= 1
    assert area["cases"] == "4"
    assert found["outline_parts"]["icc"] == ""
    assert found["outline_parts"]["reason"] == "it is the same in all cases"


def test_objects_that_are_counted_have_a_row_each(tmp_path):
    for name, centres in (("a", 12), ("b", 14)):
        labels = np.zeros((90, 90))
        for n in range(centres):
            row, column = 12 + 20 * (n // 4), 12 + 20 * (n % 4)
            labels[row - 4 : row + 4, column - 5 : column + 5] = n + 1
        write_picture(tmp_path / "images" / f"{name}.png", 50 + 100 * (labels > 0))
        write_picture(tmp_path / "masks" / f"{name}.png", labels, LABEL)
    run(tmp_path, "--set", "outline", "--csv", tmp_path / "o.csv")
    rows = table(tmp_path / "o.csv")
    assert len(rows) == 26
    assert {float(row["outline_area"]) for row in rows} == {80.0}


# What is asked wrongly of the discs `d`, the volume `v` and an empty folder `t`; the error, and a word of its sentence.
REFUSED = {
    "an unknown set": (
        lambda d, v, t: (d / "images/1.png", "--set", "colour"),
        UnknownName,
        "classic outline",
    ),
    "no image": (lambda d, v, t: (d / "none.png",), MissingInput, "none.png"),
    "no mask": (lambda d, v, t: (d / "images/1.png", "--mask", d / "none.png"), MissingInput, "none.png"),
    "no picture": (lambda d, v, t: (t / "text.png",), InvalidInput, "text.png"),
    "no label map": (
        lambda d, v, t: (d / "images/1.png", "--mask", t / "text.png"),
        InvalidInput,
        "text.png",
    ),
    "another shape": (
        lambda d, v, t: (d / "images/1.png", "--mask", v / "mask.nii.gz"),
        InvalidInput,
        "shape",
    ),
    "elsewhere": (lambda d, v, t: (v / "image.nii.gz", "--mask", v / "far.nii.gz"), InvalidInput, "nowhere"),
    "beside": (
        lambda d, v, t: (v / "image.nii.gz", "--mask", v / "moved.nii.gz"),
        InvalidInput,
        "voxels apart",
    ),
    "one for many": (
        lambda d, v, t: (d / "images", "--mask", d / "masks/1.png"),
        InvalidInput,
        "one mask goes with",
    ),
    "a mask too many": (
        lambda d, v, t: (d / "dataset.csv", "--mask", d / "masks"),
        InvalidInput,
        "its own masks",
    ),
    "no structure": (
        lambda d, v, t: (v / "image.nii.gz", "--mask", v / "mask.nii.gz", "--label", 9),
        UnknownName,
        "mask 1",
    ),
    "levels twice": (
        lambda d, v, t: (d / "images/1.png", "--levels", 8, "--bin-width", 5),
        InvalidInput,
        "or a width",
    ),
    "one level": (lambda d, v, t: (d / "images/1.png", "--levels", 1), InvalidInput, "at least 2"),
    "one case": (
        lambda d, v, t: (d / "images/1.png", "--mask", d / "masks/1.png", "--stability", 3),
        InvalidInput,
        "two cases",
    ),
    "one shake": (lambda d, v, t: (d / "dataset.csv", "--stability", 1), InvalidInput, "twice or more"),
    "nothing to shake": (
        lambda d, v, t: (d / "images/1.png", "--stability", 3),
        InvalidInput,
        "without a mask",
    ),
    "no table": (lambda d, v, t: (d / "images/1.png", "--csv", t / "out.txt"), InvalidInput, ".csv"),
    "no folder": (
        lambda d, v, t: (d / "images/1.png", "--csv", t / "no/o.csv"),
        MissingInput,
        "folder that exists",
    ),
    "its own input": (
        lambda d, v, t: (d / "dataset.csv", "--csv", d / "dataset.csv"),
        InvalidInput,
        "made of",
    ),
    "no mask of a name": (
        lambda d, v, t: (d / "images", "--mask", t, "--csv", t / "o.csv"),
        InvalidInput,
        "no mask",
    ),
    "too much to show": (lambda d, v, t: (*[d / "images"] * 2, "--set", "statistics"), InvalidInput, "--csv"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(name, folder, volume, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    arguments, error, word = REFUSED[name]
    with pytest.raises(error) as raised:
        run(*arguments(folder, volume, tmp_path))
    assert word in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["text.png"]


def test_a_refusal_ends_with_exit_code_2(folder):
    program = Path(sys.executable).with_name("skiagraph")
    command = [str(program), "features", str(folder / "images" / "1.png"), "--set", "colour"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("skiagraph: sets of features are asked for by name")
    assert len(done.stderr.splitlines()) == 1


def test_a_dicom_segmentation_is_a_mask_and_nothing_tells_the_patient(tmp_path):
    write_drawn(pet(1, shape=(12, 48, 48)), tmp_path / "images", tmp_path / "truth")
    case = read_case(tmp_path / "images")
    labels = np.zeros(case.image.space.shape, np.uint8)
    labels[3:9, 10:30, 12:25] = 1
    tumour = Segment(number=1, code=Code(value="108369006", scheme="SCT", meaning="Tumor"), confidence=1.0)
    found = Segmentation(space=case.image.space, labels=labels, segments=(tumour,))
    content = content_of(
        Provenance(sources=(), model="hand", model_version="1", created=datetime(2026, 1, 1, tzinfo=UTC)),
        "outline",
    )
    series = Series(number=3, description="Outline")
    save(segmentation_object(found, case, SKIAGRAPH, series, content), tmp_path / "mask.dcm")
    done = run(
        tmp_path / "images", "--mask", tmp_path / "mask.dcm", "--label", "tumor", "--set", "solid", "--json"
    )
    (row,) = json.loads(done.stdout)["rows"]
    assert row["structure"] == "Tumor"
    volume = 6 * 20 * 13 * np.prod(spacing_of(case.image.space))
    assert row["values"]["solid_volume_voxel_counting"] == pytest.approx(volume)
    assert "Phantom^" not in done.output
    with pytest.raises(InvalidInput, match="without a segmentation"):
        run(tmp_path / "images", "--mask", next((tmp_path / "images").iterdir()), "--set", "solid")


def test_the_table_is_learnt_from_as_features_and_nothing_else(folder, tmp_path):
    """Names that look like numbers, and what else the data set knows, are no features."""
    for package in ("sklearn", "torch"):
        pytest.importorskip(package)
    from skiagraph.training.classical.table import table_of_csv

    run(folder / "dataset.csv", "--set", "hu-moments", "--csv", tmp_path / "o.csv")
    learnt = table_of_csv(tmp_path / "o.csv", label="label", group="group")
    assert learnt.columns == tuple(f"hu_moments_{k}" for k in range(1, 8))
    assert learnt.groups == ("p0", "p1", "p2", "p3")
    assert [learnt.target.labels[int(n)].name for n in learnt.truth] == ["small", "small", "large", "large"]
