"""Selections: relevant features come first, copies of them later, and noise is not kept again and again."""

import numpy as np
import pytest

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.training.classical import SELECTIONS, ranked


@pytest.fixture
def drawn(rng):
    """Feature 3 tells most, 4 is nearly its copy, 7 tells something else; the others are noise."""
    n = 300
    x = rng.normal(size=(n, 30))
    y = (x[:, 3] + 0.7 * x[:, 7] + 0.3 * rng.normal(size=n) > 0).astype(float)
    x[:, 4] = x[:, 3] + 0.1 * rng.normal(size=n)
    return (x - x.mean(0)) / x.std(0), y, np.arange(n)


@pytest.mark.parametrize("name", ["mrmr", "lasso", "stability"])
def test_what_tells_comes_first(name, drawn, rng):
    order = ranked(name, *drawn, rng)
    assert {3, 7} <= set(order[:3]) or {4, 7} <= set(order[:3])
    assert len(set(order)) == len(order)


def test_a_copy_comes_after_what_is_new(drawn, rng):
    order = ranked("mrmr", *drawn, rng)
    assert {order[0], order[1]} in ({3, 7}, {4, 7})
    assert sorted(order) == list(range(30))


def test_what_never_changes_comes_after_all_that_does(drawn, rng):
    x, y, groups = drawn
    still = np.concatenate([np.ones((len(x), 2)), x], axis=1)
    assert ranked("mrmr", still, y, groups, rng)[-2:] == [0, 1]


def test_noise_is_not_stable(drawn, rng):
    assert set(ranked("stability", *drawn, rng)) <= {3, 4, 7}


def test_relevance_less_redundancy_is_what_the_definition_says(rng):
    x = rng.integers(3, size=(200, 6)).astype(float)
    y = ((x[:, 0] + x[:, 1] + rng.integers(2, size=200)) > 2).astype(float)
    order = ranked("mrmr", x, y, np.arange(200), rng)

    def information(a, b):
        total = 0.0
        for u in np.unique(a):
            for v in np.unique(b):
                p = np.mean((a == u) & (b == v))
                total += p * np.log(p / (np.mean(a == u) * np.mean(b == v))) if p else 0.0
        return total

    taken = [max(range(6), key=lambda j: information(x[:, j], y))]
    while len(taken) < 6:
        left = [j for j in range(6) if j not in taken]
        taken.append(
            max(
                left,
                key=lambda j: (
                    information(x[:, j], y) - np.mean([information(x[:, j], x[:, i]) for i in taken])
                ),
            )
        )
    assert order == taken


@pytest.mark.parametrize("name", SELECTIONS)
def test_constant_features_and_values_do_no_harm(name, drawn, rng):
    x, y, groups = drawn
    flat = np.zeros_like(x)
    assert ranked(name, flat, y, groups, rng)
    assert ranked(name, x, x[:, 3] * 2 + 1, groups, rng)[0] == (0 if name == "none" else 3)


def test_unknown_selections_and_empty_tables_are_refused(drawn, rng):
    with pytest.raises(UnknownName, match="mrmr"):
        ranked("chi2", *drawn, rng)
    with pytest.raises(InvalidInput):
        ranked("mrmr", np.zeros((0, 3)), np.zeros(0), np.zeros(0, int), rng)
