"""Tables of cases: they merge in any order, and intervals and comparisons come from counts."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Measurement, NotApplicable
from skiagraph.task import Table, Tabular, compare, evaluate

REFUSAL = NotApplicable(reason="wrong-content", explanation="This is a brain.")


def millimetres(value):
    return Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=float(value), unit=codes.MM)


def measure(prediction, reference, /):
    error = prediction.value - reference.value
    return Table(columns=("error", "small"), rows=np.array([[error, error if abs(error) < 5 else np.nan]]))


def figures(table, counts, /):
    small = table["small"]
    known = ~np.isnan(small)
    with np.errstate(invalid="ignore"):
        few = counts[:, known] @ small[known] / counts[:, known].sum(axis=1)
    return {"error": counts @ table["error"] / counts.sum(axis=1), "small error": few}


def undefined(table, /):
    return {"small error": int(np.isnan(table["small"]).sum())}


ERROR = Tabular(measure=measure, figures=figures, undefined=undefined)


def pairs(errors, groups=None):
    groups = range(len(errors)) if groups is None else groups
    return [(str(g), millimetres(100 + e), millimetres(100)) for g, e in zip(groups, errors, strict=True)]


class Plain:
    """The same metric without its table, so that it is resampled by merging."""

    tally, merge, summary = ERROR.tally, ERROR.merge, ERROR.summary


def test_counts_give_what_merging_gives(rng):
    given = pairs(rng.normal(0, 3, 30), rng.integers(0, 9, 30))
    fast = evaluate(given, ERROR, rng=np.random.default_rng(1), resamples=40)
    slow = evaluate(given, Plain(), rng=np.random.default_rng(1), resamples=40)
    for name in fast:
        for end in ("value", "low", "high"):
            assert getattr(fast[name], end) == pytest.approx(getattr(slow[name], end))


def test_cases_without_a_figure_and_refusals_are_both_counted(rng):
    found = evaluate([*pairs([1.0, 9.0, 3.0]), ("r", REFUSAL, millimetres(1))], ERROR, rng=rng, resamples=200)
    assert (found["error"].n, found["error"].excluded, found["error"].unresolved) == (3, 1, 0)
    assert (found["small error"].n, found["small error"].excluded) == (2, 2)
    assert found["small error"].unresolved == pytest.approx(200 / 27, abs=8), "9.0 drawn three times"


def test_the_corrected_interval_is_that_of_scipy(rng):
    errors = rng.exponential(2.0, 60)
    ours = evaluate(pairs(errors), ERROR, rng=rng, resamples=20000, interval="bca")["error"]
    theirs = stats.bootstrap((errors,), np.mean, n_resamples=20000, method="BCa", rng=rng).confidence_interval
    plain = evaluate(pairs(errors), ERROR, rng=rng, resamples=20000)["error"]
    width = plain.high - plain.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03 * width)
    assert ours.high > plain.high, "a skewed mean reaches further up"


def test_one_group_and_no_spread_have_an_interval_of_no_width(rng):
    for interval in ("percentile", "bca"):
        found = evaluate(pairs([2.0, 2.0], "aa"), ERROR, rng=rng, resamples=20, interval=interval)["error"]
        assert (found.low, found.high) == (2.0, 2.0)


def both(a, b, groups=None):
    groups = range(len(a)) if groups is None else groups
    return [
        (str(g), millimetres(100 + x), millimetres(100 + y), millimetres(100))
        for g, x, y in zip(groups, a, b, strict=True)
    ]


@pytest.mark.parametrize("metric", [ERROR, Plain()], ids=["by counts", "by merging"])
def test_all_swaps_of_few_groups_are_tried(metric, rng):
    """Five differences of one sign: only all or none swapped differ as much, 2 of 32."""
    found = compare(both([2, 3, 4, 5, 6], [1, 1, 1, 1, 1]), metric, rng=rng, resamples=100)["error"]
    assert (found.first, found.second, found.difference) == (4.0, 1.0, 3.0)
    assert found.p_permutation == pytest.approx(2 / 32)
    assert found.low > 0
    assert found.p_bootstrap == pytest.approx(2 / 101)


def test_the_permutation_test_agrees_with_scipy(rng):
    a, b = rng.normal(0.4, 1, 40), rng.normal(0, 1, 40)
    ours = compare(both(a, b), ERROR, rng=rng, resamples=5000)["error"].p_permutation
    theirs = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x) - np.mean(y), permutation_type="samples", n_resamples=5000, rng=rng
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.03)


def test_two_equal_models_do_not_differ(rng):
    found = compare(both([1, 2, 3], [1, 2, 3]), ERROR, rng=rng, resamples=50)["error"]
    assert (found.difference, found.low, found.high, found.p_bootstrap, found.p_permutation) == (
        0,
        0,
        0,
        1,
        1,
    )


def test_chance_is_seldom_called_a_difference(rng):
    """Cases come in groups that share their errors: counting cases instead of groups would find far too much."""
    called = 0
    for _ in range(60):
        a, b = (np.repeat(rng.normal(0, 1, 20), 5) for _ in range(2))
        found = compare(both(a, b, np.repeat(np.arange(20), 5)), ERROR, rng=rng, resamples=200)["error"]
        called += found.p_permutation < 0.05
    assert called <= 8


def test_cases_that_one_model_refuses_are_left_out_and_counted(rng):
    rows = [*both([1, 2], [3, 4]), ("x", REFUSAL, millimetres(1), millimetres(1))]
    found = compare(rows, ERROR, rng=rng, resamples=20)["error"]
    assert (found.n, found.excluded) == (2, 1)
    with pytest.raises(InvalidInput, match="at least one case that both answered"):
        compare(rows[2:], ERROR, rng=rng)


numbers = st.floats(-1e9, 1e9) | st.just(float("nan"))
tables = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6).map(
    lambda rows: Table(columns=("error", "small"), rows=np.array(rows))
)


@given(a=tables, b=tables, c=tables)
def test_merging_is_exactly_associative_and_commutative(a, b, c):
    left, right = ERROR.merge(ERROR.merge(a, b), c), ERROR.merge(c, ERROR.merge(b, a))
    assert left == right
    assert hash(left) == hash(right)
    np.testing.assert_equal(dict(ERROR.summary(left)), dict(ERROR.summary(right)))


def test_tables_differ_by_columns_rows_and_how_often_a_row_stands():
    one = Table(columns=("a",), rows=np.array([[1.0], [2.0]]))
    assert one == pickle.loads(pickle.dumps(one))
    assert one != Table(columns=("b",), rows=one.rows)
    assert one != Table(columns=("a",), rows=np.array([[1.0], [1.0]]))
    assert one != "a table"
    assert not one.rows.flags.writeable


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        (("a", "a"), [[1, 2]], "each name once"),
        (("a",), [1, 2], "each name once"),
        (("a", "b"), [[1.0]], "each row here has 2"),
        (("a",), [[np.inf]], "finite"),
    ],
)
def test_what_is_no_table_is_refused(columns, rows, message):
    with pytest.raises(InvalidInput, match=message):
        Table(columns=columns, rows=np.array(rows))


def test_other_columns_are_neither_found_nor_merged():
    a, b = (Table(columns=(name,), rows=np.ones((1, 1))) for name in "ab")
    with pytest.raises(InvalidInput, match="asked for by its name"):
        a["b"]
    with pytest.raises(InvalidInput, match="same columns"):
        ERROR.merge(a, b)
