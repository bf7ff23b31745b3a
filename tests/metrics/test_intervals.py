"""Shares: Wilson's interval and the exact binomial test against published values and against SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skiagraph.errors import InvalidInput
from skiagraph.metrics import binomial_p, clopper_pearson, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits, n, low, high):
    """Newcombe, Two-sided confidence intervals for the single proportion (Stat Med 1998), table I, method 3."""
    assert wilson(hits, n) == pytest.approx((low, high), abs=5e-5)


@given(n=st.integers(1, 500), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(n, share, level):
    hits = round(share * n)
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert wilson(hits, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(n=st.integers(1, 500), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_the_exact_interval_agrees_with_scipy(n, share, level):
    hits = round(share * n)
    expected = stats.binomtest(hits, n).proportion_ci(level, method="exact")
    assert clopper_pearson(hits, n, level) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_an_interval_holds_its_share_and_stays_between_0_and_1(n, share):
    hits = round(share * n)
    low, high = wilson(hits, n)
    assert 0.0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1.0


@pytest.mark.parametrize(
    ("hits", "n", "share", "p"),
    [(682, 925, 0.75, 0.3825), (8, 10, 0.5, 0.109375), (95, 100, 0.95, 1.0), (0, 5, 0.5, 0.0625)],
)
def test_binomial_p_of_known_tests(hits, n, share, p):
    """Conover, Practical nonparametric statistics (1971), page 97 (Mendel's peas: 682 of 925); the rest by hand."""
    assert binomial_p(hits, n, share) == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize(
    "function", [wilson, lambda hits, n: binomial_p(hits, n, 0.5)], ids=["wilson", "binomial"]
)
@pytest.mark.parametrize(("hits", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_what_is_no_share_is_refused(function, hits, n):
    with pytest.raises(InvalidInput, match="0 to n of n"):
        function(hits, n)
