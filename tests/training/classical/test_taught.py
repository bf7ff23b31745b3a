"""From a table to a bundle and back: the same answers, calibrated, with figures, rules and reasons."""

import dataclasses
import json

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample
from skiagraph.errors import BundleError, InvalidInput, MissingInput, UnknownName
from skiagraph.features.feature import Feature
from skiagraph.features.texture import glcm
from skiagraph.features.texture.levels import Levels
from skiagraph.findings import Classification, ClassScore, Measurement, NotApplicable, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.inference.classical import classical_model, explained, masked
from skiagraph.inference.facts import class_probabilities
from skiagraph.task import load_bundle
from skiagraph.training.classical import (
    Search,
    features_of_cases,
    fitted,
    graph_of,
    imitated,
    learner_of,
    rules_of,
    saved,
    table_of_csv,
    taught,
)
from skiagraph.workflow.shelf import fetal_head_ultrasound, opened_model


def quiet(*_):
    pass


def test_a_bundle_answers_as_the_learner_did(tumours, tmp_path, rng):
    table = tumours(rng, missing=0.02)
    search = Search(learners=("logistic",), selection="mrmr", counts=(2, 4), outer=4, inner=3)
    result = taught(table, "tumours", search, rng=rng, watch=quiet)
    bundle = saved(result, tmp_path / "tumours")
    assert {p.name for p in bundle.folder.iterdir()} == {
        "card.json",
        "recipe.json",
        "plan.json",
        "graph.onnx",
    }
    again = load_bundle(bundle.folder)
    assert again.recipe == result.recipe
    assert again.card == result.card
    assert again.digest() == bundle.digest()
    model = classical_model(again)
    row = dict(zip(table.columns, table.numbers[0], strict=True))
    answer = model.of_features(row)
    raw = np.log(result.model(table.numbers[:1]).clip(1e-4))
    expected = class_probabilities(raw, result.recipe)[0]
    assert [s.probability for s in answer.scores] == pytest.approx(expected, abs=1e-5)
    assert answer.prediction_set
    assert result.figures["roc auc"].low < result.figures["roc auc"].value > 0.85
    assert {s.name for s in result.card.scores} >= {"sensitivity", "specificity", "roc auc", "brier"}
    assert "nested" in result.card.limits[0]
    plan = json.loads((bundle.folder / "plan.json").read_text())
    assert plan["choice"]["learner"] == "logistic"
    assert next(iter(plan["kept"])) == "feature_2"


@pytest.mark.parametrize("name", ["svm", "forest"])
def test_probabilities_mean_what_they_say(name, tumours, rng):
    table = tumours(rng, n=240)
    search = Search(learners=(name,), selection="mrmr", counts=(2,), outer=3, inner=2)
    result = taught(table, "tumours", search, rng=rng, watch=quiet)
    assert result.figures["calibration error"].value < 0.12
    assert {"temperature", "bias", "threshold", "set"} <= set(result.recipe.calibration)


def test_values_come_with_intervals_that_hold(tumours, tmp_path, rng):
    table = tumours(rng, n=150, classes=0, missing=0.0)
    search = Search(learners=("ridge", "svr"), selection="lasso", counts=(2, 6), outer=4, inner=3)
    result = taught(table, "areas", search, rng=rng, watch=quiet)
    assert result.figures["coverage"].value == pytest.approx(0.9, abs=0.08)
    assert result.figures["r2"].value > 0.6
    model = classical_model(saved(result, tmp_path / "areas"))
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.numbers]
    answers = [model.of_features(row) for row in rows]
    assert all(isinstance(a, Measurement) and a.unit == codes.MM2 and a.interval for a in answers)
    assert np.corrcoef([a.value for a in answers], table.truth)[0, 1] > 0.8
    why = explained(model, rows[0])
    assert why.answer == pytest.approx(answers[0].value, rel=1e-5)
    assert why.usual + sum(c.added for c in why.contributions) == pytest.approx(why.answer, rel=1e-6)


def test_of_a_linear_model_a_feature_adds_its_distance_times_its_coefficient(tumours, tmp_path, rng):
    table = tumours(rng, columns=8, missing=0.0)
    result = taught(table, "tumours", Search(learners=("logistic",), outer=3, inner=2), rng=rng, watch=quiet)
    model, fit = classical_model(saved(result, tmp_path / "m")), result.model
    row = np.median(table.numbers, axis=0) + 0.3 * table.numbers.std(axis=0)
    why = explained(model, dict(zip(table.columns, row, strict=True)))
    added = {c.column: c.added for c in why.contributions}
    slope = fit.estimator.coef_[0] / fit.scaling.deviation / result.recipe.calibration["temperature"]
    for j, column in enumerate(table.columns):
        expected = slope[j] * (row[j] - fit.scaling.median[j])
        assert added[column] == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("name", ["svm", "k-nn", "forest", "boosting", "network"])
