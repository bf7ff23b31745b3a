"""Answers about a whole image: calibrated classes, prediction sets, and measurements with intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.inference import staged
from skiagraph.inference.facts import class_probabilities, classified, measured
from skiagraph.task import Card, InputSpec, OutputSpec, Recipe
from skiagraph.testing import check_model

GRADE = Code(value="GRADE", scheme="99TEST", meaning="Grade")
CLASSES = tuple(Code(value=f"C{n}", scheme="99TEST", meaning=f"grade {n}") for n in range(3))


def classes(activation="softmax", **calibration):
    return Recipe(
        task="classification",
        labels=CLASSES,
        concept=GRADE,
        activation=activation,
        shape=(8, 8),
        normalise="zscore",
        calibration=calibration,
    )


def values(n=2, **calibration):
    labels, units = (codes.HEAD_CIRCUMFERENCE, codes.GESTATIONAL_AGE)[:n], (codes.MM, codes.WEEK)[:n]
    numbers = {"centre": [100.0, 30.0][:n], "scale": [10.0, 2.0][:n], **calibration}
    return Recipe(
        task="regression",
        labels=labels,
        units=units,
        activation="gaussian",
        shape=(8, 8),
        normalise="zscore",
        calibration=numbers,
    )


@settings(max_examples=30, deadline=None)
@given(
    logits=arrays(np.float32, (4, 2), elements=st.floats(-30, 30, width=32)),
    temperature=st.floats(0.2, 5),
)
def test_ordered_classes_have_probabilities_that_sum_to_one_and_are_never_negative(logits, temperature):
    p = class_probabilities(logits, classes("ordinal", temperature=temperature))
    assert p.shape == (4, 3)
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-9)


def test_ordered_classes_say_how_far_up_the_ladder_a_case_is():
    p = class_probabilities(np.array([[-9.0, -9.0], [9.0, -9.0], [9.0, 9.0]]), classes("ordinal"))
    assert p.argmax(1).tolist() == [0, 1, 2]


def test_the_temperature_makes_a_model_less_sure_and_changes_no_decision():
    logits = np.array([[1.0, 3.0, -2.0]])
    cold, warm = (class_probabilities(logits, classes(temperature=t))[0] for t in (1.0, 3.0))
    assert cold[1] > warm[1]
    assert cold.argmax() == warm.argmax() == 1


@pytest.mark.parametrize(
    ("logits", "kept"), [((5.0, 0.0, 0.0), [0]), ((1.0, 1.0, -5.0), [0, 1]), ((0.1, 0.0, 0.0), [0])]
)
def test_the_prediction_set_holds_what_is_likely_enough_and_always_the_likeliest(logits, kept):
    found = classified(np.array(logits), classes(set={"level": 0.9, "least": 0.4}))
    assert found.level == 0.9
    assert [CLASSES.index(c) for c in found.prediction_set] == kept


def test_labels_that_stand_each_for_itself_are_not_exclusive():
    found = classified(np.array([3.0, 3.0, -3.0]), classes("sigmoid"))
    assert not found.exclusive
    assert [s.probability > 0.5 for s in found.scores] == [True, True, False]


def test_a_measurement_is_in_its_unit_and_its_interval_follows_its_own_uncertainty():
    recipe = values(interval={"level": 0.9, "width": [2.0, 1.0]})
    first, second = measured(np.array([1.0, -1.0, 2 * np.log(0.5), 0.0]), recipe)
    assert (first.value, first.unit) == (110.0, codes.MM)
    assert (first.interval.low, first.interval.high) == pytest.approx((100.0, 120.0))
    assert (second.value, second.unit) == (28.0, codes.WEEK)
    assert (second.interval.low, second.interval.high) == pytest.approx((26.0, 30.0))


@pytest.mark.parametrize("answer", [np.zeros(2), np.array([0.0, np.nan, 0.0])])
def test_an_answer_that_is_none_is_refused(answer):
    with pytest.raises(InvalidInput, match="3 finite numbers"):
        classified(answer, classes())


class Constant:
    name, precision = "constant", "fp32"

    def __init__(self, *answer):
        self.answer = np.array(answer, np.float32)

    def __call__(self, batch, /):
        assert batch.ndim == 4
        return np.repeat(self.answer[None], len(batch), 0)


def card(kind, concepts):
    return Card(
        name="toy",
        version="1.0.0",
        task=kind,
        summary="Says always the same.",
        inputs=(InputSpec(name="image", modality="US", ndim=2),),
        outputs=tuple(
            OutputSpec(finding="Classification" if kind == "classification" else "Measurement", concept=c)
            for c in concepts
        ),
        intended_use="Tests.",
        limits=("It does not look.",),
        licence="Apache-2.0",
    )


def test_a_classifier_keeps_the_contract_also_mirrored(picture):
    case, _ = picture((20, 30))
    recipe = Recipe(
        task="classification",
        labels=CLASSES,
        concept=GRADE,
        activation="softmax",
        shape=(8, 8),
        normalise="zscore",
        mirror=(1,),
        channels=3,
    )
    model = staged(card("classification", [GRADE]), recipe, Constant(0.0, 1.0, 2.0))
    check_model(model, case)
    assert model.prepare(case).shape == (3, 8, 8)


def test_a_model_of_several_values_answers_the_first_and_tells_them_all(picture):
    case, _ = picture((20, 30))
    recipe = values()
    model = staged(card("regression", recipe.labels), recipe, Constant(0.0, 1.0, 0.0, 0.0))
    check_model(model, case)
    assert [m.value for m in model.findings(case)] == [100.0, 32.0]
    assert model(case) == model.findings(case)[0]
