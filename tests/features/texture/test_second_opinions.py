"""Texture agrees with mahotas, scikit-image and plain loops where these define the same."""

import itertools

import mahotas
import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from skiagraph.features.region import Region
from skiagraph.features.texture import Levels, glcm, gldm, glrlm, glszm, ngtdm

ONE = Levels(width=1.0)


@pytest.fixture
def grey(rng):
    """A picture with the grey levels 1 to 6, all of it the region."""
    grey = rng.integers(1, 7, (23, 31))
    grey[0, 0], grey[0, 1] = 1, 6
    return grey


def region(grey, mask=None):
    return Region(numbers=grey.astype(float), mask=np.ones(grey.shape, bool) if mask is None else mask)


def values(features):
    return {feature.name: feature.value for feature in features}


@pytest.mark.parametrize("distance", [1, 2])
def test_co_occurrence_agrees_with_scikit_image_direction_by_direction(grey, distance):
    matrices = graycomatrix(
        grey.astype(np.uint8), [distance], [0, np.pi / 2], levels=7, symmetric=True, normed=True
    )
    # A picture of one row has one direction in which there are pairs, so that each direction is seen alone.
    for index, lines in enumerate((grey, grey.T)):
        stacked = np.full((2 * distance * len(lines), lines.shape[1]), 1)
        mask = np.zeros(stacked.shape, bool)
        stacked[:: 2 * distance], mask[:: 2 * distance] = lines, True
        ours = values(glcm(region(stacked, mask), levels=ONE, distance=distance))
        for theirs, name in [
            ("contrast", "contrast"),
            ("dissimilarity", "dissimilarity"),
            ("homogeneity", "inverse difference moment"),
            ("ASM", "angular second moment"),
            ("correlation", "correlation"),
            ("mean", "joint average"),
            ("variance", "joint variance"),
            ("entropy", "joint entropy"),
        ]:
            expected = graycoprops(matrices, theirs)[0, index]
            if theirs == "entropy":
                expected /= np.log(2)
            assert ours[name] == pytest.approx(expected, rel=1e-9), name


@pytest.mark.parametrize("shape", [(40, 33), (12, 14, 11)])
def test_those_of_haralick_agree_with_mahotas(rng, shape):
    grey = rng.integers(1, 9, shape)
    theirs = mahotas.features.haralick(grey)
    ours = values(glcm(region(grey), levels=ONE, merge="3D:avg"))
    names = (
        "angular second moment",
        "contrast",
        "correlation",
        "joint variance",
        "inverse difference moment",
        "sum average",
        "sum variance",
        "sum entropy",
        "joint entropy",
        None,  # theirs is the variance of the entries of the distribution, not of the distribution
        "difference entropy",
        "information correlation 1",
        "information correlation 2",
    )
    for name, expected in zip(names, theirs.mean(axis=0), strict=True):
        if name is not None:
            assert ours[name] == pytest.approx(expected, rel=1e-6), name


def test_the_maximal_correlation_coefficient_is_that_of_haralicks_matrix(grey):
    # Not held against mahotas, whose coefficient of random pictures is above 1 and so no correlation.
    one = graycomatrix(grey.astype(np.uint8), [1], np.arange(4) * np.pi / 4, levels=7, symmetric=True)
    p = one[1:, 1:, 0].sum(axis=-1).astype(float)
    p /= p.sum()
    margin = p.sum(axis=1)
    q = np.einsum("ik,jk->ij", p / margin[:, np.newaxis], p / margin)
    second = np.sort(np.linalg.eigvals(q).real)[-2]
    ours = values(glcm(region(grey), levels=ONE))["maximal correlation coefficient"]
    assert ours == pytest.approx(np.sqrt(second), rel=1e-9)
    assert 0 <= ours <= 1


def neighbours(grey, mask, place, reach=1):
    """Grey levels of the neighbours of a place that belong to the region."""
    around = itertools.product(
        *[range(max(0, p - reach), min(n, p + reach + 1)) for p, n in zip(place, grey.shape, strict=True)]
    )
    return [int(grey[p]) for p in around if p != place and mask[p]]


