"""Windows cover everything, and a network that looks at single places says the same in windows as at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagraph.errors import InvalidInput
from skiagraph.inference.tile import Tiled, window_starts, window_weights


class Twice:
    """Two channels: the number, and its square."""

    name, precision = "twice 1", "fp32"

    def __init__(self):
        self.seen = []

    def __call__(self, batch, /):
        self.seen.append(batch.shape)
        return np.concatenate([batch, batch**2], 1)


@settings(max_examples=60, deadline=None)
@given(window=st.integers(1, 40), more=st.integers(0, 100), overlap=st.floats(0, 0.9))
def test_windows_cover_an_axis_from_end_to_end_and_overlap_as_wished(window, more, overlap):
    starts = window_starts(window + more, window, overlap)
    assert starts[0] == 0
    assert starts[-1] == more
    gaps = np.diff(starts)
    assert (gaps <= max(1, np.ceil(window * (1 - overlap)))).all()


@pytest.mark.parametrize("shape", [(9, 10, 11), (4, 5, 6), (20, 3, 7)])
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_what_looks_at_single_places_says_the_same_in_windows(shape, overlap):
    engine = Twice()
    batch = np.random.default_rng(0).normal(size=(2, 1, *shape)).astype(np.float32)
    tiled = Tiled(engine=engine, window=(4, 5, 6), overlap=overlap)
    np.testing.assert_allclose(tiled(batch), np.concatenate([batch, batch**2], 1), atol=1e-5)
    assert set(engine.seen) == {(1, 1, 4, 5, 6)}
    assert (tiled.name, tiled.precision) == ("twice 1", "fp32")


def test_the_weights_are_highest_in_the_middle_and_nowhere_zero():
    weights = window_weights((5, 9))
    assert weights.shape == (5, 9)
    assert np.unravel_index(weights.argmax(), weights.shape) == (2, 4)
    assert weights.min() > 0
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])


def test_a_batch_of_another_number_of_axes_is_refused():
    with pytest.raises(InvalidInput, match="3 axes"):
        Tiled(engine=Twice(), window=(4, 4, 4), overlap=0.5)(np.zeros((1, 1, 8, 8), np.float32))
