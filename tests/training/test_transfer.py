"""Trainings that begin with other weights: what is taken over, drawn anew, kept fixed, refused, and named on a card."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

from skiagraph import codes
from skiagraph.cli import app
from skiagraph.codes import Code
from skiagraph.errors import BundleError, InvalidInput, MissingInput, UnknownName
from skiagraph.networks import network
from skiagraph.networks.foreign_weights import foreign_name
from skiagraph.plain import to_plain
from skiagraph.task import Bundle, load_bundle, save_bundle
from skiagraph.training import Run, learn, learnt_card, overridden, planned, teach
from skiagraph.training.build import Mean, built
from skiagraph.training.plan import Plan
from skiagraph.training.samples import prepared
from skiagraph.training.space import usual_space
from skiagraph.training.teach import stages_of
from skiagraph.training.transfer import begin_from, groups_of, pace_of

SMALL = {
    "network": "resnet-20",
    "options": {"base": 4},
    "steps": (),
    "mixup": 0.0,
    "epochs": 1,
    "validation": 0.0,
    "settle": None,
}
OTHER = Code(value="OTHER", scheme="99TEST", meaning="another question")


def silent(*_):
    pass


@pytest.fixture(scope="module")
def classes(drawn):
    return drawn(12, 3)


@pytest.fixture(scope="module")
def measured(classes, machine):
    """A plan as the machine makes it, which does not know the small network of the bundle."""
    return planned(classes, "classification", machine)


def saved(plan, learnt, folder, *, licence="CC-BY-4.0", record=True):
    """A bundle without a graph, which a transfer does not need."""
    work = folder / "work"
    work.mkdir(parents=True)
    save_file({n: t.contiguous() for n, t in learnt.state_dict().items()}, work / "weights.safetensors")
    (work / "graph.onnx").write_bytes(b"none")
    data = dataclasses.make_dataclass("Data", ["name", "licence"])("old data", licence)
    card = dataclasses.replace(learnt_card("teacher", plan.recipe, "DX", data), attribution="The teachers")
    text = {"plan": to_plain(plan)} if record else {}
    return save_bundle(
        Bundle(card=card, recipe=plan.recipe, plan=text, folder=work), folder / "teacher"
    ).folder


def settled(of):
    """With statistics and scales that no network begins with."""
    torch.manual_seed(5)
    for part in of.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0.0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
    return of.eval()


@pytest.fixture(scope="module")
def teacher(measured, tmp_path_factory):
    """A plan whose normalisation is its own, its network, and the bundle."""
    recipe = dataclasses.replace(measured.recipe, normalise="root-zscore")
    plan = dataclasses.replace(measured, recipe=recipe, **SMALL)
    learnt = settled(built(plan, 7))
    return plan, learnt, saved(plan, learnt, tmp_path_factory.mktemp("teacher"))


def asks_otherwise(plan):
    return dataclasses.replace(plan, recipe=dataclasses.replace(plan.recipe, concept=OTHER))


def same(state, other, names):
    return all(torch.equal(state[name], other[name]) for name in names)


def test_network_options_and_normalisation_of_a_bundle_are_taken_into_the_plan_with_reasons(
    measured, teacher
):
    plan = begin_from(asks_otherwise(measured), teacher[2])
    assert (plan.network, plan.options["base"], plan.recipe.normalise) == ("resnet-20", 4, "root-zscore")
    assert plan.recipe.concept == OTHER
    assert "teacher" in plan.reasons["network"]
    assert "teacher" in plan.reasons["recipe.normalise"]
    assert plan.origin.anew == ("head.weight", "head.bias")
    assert (
        plan.reasons["origin"]
        == f"{plan.origin.taken} tensors are taken over; drawn anew: head.weight, head.bias"
    )
    assert plan.head_epochs > 0
    assert 0 < plan.layer_rate < 1
    assert plan.learning_rate < measured.learning_rate


def test_all_but_the_head_is_that_of_the_bundle_and_the_head_follows_from_the_seed(measured, teacher):
    plan = begin_from(asks_otherwise(measured), teacher[2])
    first, second, theirs = (n.state_dict() for n in (built(plan, 0), built(plan, 1), teacher[1]))
    body = [name for name in theirs if name.startswith("body.") and "num_batches" not in name]
    assert len(body) == plan.origin.taken
    assert same(first, theirs, body)
    assert same(first, second, body)
    assert not torch.equal(first["head.weight"], theirs["head.weight"])
    assert not torch.equal(first["head.weight"], second["head.weight"])


def test_the_head_stays_where_the_question_is_the_same(measured, teacher):
    plan = begin_from(measured, teacher[2])
    assert (plan.origin.anew, plan.head_epochs) == ((), 0)
    x = torch.randn(2, 1, 16, 16)
    torch.testing.assert_close(built(plan, 3).eval()(x), teacher[1](x))


def test_what_the_user_has_set_stays(measured, teacher):
    settings = [
        "learning_rate=0.02",
        "layer_rate=0.5",
        "freeze=2",
        "recipe.normalise=zscore",
        "head_epochs=3",
    ]
    plan = begin_from(overridden(measured, settings), teacher[2])
    assert (plan.learning_rate, plan.layer_rate, plan.freeze, plan.head_epochs) == (0.02, 0.5, 2, 3)
    assert plan.recipe.normalise == "zscore"
    assert plan.network == "resnet-20"


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1)])
def test_a_grey_image_and_its_three_equal_channels_are_answered_alike(measured, before, after, tmp_path):
    def of(channels):
        recipe = dataclasses.replace(measured.recipe, channels=channels)
        return dataclasses.replace(measured, recipe=recipe, **SMALL)

    theirs = settled(built(of(before), 7))
    ours = built(begin_from(of(after), saved(of(before), theirs, tmp_path)), 0).eval()
    grey = torch.randn(2, 1, 16, 16)
    wanted = theirs(grey.expand(-1, before, -1, -1))
    torch.testing.assert_close(ours(grey.expand(-1, after, -1, -1)), wanted, atol=1e-5, rtol=1e-4)


def taught(classes, plan, **changes):
    plan = dataclasses.replace(plan, **{**SMALL, "batch": 4, "average": 0.0, "warmup": 1, **changes})
    return teach(classes, plan, rng=np.random.default_rng(0), watch=silent).network.state_dict()


def test_levels_that_are_fixed_keep_their_weights_and_their_statistics(measured, classes, teacher):
    plan = begin_from(asks_otherwise(measured), teacher[2])
    before = teacher[1].state_dict()
    after = taught(classes, dataclasses.replace(plan, recipe=measured.recipe), freeze=2, head_epochs=1)
    fixed = [
        n
        for n in before
        if n.startswith(("body.conv1", "body.norm1", "body.stages.stage1", "body.stages.stage2"))
    ]
    free = [n for n in before if n.startswith("body.stages.stage3") and "num_batches" not in n]
    assert same(before, after, [n for n in fixed if "num_batches" not in n])
    assert not any(torch.equal(before[n], after[n]) for n in free if n.endswith(("weight", "running_mean")))


def test_what_is_new_learns_alone_first(measured, classes, teacher):
    plan = dataclasses.replace(
        begin_from(asks_otherwise(measured), teacher[2]),
        **{**SMALL, "batch": 4, "average": 0.0, "warmup": 1, "head_epochs": 2, "recipe": measured.recipe},
    )
    stages = stages_of(prepared(classes, plan.recipe), plan)
    assert [stage.epochs for stage in stages] == [2, 1]
    assert plan.all_epochs == 3
    before = built(plan, 0)
    start = {n: t.clone() for n, t in before.state_dict().items()}
    after = learn(
        before, stages[:1], plan, Run(seed=0, watch=silent, groups=pace_of(plan))
    ).network.state_dict()
    body = [n for n in start if n.startswith("body.") and "num_batches" not in n]
    assert same(start, after, body)
    assert not torch.equal(start["head.weight"], after["head.weight"])


def test_each_level_learns_slower_than_the_next(measured, teacher):
    plan = dataclasses.replace(begin_from(asks_otherwise(measured), teacher[2]), layer_rate=0.5)
    of = built(plan, 0)
    names = {id(values): name for name, values in of.named_parameters()}
    shares = {names[id(p)]: (g["share"], g["alone"]) for g in groups_of(of, plan) for p in g["params"]}
    assert len(shares) == len(names)
    assert shares["body.conv1.weight"] == (0.125, 0.0)
    assert shares["body.stages.stage2.0.conv1.weight"] == (0.25, 0.0)
    assert shares["body.stages.stage3.2.conv2.weight"] == (0.5, 0.0)
    assert shares["head.bias"] == (1.0, 1.0)


def test_of_networks_that_are_asked_together_the_first_is_taken(measured, teacher, tmp_path):
    plan, learnt, _ = teacher
    folder = saved(plan, Mean([learnt, built(plan, 8)]), tmp_path)
    x = torch.randn(2, 1, 16, 16)
    torch.testing.assert_close(built(begin_from(measured, folder), 0).eval()(x), learnt(x))


def test_weights_of_others_come_from_a_file_for_the_network_that_is_named(measured, tmp_path):
    theirs = network("resnet-18", inputs=3, outputs=1000)
    named = {foreign_name(n, "torchvision", "resnet"): t for n, t in theirs.state_dict().items()}
    save_file(named, tmp_path / "weights.safetensors")
    plan = begin_from(overridden(measured, ["network=resnet-18"]), tmp_path / "weights.safetensors")
    assert plan.options == {}
    assert plan.origin.anew == ("head.weight", "head.bias")
    kernel = built(plan, 0).state_dict()["body.conv1.weight"]
    torch.testing.assert_close(kernel, theirs.body.conv1.weight.detach().sum(1, keepdim=True))


def test_the_card_names_the_model_its_data_and_its_licence(measured, classes, teacher):
    plan = begin_from(measured, teacher[2])
    card = learnt_card("pupil", plan.recipe, "DX", classes, origin=plan.origin)
    assert card.origin == f"teacher 0.1.0, SHA-256 {load_bundle(teacher[2]).digest()}, CC-BY-4.0"
    assert card.data == ("drawn shapes", "old data")
    assert card.licence == "CC0-1.0 AND CC-BY-4.0"
    assert card.attribution == "The teachers"
    assert learnt_card("alone", plan.recipe, "DX", classes).origin == ""


def structures(plan):
    recipe = dataclasses.replace(
        plan.recipe, task="segmentation", labels=(codes.HEAD,), concept=None, activation="sigmoid"
    )
    return Plan(
        recipe=recipe, network="residual-unet", options={"widths": [4, 8]}, epochs=1, loss="overlap-entropy"
    )


def volumes(plan):
    return dataclasses.replace(plan, recipe=dataclasses.replace(plan.recipe, shape=(8, 8, 8), mirror=()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (structures, "a segmentation begins with a network that can answer it"),
        (volumes, "a network for pictures does not see volumes"),
        (lambda plan: overridden(plan, ["network=vgg-11", "options={}"]), "name by name"),
        (lambda plan: overridden(plan, ["options.base=16"]), "mostly in shape"),
        (lambda plan: overridden(plan, ["network=resnet-56", "options.base=4"]), "name by name"),
    ],
    ids=["another task", "another number of axes", "another network", "another width", "another depth"],
)
def test_what_does_not_fit_is_refused_with_a_sentence(measured, teacher, change, said):
    with pytest.raises(InvalidInput, match=said):
        begin_from(change(measured), teacher[2])


def test_a_bundle_that_names_no_network_and_one_that_is_not_there_are_refused(measured, teacher, tmp_path):
    with pytest.raises(BundleError, match="names its network"):
        begin_from(measured, saved(teacher[0], teacher[1], tmp_path, record=False))
    with pytest.raises(MissingInput):
        begin_from(measured, tmp_path / "nowhere")


def test_weights_that_have_changed_since_the_plan_was_made_are_refused(measured, teacher, tmp_path):
    folder = saved(teacher[0], teacher[1], tmp_path)
    plan = begin_from(measured, folder)
    save_file(built(teacher[0], 9).state_dict(), folder / "weights.safetensors")
    with pytest.raises(BundleError, match="that the plan was made with"):
        built(plan, 0)


def test_levels_stay_fixed_only_with_an_origin_and_never_all_of_them(measured, teacher):
    with pytest.raises(InvalidInput, match="--from"):
        built(dataclasses.replace(measured, freeze=1), 0)
    plan = begin_from(measured, teacher[2])
    with pytest.raises(InvalidInput, match="has 4 levels"):
        built(dataclasses.replace(plan, freeze=4), 0)
    with pytest.raises(InvalidInput, match="rate of a level"):
        dataclasses.replace(plan, layer_rate=0.0)


def test_a_network_with_auxiliary_heads_learns_with_them_and_reads_without(measured, classes):
    plan = dataclasses.replace(
        measured, **{**SMALL, "network": "googlenet", "options": {}, "batch": 6, "warmup": 1}
    )
    found = teach(classes, plan, rng=np.random.default_rng(0), watch=silent)
    assert np.isfinite(found.history[-1]["loss"])
    assert isinstance(found.network(torch.zeros(2, 1, 16, 16)), torch.Tensor)
    start = built(plan, int(np.random.default_rng(0).integers(2**31))).state_dict()
    assert not torch.equal(found.network.state_dict()["sides.0.dense.weight"], start["sides.0.dense.weight"])


def test_a_tuning_tries_the_pace_of_a_transfer_and_leaves_its_network_alone(measured, teacher):
    fields = {d.field for d in usual_space(begin_from(measured, teacher[2]))}
    assert {"layer_rate", "freeze"} <= fields
    assert "width" not in fields
    assert "width" in {d.field for d in usual_space(measured)}


def asked_for(data, *more):
    arguments = [
        "train",
        "classification",
        str(data),
        "--out",
        str(data.parent / "out"),
        "--plan-only",
        "--json",
    ]
    return CliRunner().invoke(app, [*arguments, *more])


def test_the_command_line_begins_with_a_bundle_or_a_file_and_says_what_is_missing(teacher, tmp_path):
    data = tmp_path / "dataset.csv"
    rows = [f"{n}.png,{'disc' if n % 2 else 'ring'},{n},train" for n in range(8)]
    data.write_text("\n".join(["image,label,group,split", *rows]), "utf-8")
    for n in range(8):
        noise = np.random.default_rng(n).integers(0, 255, (16, 16), np.uint8)
        Pillow.fromarray(noise).save(tmp_path / f"{n}.png")
    done = asked_for(data, "--from", str(teacher[2]), "--set", "freeze=1")
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)
    assert plan["network"] == "resnet-20"
    assert plan["freeze"] == 1
    assert plan["origin"]["name"] == "teacher 0.1.0"
    assert plan["origin"]["anew"] == ["head.weight", "head.bias"]
    assert isinstance(asked_for(data, "--from", "no-such-model").exception, UnknownName)
    assert isinstance(asked_for(data, "--from", "none.safetensors").exception, MissingInput)
