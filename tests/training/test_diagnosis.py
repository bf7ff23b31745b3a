"""The diagnosis of a fit: told rightly of polynomials and of recorded trainings, with numbers that add up."""

import json
import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.training.diagnosis import LearningCurve, Trial, diagnosed
from skiagraph.training.diagnosis_words import charts_of, section_of, sentences_of
from skiagraph.training.fit_measures import (
    Measure,
    SizePoint,
    Within,
    bias_variance,
    fitted_sizes,
    gap_between,
)

SQUARED = Measure(name="squared error", higher=False, best=0.0)
AUC = Measure(name="AUC", higher=True, best=1.0)
LOSS = Measure(name="log loss", higher=False, best=0.0)
NOISE = 0.2


def wave(x):
    return np.sin(3 * np.pi * x)


def drawn(n, rng):
    x = rng.uniform(-1, 1, n)
    return x, wave(x) + rng.normal(0, NOISE, n)


def fitted_polynomial(degree, rng, n=26):
    """Errors of each training and each validation case of a least-squares fit, and the error of a constant."""
    (x, y), (u, v) = drawn(n, rng), drawn(400, rng)
    model = np.polynomial.Chebyshev.fit(x, y, degree, domain=[-1, 1])
    return (model(x) - y) ** 2, (model(u) - v) ** 2, float(((v - y.mean()) ** 2).mean())


# What the degree of a polynomial does to a wave of one and a half periods on each side, learnt from 26 noisy points.
@pytest.mark.parametrize(("degree", "verdict"), [(1, "under"), (2, "under"), (9, "well"), (20, "over")])
def test_polynomials_are_told_to_under_fit_fit_and_over_fit(degree, verdict):
    rng = np.random.default_rng(4)
    train, validation, constant = fitted_polynomial(degree, rng, n=26 if degree > 9 else 200)
    curve = LearningCurve(measure=SQUARED, train=[train.mean()], validation=[validation.mean()])
    gap = gap_between(train, validation, rng)
    found = diagnosed(curve, constant=constant, gap=gap)
    assert found.verdict == verdict
    assert sentences_of(found)[0].startswith({"over": "Over", "under": "Under", "well": "Fits well"}[verdict])


# Log loss after each epoch of multi-layer perceptrons on PneumoniaMNIST (scikit-learn 1.9, Adam, validation of 524
# images): two hidden layers on 100 images; two hidden units with tiny steps; 32 hidden units on 4000 images.
RECORDED = {
    "over": (
        [0.553, 0.458, 0.385, 0.31, 0.258, 0.224, 0.203, 0.187, 0.173, 0.158, 0.145, 0.132, 0.12, 0.109, 0.099, 0.093],
        [0.552, 0.466, 0.417, 0.361, 0.318, 0.291, 0.277, 0.266, 0.257, 0.248, 0.24, 0.232, 0.224, 0.218, 0.212, 0.208],
    ),
    "under": (
        [0.586, 0.571, 0.566, 0.561, 0.556, 0.551, 0.545, 0.54, 0.534, 0.529, 0.523, 0.518],
        [0.592, 0.577, 0.572, 0.568, 0.562, 0.557, 0.552, 0.546, 0.541, 0.535, 0.53, 0.524],
    ),
    "well": (
        [0.378, 0.282, 0.238, 0.207, 0.19, 0.178, 0.169, 0.162, 0.151, 0.147, 0.143, 0.138, 0.133, 0.13, 0.127],
        [0.384, 0.287, 0.241, 0.209, 0.191, 0.179, 0.169, 0.162, 0.151, 0.147, 0.144, 0.139, 0.136, 0.133, 0.131],
    ),
}  # fmt: skip


@pytest.mark.parametrize("verdict", RECORDED)
def test_recorded_trainings_are_told_rightly(verdict):
    train, validation = RECORDED[verdict]
    found = diagnosed(LearningCurve(measure=LOSS, train=train, validation=validation), constant=0.571)
    assert found.verdict == verdict
    assert found.validation == pytest.approx(validation[-1])


