"""Bundles: what was saved is what is loaded, damage is named, and a folder appears whole or not at all."""

import dataclasses
import json
import shutil

import pytest

from skiagraph import codes
from skiagraph.errors import BundleError, InvalidInput, MissingInput, WriteFailed
from skiagraph.task import (
    Bundle,
    Card,
    Described,
    InputSpec,
    OutputSpec,
    Recipe,
    Score,
    load_bundle,
    save_bundle,
)

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


# A fusion holds bundles -------------------------------------------------------------------------------------------


ASKED = {
    "task": "classification",
    "labels": (codes.HEAD, codes.IGNORE),
    "concept": codes.HEAD,
    "activation": "softmax",
}


@pytest.fixture
def fusion(source, tmp_path):
    """Two members whose folders lie elsewhere."""
    one = dataclasses.replace(source, recipe=dataclasses.replace(RECIPE, **ASKED, calibration={}))
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "graph.onnx").write_bytes(b"another graph")
    features = Described(columns=("a",), typical=(0.0,), scores="margins")
    two = Bundle(
        card=CARD,
        recipe=Recipe(**ASKED, shape=(1, 1), normalise="none", features=features),
        folder=folder,
    )
    recipe = Recipe(**ASKED, shape=(1, 1), normalise="none", members=("net", "shape"))
    return Bundle(card=CARD, recipe=recipe, folder=tmp_path, members=(one, two))


@pytest.fixture
def kept(fusion, tmp_path):
    return save_bundle(fusion, tmp_path / "models" / "both")


def test_a_fusion_is_loaded_with_its_members_as_it_was_saved(fusion, kept):
    again = load_bundle(kept.folder)
    assert again == kept
    assert [m.recipe for m in again.members] == [m.recipe for m in fusion.members]
    assert again.digest() == fusion.digest()
    files = {str(p.relative_to(kept.folder)) for p in kept.folder.rglob("*") if p.is_file()}
    texts = {"card.json", "recipe.json", "plan.json"}
    net = {f"members/net/{name}" for name in (*texts, "weights.safetensors", "graph.onnx")}
    assert files == texts | net | {f"members/shape/{name}" for name in (*texts, "graph.onnx")}
    assert load_bundle(kept.folder / "members" / "shape") == again.members[1]


def test_the_digest_of_a_fusion_changes_with_each_of_its_members(fusion):
    before = fusion.digest()
    fusion.members[1].graph.write_bytes(b"a third graph")
    assert fusion.digest() != before


@pytest.mark.parametrize("name", ["net/card.json", "net/weights.safetensors", "shape/graph.onnx"])
def test_a_fusion_without_a_file_of_a_member_is_missing_that_file(kept, name):
    (kept.folder / "members" / name).unlink()
    with pytest.raises(MissingInput, match=f"without {name.partition('/')[2]}"):
        load_bundle(kept.folder)


def test_a_fusion_within_a_fusion_is_refused(fusion, kept, tmp_path):
    with pytest.raises(InvalidInput, match="which is a fusion; name its members instead"):
        dataclasses.replace(fusion, members=(fusion, fusion.members[1]))
    shutil.rmtree(kept.folder / "members" / "net")
    shutil.copytree(kept.folder, tmp_path / "copy")
    shutil.copytree(tmp_path / "copy", kept.folder / "members" / "net")
    with pytest.raises(BundleError, match="got net, a fusion"):
        load_bundle(kept.folder)


def test_a_fusion_has_a_bundle_for_each_member(fusion):
    with pytest.raises(InvalidInput, match="1 for 2"):
        dataclasses.replace(fusion, members=fusion.members[:1])


@pytest.mark.parametrize("fails_at", [0, 2])
def test_when_the_disk_is_full_no_half_of_a_fusion_is_left(fusion, tmp_path, monkeypatch, fails_at):
    calls = []
    copy = shutil.copyfile

    def full(a, b):
        calls.append(a)
        if len(calls) > fails_at:
            raise OSError(28, "No space left on device")
        return copy(a, b)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(WriteFailed, match="No space left on device"):
        save_bundle(fusion, tmp_path / "models" / "both")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_bundle_of_format_2_has_no_members(saved):
    for name in ("card.json", "recipe.json", "plan.json"):
        data = json.loads((saved.folder / name).read_text("utf-8")) | {"format": 2}
        data.pop("members", None)
        (saved.folder / name).write_text(json.dumps(data), "utf-8")
    assert load_bundle(saved.folder).members == ()


@pytest.mark.parametrize(
    "names", [("net",), ("net", "net"), ("net", "../net"), ("net", ""), ("net", ".."), ("net", "a/b")]
)
def test_members_have_names_of_their_own_that_are_no_paths(fusion, names):
    with pytest.raises(InvalidInput, match="a name of its own"):
        dataclasses.replace(fusion.recipe, members=names)


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "segmentation", "concept": None, "activation": "sigmoid"},
        {"features": Described(columns=("a",), typical=(0.0,), scores="margins")},
    ],
    ids=["outlines", "features"],
)
def test_a_fusion_joins_what_is_classified_or_measured(fusion, changes):
    with pytest.raises(InvalidInput, match="a fusion joins what its members classify or measure"):
        dataclasses.replace(fusion.recipe, **changes)
