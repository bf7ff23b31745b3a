"""Fusion: the product rule, weights and calibration; who may be joined; and what a refusal of one member does."""

import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore, Measurement, NotApplicable
from skiagraph.inference.fused import Fused, joined_recipe
from skiagraph.task import Card, InputSpec, OutputSpec, Recipe
from skiagraph.task.recipe import Described
from skiagraph.testing import check_model


def code(word):
    return Code(value=word, scheme="99LOCAL", meaning=word)


CONCEPT, LABELS = code("kind"), (code("round"), code("long"), code("odd"))
NO = NotApplicable(reason="wrong-modality", explanation="It reads CT.")


def card(name="toy", finding="Classification", concept=CONCEPT):
    return Card(
        name=name,
        version="1.0.0",
        task="classification",
        summary="Tells apart.",
        inputs=(InputSpec(name="image", modality="US", ndim=2),),
        outputs=(OutputSpec(finding=finding, concept=concept),),
        intended_use="Tests.",
        limits=("It is a toy.",),
        licence="Apache-2.0",
    )


def of_classes(**changes):
    said = {
        "task": "classification",
        "labels": LABELS,
        "concept": CONCEPT,
        "activation": "softmax",
        "shape": (8, 8),
        "normalise": "zscore",
    }
    return Recipe(**said | changes)


def of_values(**changes):
    said = {
        "task": "regression",
        "labels": (code("area"),),
        "units": (codes.MM2,),
        "activation": "gaussian",
        "shape": (8, 8),
        "normalise": "zscore",
    }
    return Recipe(**said | changes)


class Says:
    """A member that always says the same; of a case it may refuse before it computes."""

    def __init__(self, *findings, refuses=None, name="toy"):
        self.card, self._findings, self._refuses = card(name), findings, refuses

    def findings(self, case, /):
        return self._findings

    def refusal(self, case, /):
        return self._refuses


def classes(*p, labels=LABELS, **more):
    scores = tuple(ClassScore(code=c, probability=q) for c, q in zip(labels, p, strict=True))
    return Classification(concept=CONCEPT, scores=scores, **more)


def value(number, concept=None):
    return Measurement(concept=concept or code("area"), value=number, unit=codes.MM2)


def fused(members, recipe=None, **calibration):
    names = [f"m{n}" for n in range(len(members))]
    joined = joined_recipe([recipe or of_classes()] * len(members), names)
    joined = dataclasses.replace(joined, calibration={**joined.calibration, **calibration})
    return Fused(card=card(), recipe=joined, members=tuple(members))


@pytest.fixture
def case(picture):
    return picture((20, 30))[0]


def probabilities(answer):
    return np.array([s.probability for s in answer.scores])


A, B, C = (0.7, 0.2, 0.1), (0.5, 0.1, 0.4), (0.2, 0.6, 0.2)


def test_classes_are_joined_by_the_mean_of_the_logarithms(case):
    found = fused([Says(classes(*A)), Says(classes(*B)), Says(classes(*C))])(case)
    wanted = softmax(np.log([A, B, C]).mean(0))
    np.testing.assert_allclose(probabilities(found), wanted, atol=1e-12)


def test_with_a_temperature_of_one_over_the_members_it_is_the_product_rule(case):
    found = fused([Says(classes(*A)), Says(classes(*B))], temperature=0.5)(case)
    product = np.array(A) * B
    np.testing.assert_allclose(probabilities(found), product / product.sum(), atol=1e-12)


def test_a_member_counts_as_its_weight_says(case):
    found = fused([Says(classes(*A)), Says(classes(*B))], weights=[3, 1])(case)
    wanted = softmax((3 * np.log(A) + np.log(B)) / 4)
    np.testing.assert_allclose(probabilities(found), wanted, atol=1e-12)


def test_classes_are_joined_by_what_they_are_and_not_by_their_order(case):
    turned = classes(*B[::-1], labels=LABELS[::-1])
    found = fused([Says(classes(*A)), Says(turned)])(case)
    again = fused([Says(classes(*A)), Says(classes(*B))])(case)
    np.testing.assert_allclose(probabilities(found), probabilities(again))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "ordinal"])
def test_two_members_that_say_the_same_are_repeated(activation, case):
    one = classes(*A, exclusive=activation != "sigmoid")
    found = fused([Says(one), Says(one)], of_classes(activation=activation))(case)
    np.testing.assert_allclose(probabilities(found), A, atol=1e-9)
    assert found.exclusive == (activation != "sigmoid")