@pytest.mark.parametrize(("shape", "distance"), [((9, 8), 1), ((9, 8), 2), ((5, 6, 4), 1), ((5, 6, 4), 2)])
def test_neighbourhoods_agree_with_plain_loops(rng, shape, distance):
    grey, mask = rng.integers(1, 5, shape), rng.random(shape) < 0.7
    places = [tuple(int(p) for p in place) for place in np.argwhere(mask)]
    lowest = grey[mask].min() - 1
    for coarseness in (0, 1):
        found = [
            1 + sum(abs(n - grey[p]) <= coarseness for n in neighbours(grey, mask, p, distance))
            for p in places
        ]
        ours = values(gldm(region(grey, mask), levels=ONE, distance=distance, coarseness=coarseness))
        assert ours["high dependence emphasis"] == pytest.approx(np.mean(np.square(found, dtype=float)))
        assert ours["high dependence high grey level emphasis"] == pytest.approx(
            np.mean([(k * (grey[p] - lowest)) ** 2 for k, p in zip(found, places, strict=True)])
        )
    near = [(p, neighbours(grey, mask, p, distance)) for p in places]
    differ = {}
    for place, others in near:
        if others:
            differ.setdefault(int(grey[place]), []).append(abs(grey[place] - np.mean(others)))
    count = sum(len(d) for d in differ.values())
    ours = values(ngtdm(region(grey, mask), levels=ONE, distance=distance))
    coarseness = 1 / sum(len(d) / count * sum(d) for d in differ.values())
    assert ours["coarseness"] == pytest.approx(coarseness)


@pytest.mark.parametrize("shape", [(9, 8), (5, 6, 4)])
def test_runs_agree_with_a_walk_along_every_line(rng, shape):
    grey, mask = rng.integers(1, 3, shape), rng.random(shape) < 0.8
    halves = [s for s in itertools.product((-1, 0, 1), repeat=len(shape)) if s > (0,) * len(shape)]
    runs = []
    for step in halves:
        for start in (tuple(int(p) for p in place) for place in np.argwhere(mask)):
            if same(grey, mask, start, step, -1):
                continue
            length, place = 1, start
            while same(grey, mask, place, step, 1):
                place, length = tuple(p + s for p, s in zip(place, step, strict=True)), length + 1
            runs.append(length)
    ours = values(glrlm(region(grey, mask), levels=ONE))
    assert ours["long runs emphasis"] == pytest.approx(np.mean(np.square(runs, dtype=float)))
    assert ours["short runs emphasis"] == pytest.approx(np.mean(1 / np.square(runs, dtype=float)))
    assert ours["run percentage"] == pytest.approx(len(runs) / (mask.sum() * len(halves)))


def same(grey, mask, place, step, way):
    """Whether the next place along a step belongs to the region and has the same grey level."""
    other = tuple(p + way * s for p, s in zip(place, step, strict=True))
    if not all(0 <= p < n for p, n in zip(other, grey.shape, strict=True)):
        return False
    return bool(mask[other] and grey[other] == grey[place])


@pytest.mark.parametrize("shape", [(20, 17), (8, 9, 7)])
def test_zones_agree_with_mahotas_level_by_level(rng, shape):
    grey, mask = rng.integers(1, 4, shape), rng.random(shape) < 0.8
    sizes = []
    for level in (1, 2, 3):
        zones, count = mahotas.label((grey == level) & mask, np.ones((3,) * len(shape), bool))
        sizes += np.bincount(zones.ravel())[1 : count + 1].tolist()
    ours = values(glszm(region(grey, mask), levels=ONE))
    assert ours["large zone emphasis"] == pytest.approx(np.mean(np.square(sizes, dtype=float)))
    assert ours["zone percentage"] == pytest.approx(len(sizes) / mask.sum())
