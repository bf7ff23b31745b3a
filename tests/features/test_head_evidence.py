"""The evidence for a head: always 44 finite numbers or none, and the same for the same picture in other clothes."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from skiagraph.errors import InvalidInput
from skiagraph.features.head_evidence import HEAD_EVIDENCE, head_evidence
from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head

# The twelfths of a ring begin somewhere else in a mirror image; the rest is the same but for resampling.
TOLERANCE = np.where([name.startswith(("twelfth", "p")) for name in HEAD_EVIDENCE], 0.4, 0.12)


@pytest.fixture(scope="module")
def sonogram():
    return draw_fetal_head(sample_fetal_head(np.random.default_rng(4)))


@pytest.fixture(scope="module")
def evidence(sonogram):
    return head_evidence(sonogram)


def test_each_number_has_a_name_of_its_own(evidence):
    assert evidence.shape == (len(HEAD_EVIDENCE),) == (44,)
    assert len(set(HEAD_EVIDENCE)) == 44
    assert np.isfinite(evidence).all()


def test_a_head_shows_a_ring_and_noise_does_not(evidence, rng):
    noise = head_evidence(rng.integers(0, 256, (540, 800), dtype=np.uint8))
    named, other = (dict(zip(HEAD_EVIDENCE, found, strict=True)) for found in (evidence, noise))
    assert named["score"] > 1.5 * other["score"]
    assert named["covered"] > other["covered"]
    assert named["contrast"] > 0.3 > other["contrast"]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.astype(np.float64) * 1e-3 - 5.0,
        lambda p: p.astype(np.uint16) * 257,
        lambda p: p.astype(np.float32) * 1e30,
        lambda p: p.astype(np.int32) - 10_000,
    ],
    ids=["another unit", "16 bits", "very large", "negative"],
)
def test_the_unit_of_the_grey_levels_does_not_matter(sonogram, evidence, change):
    assert np.allclose(head_evidence(change(sonogram)), evidence, atol=5e-3)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p[::2, ::2] // 2 + p[1::2, 1::2] // 2,
        lambda p: np.repeat(np.repeat(p, 2, 0), 2, 1),
        lambda p: np.pad(p, ((30, 60), (100, 20))),
        lambda p: np.pad(p, 40, constant_values=255),
        lambda p: p[:, ::-1],
        lambda p: p[::-1],
    ],
    ids=["half the size", "twice the size", "black border", "white border", "left to right", "upside down"],
)
def test_size_borders_and_mirrors_hardly_matter(sonogram, evidence, change):
    assert (np.abs(head_evidence(change(sonogram)) - evidence) < TOLERANCE).all()


def test_what_is_not_finite_does_not_spoil_the_rest(sonogram, evidence):
    holed = sonogram.astype(np.float32)
    holed[0, :5] = np.nan, np.inf, -np.inf, np.nan, np.inf
    assert np.allclose(head_evidence(holed), evidence, atol=0.05)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((540, 800), np.uint8),
        np.full((64, 64), 255, np.uint8),
        np.full((64, 64), np.nan),
        np.full((64, 64), -np.inf),
        np.full((64, 64), 1e308),
        np.ones((64, 64), bool),
        np.zeros((15, 800)),
        np.eye(15),
        np.zeros((1, 1)),
        np.zeros((0, 64)),
    ],
)
def test_where_there_is_nothing_to_see_there_is_no_evidence(picture):
    assert head_evidence(picture) is None


def test_a_huge_picture_is_looked_at_coarsely_and_quickly():
    row = (np.arange(8000) % 251).astype(np.uint8)
    huge = np.broadcast_to(row, (6000, 8000))
    begun = time.process_time()
    assert np.isfinite(head_evidence(huge)).all()
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize("shape", [(16, 16), (16, 3000), (3000, 16), (28, 28), (17, 901)])
def test_odd_shapes_are_seen(shape, rng):
    assert np.isfinite(head_evidence(rng.normal(size=shape))).all()


@given(
    picture=of_numpy.arrays(
        st.sampled_from([np.uint8, np.int16, np.uint16, np.float32, np.float64, np.bool_]),
        st.tuples(st.integers(1, 40), st.integers(1, 40)),
    )
)
@settings(max_examples=60)
def test_any_numbers_give_finite_evidence_or_none(picture):
    found = head_evidence(picture)
    assert found is None or np.isfinite(found).all()


@pytest.mark.parametrize("shape", [(40,), (3, 40, 40), (40, 40, 3)])
def test_other_than_one_plane_is_refused(shape):
    with pytest.raises(InvalidInput, match="one grey plane"):
        head_evidence(np.zeros(shape))
