"""Calibration: bins by hand, equal confidences together, and honest probabilities with a small error."""

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.metrics import calibration_error, reliability


def test_the_bins_of_a_diagram_by_hand():
    found = reliability([0.0, 0.1, 0.2, 0.2, 0.95, 1.0], [0, 0, 1, 0, 1, 1], bins=5)
    assert found.n.tolist() == [4, 2]
    assert found.confidence == pytest.approx([0.125, 0.975])
    assert found.right == pytest.approx([0.25, 1.0])
    error = calibration_error([0.0, 0.1, 0.2, 0.2, 0.95, 1.0], [0, 0, 1, 0, 1, 1], bins=5)[0]
    assert error == pytest.approx(4 / 6 * 0.125 + 2 / 6 * 0.025)


@pytest.mark.parametrize("k", range(1, 11))
def test_a_bin_is_closed_above(k):
    """k/10 lies in bin k of 10, whatever its last bit."""
    found = reliability([k / 10, k / 10 - 0.05], [1, 0], bins=10)
    assert found.n.tolist() == [2]


def test_adaptive_bins_hold_equally_many_and_never_part_equals():
    p = np.concatenate([np.full(40, 0.01), np.linspace(0.5, 0.9, 60)])
    found = reliability(p, np.zeros(100), bins=10, kind="adaptive")
    assert found.n.tolist() == [40, 10, 10, 10, 10, 10, 10]
    assert reliability([0.3] * 7, [0, 1, 0, 1, 0, 1, 0], kind="adaptive").n.tolist() == [7]


def test_fixed_bins_hide_what_adaptive_ones_show():
    """All confidences in one fixed bin, half of them too low and half too high: their errors cancel."""
    p = np.repeat([0.91, 0.99], 100)
    right = np.concatenate([np.repeat([1, 0], [99, 1]), np.repeat([1, 0], [91, 9])])
    assert calibration_error(p, right, bins=10)[0] == pytest.approx(0.0, abs=1e-12)
    assert calibration_error(p, right, bins=10, kind="adaptive")[0] == pytest.approx(0.08)


def test_honest_probabilities_have_a_small_error(rng):
    p = rng.random(20000)
    right = (rng.random(20000) < p).astype(float)
    for kind in ("fixed", "adaptive"):
        assert calibration_error(p, right, kind=kind)[0] < 0.02
        assert calibration_error(p**3, right, kind=kind)[0] > 0.15


@pytest.mark.parametrize(
    ("p", "right", "bins"), [([1.2], [1], 5), ([0.5], [0.5], 5), ([0.5, 0.5], [1], 5), ([0.5], [1], 0)]
)
def test_what_is_no_confidence_is_refused(p, right, bins):
    for function in (reliability, calibration_error):
        with pytest.raises(InvalidInput):
            function(p, right, bins=bins)
