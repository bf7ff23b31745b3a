"""Bundles: what was saved is what is loaded, damage is named, and a folder appears whole or not at all."""

import dataclasses
import json
import shutil

import pytest

from skiagraph import codes
from skiagraph.errors import BundleError, InvalidInput, MissingInput, WriteFailed
from skiagraph.task import Bundle, Card, InputSpec, OutputSpec, Recipe, Score, load_bundle, save_bundle

CARD = Card(
    name="toy",
    version="1.2.3",
    task="segmentation",
    summary="A toy.",
    inputs=(InputSpec(name="image", modality="US", ndim=2, needs_size=True),),
    outputs=(OutputSpec(finding="Segmentation", concept=codes.HEAD),),
    limits=("It is a toy.",),
    scores=(Score(name="dice", value=0.9, low=0.8, high=0.95, n=10, on="test"),),
)
RECIPE = Recipe(
    labels=(codes.HEAD,),
    shape=(32, 48),
    normalise="zscore",
    mirror=(1,),
    calibration={"width": {"slope": 1.5}},
)
FILES = ["card.json", "recipe.json", "plan.json", "weights.safetensors", "graph.onnx"]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(b"weights")
    (folder / "graph.onnx").write_bytes(b"graph")
    return Bundle(card=CARD, recipe=RECIPE, plan={"epochs": 3, "lernrate": [0.1, "ä"]}, folder=folder)


@pytest.fixture
def saved(source, tmp_path):
    return save_bundle(source, tmp_path / "models" / "toy")


def test_what_was_saved_is_what_is_loaded(source, saved):
    again = load_bundle(saved.folder)
    assert again == saved
    assert (again.card, again.recipe, again.plan) == (source.card, source.recipe, source.plan)
    assert again.digest() == source.digest()
    assert sorted(p.name for p in saved.folder.iterdir()) == sorted(FILES)
    assert json.loads((saved.folder / "card.json").read_text("utf-8"))["format"] == 3


def test_a_bundle_of_format_1_is_read_as_the_segmentation_that_it_is(saved):
    for name in ("card.json", "recipe.json", "plan.json"):
        data = json.loads((saved.folder / name).read_text("utf-8")) | {"format": 1}
        for new in ("task", "concept", "units", "activation", "channels", "overlap", "intensity"):
            data.pop(new, None) if name == "recipe.json" else None
        (saved.folder / name).write_text(json.dumps(data), "utf-8")
    assert load_bundle(saved.folder).recipe == RECIPE


def test_the_digest_is_of_weights_and_graph(source):
    before = source.digest()
    source.weights.write_bytes(b"other weights")
    assert source.digest() != before


@pytest.mark.parametrize("name", FILES)
def test_a_bundle_without_one_of_its_files_is_missing_that_file(saved, name):
    (saved.folder / name).unlink()
    with pytest.raises(MissingInput, match=f"toy without {name}"):
        load_bundle(saved.folder)


@pytest.mark.parametrize("name", ["card.json", "recipe.json", "plan.json"])
@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[1]", '"text"', "5", "null", "{}", b"\xff\xfe\x00", '{"format": "one"}'],
    ids=str,
)
def test_a_damaged_text_is_refused_by_its_name(saved, name, content):
    file = saved.folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BundleError):
        load_bundle(saved.folder)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("card.json", {"name": ""}),
        ("card.json", {"name": 5}),
        ("card.json", {"inputs": []}),
        ("card.json", {"colour": "red"}),
        ("card.json", {"is": "Recipe"}),
        ("recipe.json", {"threshold": 1.5}),
        ("recipe.json", {"shape": [32]}),
        ("recipe.json", {"shape": ["a", "b"]}),
        ("recipe.json", {"prior": "square"}),
        ("recipe.json", {"labels": [{"is": "Code", "value": "", "scheme": "SCT"}]}),
    ],
)
def test_a_text_that_describes_no_model_is_refused_with_the_reason(saved, name, changes):
    file = saved.folder / name
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")
    with pytest.raises(BundleError, match="the bundle toy describes a model; got"):
        load_bundle(saved.folder)


def test_a_bundle_of_the_future_says_what_to_do(saved):
    file = saved.folder / "card.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "format": 99}), "utf-8")
    with pytest.raises(BundleError, match="got format 99; update skiagraph"):
        load_bundle(saved.folder)


def test_no_folder_is_no_bundle(tmp_path):
    with pytest.raises(MissingInput):
        load_bundle(tmp_path / "nothing")


def test_a_bundle_is_never_written_over_another(source, saved):
    with pytest.raises(WriteFailed, match="choose another name"):
        save_bundle(source, saved.folder)
    assert load_bundle(saved.folder) == saved


@pytest.mark.parametrize("fails_at", [0, 1])
def test_when_the_disk_is_full_nothing_half_written_is_left(source, tmp_path, monkeypatch, fails_at):
    calls = []
    copy = shutil.copyfile

    def full(a, b):
        calls.append(a)
        if len(calls) > fails_at:
            raise OSError(28, "No space left on device")
        return copy(a, b)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(WriteFailed, match="No space left on device"):
        save_bundle(source, tmp_path / "models" / "toy")
    assert list((tmp_path / "models").iterdir()) == []


def test_without_its_weights_nothing_is_written(source, tmp_path):
    source.weights.unlink()
    with pytest.raises(WriteFailed):
        save_bundle(source, tmp_path / "models" / "toy")
    assert list((tmp_path / "models").iterdir()) == []


# What stands in it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["name", "version", "inputs", "outputs", "precisions"])
def test_a_card_without_its_necessary_parts_is_refused(part):
    with pytest.raises(InvalidInput, match="a card has"):
        dataclasses.replace(CARD, **{part: () if part[-1] == "s" else ""})


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("labels", ()),
        ("shape", (32,)),
        ("shape", (32, 0)),
        ("shape", (1, 2, 3, 4)),
        ("threshold", 0.0),
        ("threshold", 1.0),
        ("threshold", float("nan")),
        ("mirror", (2,)),
        ("mirror", (-1,)),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(part, value):
    with pytest.raises(InvalidInput):
        dataclasses.replace(RECIPE, **{part: value})
