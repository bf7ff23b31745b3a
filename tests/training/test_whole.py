"""Classes and values of whole images: learnt, calibrated, judged beside a constant, and the same in every engine."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, Measurement
from skiagraph.inference import OnnxEngine, OpenVinoEngine, opened, staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.task import evaluate, load_bundle
from skiagraph.testing import check_model, check_trainer
from skiagraph.training import (
    ClassificationTrainer,
    RegressionTrainer,
    freeze,
    learnt_card,
    planned,
    teach,
)
from skiagraph.training.baseline import fitted_baselines
from skiagraph.training.losses import How, class_loss, gaussian_loss
from skiagraph.workflow.questions import cut_of, questions_of


def silent(*_):
    pass


def figures_of(who, model, data):
    """The figures of one who is asked, for each question that a model answers."""
    said = [(s.group, who(s.case()), s.reference()) for s in data]
    for question in questions_of(model.recipe, model.card):
        pairs = [(group, question.among(found), question.among(true)) for group, found, true in said]
        metric = question.metric_for(cut_of(model.recipe))
        yield evaluate(pairs, metric, rng=np.random.default_rng(0), resamples=20)


def quick(plan, **changes):
    """As planned, but for seconds: a network of few channels, no strong augmentation."""
    small = {"network": "resnet-20", "options": {"shortcut": "project", "base": 8}, "steps": ()}
    small |= {
        "epochs": 12,
        "average": 0.9,
        "warmup": 4,
        "batch": 16,
        "mixup": 0.0,
        "settle": None,
        "folds": 1,
    }
    return dataclasses.replace(plan, **{**small, **changes})


@pytest.fixture(scope="module")
def classes(drawn):
    return drawn(144, 3, test=48)


@pytest.fixture(scope="module")
def taught(classes, machine):
    plan = quick(planned(classes.split("train"), "classification", machine))
    return teach(classes.split("train"), plan, rng=np.random.default_rng(0), watch=silent)


@pytest.fixture(scope="module")
def bundle(taught, classes, tmp_path_factory):
    recipe = taught.plan.recipe
    card = learnt_card("shapes", recipe, "DX", classes)
    folder = tmp_path_factory.mktemp("classes") / "shapes"
    return freeze(taught.network, card, recipe, taught.plan, folder)


def test_classes_are_learnt_in_seconds_and_a_constant_is_far_behind(taught, classes):
    recipe = taught.plan.recipe
    assert (recipe.task, recipe.activation, len(recipe.labels)) == ("classification", "softmax", 3)
    model = staged(learnt_card("shapes", recipe, "DX", classes), recipe, TorchEngine(taught.network))
    (result,) = figures_of(model.findings, model, classes.split("test"))
    assert result["accuracy"].n == 48
    assert result["accuracy"].value > 0.9
    assert result["macro roc auc"].value > 0.97
    constant, _ = fitted_baselines(classes.split("train"), recipe)
    (plain,) = figures_of(constant, model, classes.split("test"))
    assert plain["accuracy"].value == pytest.approx(1 / 3, abs=0.01)
    assert plain["macro roc auc"].value == pytest.approx(0.5)


def test_some_groups_are_kept_apart_and_choose_temperature_and_sets(taught):
    numbers = taught.plan.recipe.calibration
    assert taught.held >= 20
    assert 0.2 <= numbers["temperature"] <= 5
    assert numbers["set"]["level"] == 0.9
    assert all({"loss", "auc"} <= set(figures) for figures in taught.history)


def test_a_frozen_classifier_says_the_same_in_three_engines_and_keeps_the_contract(bundle, taught, classes):
    x = np.random.default_rng(1).normal(size=(3, 1, 16, 16)).astype(np.float32)
    expected = TorchEngine(taught.network)(x)
    assert expected.shape == (3, 3)
    for engine in (OnnxEngine(bundle, threads=1), OpenVinoEngine(bundle, threads=1)):
        np.testing.assert_allclose(engine(x), expected, atol=1e-4)
    model = opened(load_bundle(bundle.folder))
    case = classes.samples[-1].case()
    check_model(model, case)
    assert isinstance(model(case), Classification)


def test_two_classes_get_a_threshold_and_sets_that_hold_the_truth(drawn, machine):
    data = drawn(160, 2, test=60)
    plan = quick(planned(data.split("train"), "classification", machine), epochs=5, validation=0.3)
    taught = teach(data.split("train"), plan, rng=np.random.default_rng(0), watch=silent)
    numbers = taught.plan.recipe.calibration
    assert taught.held >= 20
    assert 0 < numbers["threshold"] < 1
    assert numbers["temperature"] > 0
    model = staged(
        learnt_card("two", taught.plan.recipe, "DX", data), taught.plan.recipe, TorchEngine(taught.network)
    )
    (result,) = figures_of(model.findings, model, data.split("test"))
    assert result["coverage of sets"].value >= 0.75
    assert result["roc auc"].value > 0.95


@pytest.mark.parametrize("kind", ["ordinal", "multi-label"])
def test_ranked_classes_and_labels_that_stand_each_for_itself_are_learnt_too(kind, drawn, machine):
    data = drawn(48, 3, kind)
    if kind == "multi-label":
        data = dataclasses.replace(data, samples=tuple(map(_each_told, data.samples)))
    plan = quick(planned(data, "classification", machine), epochs=6)
    taught = teach(data, plan, rng=np.random.default_rng(0), watch=silent)
    recipe = taught.plan.recipe
    assert recipe.outputs == {"ordinal": 2, "multi-label": 3}[kind]
    model = staged(learnt_card("x", recipe, "DX", data), recipe, TorchEngine(taught.network))
    said = [model(s.case()) for s in data.samples[:12]]
    assert all(found.exclusive == (kind == "ordinal") for found in said)
    assert taught.history[-1]["loss"] < taught.history[0]["loss"]


def _each_told(sample):
    """The classes as labels of which each is known."""
    (kind, *rest) = sample.reference()
    true = {s.code for s in kind.scores}
    from_all = tuple(
        dataclasses.replace(kind.scores[0], code=code, probability=float(code in true)) for code in _codes()
    )
    found = dataclasses.replace(kind, scores=from_all, exclusive=False)
    return dataclasses.replace(sample, reference=lambda: (found, *rest))


def _codes():
    from skiagraph.codes import Code

    return [Code(value=v, scheme="99TEST", meaning=v.lower()) for v in ("DARK", "DISC", "RING")]


def test_folds_are_asked_together_and_calibrated_on_what_each_did_not_see(drawn, machine):
    data = drawn(48, 2)
    plan = quick(planned(data, "classification", machine), epochs=2, folds=2)
    told = []
    taught = teach(
        data, plan, rng=np.random.default_rng(0), watch=lambda done, total, _: told.append((done, total))
    )
    assert told == [(n, 4) for n in range(1, 5)]
    assert taught.held == 48
    x = torch.randn(2, 1, 16, 16)
    with torch.no_grad():
        mean = sum(member(x) for member in taught.network.members) / 2
        torch.testing.assert_close(taught.network(x), mean)


def test_values_are_learnt_with_intervals_and_a_constant_is_far_behind(drawn, machine, tmp_path):
    """Of discs and rings; what is dark all over has no radius that could be seen."""
    data = drawn(240, 3, test=60)
    bright = tuple(s for s in data.samples if s.stratum > 0)
    data = dataclasses.replace(data, samples=bright)
    plan = quick(planned(data.split("train"), "regression", machine), epochs=30, validation=0.2)
    assert plan.recipe.units[0].value == "{pixels}"
    taught = teach(data.split("train"), plan, rng=np.random.default_rng(0), watch=silent)
    recipe = taught.plan.recipe
    card = learnt_card("radius", recipe, "DX", data)
    model = staged(card, recipe, TorchEngine(taught.network))
    constant, _ = fitted_baselines(data.split("train"), recipe)
    asked = (model.findings, constant)
    for result, plain in zip(*(figures_of(who, model, data.split("test")) for who in asked), strict=True):
        error = "mean absolute error"
        assert result[error].value < 0.6 * plain[error].value
        assert result["coverage"].value >= 0.75
    frozen = opened(freeze(taught.network, card, recipe, taught.plan, tmp_path / "radius"))
    case = data.samples[-1].case()
    check_model(frozen, case)
    assert all(isinstance(m, Measurement) and m.interval is not None for m in frozen.findings(case))
    for a, b in zip(frozen.findings(case), model.findings(case), strict=True):
        assert a.value == pytest.approx(b.value, rel=1e-4)


@pytest.mark.parametrize(
    ("trainer", "task"), [(ClassificationTrainer, "classification"), (RegressionTrainer, "regression")]
)
def test_the_trainers_keep_the_contract(trainer, task, drawn, machine):
    data = drawn(12, 2)
    plan = quick(planned(data, task, machine), epochs=1, batch=4)
    check_trainer(trainer(card=learnt_card("x", plan.recipe, "DX", data)), data, plan)


def test_a_plan_of_another_task_is_refused(drawn, machine):
    data = drawn(12, 2)
    plan = planned(data, "classification", machine)
    trainer = RegressionTrainer(card=learnt_card("x", plan.recipe, "DX", data))
    with pytest.raises(InvalidInput, match="trainer is for regression"):
        trainer.fit(data, plan, rng=np.random.default_rng(0), watch=silent)


def test_a_strict_plan_stops_at_the_sample_that_another_leaves_out(drawn, machine):
    data = drawn(12, 2)
    bare = dataclasses.replace(data.samples[3], reference=tuple)
    data = dataclasses.replace(data, samples=(*data.samples[:3], bare, *data.samples[4:]))
    plan = quick(planned(data, "classification", machine), epochs=1, batch=4, validation=0.0)
    taught = teach(data, plan, rng=np.random.default_rng(0), watch=silent)
    assert len(taught.problems) == 1
    assert "d003 was left out" in taught.problems[0]
    with pytest.raises(InvalidInput, match="0 in d003"):
        teach(data, dataclasses.replace(plan, strict=True), rng=np.random.default_rng(0), watch=silent)


def test_one_class_alone_is_refused_before_anything_is_learnt(drawn, machine):
    data = drawn(24, 2)
    one = dataclasses.replace(data, samples=tuple(s for s in data.samples if s.stratum == 0))
    with pytest.raises(InvalidInput, match="at least two classes; got only dark"):
        planned(one, "classification", machine)


@pytest.mark.parametrize(
    ("how", "logits", "target", "expected"),
    [
        (How(activation="softmax"), [[0.0, 0.0]], [[1.0, 0.0]], math.log(2)),
        (How(activation="softmax", loss="focal"), [[0.0, 0.0]], [[1.0, 0.0]], math.log(2) / 4),
        (How(activation="sigmoid"), [[0.0, 0.0]], [[1.0, 0.0]], math.log(2)),
        (How(activation="sigmoid"), [[0.0, 9.0]], [[1.0, math.nan]], math.log(2)),
        (How(activation="ordinal"), [[0.0, 0.0]], [[0.0, 1.0, 0.0]], math.log(2)),
        (How(activation="softmax", weights=(3.0, 1.0)), [[0.0, 0.0], [0.0, 0.0]], [[1.0, 0], [0, 1.0]], math.log(2)),
        (How(activation="sigmoid", loss="asymmetric"), [[0.0]], [[1.0]], math.log(2)),
        (How(activation="sigmoid", loss="asymmetric"), [[0.0]], [[0.0]], -(0.45**4) * math.log(0.55)),
    ],
)  # fmt: skip
def test_losses_of_classes_by_hand(how, logits, target, expected):
    found = class_loss(how, torch.tensor(logits), torch.tensor(target))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_values_is_least_at_the_true_mean_and_deviation_and_knows_what_is_missing():
    target = torch.tensor([[1.0, math.nan]])
    right = gaussian_loss(torch.tensor([[1.0, 0.0, -2.0, 0.0]]), target)
    off = gaussian_loss(torch.tensor([[2.0, 0.0, -2.0, 0.0]]), target)
    other = gaussian_loss(torch.tensor([[1.0, 55.0, -2.0, 3.0]]), target)
    assert right < off
    assert float(right) == float(other)
