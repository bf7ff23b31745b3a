"""`skiagraph fuse` as its users meet it: a network and a model of features become one, and what cannot be joined."""

import csv
import dataclasses
import json

import pytest
import torch
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.errors import InvalidInput, SkiagraphError, WriteFailed
from skiagraph.findings import Classification, NotApplicable
from skiagraph.inference.embedding import embedded
from skiagraph.io import read_case, read_dataset
from skiagraph.networks.catalogue import network
from skiagraph.task import Recipe, load_bundle
from skiagraph.testing import check_model
from skiagraph.training import freeze, learnt_card
from skiagraph.workflow import opened_model


def run(*arguments):
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if isinstance(done.exception, SkiagraphError):
        raise done.exception
    assert done.exit_code == 0, done.output + str(done.exception)
    return done


def parted(data, to, splits):
    """The table of the data set with other splits, as (first number, split) pairs."""
    with data.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for n, row in enumerate(rows):
        row["image"] = str(data.parent / row["image"])
        row["split"] = next(split for first, split in reversed(splits) if n >= first)
        row.pop("value.size_mm")
    with to.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return to


@pytest.fixture(scope="module")
def room(data, tmp_path_factory):
    """A table with three splits, a network that has learnt nothing, and a model of grey levels that has learnt."""
    folder = tmp_path_factory.mktemp("fuse")
    table = parted(data, folder / "dataset.csv", [(0, "train"), (16, "val"), (40, "test")])
    whole = read_dataset(table)
    target = whole.targets[0]
    recipe = Recipe(
        task="classification",
        labels=tuple(label.code for label in target.labels),
        concept=target.concept,
        activation="softmax",
        shape=(16, 16),
        normalise="zscore",
    )
    torch.manual_seed(0)
    net = network("resnet-20", inputs=1, outputs=2, base=4).eval()
    freeze(net, learnt_card("net", recipe, "OT", whole), recipe, {}, folder / "net")
    table_of_train = parted(data, folder / "train.csv", [(0, "train")])
    run(
        "features",
        table_of_train,
        "--set",
        "statistics",
        "--embedding",
        folder / "net",
        "--csv",
        folder / "e.csv",
    )
    run("features", table_of_train, "--set", "histogram", "--csv", folder / "f.csv")
    learn = ("--label", "label", "--learner", "logistic", "--folds", "3")
    run("train", "classical", folder / "f.csv", *learn, "--out", folder / "grey")
    run("train", "classical", folder / "e.csv", *learn, "--out", folder / "early")
    return folder


@pytest.fixture(scope="module")
def both(room):
    done = run(
        "fuse", room / "net", room / "grey", "--data", room / "dataset.csv", "--out", room / "both", "--json"
    )
    return json.loads(done.stdout)


def test_members_and_fusion_stand_in_one_table(room, both):
    assert both["members"] == ["net 0.1.0", "grey 0.1.0"]
    assert (both["calibrated on"], both["judged on"]) == (24, "test")
    (question,) = both["questions"]
    assert [one["with"] for one in question["members"]] == ["net 0.1.0", "grey 0.1.0"]
    page = (room / "both-evaluation.html").read_text("utf-8")
    assert "net 0.1.0" in page
    assert "grey 0.1.0" in page
    assert any(note.startswith("net learnt from") for note in both["notes"])


def test_a_fusion_is_one_bundle_with_its_calibration_and_its_members(room, both):
    bundle = load_bundle(room / "both")
    assert both["bundle"] == str(room / "both")
    assert bundle.recipe.members == ("net", "grey")
    assert {"temperature", "bias", "threshold", "set"} <= set(bundle.recipe.calibration)
    assert bundle.plan["members"][1]["digest"] == load_bundle(room / "grey").digest()
    assert bundle.card.scores[0].on.endswith("test")
    assert all(member.digest() in bundle.card.origin for member in bundle.members)
    assert set(load_bundle(room / "net").card.data) <= set(bundle.card.data)


def test_a_fused_bundle_is_read_and_evaluated_like_any_other(room, both, data, tmp_path):
    reader, image = opened_model(str(room / "both")), data.parent / "41.png"
    (found,) = reader(read_case(image))
    assert isinstance(found, Classification)
    assert "openvino" in reader.engine.name
    assert "onnxruntime" in reader.engine.name
    check_model(reader.model, read_case(image))
    run("read", image, "--model", room / "both", "--out", tmp_path / "reading")
    assert "both" in (tmp_path / "reading" / "report.html").read_text("utf-8")
    judged = run("evaluate", room / "dataset.csv", "--model", room / "both", "--no-baselines", "--json")
    again = json.loads(judged.stdout)["figures"]
    assert again["roc auc"]["value"] == pytest.approx(both["figures"]["roc auc"]["value"])


