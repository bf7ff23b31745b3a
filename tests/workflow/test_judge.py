"""Models are judged question by question, beside baselines and a rival; nothing that failed is left out in silence."""

import dataclasses
import re

import numpy as np
import pytest
from by_hand import (
    AGE,
    BENIGN,
    CLASSES,
    GOLDEN,
    SPACE,
    Constant,
    Model,
    code,
    dataset,
    golden,
    golden_model,
    silent,
    told,
)

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.findings import (
    Interval,
    Measurement,
    NotApplicable,
    Segment,
    Segmentation,
)
from skiagraph.geometry import Plane, derived_frame
from skiagraph.phantoms.truth import fetal_head_image
from skiagraph.report.evaluated import ClassGraphs, OutlineGraphs, ValueGraphs
from skiagraph.report.evaluation import render_evaluation, sentences_of
from skiagraph.report.evaluation_accuracy import counted, misleading
from skiagraph.task import Recipe
from skiagraph.workflow.evaluation import Beside, evaluated, with_baselines
from skiagraph.workflow.fit import both_sides
from skiagraph.workflow.judge import Answerer, judged


def test_a_model_below_the_constant_is_told_to_be_useless_in_words_golden():
    (question,) = golden().judged
    figures = {name: round(e.value, 3) for name, e in question.figures.items()}
    assert figures["accuracy"] == 0.84
    assert figures["balanced accuracy"] == 0.556
    assert figures["f1"] == 0.2
    assert figures["kappa"] == 0.111
    constant = question.baselines["constant"]
    assert constant["accuracy"].value == 0.9
    assert constant["balanced accuracy"].value == 0.5
    worse = {v.figure: v.answer for v in question.verdicts}
    assert worse["accuracy"] == "no better"
    assert worse["balanced accuracy"] == "unproven"
    (sentence,) = sentences_of(question, "no better", "en")
    assert sentence.startswith("No better than the constant answer: accuracy 0.840 against 0.900")
    assert sentences_of(question, "no better", "zh")[0].startswith("不优于恒定回答：准确率 0.840，对照 0.900")


def test_figures_stand_on_the_page_with_their_warning_in_both_languages():
    found = golden()
    for lang, word in (("en", "Do not use this model before this is understood."), ("zh", "请勿使用该模型")):
        page = render_evaluation(found, lang=lang)
        assert word in page
        assert misleading(found.judged[0], lang).paragraph.split("'")[0] in page
        assert page.index(counted(found.judged[0], lang)[0]) < page.index("0.840</span>")
        assert "0.840" in page
        assert "0.556" in page


def test_a_threshold_of_the_model_is_its_own_and_not_that_of_the_baselines():
    recipe = dataclasses.replace(CLASSES, calibration={"threshold": 0.05})
    found = evaluated(
        Model(lambda n: told(0.06 if n < 10 else 0.04), recipe),
        GOLDEN,
        beside=with_baselines(Beside(), [Constant(0.1)]),
        split="test",
        seed=0,
        watch=silent,
    )
    (question,) = found.judged
    assert question.figures["accuracy"].value == 1.0
    assert (
        question.baselines["constant"]["accuracy"].value == 0.9
    )  # 0.1 is above the threshold of the model only


def test_what_the_model_refused_and_what_cannot_be_read_is_counted_and_named():
    def broken():
        raise FormatError("a picture can be decoded")

    refusal = NotApplicable(reason="wrong-content", explanation="No such picture.")
    bad = Sample(identifier="broken", group="b", split="test", case=broken, reference=lambda: (told(1.0),))
    data = dataclasses.replace(GOLDEN, samples=(*GOLDEN.samples, bad))
    model = Model(lambda n: refusal if n in (3, 50) else golden_model(n))
    found = evaluated(model, data, beside=Beside(), split="test", seed=0, watch=silent)
    accuracy = found.judged[0].figures["accuracy"]
    assert (accuracy.n, accuracy.excluded) == (98, 3)
    assert found.refusals == {"wrong-content": 2}
    assert found.problems == ("broken: a picture can be decoded.",)