@pytest.mark.parametrize("columns", [4, 9])
def test_contributions_add_up_whatever_the_learner(name, columns, tumours, tmp_path, rng):
    table = tumours(rng, n=60, columns=columns)
    learner = learner_of(name, regression=False)
    result = _fixed(table, learner, rng)
    model = classical_model(saved(result, tmp_path / "m"))
    row = dict(zip(table.columns, table.numbers[3], strict=True)) | {"feature_1": np.nan}
    why = explained(model, row)
    p = model.of_features(row).scores[-1].probability
    assert why.answer == pytest.approx(np.log(p / (1 - p)), abs=1e-6)
    assert why.usual + sum(c.added for c in why.contributions) == pytest.approx(why.answer, abs=1e-6)
    missing = next(c for c in why.contributions if c.column == "feature_1")
    assert (missing.value, missing.added) == (None, 0.0)
    assert [abs(c.added) for c in why.contributions] == sorted(
        (abs(c.added) for c in why.contributions), reverse=True
    )


def _fixed(table, learner, rng):
    """A bundle without a search: one setting, all features."""
    plain = taught(table, "m", Search(learners=("naive-bayes",), outer=2, inner=2), rng=rng, watch=quiet)
    model = fitted(learner, learner.settings[0], table.numbers, table.truth, range(len(table.columns)), rng)
    features = dataclasses.replace(plain.recipe.features, scores=model.scores)
    recipe = dataclasses.replace(plain.recipe, features=features)
    return dataclasses.replace(plain, model=model, graph=graph_of(model), recipe=recipe)


def test_rules_can_be_read_and_count_right(table_of, rng):
    x = rng.uniform(size=(200, 2))
    truth = ((x[:, 0] > 0.41) & (x[:, 1] > 0.3)).astype(float)
    table = table_of(x, truth)
    tree = fitted(
        learner_of("tree", regression=False), {"max_depth": 2, "min_samples_leaf": 5}, x, truth, [0, 1], rng
    )
    rules = rules_of(tree, table)
    malignant = next(rule for rule in rules if rule.answer == "malignant")
    lows = {column: low for column, low, _ in malignant.bounds}
    assert lows == pytest.approx({"feature_0": 0.41, "feature_1": 0.3}, abs=0.03)
    assert sum(rule.cases for rule in rules) == 200
    assert (malignant.right, malignant.cases) == (truth.sum(), truth.sum())
    assert str(malignant).startswith("if feature 1 > 0.") or str(malignant).startswith("if feature 0 > 0.4")
    assert str(malignant).endswith(f"then malignant ({truth.sum():.0f} of {truth.sum():.0f})")
    forest = learner_of("forest", regression=False)
    other = fitted(forest, forest.settings[0], x, truth, [0, 1], rng)
    _, alike = imitated(other, table, other(x).argmax(axis=1))
    assert alike > 0.95
    with pytest.raises(InvalidInput, match="imitated"):
        rules_of(other, table)


def test_missing_features_are_typical_until_most_are_missing(tumours, tmp_path, rng):
    table = tumours(rng, n=60)
    result = taught(table, "m", Search(learners=("lda",), outer=2, inner=2), rng=rng, watch=quiet)
    model = classical_model(saved(result, tmp_path / "m"))
    typical = dict(zip(table.columns, model.features.typical, strict=True))
    some = {k: v for k, v in typical.items() if k != "feature_2"}
    assert model.of_features(some) == model.of_features(typical)
    refused = model.of_features({"feature_2": 1.0})
    assert isinstance(refused, NotApplicable)
    assert refused.reason == "poor-quality"
    with pytest.raises(InvalidInput):
        model.of_features({"other": 1.0})


def test_a_csv_becomes_a_table(tmp_path):
    path = tmp_path / "lesions.csv"
    path.write_text(
        "patient,area,roughness,site,diagnosis\n"
        "a,10.5,0.2,left,benign\na,11,,left,malignant\nb,nan,0.4,right,benign\n"
    )
    table = table_of_csv(path, label="diagnosis", group="patient")
    assert table.columns == ("area", "roughness")
    np.testing.assert_array_equal(table.numbers, [[10.5, 0.2], [11, np.nan], [np.nan, 0.4]])
    assert [label.name for label in table.target.labels] == ["benign", "malignant"]
    assert (table.truth.tolist(), table.groups) == ([0, 1, 0], ("a", "a", "b"))
    assert "site" in table.problems[0]
    with pytest.raises(InvalidInput, match="there are"):
        table_of_csv(path, label="grade")
    told = {"format": "skiagraph-features", "columns": {"roughness": {}}}
    path.with_suffix(".json").write_text(json.dumps(told))
    path.write_text(path.read_text().replace("patient", "case"))
    table = table_of_csv(path, label="diagnosis")
    assert (table.columns, table.groups) == (("roughness",), ("a", "a", "b"))
    with pytest.raises(InvalidInput, match="value"):
        table_of_csv(path, label="area", unit=codes.MM2)
    with pytest.raises(MissingInput):
        table_of_csv(tmp_path / "none.csv", label="diagnosis")


