"""Manifests: one line an image, with its reference in its space, its group and its split."""

import numpy as np
import PIL.Image
import pytest

from skiagraph import codes
from skiagraph.case import Label, Target
from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.findings import Measurement, Segmentation
from skiagraph.geometry import spacing_of
from skiagraph.io import read_dataset

GREY = np.arange(35, dtype=np.uint8).reshape(5, 7)
HEADER = "image,mask,group,split,pixel_size_mm,head_circumference_mm,remark\n"


@pytest.fixture
def manifest(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    PIL.Image.fromarray((GREY > 20).astype(np.uint8) * 255).save(tmp_path / "m.png")
    PIL.Image.fromarray(GREY[:3]).save(tmp_path / "small.png")
    PIL.Image.fromarray(GREY[::-1]).save(tmp_path / "b.png")

    def write(*lines, header=HEADER):
        path = tmp_path / "dataset.csv"
        path.write_text(header + "\n".join(lines) + "\n")
        return path

    return write


def test_a_sample_has_its_case_and_its_reference_in_one_space(manifest):
    data = read_dataset(
        manifest("a.png,m.png,1,train,0.2,62.1,x", "b.png,m.png,2,test,,,"),
        label=codes.HEAD,
        name="heads",
        licence="CC0",
    )
    assert (data.name, data.licence, len(data)) == ("heads", "CC0", 2)
    first, second = data.samples
    assert (first.identifier, first.group, first.split, first.stratum) == ("a.png", "1", "train", 62.1)
    outline, size = first.reference()
    assert isinstance(outline, Segmentation)
    assert outline.space == first.case().image.space
    assert spacing_of(outline.space) == (0.2, 0.2)
    np.testing.assert_array_equal(outline.mask(1), GREY > 20)
    assert isinstance(size, Measurement)
    assert (size.concept, size.value, size.unit) == (codes.HEAD_CIRCUMFERENCE, 62.1, codes.MM)
    assert spacing_of(second.case().image.space) is None
    assert len(second.reference()) == 1


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        ("gone.png,m.png,1,train,0.2,62,", MissingInput, r"line 2.*gone\.png"),
        ("a.png,gone.png,1,train,0.2,62,", MissingInput, r"line 2.*gone\.png"),
        ("a.png,m.png,,train,0.2,62,", InvalidInput, "line 2.*no group"),
        ("a.png,m.png,1,train,wide,62,", InvalidInput, "line 2"),
        ("a.png,m.png,1,train,0.2,large,", InvalidInput, "head_circumference_mm is a number"),
    ],
)
def test_a_line_that_does_not_hold_is_named(manifest, line, kind, said):
    with pytest.raises(kind, match=said):
        read_dataset(manifest(line), label=codes.HEAD)


def test_a_patient_on_both_sides_of_a_split_is_refused(manifest):
    path = manifest("a.png,m.png,1,train,,,", "b.png,m.png,1,test,,,")
    with pytest.raises(InvalidInput, match="a group lies in one split"):
        read_dataset(path, label=codes.HEAD)


def test_a_mask_of_another_shape_is_refused(manifest):
    data = read_dataset(manifest("a.png,small.png,1,train,,,"), label=codes.HEAD)
    with pytest.raises(FormatError, match=r"small\.png has the shape of its image"):
        data.samples[0].reference()


def test_the_fetal_heads_of_the_data_pack_are_read(data_pack):
    data = read_dataset(data_pack / "fetal_head" / "dataset.csv", label=codes.HEAD, licence="CC BY 4.0")
    assert (len(data), data.name) == (279, "fetal_head")
    sample = data.samples[0]
    outline, size = sample.reference()
    assert outline.labels.shape == (540, 800)
    assert size.value == sample.stratum == 62.1