def test_a_member_that_is_certain_has_no_veto(case):
    found = fused([Says(classes(1.0, 0.0, 0.0)), Says(classes(0.0, 1.0, 0.0))])(case)
    np.testing.assert_allclose(probabilities(found)[:2], 0.5, atol=1e-3)


def test_values_are_averaged_and_have_an_interval_by_calibration(case):
    model = fused([Says(value(10.0)), Says(value(14.0))], of_values(), weights=[1, 3])
    (found,) = model.findings(case)
    assert (found.value, found.unit, found.interval) == (13.0, codes.MM2, None)
    told = fused(
        [Says(value(10.0)), Says(value(14.0))], of_values(), interval={"level": 0.9, "width": [2.5]}
    )(case)
    assert (told.interval.low, told.value, told.interval.high) == (9.5, 12.0, 14.5)
    assert "2 models" in told.method


@pytest.mark.parametrize(
    "refusing", [Says(NO, name="ct"), Says(classes(*A), refuses=NO, name="ct")], ids=["after", "before"]
)
def test_where_one_member_refuses_the_fusion_refuses_with_its_reason(refusing, case):
    model = fused([Says(classes(*A)), refusing])
    found = model(case)
    assert isinstance(found, NotApplicable)
    assert (found.reason, found.explanation) == ("wrong-modality", "ct does not answer: It reads CT.")


def test_a_refusal_before_computing_is_told_before_computing(case):
    assert fused([Says(classes(*A)), Says(classes(*A))]).refusal(case) is None
    refused = fused([Says(classes(*A)), Says(classes(*A), refuses=NO)]).refusal(case)
    assert refused is not None
    assert refused.reason == "wrong-modality"


@pytest.mark.parametrize(
    ("recipe", "items"),
    [
        (of_classes(), (classes(*A), classes(*B))),
        (of_classes(), ()),
        (of_values(), (value(1.0), value(2.0))),
        (of_values(), (value(1.0, code("length")),)),
    ],
    ids=["two objects", "nothing", "two values", "another value"],
)
def test_a_member_without_one_answer_leaves_the_case_unanswered(recipe, items, case):
    whole = value(1.0) if recipe.task == "regression" else classes(*A)
    found = fused([Says(whole), Says(*items)], recipe)(case)
    assert isinstance(found, NotApplicable)
    assert "one answer a case" in found.explanation


def test_a_fusion_keeps_the_contract_of_models(case):
    check_model(fused([Says(classes(*A)), Says(classes(*B)), Says(classes(*C))]), case)


# Who may be joined ------------------------------------------------------------------------------------------------


def features(sets):
    return Described(columns=("a",), typical=(0.0,), scores="margins", sets=sets)


FUSION = of_classes(shape=(1, 1), members=("a", "b"))
REFUSED = {
    "other classes": ([of_classes(), of_classes(labels=LABELS[:2])], "which tells apart round, long"),
    "another concept": ([of_classes(), of_classes(concept=code("grade"))], r"\(grade\)"),
    "a value": ([of_classes(), of_values()], "which measures area"),
    "another value": ([of_values(), of_values(labels=(code("length"),))], "which measures length"),
    "another unit": ([of_values(), of_values(units=(codes.MM,))], "in one unit"),
    "labels and classes": ([of_classes(), of_classes(activation="sigmoid")], "exclude one another"),
    "outlines": ([Recipe(labels=LABELS, shape=(8, 8), normalise="zscore")] * 2, "which outlines"),
    "a fusion": ([of_classes(), FUSION], "which is a fusion; name its members"),
    "a table": ([of_classes(), of_classes(features=features({}))], "reads numbers of a table"),
    "one": ([of_classes()], "two members or more"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_models_that_cannot_be_joined_are_refused_with_the_reason(kind):
    recipes, words = REFUSED[kind]
    with pytest.raises(InvalidInput, match=words):
        joined_recipe(recipes, [f"m{n}" for n in range(len(recipes))])


def test_ranks_and_classes_are_joined_as_classes():
    mixed = joined_recipe([of_classes(activation="ordinal"), of_classes()], ["a", "b"])
    alike = joined_recipe([of_classes(activation="ordinal")] * 2, ["a", "b"])
    assert (mixed.activation, alike.activation) == ("softmax", "ordinal")


def test_a_network_and_features_of_images_may_be_joined():
    recipe = joined_recipe([of_classes(), of_classes(features=features({"glcm": {}}))], ["a", "b"])
    assert recipe.members == ("a", "b")


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, -2], [1, float("nan")]])
def test_weights_are_positive_and_one_for_each(weights):
    with pytest.raises(InvalidInput):
        fused([Says(classes(*A)), Says(classes(*B))], weights=weights)