def test_a_label_outside_of_the_list_of_the_model_is_named_and_the_others_are_judged():
    data = dataset([told(1.0), told(1.0, labels=(BENIGN, code("unheard"))), told(0.0)])
    found = evaluated(Model(golden_model), data, beside=Beside(), split="test", seed=0, watch=silent)
    assert found.judged[0].figures["accuracy"].n == 2
    (problem,) = found.problems
    assert problem.startswith("case 1: ")
    assert "unheard" in problem


@pytest.mark.parametrize(
    ("data", "answer", "words"),
    [
        (GOLDEN, NotApplicable(reason="wrong-content", explanation="No."), "wrong-content"),
        (
            dataset([Measurement(concept=AGE, value=3.0, unit=codes.WEEK)]),
            None,
            "about what the model answers",
        ),
    ],
)
def test_nothing_to_judge_is_said_in_one_sentence(data, answer, words):
    model = Model(lambda n: answer or golden_model(n))
    with pytest.raises(InvalidInput, match=words):
        evaluated(model, data, beside=Beside(), split="test", seed=0, watch=silent)
    with pytest.raises(InvalidInput, match=words):
        judged(model, data, rng=np.random.default_rng(0), watch=silent)


def test_subgroups_stand_side_by_side_and_single_cases_are_not_shown():
    data = dataset(
        [told(1.0 if n < 10 else 0.0) for n in range(100)],
        attributes=lambda n: {} if n == 99 else {"site": "A" if n % 2 else "B", "sex": "f"},
    )
    beside = Beside(by=("site",))
    found = evaluated(Model(golden_model), data, beside=beside, split="test", seed=0, watch=silent)
    groups = found.judged[0].subgroups
    assert [(g.value, g.cases) for g in groups] == [("A", 49), ("B", 50)]
    assert sum(g.figures["accuracy"].value * g.cases for g in groups) == pytest.approx(83)
    with pytest.raises(InvalidInput, match="sex, site"):
        evaluated(Model(golden_model), data, beside=Beside(by=("age",)), split="test", seed=0, watch=silent)


def test_two_models_are_compared_on_the_same_cases_with_tests():
    rival = Model(lambda n: told(0.8 if n < 10 else 0.1 + 0.001 * n), name="better")
    (question,) = golden(rival=rival).judged
    found = question.rival
    accuracy = found.comparisons["accuracy"]
    assert found.name == "better 1.0.0"
    assert accuracy.difference == pytest.approx(-0.16)
    assert accuracy.low < -0.16 < accuracy.high < 0
    assert accuracy.p_permutation < 0.01
    assert set(found.tests) == {"McNemar (accuracy)", "DeLong (ROC AUC)"}
    assert found.tests["McNemar (accuracy)"] < 0.001


def test_members_stand_in_the_one_table_of_figures_with_their_paired_difference():
    better = Answerer(answer=Model(lambda n: told(0.8 if n < 10 else 0.1)))
    silent_member = Answerer(answer=lambda _: ())
    rival = Model(lambda n: told(0.7 if n < 5 else 0.1), name="half")
    found = golden(rival=rival, members={"shape": better, "texture": silent_member})
    (question,) = found.judged
    assert [one.name for one in question.others] == ["half 1.0.0", "shape"]
    assert found.problems == ("texture answered none of the cases: no answer.",)
    (shape,) = question.members
    assert shape.figures["sensitivity"].value == 1.0
    assert shape.comparisons["accuracy"].difference == pytest.approx(-0.16)
    assert golden(rival=rival).judged[0].figures["kappa"] == question.figures["kappa"]
    for lang in ("en", "zh"):
        page = render_evaluation(found, lang=lang)
        (table,) = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)[:1]
        for words in ("half 1.0.0", ">shape<", "Δ −0.160", "0.900"):
            assert words in table, words


@pytest.mark.parametrize("name", ["model", "rival", "constant", "simple"])
def test_a_member_has_a_name_of_its_own(name):
    with pytest.raises(InvalidInput, match=name):
        Beside(members={name: Answerer(answer=lambda _: ())})