TOML = """
version = 1
name = "knees"
licence = "CC BY 4.0"
table = "rows.csv"
group_pattern = "^([^_]+)_"

[columns]
image = { pd = "first", t1 = "second" }
split = "part"
weight = "w"
attributes = ["site"]

[defaults]
part = "train"

[[targets]]
name = "grade"
kind = "ordinal"
labels = [{ value = "none", name = "no tear" }, { value = "some", name = "tear", code = "SCT|125190001|Tear" }]

[[targets]]
name = "area"
kind = "regression"
column = "mm2"
unit = "mm2"
concept = "SCT|42798000|Area"

[[targets]]
name = "parts"
kind = "overlapping"
columns = { bone = "b", cartilage = "c" }

[[targets]]
name = "signs"
kind = "multi-label"
column = "s"
labels = ["effusion", "cyst"]

[[targets]]
name = "lesion"
kind = "segmentation"
column = "l"
labels = [{ value = 3, name = "tear" }]
"""
ROWS = """first,second,part,w,site,grade,mm2,b,c,s,l
x_1.png,x_2.png,,0.5,A,some,12.5,m.png,,cyst|effusion,m.png
y_1.png,y_2.png,test,,B,none,3,,m.png,,
"""


@pytest.fixture
def knees(tmp_path):
    for n, name in enumerate(("x_1", "x_2", "y_1", "y_2")):
        PIL.Image.fromarray(np.roll(GREY, n)).save(tmp_path / f"{name}.png")
    PIL.Image.fromarray((GREY > 20).astype(np.uint8) * 255).save(tmp_path / "m.png")
    (tmp_path / "rows.csv").write_text(ROWS)

    def write(change=("", "")):
        path = tmp_path / "dataset.toml"
        path.write_text(TOML.replace(*change) if change[0] else TOML)
        return path

    return write


def test_a_toml_says_what_columns_mean(knees):
    data = read_dataset(knees().parent)
    assert (data.name, data.licence) == ("knees", "CC BY 4.0")
    assert [(t.name, t.kind) for t in data.targets] == [
        ("grade", "ordinal"),
        ("area", "regression"),
        ("parts", "overlapping"),
        ("signs", "multi-label"),
        ("lesion", "segmentation"),
    ]
    first, second = data.samples
    assert [(s.group, s.split, s.weight, s.attributes) for s in data] == [
        ("x", "train", 0.5, {"site": "A"}),
        ("y", "test", 1.0, {"site": "B"}),
    ]
    assert set(first.case().images) == {"pd", "t1"}
    grade, area, parts, signs, lesion = first.reference()
    assert [s.probability for s in grade.scores] == [0.0, 1.0]
    assert grade.scores[1].code == codes.Code(scheme="SCT", value="125190001")
    assert (area.value, area.unit, area.concept.value) == (12.5, codes.MM2, "42798000")
    np.testing.assert_array_equal(parts.mask(1), GREY > 20)
    assert not parts.mask(2).any()
    assert [s.probability for s in signs.scores] == [1.0, 1.0]
    np.testing.assert_array_equal(lesion.mask(3), GREY > 20)
    assert len(second.reference()) == 3
    assert len(first.files) == 3


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (("version = 1", "version = 9"), FormatError, "of version 1"),
        (('name = "knees"', "name = 3"), InvalidInput, "name is a text"),
        (('name = "knees"', 'names = "knees"'), InvalidInput, "got names"),
        (('kind = "ordinal"', 'kind = "grading"'), InvalidInput, "multi-label.*got grading"),
        (('column = "mm2"', 'column = "cm2"'), InvalidInput, "got no cm2"),
        (('"none", name', '"nothing", name'), InvalidInput, r"grade is one of.*line 3.*'none'"),
        (('"^([^_]+)_"', '"^([^_]+_"'), InvalidInput, "regular expression"),
        (('"^([^_]+)_"', '"^[^_]+_"'), InvalidInput, "group in brackets"),
        (("[columns]", "[columns"), FormatError, "is TOML"),
        (('["effusion", "cyst"]', '["effusion", 3]'), InvalidInput, "a label is a word"),
        (("value = 3", "value = 0"), InvalidInput, "numbered from 1"),
    ],
)
def test_a_toml_that_does_not_hold_is_one_sentence(knees, change, kind, said):
    with pytest.raises(kind, match=said):
        read_dataset(knees(change))


