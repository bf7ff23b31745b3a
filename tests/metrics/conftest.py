"""What every tabular metric owes: the same figures in any order, and counts that mean rows written out."""

import pickle

import numpy as np
import pytest

from skiagraph.task import Table


@pytest.fixture(scope="session")
def adds_up():
    """Checks a metric on the pairs of (prediction, reference) and gives its figures."""

    def check(metric, pairs, seed=0):
        rng = np.random.default_rng(seed)
        sent = pickle.loads(pickle.dumps(metric))  # as to another process
        tallies = [sent.tally(*pair) for pair in pairs]
        whole = tallies[0]
        for tally in tallies[1:]:
            whole = metric.merge(whole, tally)
        figures = metric.summary(whole)
        shuffled = [tallies[i] for i in rng.permutation(len(tallies))]
        while len(shuffled) > 1:  # a tree of merges, as of sites
            a, b = shuffled.pop(), shuffled.pop(rng.integers(len(shuffled)))
            shuffled.insert(0, metric.merge(b, a))
        assert shuffled[0] == whole
        assert hash(shuffled[0]) == hash(whole)
        np.testing.assert_equal(dict(metric.summary(shuffled[0])), dict(figures))  # the same bits
        counts = rng.multinomial(len(whole), np.full(len(whole), 1 / len(whole)), size=5).astype(float)
        drawn = metric.figures(whole, counts)
        assert list(drawn) == list(figures)
        for r, row in enumerate(counts.astype(int)):
            written_out = Table(columns=whole.columns, rows=np.repeat(whole.rows, row, axis=0))
            expected = metric.summary(written_out)
            for name, values in drawn.items():
                assert values.shape == (5,)
                assert values[r] == pytest.approx(expected[name], rel=1e-9, abs=1e-9, nan_ok=True), name
        return figures

    return check
