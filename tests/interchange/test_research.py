"""Findings for research: labels and values lie over their image, names of segments stay, tables and JSON say it all."""

import csv
import json
from datetime import UTC, datetime

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from skiagraph import codes
from skiagraph.codecs import nifti, nrrd
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    ClassScore,
    Contour,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Findings,
    Heatmap,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Provenance,
    Segment,
    Segmentation,
    Text,
    Track,
    Tracks,
)
from skiagraph.geometry import Grid, Plane, Timeline
from skiagraph.image import Image, pixels
from skiagraph.interchange.research import FORMAT, fields_of, write_field, write_json
from skiagraph.interchange.table import COLUMNS, rows, write_table
from skiagraph.plain import from_plain
from skiagraph.testing.strategies.findings import findings

LIVER = Code(value="10200004", scheme="SCT", meaning="Liver")
ODD = Code(value="A1", scheme="99SITE", meaning="Größe: 5 \\ 6")
PROVENANCE = Provenance(
    sources=(), model="m", model_version="1", created=datetime(2026, 11, 21, tzinfo=UTC), engine="none"
)


@pytest.fixture
def grid():
    """Oblique, with three different spacings."""
    a, b = np.cos(0.3), np.sin(0.3)
    axes = np.array([[0.0, 0.0, 0.9], [a, -b, 0.0], [b, a, 0.0]]) @ np.diag([3.0, 0.8, 1.0])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, (-40.0, 12.0, 300.0)
    return Grid(shape=(5, 7, 9), affine=affine, frame="2.25.5")


@pytest.fixture
def liver(grid, rng):
    labels = rng.integers(0, 2, grid.shape).astype(np.int32) * 7
    return Segmentation(space=grid, labels=labels, segments=(Segment(number=7, code=LIVER),))


@pytest.mark.parametrize(("how", "codec"), [("nifti", nifti), ("nrrd", nrrd)])
def test_labels_lie_where_their_image_lies(liver, tmp_path, how, codec):
    (part,) = fields_of(liver)
    path, _ = write_field(part, tmp_path, "segmentation", how)
    back = codec.read(path).image
    assert np.array_equal(pixels(back), liver.labels)
    assert pixels(back).dtype == np.uint8
    assert back.space.affine == pytest.approx(liver.space.affine, abs=1e-4)


def test_labels_overlay_their_source_in_nibabel_and_simpleitk(liver, grid, tmp_path):
    source = Image(data=(liver.labels > 0).astype(np.float32), space=grid)
    nifti.write(source, tmp_path / "source.nii.gz")
    for how in ("nifti", "nrrd"):
        write_field(fields_of(liver)[0], tmp_path, "labels", how)
    image, labels = (nibabel.load(tmp_path / f"{name}.nii.gz") for name in ("source", "labels"))
    assert np.array_equal(image.affine, labels.affine)
    assert np.array_equal(np.asarray(image.dataobj) > 0, np.asarray(labels.dataobj) == 7)
    theirs = SimpleITK.ReadImage(str(tmp_path / "labels.seg.nrrd"))
    reference = SimpleITK.ReadImage(str(tmp_path / "source.nii.gz"))
    assert theirs.GetOrigin() == pytest.approx(reference.GetOrigin(), abs=1e-4)
    assert theirs.GetDirection() == pytest.approx(reference.GetDirection(), abs=1e-5)
    same = SimpleITK.GetArrayFromImage(theirs) == 7
    assert np.array_equal(same, SimpleITK.GetArrayFromImage(reference) > 0)


@pytest.mark.parametrize("code", [LIVER, ODD])
def test_nrrd_keeps_the_names_of_segments_as_slicer_reads_them(liver, tmp_path, code):
    named = Segmentation(space=liver.space, labels=liver.labels, segments=(Segment(number=7, code=code),))
    path, _ = write_field(fields_of(named)[0], tmp_path, "x", "nrrd")
    assert path.name == "x.seg.nrrd"
    head = path.read_bytes().split(b"\n\n")[0].decode().splitlines()
    keys = dict(line.split(":=", 1) for line in head if ":=" in line)
    assert keys["Segment0_Name"].replace("\\\\", "\\") == code.meaning
    assert (keys["Segment0_LabelValue"], keys["Segment0_ID"]) == ("7", "Segment_7")
    theirs = SimpleITK.ReadImage(str(path))
    assert theirs.GetMetaData("Segment0_LabelValue") == "7"