def test_validation_that_gets_worse_after_its_best_epoch_is_over_fitting_and_proposes_to_stop_there():
    validation = [0.5, 0.3, 0.2, 0.22, 0.25, 0.3]
    found = diagnosed(
        LearningCurve(measure=LOSS, train=[0.5, 0.3, 0.2, 0.2, 0.2, 0.2], validation=validation)
    )
    assert (found.verdict, found.best_epoch) == ("over", 3)
    assert found.risen == pytest.approx(0.1)
    said = " ".join(sentences_of(found))
    assert "Validation was best after epoch 3 of 6 and has got worse by 0.100" in said
    assert "Stopping after epoch 3 would have won −0.100 log loss" in said


def test_a_training_that_still_falls_is_proposed_to_go_on():
    curve = LearningCurve(measure=LOSS, train=np.linspace(1, 0.4, 20), validation=np.linspace(1.02, 0.42, 20))
    found = diagnosed(curve, constant=1.0)
    assert found.verdict == "under"
    assert "Not tried: longer training." in sentences_of(found)


def test_a_training_that_has_nothing_left_to_win_fits_well_though_it_fell_to_its_end():
    curve = LearningCurve(measure=SQUARED, train=[0.9, 0.2, 0.05, 0.001], validation=[0.9, 0.2, 0.05, 0.001])
    assert diagnosed(curve, constant=1.0).verdict == "well"


def test_a_power_law_is_found_again_and_says_what_doubling_brings():
    points = [
        SizePoint(n=n, score=1 - (0.04 + 0.2 * (n / 1000) ** -0.5), error=0.002)
        for n in (250, 500, 1000, 2000)
    ]
    sizes = fitted_sizes(points, AUC, np.random.default_rng(0))
    gained = 0.2 * 2**-0.5 - 0.2 * 4**-0.5
    assert sizes.floor == pytest.approx(0.04, abs=0.01)
    assert sizes.exponent == pytest.approx(0.5, abs=0.03)
    assert sizes.doubling.value == pytest.approx(gained, abs=0.003)
    assert sizes.doubling.low < gained < sizes.doubling.high


def test_the_interval_of_doubling_holds_the_truth_about_as_often_as_it_says():
    rng, n = np.random.default_rng(1), np.array([250, 500, 1000])
    held = 0
    for _ in range(60):
        exponent = float(np.clip(rng.normal(0.5, 0.3), 0.1, 1.4))
        truth = 0.05 + 0.1 * (n / 1000) ** -exponent
        points = [
            SizePoint(n=int(k), score=float(1 - e + rng.normal(0, 0.01)), error=0.01)
            for k, e in zip(n, truth, strict=True)
        ]
        doubling = fitted_sizes(points, AUC, rng).doubling
        held += doubling.low <= 0.1 * (1 - 2**-exponent) <= doubling.high
    assert held >= 54


def test_more_data_is_said_to_help_or_hardly_to_help_with_its_numbers():
    def said(scores):
        points = [SizePoint(n=n, score=s, error=0.002) for n, s in zip((100, 200, 400), scores, strict=True)]
        sizes = fitted_sizes(points, AUC, np.random.default_rng(0))
        curve = LearningCurve(measure=AUC, train=[0.99], validation=[scores[-1]])
        return " ".join(sentences_of(diagnosed(curve, constant=0.5, sizes=sizes)))

    assert "More data would help: expect +0.0" in said((0.85, 0.89, 0.92))
    assert "AUC from doubling (95 % interval +0.0" in said((0.85, 0.89, 0.92))
    assert "More data would hardly help" in said((0.92, 0.92, 0.92))


