"""The words of an evaluation say what was found, and why accuracy misleads."""

import dataclasses

import pytest
from by_hand import (
    BENIGN,
    CLASSES,
    KIND,
    MALIGNANT,
    Model,
    code,
    dataset,
    golden,
    silent,
    told,
)

from skiagraph.findings import (
    Classification,
    ClassScore,
)
from skiagraph.report.evaluation import render_evaluation
from skiagraph.report.evaluation_accuracy import count_rows, counted, counted_in_a_line, misleading
from skiagraph.workflow.evaluation import Beside, evaluated


def test_the_words_say_what_was_found_and_why_accuracy_misleads_golden():
    (question,) = golden().judged
    assert counted(question, "en") == (
        "Of 10 malignant cases 2 were found: sensitivity 0.20 (0.03 to 0.56).",
        "Of 90 benign cases 82 were not taken for malignant: specificity 0.91 (0.83 to 0.96).",
    )
    assert counted(question, "zh")[0] == "10 例恶性病例中检出 2 例：灵敏度 0.20（0.03 至 0.56）。"
    english, chinese = (misleading(question, lang) for lang in ("en", "zh"))
    assert english.title == "Why accuracy misleads here"
    assert english.paragraph == (
        "The model is right in 84\u00a0% of the cases. Whoever always says benign is right in 90\u00a0%, for 90 of "
        "the 100 cases are benign, and finds nothing else. The model found only 2 of 10 malignant cases. Accuracy "
        "counts every case alike: the commonest class decides it, and what is found or missed of the others hardly "
        "shows. Figures in which it shows: "
        "balanced accuracy 0.556 (guessing gives 0.500), F1 0.200, Cohen's kappa 0.111 (guessing gives 0)."
    )
    for words in (
        "84%",
        "100 例中有 90 例为良性",
        "90%",
        "10 例恶性病例中模型仅检出 2 例",
        "0.556",
        "0.200",
        "0.111",
    ):
        assert words in chinese.paragraph, words
    assert english.line.startswith(
        "accuracy misleads: 84\u00a0% right, but always saying benign is right in 90"
    )


def test_a_good_model_of_rare_cases_is_told_what_accuracy_hides_and_balanced_cases_nothing():
    good = Model(lambda n: told(0.9 if n < 10 else 0.1))
    data = dataset([told(1.0 if n < 10 else 0.0) for n in range(30)])
    found = evaluated(good, data, beside=Beside(), split="test", seed=0, watch=silent).judged[0]
    assert misleading(found, "en").title == "What accuracy hides here"
    assert "The model found 10 of 10 malignant cases" in misleading(found, "en").paragraph
    data = dataset([told(1.0 if n < 10 else 0.0) for n in range(20)])
    found = evaluated(good, data, beside=Beside(), split="test", seed=0, watch=silent).judged[0]
    assert misleading(found, "en") is None


def test_of_three_classes_each_has_a_row_and_a_class_without_a_case_a_dash():
    third = code("stage 3")
    recipe = dataclasses.replace(CLASSES, labels=(BENIGN, MALIGNANT, third))

    def of_three(n, p):
        scores = tuple(
            ClassScore(code=c, probability=p if i == n else (1 - p) / 2) for i, c in enumerate(recipe.labels)
        )
        return Classification(concept=KIND, scores=scores)

    data = dataset([of_three(int(n == 0), 1.0) for n in range(5)])
    model = Model(lambda _: of_three(0, 0.8), recipe)
    found = evaluated(model, data, beside=Beside(), split="test", seed=0, watch=silent)
    (question,) = found.judged
    rows = count_rows(question, "en")
    assert rows[0][:3] == ("benign", "4", "4")
    assert rows[1] == ("malignant", "1", "0", "0.00 (0.00 to 0.97)", "4", "4", "1.00 (0.40 to 1.00)")
    assert rows[2][:4] == ("stage 3", "0", "0", "–")
    assert counted_in_a_line(question, "en").startswith(
        "Found of each class (sensitivity): benign 4 of 4, 1.00"
    )
    assert "The model found 0 of 1 malignant case." in misleading(question, "en").paragraph
    page = render_evaluation(found, lang="zh")
    assert "检出情况" in page
    assert "为何此处准确率会误导" in page


def test_where_patients_have_several_cases_the_interval_is_no_narrower_than_that_of_the_bootstrap():
    truth, right = (
        [told(1.0 if n < 20 else 0.0) for n in range(40)],
        Model(lambda n: told(0.9 if n < 10 else 0.2)),
    )
    single, several = (
        evaluated(
            right, dataset(truth, group=group), beside=Beside(), split="test", seed=0, watch=silent
        ).judged[0]
        for group in (lambda n: f"patient {n}", lambda n: f"patient {n // 10}")
    )
    apart, together = (question.counts[1].found for question in (single, several))
    assert (together.hits, together.cases) == (10, 20)
    assert together.low < apart.low < 0.28
    assert together.high > apart.high > 0.72


def test_sensitivity_has_one_interval_wherever_it_stands_also_where_a_bootstrap_gives_0_to_0():
    data = dataset(
        [told(float(n < 2)) for n in range(20)], attributes=lambda n: {"site": "A" if n < 10 else "B"}
    )
    model, beside = Model(lambda _: told(0.2)), Beside(by=("site",))
    (question,) = evaluated(model, data, beside=beside, split="test", seed=0, watch=silent).judged
    share, figure = question.counts[1].found, question.figures["sensitivity"]
    assert (figure.value, figure.low, figure.high) == (0, share.low, share.high)
    assert share.high == pytest.approx(0.8419, abs=5e-5)
    assert question.subgroups[0].figures["sensitivity"].high == share.high
    assert question.figures["specificity"].low == pytest.approx(0.8147, abs=5e-5)