def test_segments_that_overlap_become_a_file_each(grid):
    both = np.stack([np.ones(grid.shape, bool), np.zeros(grid.shape, bool)])
    segments = (Segment(number=4, code=LIVER), Segment(number=9, code=codes.HEAD))
    parts = fields_of(Segmentation(space=grid, labels=both, segments=segments, kind="overlapping"))
    assert [(p.name, p.segments[0].code, int(pixels(p.image).max())) for p in parts] == [
        ("segment-4", LIVER, 1),
        ("segment-9", codes.HEAD, 0),
    ]


def test_probabilities_go_along_when_there_are_any(grid):
    chance = np.full((1, *grid.shape), 0.25, np.float32)
    labels = np.zeros(grid.shape, np.uint8)
    segments = (Segment(number=3, code=LIVER),)
    parts = fields_of(Segmentation(space=grid, labels=labels, segments=segments, probabilities=chance))
    assert [p.name for p in parts] == ["segmentation", "probability-3"]
    assert pixels(parts[1].image).max() == 0.25


def test_values_and_derived_images_keep_their_numbers(grid, rng, tmp_path):
    values = rng.normal(size=grid.shape).astype(np.float32)
    values[0, 0, 0] = np.nan
    heat = Heatmap(space=grid, values=values, concept=LIVER, unit=codes.PERCENT)
    derived = DerivedImage(image=Image(data=values[...], space=grid), kind="enhanced")
    for finding in (heat, derived):
        (part,) = fields_of(finding)
        path, _ = write_field(part, tmp_path, part.name, "nifti")
        assert np.array_equal(pixels(nifti.read(path).image), values, equal_nan=True)


def test_displacements_are_vectors_in_lps(grid, rng, tmp_path):
    vectors = rng.normal(size=(*grid.shape, 3)).astype(np.float32)
    (part,) = fields_of(DisplacementField(space=grid, vectors=vectors, target="2.25.6"))
    for how, name in (("nifti", "d.nii.gz"), ("nrrd", "d.nrrd")):
        write_field(part, tmp_path, "d", how)
        theirs = SimpleITK.ReadImage(str(tmp_path / name))
        assert np.allclose(SimpleITK.GetArrayFromImage(theirs), vectors)


def test_what_moves_is_no_nrrd(tmp_path):
    space = Plane.upright(shape=(2, 3), spacing=(1.0, 1.0), frame="2.25.1")
    moving = Plane(
        shape=(2, 3), affine=space.affine, frame="2.25.1", timeline=Timeline(times=np.arange(2.0), unit="s")
    )
    heat = Heatmap(space=moving, values=np.zeros((2, 2, 3), np.float32), concept=LIVER, unit=codes.ONE)
    with pytest.raises(InvalidInput, match="still"):
        write_field(fields_of(heat)[0], tmp_path, "map", "nrrd")
    assert not list(tmp_path.iterdir())


