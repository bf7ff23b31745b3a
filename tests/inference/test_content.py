"""The gate that looks at the content, with toy numbers: what passes, what is said of the rest, and what is no gate."""

import copy
import pickle

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.features.head_evidence import HEAD_EVIDENCE, head_evidence
from skiagraph.findings import NotApplicable
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.inference import gate_of
from skiagraph.inference.content import ContentGate
from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head
from skiagraph.plain import from_plain, to_plain
from skiagraph.task import Recipe

N = len(HEAD_EVIDENCE)


def picture(array):
    return Image(
        data=array, space=Plane.upright(shape=array.shape, spacing=None, frame=derived_frame("gate"))
    )


def recipe(**gate):
    return Recipe(labels=(codes.HEAD,), shape=(64, 96), normalise="root-zscore", gate=gate)


@pytest.fixture(scope="module")
def sonogram():
    return draw_fetal_head(sample_fetal_head(np.random.default_rng([4, 1])))


@pytest.fixture(scope="module")
def numbers(sonogram):
    """A gate that lets through what lies within ten deviations of one phantom."""
    return {
        "kind": "head-evidence",
        "mean": head_evidence(sonogram).tolist(),
        "deviation": [0.5] * N,
        "centre": [0.0] * N,
        "precision": np.eye(N).tolist(),
        "weights": [0.0] * (2 * N) + [-1.0],
        "threshold": -0.5,
        "slope": 2.0,
    }


def test_a_recipe_without_a_gate_has_none():
    assert gate_of(recipe()) is None


@pytest.mark.parametrize("kind", [None, "horoscope"])
def test_a_gate_that_nobody_knows_is_refused(numbers, kind):
    with pytest.raises(InvalidInput, match="gate that this release knows"):
        gate_of(recipe(**{**numbers, "kind": kind}))


def test_a_recipe_with_a_gate_survives_its_plain_form(numbers, sonogram):
    kept = from_plain(Recipe, to_plain(recipe(**numbers)))
    assert isinstance(gate_of(kept), ContentGate)
    assert gate_of(kept)(picture(sonogram)) is None


def test_what_the_gate_learnt_passes_and_noise_does_not(numbers, sonogram, rng):
    gate = gate_of(recipe(**numbers))
    assert gate(picture(sonogram)) is None
    refusal = gate(picture(rng.integers(0, 256, (540, 800), dtype=np.uint8)))
    assert isinstance(refusal, NotApplicable)
    assert refusal.reason == "wrong-content"
    assert refusal.explanation.startswith("This image does not look like a fetal head in the standard plane.")
    assert 0.0 <= refusal.score < 0.5


@pytest.mark.parametrize(
    ("array", "clue"),
    [
        (np.zeros((540, 800), np.uint8), "one grey level"),
        (np.full((64, 64), np.nan), "one grey level"),
        (np.eye(8), "smaller than 16 pixels"),
        (np.random.default_rng(0).normal(size=(300, 300)), "No bright oval outline"),
    ],
)
def test_a_refusal_says_what_was_missed(numbers, array, clue):
    mean, deviation = list(numbers["mean"]), list(numbers["deviation"])
    deviation[0] = 0.05
    refusal = gate_of(recipe(**{**numbers, "mean": mean, "deviation": deviation}))(picture(array))
    assert clue in refusal.explanation


def test_a_picture_with_a_ring_that_is_no_sonogram_is_told_so(numbers, sonogram):
    negative = {**numbers, "threshold": 1e3}
    assert "texture" in gate_of(recipe(**negative))(picture(sonogram)).explanation


def test_the_score_is_the_logistic_model_that_it_says(numbers, rng):
    values = {
        "mean": rng.normal(size=N),
        "deviation": rng.uniform(0.5, 2, N),
        "centre": rng.normal(size=N) / 5,
        "precision": np.diag(rng.uniform(0.5, 2, N)),
        "weights": rng.normal(size=2 * N + 1),
    }
    x = rng.normal(size=N)
    z = (x - values["mean"]) / values["deviation"]
    off = z - values["centre"]
    distance = np.sqrt((off**2 * np.diag(values["precision"])).sum())
    w = values["weights"]
    by_hand = (
        w[:N] @ np.clip(z, -6, 6) + w[N:-1] @ (np.abs(np.clip(z, -6, 6)) - 1) + w[-1] * (distance - 6) / 2
    )
    assert ContentGate(**values, threshold=0.0).score(x) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"mean": [0.0] * 3}, "mean of a content gate"),
        ({"mean": [float("nan")] * N}, "mean of a content gate"),
        ({"precision": [0.0] * N}, "precision of a content gate"),
        ({"weights": [1.0] * N}, "weights of a content gate"),
        ({"deviation": [0.0] * N}, "positive"),
        ({"threshold": float("inf")}, "finite"),
        ({"slope": 0.0}, "positive"),
        ({"threshold": "high"}, "are numbers"),
        ({"mean": "text"}, "are numbers"),
        ({"precision": [[1.0], [1.0, 2.0]]}, "are numbers"),
        ({"weights": None}, "weights of a content gate"),
        ({"surprise": 1.0}, "numbers"),
    ],
)
def test_numbers_that_make_no_gate_are_refused(numbers, change, rule):
    with pytest.raises(InvalidInput, match=rule):
        gate_of(recipe(**{**numbers, **change}))


@pytest.mark.parametrize("missing", ["mean", "precision", "weights", "threshold"])
def test_a_missing_number_is_named_as_one(numbers, missing):
    with pytest.raises(InvalidInput, match="numbers"):
        gate_of(recipe(**{name: value for name, value in numbers.items() if name != missing}))


def test_a_gate_stays_read_only_through_copies(numbers):
    gate = gate_of(recipe(**numbers))
    for same in (gate, copy.deepcopy(gate), pickle.loads(pickle.dumps(gate))):
        assert not same.precision.flags.writeable
        assert same.threshold == gate.threshold


def test_a_volume_is_not_for_this_gate(numbers):
    with pytest.raises(InvalidInput, match="one grey plane"):
        gate_of(recipe(**numbers))(
            Image(
                data=np.zeros((32, 32, 3), np.uint8),
                space=Plane.upright(shape=(32, 32), spacing=None, frame=derived_frame("gate")),
                channels=("red", "green", "blue"),
            )
        )