def test_the_worst_cases_are_at_most_twelve_the_worst_first():
    (question,) = golden().judged
    scores = [worst.score for worst in question.worst]
    assert len(scores) == 12
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(0.1)  # benign, told malignant with 0.9
    assert isinstance(question.graphs, ClassGraphs)
    assert question.graphs.confusion.tolist() == [[82.0, 8.0], [8.0, 2.0]]


def test_values_are_judged_with_their_limits_of_agreement_and_coverage():
    recipe = Recipe(
        task="regression",
        labels=(AGE,),
        units=(codes.WEEK,),
        activation="gaussian",
        shape=(12, 16),
        normalise="zscore",
    )
    data = dataset([Measurement(concept=AGE, value=20.0 + n, unit=codes.WEEK) for n in range(20)])

    def answer(n):
        value, inside = 20.0 + n + (-1) ** n, n >= 2
        ends = Interval(low=value - (2 if inside else 0.5), high=value + (2 if inside else 0.5))
        return Measurement(concept=AGE, value=value, unit=codes.WEEK, interval=ends)

    model = Model(answer, recipe, (("Measurement", AGE),))
    found = evaluated(model, data, beside=Beside(), split="test", seed=0, watch=silent)
    (question,) = found.judged
    assert question.name == ""
    assert question.figures["mean absolute error"].value == 1.0
    assert question.figures["coverage"].value == 0.9
    graphs = question.graphs
    assert isinstance(graphs, ValueGraphs)
    assert graphs.unit == codes.WEEK
    assert graphs.bias == pytest.approx(0.0)
    assert "Mean absolute error [week" in render_evaluation(found)


def outlined(label_maps, labels):
    segments = tuple(Segment(number=n, code=c) for n, c in enumerate(labels, 1))
    return Segmentation(space=SPACE, labels=label_maps, segments=segments)


def test_outlines_are_judged_structure_by_structure_and_a_missed_one_counts():
    labels = (code("left"), code("right"))
    recipe = Recipe(labels=labels, activation="softmax", shape=(12, 16), normalise="zscore")
    true = np.zeros((12, 16), np.uint8)
    true[2:6, 2:6], true[2:6, 9:13] = 1, 2
    missed = np.where(true == 2, 0, true)
    data = dataset([outlined(true, labels)] * 4)
    model = Model(
        lambda n: outlined(missed if n == 0 else true, labels), recipe, (("Segmentation", labels[0]),)
    )
    found = evaluated(model, data, beside=Beside(), split="test", seed=0, watch=silent)
    (question,) = found.judged
    assert question.figures["right: dice"].value == 0.75
    assert question.figures["right: missed"].value == 1
    assert question.figures["mean: dice"].value == pytest.approx((1 + 0.75) / 2)
    assert isinstance(question.graphs, OutlineGraphs)
    assert question.worst[0].case == "case 0"
    page = render_evaluation(found)
    assert "Structures missed entirely: 1" in page
    assert '<td>1<span class="small"></span></td>' in page  # cases are counted in whole numbers
    assert page.count('class="prediction tone-0"') == 4
    assert page.count('class="prediction tone-1"') == 3


def test_an_outline_of_another_structure_is_no_reference():
    recipe = Recipe(labels=(codes.HEAD,), shape=(12, 16), normalise="zscore")
    data = dataset([outlined(np.ones((12, 16), np.uint8), (code("left"),))])
    model = Model(lambda _: outlined(np.ones((12, 16), np.uint8), (codes.HEAD,)), recipe)
    with pytest.raises(InvalidInput, match="about what the model answers"):
        judged(model, data, rng=np.random.default_rng(0), watch=silent)


def test_a_model_judged_on_what_it_learnt_from_is_said_to_be():
    data = dataset([told(float(n % 2)) for n in range(10)], split=lambda _: "train")
    found = evaluated(Model(golden_model), data, beside=Beside(), split="train", seed=0, watch=silent)
    assert found.learnt_from
    assert "may have learnt from these cases" in render_evaluation(found)
    assert not golden().learnt_from