def table(tmp_path, *items):
    write_table(items, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def said(row):
    return {key: value for key, value in row.items() if value}


def answer(value, meaning):
    return {"answer_scheme": "SCT", "answer_code": value, "answer": meaning}


PLANE = Plane.upright(shape=(10, 20), spacing=(0.5, 0.25), frame="2.25.1")
WHERE = {"world_unit": "mm", "frame": "2.25.1"}
MOVING = Plane(
    shape=(10, 20), affine=PLANE.affine, frame="2.25.1", timeline=Timeline(times=np.arange(3.0), unit="s")
)
HEAD = {"scheme": "SCT", "code": "69536005", "meaning": "Head"}


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (
            Measurement(
                concept=codes.HEAD,
                value=0.1,
                unit=codes.MM,
                interval=Interval(low=-1.0, high=2.0, level=0.9),
                method="how, and why",
            ),
            [
                {
                    **HEAD, "value": "0.1", "unit": "mm", "text": "how, and why",
                    "low": "-1.0", "high": "2.0", "level": "0.9",
                }
            ],
        ),
        (
            Classification(
                concept=codes.HEAD,
                scores=(ClassScore(code=LIVER, probability=0.75), ClassScore(code=codes.FETUS, probability=0.25)),
                prediction_set=(LIVER,),
            ),
            [
                {**HEAD, **answer("10200004", "Liver"), "item": "0", "probability": "0.75", "in_set": "1"},
                {**HEAD, **answer("83418008", "Fetus"), "item": "1", "probability": "0.25", "in_set": "0"},
            ],
        ),
        (Text(text='a "word",\nand more', language="en"), [{"text": 'a "word",\nand more', "language": "en"}]),
        (
            NotApplicable(reason="poor-quality", explanation="Too dark.", score=0.5),
            [{"value": "0.5", "answer": "poor-quality", "text": "Too dark."}],
        ),
        (
            Landmarks(space=PLANE, items=(Landmark(code=codes.HEAD, point=np.array([1.5, 2.0]), confidence=0.5),)),
            [{**HEAD, **WHERE, "item": "0", "point": "0", "probability": "0.5", "x": "1.5", "y": "2.0"}],
        ),
        (
            Boxes(space=PLANE, items=(Box(code=codes.HEAD, low=np.array([0.0, 4.0]), high=np.array([2.0, 8.0])),)),
            [
                {**HEAD, **WHERE, "item": "0", "point": "0", "x": "1.0", "y": "0.0"},
                {**HEAD, **WHERE, "item": "0", "point": "1", "x": "2.0", "y": "1.0"},
            ],
        ),
        (
            Contours(space=PLANE, items=(Contour(code=codes.HEAD, points=np.eye(2), closed=False),)),
            [
                {**HEAD, **WHERE, "item": "0", "point": "0", "closed": "0", "x": "1.0", "y": "0.0"},
                {**HEAD, **WHERE, "item": "0", "point": "1", "closed": "0", "x": "0.0", "y": "1.0"},
            ],
        ),
        (
            Tracks(space=MOVING, items=(Track(code=codes.HEAD, moments=np.array([2]), points=np.ones((1, 2))),)),
            [{**HEAD, **WHERE, "item": "0", "point": "0", "moment": "2", "x": "1.0", "y": "1.0"}],
        ),
        (
            Curve(
                concept=codes.HEAD,
                at=np.array([0.0, 1.0]),
                at_unit=codes.SECOND,
                values=np.array([np.nan, 4.0]),
                unit=codes.MM,
            ),
            [
                {**HEAD, "unit": "mm", "at_unit": "s", "point": "0", "at": "0.0"},
                {**HEAD, "unit": "mm", "at_unit": "s", "point": "1", "at": "1.0", "value": "4.0"},
            ],
        ),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_the_table_has_a_row_for_each_number_class_word_and_point(tmp_path, finding, expected):
    about = {"finding": "0", "kind": type(finding).__name__}
    assert [said(row) for row in table(tmp_path, finding)] == [{**about, **row} for row in expected]


def test_findings_are_counted_in_their_order_and_fields_have_no_row(tmp_path, liver):
    word = Text(text="seen")
    assert [row["finding"] for row in table(tmp_path, liver, word, liver, word)] == ["1", "3"]


def test_json_gives_the_findings_back(tmp_path, liver):
    kept = Findings(items=(liver, Text(text="颅骨")), provenance=PROVENANCE)
    write_json(kept, tmp_path / "f.json")
    document = json.loads((tmp_path / "f.json").read_text("utf-8"))
    assert (document["format"], document["version"]) == (FORMAT, 1)
    parts = {"items": document["findings"], "provenance": document["provenance"]}
    back = from_plain(Findings, parts)
    assert np.array_equal(back.items[0].labels, liver.labels)
    assert back.items[1] == kept.items[1]
    assert back.provenance == PROVENANCE


@given(findings())
@hypothesis_settings(max_examples=60)
def test_every_kind_is_fields_or_rows_or_json_alone(finding):
    made, parts = list(rows(finding)), fields_of(finding)
    assert not (made and parts)
    assert {key for row in made for key in row} <= set(COLUMNS)
    for part in parts:
        assert part.image.space.shape == finding.space.shape