def test_without_a_test_split_it_is_said_that_the_figures_are_of_the_calibration(room, data, tmp_path):
    table = parted(data, tmp_path / "dataset.csv", [(0, "train"), (40, "val")])
    models = (room / "net", room / "grey", room / "grey")
    done = run(
        "fuse",
        *models,
        "--weight",
        1,
        "--weight",
        2,
        "--weight",
        2,
        "--data",
        table,
        "--out",
        tmp_path / "all",
    )
    assert "val, on which it was calibrated" in " ".join(done.stdout.split())
    assert "nothing is calibrated on fewer than 20" in done.stderr
    bundle = load_bundle(tmp_path / "all")
    assert bundle.recipe.members == ("net", "grey", "grey-2")
    assert bundle.recipe.calibration["weights"] == [1.0, 2.0, 2.0]


REFUSED = {
    "a fusion": (("net", "both"), InvalidInput, "which is a fusion; name its members instead"),
    "a table with embeddings": (("net", "early"), InvalidInput, "early, which reads numbers of a table"),
    "one model": (("net",), InvalidInput, "two members or more"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_joined_is_refused_and_nothing_is_written(room, both, kind, tmp_path):
    names, error, words = REFUSED[kind]
    models = [room / name for name in names]
    with pytest.raises(error, match=words):
        run("fuse", *models, "--data", room / "dataset.csv", "--out", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_fusion_does_not_replace_a_bundle(room, both):
    with pytest.raises(WriteFailed, match="choose another name"):
        run("fuse", room / "net", room / "grey", "--data", room / "dataset.csv", "--out", room / "both")


def test_what_one_member_does_not_take_the_fusion_does_not_take(room, both):
    reader = opened_model(str(room / "both"))
    case = read_dataset(room / "dataset.csv").samples[0].case()
    (found,) = reader(dataclasses.replace(case, images={"other": case.image}))
    assert isinstance(found, NotApplicable)
    assert found.explanation.startswith("net does not answer")


def test_values_are_averaged_and_their_interval_is_calibrated(data, tmp_path):
    for name in ("statistics", "histogram"):
        run("features", data, "--set", name, "--csv", tmp_path / f"{name}.csv")
        size = ("--label", "size_mm", "--unit", "mm", "--folds", "3")
        run("train", "classical", tmp_path / f"{name}.csv", *size, "--out", tmp_path / name)
    models = (tmp_path / "statistics", tmp_path / "histogram")
    done = run("fuse", *models, "--data", data, "--split", "train", "--out", tmp_path / "size", "--json")
    told = json.loads(done.stdout)
    assert told["calibrated on"] == 40
    assert told["figures"]["mean absolute error"]["n"] == 12
    reader = opened_model(str(tmp_path / "size"))
    members = [opened_model(str(path)) for path in models]
    case = read_case(data.parent / "41.png")
    (found,), values = reader(case), [member(case)[0].value for member in members]
    assert found.value == pytest.approx(sum(values) / 2)
    assert found.interval.low < found.value < found.interval.high


# Embeddings as columns of the table -------------------------------------------------------------------------------


def test_the_table_has_the_embedding_of_each_image_and_says_whose(room):
    one = embedded(load_bundle(room / "net"))
    told = json.loads((room / "e.json").read_text("utf-8"))
    assert told["embedding"] == {
        "name": "net",
        "version": "0.1.0",
        "digest": load_bundle(room / "net").digest(),
        "numbers": one.width,
    }
    with (room / "e.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[3]
    case = read_dataset(room / "train.csv").samples[3].case()
    assert [float(row[f.key]) for f in one.features(case)] == one(case).vector.tolist()
    assert "statistics_mean" in row


def test_early_fusion_learns_from_both_and_says_that_it_judges_a_table(room):
    recipe = load_bundle(room / "early").recipe
    families = {column.partition("_")[0] for column in recipe.features.columns}
    assert families == {"statistics", "embedding"}
    assert not recipe.features.sets
    with pytest.raises(InvalidInput, match="judges numbers of a table"):
        opened_model(str(room / "early"))(read_dataset(room / "train.csv").samples[3].case())


def test_embeddings_are_of_networks(room, tmp_path):
    with pytest.raises(InvalidInput, match="grey, which is no network"):
        run("features", room / "train.csv", "--embedding", room / "grey", "--csv", tmp_path / "x.csv")