def test_bias_variance_and_noise_add_up_to_the_error_of_trainings_on_drawn_sets():
    rng = np.random.default_rng(7)
    x = rng.uniform(-0.95, 0.95, 3000)
    y = wave(x) + rng.normal(0, NOISE, x.size)
    for degree in (3, 9):
        predictions = []
        for _ in range(40):
            u, v = drawn(60, rng)
            predictions.append(np.polynomial.Chebyshev.fit(u, v, degree, domain=[-1, 1])(x))
        shares = bias_variance(predictions, y, noise=NOISE**2)
        assert shares.bias2 + shares.variance + shares.noise == pytest.approx(shares.error, rel=1e-12)
        true_bias = float(((np.mean(predictions, axis=0) - wave(x)) ** 2).mean())
        assert shares.bias2 == pytest.approx(true_bias - shares.variance / 40, abs=0.01)
        assert (shares.bias2 > shares.variance) == (degree == 3)


def test_a_gap_has_an_interval_that_holds_it():
    rng = np.random.default_rng(0)
    gap = gap_between(rng.normal(0.1, 0.05, 300), rng.normal(0.2, 0.05, 100), rng)
    assert gap.low < 0.1 < gap.high
    assert gap.high - gap.low < 0.04


def remedied():
    points = [SizePoint(n=n, score=s, error=0.004) for n, s in ((50, 0.82), (100, 0.87), (200, 0.9))]
    rng = np.random.default_rng(0)
    return diagnosed(
        LearningCurve(measure=AUC, train=np.linspace(0.7, 0.995, 12), validation=np.linspace(0.68, 0.9, 12)),
        constant=0.5,
        gap=Within(value=0.095, low=0.06, high=0.13),
        sizes=fitted_sizes(points, AUC, rng),
        shares=bias_variance(rng.normal(0.3, 0.1, (5, 50)), rng.normal(0.3, 0.2, 50), noise=0.01),
        tried=[
            Trial(remedy="dropout", before=0.9, after=0.92, won=Within(value=0.02, low=0.005, high=0.035)),
            Trial(remedy="augmentation", before=0.9, after=0.9, won=Within(value=0.0, low=-0.01, high=0.01)),
        ],
    )


def test_what_was_tried_stands_with_its_numbers_and_is_not_proposed_again():
    found = remedied()
    said = sentences_of(found)
    assert "Tried dropout: AUC 0.900 became 0.920, better by 0.020 (95 % interval 0.005 to 0.035)." in said
    assert any(s.startswith("Tried augmentation") and "no certain gain" in s for s in said)
    assert {p.remedy for p in found.proposals} == {"more data", "simpler model", "weight decay"}
    assert any("a simpler model, weight decay (L1, L2). Each can win at most 0.095" in s for s in said)


@pytest.mark.parametrize(("lang", "word"), [("en", "Over-fits"), ("zh", "过拟合")])
def test_a_diagnosis_is_a_section_in_both_languages_with_a_chart_for_each_kind_of_number(lang, word):
    section = section_of(remedied(), lang)
    assert section.sentences[0].startswith(word)
    assert len(section.charts) == len(charts_of(remedied(), lang)) == 3
    for chart in section.charts:
        assert ET.fromstring(chart).get("role") == "img"
    if lang == "zh":
        assert not any("help" in s or "Tried" in s for s in section.sentences)


def test_phrases_have_the_same_parts_in_both_languages():
    table = json.loads(files("skiagraph.training").joinpath("diagnosis.json").read_text("utf-8"))
    for key, words in table.items():
        parts = [set(re.findall(r"\{(\w+)\}", words[lang])) for lang in ("en", "zh")]
        assert parts[0] == parts[1], key


@pytest.mark.parametrize(
    "bad",
    [
        lambda: LearningCurve(measure=AUC, train=[], validation=[]),
        lambda: LearningCurve(measure=AUC, train=[0.5], validation=[0.5, 0.6]),
        lambda: LearningCurve(measure=AUC, train=[np.nan], validation=[0.5]),
        lambda: SizePoint(n=10, score=0.5, error=0.0),
        lambda: fitted_sizes([SizePoint(n=10, score=0.5, error=0.1)] * 2, AUC, np.random.default_rng(0)),
        lambda: bias_variance(np.zeros((1, 5)), np.zeros(5)),
        lambda: gap_between([], [1.0], np.random.default_rng(0)),
    ],
)
def test_what_is_no_curve_is_refused(bad):
    with pytest.raises(InvalidInput):
        bad()