def test_the_schema_that_ships_fits_the_reader(knees):
    import json
    import tomllib
    from importlib.resources import files

    import jsonschema

    from skiagraph.io.datasets import LAYOUTS
    from skiagraph.io.datasets.manifest import _KEYS, _KINDS, _TARGET_KEYS

    schema = json.loads((files("skiagraph.io.datasets") / "dataset.schema.json").read_text())
    jsonschema.validate(tomllib.loads(TOML), schema)
    target = schema["properties"]["targets"]["items"]["properties"]
    assert set(schema["properties"]) == _KEYS
    assert set(target) == _TARGET_KEYS
    assert tuple(target["kind"]["enum"]) == _KINDS
    assert set(schema["properties"]["layout"]["enum"]) == set(LAYOUTS) - {"toml"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"names": "x"}, schema)


def test_rows_may_stand_in_the_manifest_itself(knees):
    path = knees()
    path.write_text(
        '[[samples]]\nimage = { a = "x_1.png", b = "x_2.png" }\nlabel = "ill"\n'
        '[[samples]]\nimage = { a = "y_1.png", b = "y_2.png" }\nlabel = "well"\nsplit = "validation"\n'
        '[defaults]\nsplit = "training"\n'
    )
    data = read_dataset(path)
    assert [(s.split, sorted(s.case().images)) for s in data] == [("train", ["a", "b"]), ("val", ["a", "b"])]


BAD = "image,label,split\na.png,x,train\ngone.png,y,train\nb.png,,train\nsmall.png,y,test\n"


def test_what_does_not_hold_stops_a_strict_reading_and_is_named_by_one_that_is_not(manifest, tmp_path):
    manifest()
    path = tmp_path / "labels.csv"
    path.write_text(BAD)
    with pytest.raises(MissingInput, match=r"labels\.csv, line 3.*gone\.png"):
        read_dataset(path)
    data = read_dataset(path, strict=False)
    assert [s.identifier for s in data] == ["a.png", "small.png"]
    assert [said.split("; got ")[0] for said in data.problems] == [
        "a manifest names files that exist (labels.csv, line 3)",
        "each image has a reference (labels.csv, line 4)",
        "The data set has 2 samples in all: too few to learn from and to judge on.",
    ]


def test_one_class_only_is_said(manifest, tmp_path):
    manifest()
    path = tmp_path / "labels.csv"
    path.write_text("image,label\na.png,x\nb.png,x\n")
    assert any("one class for label" in said for said in read_dataset(path).problems)


def test_a_label_outside_of_the_list_names_its_file(manifest):
    path = manifest("a.png,m.png,1,train,,,", "b.png,two.png,2,train,,,")
    PIL.Image.fromarray((GREY > 20).astype(np.uint8) + (GREY > 30)).save(path.parent / "two.png")
    data = read_dataset(path, label={1: codes.HEAD, 7: codes.FETUS})
    with pytest.raises(FormatError, match=r"two\.png holds only labels of the data set, \[1, 7\]; got \[2\]"):
        data.samples[1].reference()