def simple(region, *, bright=100.0):
    """Two features of a region: its area, and the share of it that is bright."""
    inside = region.inside
    if not len(inside):
        none = {"value": float("nan"), "reason": "the region is empty"}
        return tuple(Feature(family="simple", name=name, **none) for name in ("area", "bright share"))
    return (
        Feature(family="simple", name="area", value=len(inside), unit="1"),
        Feature(family="simple", name="bright share", value=float((inside > bright).mean())),
    )


def pictured(number, truth, malignancy):
    rng = np.random.default_rng(number)
    space = Plane.upright(shape=(24, 24), spacing=None, frame=derived_frame(f"made-up {number}"))
    mask = np.hypot(*(np.indices((24, 24)) - 12)) < rng.uniform(4, 10)
    grey = (
        np.where(mask, 90 + 60 * truth + 20 * rng.normal(size=mask.shape), 20).clip(0, 255).astype(np.uint8)
    )
    image = Image(data=grey, space=space, quantity=GREY)
    outline = Segmentation(
        space=space, labels=mask.astype(np.uint8), segments=(Segment(number=1, code=codes.HEAD),)
    )
    scores = tuple(
        ClassScore(code=label.code, probability=float(label.number == truth)) for label in malignancy.labels
    )
    return image, outline, Classification(concept=malignancy.concept, scores=scores)


def test_images_with_masks_become_a_model_that_reads_images_with_masks(malignancy, tmp_path, rng):
    made = [pictured(n, n % 2, malignancy) for n in range(60)]
    samples = tuple(
        Sample(
            identifier=str(n),
            group=str(n),
            split="train",
            case=lambda image=image: Case(identifier="c", images={"image": image}),
            reference=lambda both=(outline, truth): both,
            stratum=float(n % 2),
        )
        for n, (image, outline, truth) in enumerate(made)
    )
    sets = {"simple": {"bright": 120.0}}
    table = features_of_cases(
        Dataset(name="made-up", samples=samples), malignancy, sets=sets, describe={"simple": simple}
    )
    assert table.columns == ("simple_area", "simple_bright_share")
    result = taught(table, "m", Search(learners=("logistic",), outer=3, inner=2), rng=rng, watch=quiet)
    bundle = load_bundle(saved(result, tmp_path / "m").folder)
    assert bundle.recipe.features.sets == sets
    model = classical_model(bundle, {"simple": simple})
    image, outline, _ = pictured(101, 1, malignancy)
    case = Case(identifier="new", images={"image": image}, known={"outline": outline})
    answer = model(case)
    assert isinstance(answer, Classification)
    assert answer.scores[1].probability > 0.9
    assert isinstance(model(Case(identifier="new", images={"image": image})), NotApplicable)
    empty = dataclasses.replace(outline, labels=np.zeros((24, 24), np.uint8))
    refused = model(Case(identifier="new", images={"image": image}, known={"outline": empty}))
    assert isinstance(refused, NotApplicable)
    with pytest.raises(UnknownName, match="simple"):
        classical_model(bundle)(case)
    reader = opened_model(str(tmp_path / "m"))
    assert (reader.engine.precision, reader.measure) == ("fp32", None)
    with pytest.raises(InvalidInput, match="onnxruntime"):
        opened_model(str(tmp_path / "m"), engine="openvino")


def test_families_of_the_house_are_computed_as_the_recipe_says(malignancy, rng):
    made = [pictured(n, n % 2, malignancy) for n in range(12)]
    samples = tuple(
        Sample(
            identifier=str(n),
            group=str(n),
            split="train",
            case=lambda image=image: Case(identifier="c", images={"image": image}),
            reference=lambda both=(outline, truth): both,
        )
        for n, (image, outline, truth) in enumerate(made)
    )
    dataset = Dataset(name="made-up", samples=samples)
    sets = {"glcm": {"levels": {"bins": 8}}, "outline": {}}
    table = features_of_cases(dataset, malignancy, sets=sets)
    assert len(table) == 12
    image, outline, _ = made[3]
    found = {f.key: f.value for f in glcm(masked(image, outline), levels=Levels(bins=8))}
    assert set(found) < set(table.columns)
    row = dict(zip(table.columns, table.numbers[3], strict=True))
    assert {key: row[key] for key in found} == pytest.approx(found, nan_ok=True)


def test_a_network_is_no_classical_model():
    with pytest.raises(BundleError):
        classical_model(fetal_head_ultrasound())