def test_the_errors_on_both_sides_tell_whether_a_model_learnt_by_heart():
    data = dataset(
        [told(float(n % 2)) for n in range(60)],
        split=lambda n: "train" if n < 40 else "test",
        group=lambda n: f"g{n // 2}",
    )
    model = Model(lambda n: told(float(n % 2)) if n < 40 else told(0.9))
    sides = data.split("train"), data.split("test")
    counted = []
    found = both_sides(
        model,
        *sides,
        constant=Answerer(answer=Constant(0.6)),
        watch=lambda *a: counted.append(a[:2]),
        most=30,
    )
    assert (found.name, found.higher) == ("accuracy", True)
    assert found.train.tolist() == [0.0] * len(found.train)
    assert found.held.tolist() == [0.5] * 10
    assert found.constant == 0.5
    assert counted[-1] == (50, 50)


def test_the_shipped_model_has_the_figures_by_their_names(reader, phantom):
    image = fetal_head_image(phantom.head, phantom.picture)

    def case():
        return Case(identifier="head", images={"image": image})

    def reference():
        (found, *_) = reader(case())
        truth = Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=phantom.circumference, unit=codes.MM)
        return (found, truth)

    sample = Sample(identifier="head", group="g", split="test", case=case, reference=reference)
    data = Dataset(name="phantom", samples=(sample,))
    figures = judged(reader, data, rng=np.random.default_rng(0), watch=silent)
    assert figures["dice"].value == 1.0
    assert figures["Head Circumference: mean absolute error"].value < 5
    assert {"Head Circumference: coverage", "Head Circumference: bias", "Head Circumference: spread"} <= set(
        figures
    )


def pixels_only(labels):
    space = Plane.upright(shape=(12, 16), spacing=None, frame=derived_frame("unsized"))
    return Segmentation(space=space, labels=labels, segments=(Segment(number=1, code=codes.HEAD),))


HEADS = Recipe(labels=(codes.HEAD,), shape=(12, 16), normalise="zscore")
AGES = Recipe(
    task="regression",
    labels=(AGE,),
    units=(codes.WEEK,),
    activation="gaussian",
    shape=(12, 16),
    normalise="zscore",
)
LABELS = dataclasses.replace(CLASSES, activation="sigmoid")
THREE, FIVE = (Measurement(concept=AGE, value=v, unit=codes.WEEK) for v in (3.0, 5.0))
YES, PERHAPS = (dataclasses.replace(told(p), exclusive=False) for p in (1.0, 0.3))
NONE, ALL = np.zeros((12, 16), np.uint8), np.ones((12, 16), np.uint8)


@pytest.mark.parametrize(
    ("recipe", "references", "answer"),
    [
        (CLASSES, [told(1.0)], told(0.3)),
        (CLASSES, [told(0.0)] * 5, told(0.0)),
        (LABELS, [YES], PERHAPS),
        (AGES, [THREE], THREE),
        (AGES, [THREE] * 3, FIVE),
        (HEADS, [outlined(NONE, (codes.HEAD,))] * 3, outlined(NONE, (codes.HEAD,))),
        (HEADS, [outlined(NONE, (codes.HEAD,))] * 3, outlined(ALL, (codes.HEAD,))),
        (HEADS, [outlined(NONE, ())], outlined(NONE, ())),
        (HEADS, [pixels_only(ALL)] * 2, pixels_only(ALL)),
    ],
    ids=[
        "one case", "one class", "one case of labels", "one value", "equal values", "empty", "made up", "no segment",
        "no mm",
    ],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_degenerate_data_give_a_page_and_no_invented_figure(recipe, references, answer, lang):
    found = evaluated(
        Model(lambda _: answer, recipe),
        dataset(references),
        beside=Beside(),
        split="test",
        seed=0,
        watch=silent,
    )
    page = render_evaluation(found, lang=lang)
    assert not re.search(r"\b(nan|inf)\b", page.partition("<body>")[2], re.IGNORECASE)
    assert all(np.isfinite(found.judged[0].figures[n].value) for n in found.judged[0].headline)