def test_an_image_that_cannot_be_decoded_is_named_when_it_is_asked_for(manifest):
    path = manifest("a.png,m.png,1,train,,,")
    (path.parent / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(FormatError, match=r"a\.png"):
        read_dataset(path, label=codes.HEAD).samples[0].case()


def test_the_same_image_in_two_lines_is_two_samples(manifest):
    path = manifest("a.png,m.png,1,train,,,", "a.png,m.png,1,train,,,")
    assert len({s.identifier for s in read_dataset(path, label=codes.HEAD)}) == 2


@pytest.fixture
def organs(tmp_path):
    """A picture, its map of three structures and a part to ignore, and files of single structures."""
    numbered = np.zeros((5, 7), np.uint8)
    numbered[0], numbered[1], numbered[2], numbered[4, :3] = 1, 2, 3, 9
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    PIL.Image.fromarray(GREY[::-1]).save(tmp_path / "b.png")
    PIL.Image.fromarray(numbered).save(tmp_path / "map.png")
    for name, number in (("liver", 1), ("kidney", 2), ("doubt", 9)):
        PIL.Image.fromarray((numbered == number).astype(np.uint8) * 255).save(tmp_path / f"{name}.png")

    def write(toml, rows):
        (tmp_path / "dataset.csv").write_text(rows)
        if toml:
            (tmp_path / "dataset.toml").write_text(toml)
        return tmp_path / ("dataset.toml" if toml else "dataset.csv")

    write.map = numbered
    return write


ORGANS = """
[[targets]]
name = "organs"
kind = "segmentation"
column = "mask"
labels = [
  { value = 1, name = "liver" }, { value = 2, name = "kidney" }, { value = 3, name = "spleen" },
  { value = 9, name = "ignore" },
]
"""


def said(sample):
    """The structures that a reference speaks of, and how many places each has."""
    (found,) = sample.reference()
    return {s.code.meaning: int(found.mask(s.number).sum()) for s in found.segments}


def test_a_label_called_ignore_is_no_structure(organs):
    data = read_dataset(organs(ORGANS, "image,mask,group,split\na.png,map.png,1,train\n"))
    (target,) = data.targets
    assert [label.name for label in target.labels] == ["liver", "kidney", "spleen"]
    assert target.ignore == 9
    assert said(data.samples[0]) == {"liver": 7, "kidney": 7, "spleen": 7, "ignore": 3}
    assert data.samples[0].reference()[0].segments[-1].code == codes.IGNORE


def test_a_line_may_say_which_structures_it_outlines(organs):
    rows = "image,mask,group,split,annotated\na.png,map.png,1,train,liver\nb.png,map.png,2,train,kidney; spleen\n"
    first, second = read_dataset(organs(ORGANS, rows)).samples
    assert said(first) == {"liver": 7, "ignore": 3}
    assert said(second) == {"kidney": 7, "spleen": 7, "ignore": 3}
    np.testing.assert_array_equal(second.reference()[0].labels, np.where(organs.map == 1, 0, organs.map))


def test_masks_of_single_structures_may_be_ignored_or_not_known(organs):
    rows = (
        "image,group,split,mask.liver,mask.ignore,mask.kidney,annotated\n"
        "a.png,1,train,liver.png,doubt.png,kidney.png,\n"
        "b.png,2,train,liver.png,,,liver\n"
    )
    data = read_dataset(organs("", rows))
    assert [label.name for label in data.targets[0].labels] == ["liver", "kidney"]
    first, second = data.samples
    assert said(first) == {"liver": 7, "kidney": 7, "ignore": 3}
    assert said(second) == {"liver": 7, "ignore": 0}
    np.testing.assert_array_equal(first.reference()[0].mask(2), organs.map == 9)


def test_a_structure_that_is_not_in_the_list_cannot_be_outlined(organs):
    with pytest.raises(
        InvalidInput, match=r"annotated names structures.*kidney, liver, spleen.*line 2.*'heart'"
    ):
        read_dataset(organs(ORGANS, "image,mask,group,split,annotated\na.png,map.png,1,train,heart\n"))


def test_the_number_to_ignore_is_no_label():
    label = Label(number=1, code=codes.HEAD)
    with pytest.raises(InvalidInput, match="number of ignored places"):
        Target(name="x", kind="segmentation", concept=codes.HEAD, labels=(label,), ignore=1)
    with pytest.raises(InvalidInput, match="number of ignored places"):
        Target(name="x", kind="multi-class", concept=codes.HEAD, labels=(label,), ignore=2)
