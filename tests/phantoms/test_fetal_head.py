"""The synthetic head: what is sampled is possible, what is drawn is what was sampled, and the truth is its geometry."""

import dataclasses
import math

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.features.ellipse import Ellipse, circumference, moment_ellipse, rasterised
from skiagraph.findings import Contours, Measurement, Segmentation
from skiagraph.phantoms.fetal_head import SHAPE, FetalHead, draw_fetal_head, outer_skull, sample_fetal_head
from skiagraph.phantoms.sonogram import Sector
from skiagraph.phantoms.truth import fetal_head_image, fetal_head_truth
from skiagraph.plain import from_plain, to_plain


def head(seed: int = 1) -> FetalHead:
    return sample_fetal_head(np.random.default_rng(seed))


def mask_of(phantom: FetalHead) -> np.ndarray:
    e = outer_skull(phantom)
    return rasterised(
        Ellipse(centre=e.centre / phantom.pixel_size, form=e.form / phantom.pixel_size**2), SHAPE
    )


@pytest.mark.parametrize("seed", range(60))
def test_every_sampled_head_is_a_plausible_head_that_lies_whole_in_its_sector(seed):
    h = head(seed)
    assert 80.0 <= h.head_circumference <= 320.0
    assert 0.70 <= h.biparietal_diameter / h.occipitofrontal_diameter <= 0.88
    assert 0.03 <= h.pixel_size <= 0.4
    rows, columns = np.nonzero(mask_of(h))
    x, y = columns * h.pixel_size - h.sector.apex[0], rows * h.pixel_size - h.sector.apex[1]
    assert np.abs(np.arctan2(x, y)).max() < h.sector.half_angle
    assert h.sector.near < np.hypot(x, y).min()
    assert np.hypot(x, y).max() < h.sector.far


def test_the_same_value_gives_the_same_picture_and_another_seed_another():
    h = head()
    assert np.array_equal(draw_fetal_head(h), draw_fetal_head(h))
    assert not np.array_equal(draw_fetal_head(h), draw_fetal_head(dataclasses.replace(h, seed=h.seed + 1)))


def test_the_same_generator_state_gives_the_same_head():
    assert head(3) == head(3)
    assert head(3) != head(4)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_picture_looks_like_a_sonogram_of_a_head(seed):
    h = head(seed)
    picture, mask = draw_fetal_head(h), mask_of(h)
    assert picture.shape == SHAPE
    assert picture.dtype == np.uint8
    y, x = np.indices(SHAPE) * h.pixel_size
    outside = np.abs(np.arctan2(x - h.sector.apex[0], y - h.sector.apex[1])) > h.sector.half_angle + 0.01
    assert (picture[outside] == 0).all(), "black outside of the sector"
    e = outer_skull(h)
    inner = e.grown(-2.2 * h.skull)
    brain = rasterised(Ellipse(centre=inner.centre / h.pixel_size, form=inner.form / h.pixel_size**2), SHAPE)
    bone = mask & ~brain
    assert picture[bone].mean() > 2 * picture[brain].mean() > 30, "a bright skull around a dark brain"
    assert picture[brain].std() > 8, "speckle"


def test_the_circumference_is_that_of_the_drawn_ellipse():
    h = head()
    a, b = h.semi_axes
    t = np.linspace(0, 2 * np.pi, 200_001)
    length = np.hypot(np.diff(a * np.cos(t)), np.diff(b * np.sin(t))).sum()
    assert h.head_circumference == pytest.approx(length, rel=1e-6)
    assert h.head_circumference == circumference(a, b)


@pytest.mark.parametrize("seed", [1, 5, 9])
def test_the_truth_is_the_geometry_that_was_drawn(seed):
    h = head(seed)
    truth = fetal_head_truth(h, fetal_head_image(h, draw_fetal_head(h)))
    segmentation, lines, *lengths = truth
    assert isinstance(segmentation, Segmentation)
    assert isinstance(lines, Contours)
    measured = {m.concept: m.value for m in lengths if isinstance(m, Measurement)}
    fitted = moment_ellipse(segmentation.mask(1))
    long, short = (n * h.pixel_size for n in fitted.semi_axes)
    assert measured[codes.HEAD_CIRCUMFERENCE] == pytest.approx(circumference(long, short), rel=1e-3)
    for code in (codes.BIPARIETAL_DIAMETER, codes.OCCIPITOFRONTAL_DIAMETER):
        (line,) = (c for c in lines.items if c.code == code)
        assert not line.closed
        assert math.dist(*line.points) == pytest.approx(measured[code], rel=1e-9)
    (outline,) = (c for c in lines.items if c.code == codes.HEAD)
    round_trip = np.linalg.norm(np.diff(outline.points, axis=0, append=outline.points[:1]), axis=1).sum()
    assert round_trip == pytest.approx(measured[codes.HEAD_CIRCUMFERENCE], rel=1e-3)


def test_a_head_survives_its_plain_form():
    h = head()
    assert from_plain(FetalHead, to_plain(h)) == h


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"semi_axes": (30.0, 40.0)}, "long semi-axis"),
        ({"semi_axes": (4000.0, 3000.0)}, "whole in its picture"),
        ({"centre": (0.0, 0.0)}, "whole in its picture"),
        ({"pixel_size": 0.0}, "positive"),
        ({"pixel_size": math.nan}, "positive"),
        ({"seed": -1}, "positive"),
    ],
)
def test_an_impossible_head_is_refused(change, rule):
    with pytest.raises(InvalidInput, match=rule):
        dataclasses.replace(head(), **change)


@pytest.mark.parametrize(("near", "far", "half_angle"), [(10, 5, 0.5), (0, 5, 0.5), (1, 5, 0.0), (1, 5, 1.6)])
def test_a_sector_that_opens_nowhere_is_refused(near, far, half_angle):
    with pytest.raises(InvalidInput, match="opens downwards"):
        Sector(apex=(0.0, -10.0), near=near, far=far, half_angle=half_angle)
