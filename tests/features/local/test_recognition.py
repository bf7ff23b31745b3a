"""Descriptors of pictures for recognition: SIFT, bags of visual words and Fisher vectors."""

import pickle
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy import ndimage
from scipy.special import logsumexp
from skimage.feature import SIFT
from skimage.feature import fisher_vector as their_fisher_vector
from skimage.transform import rotate
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.features.local import Mixture, Vocabulary, dense_sift, fisher_vector, sift_points
from skiagraph.features.local.learning import learnt_mixture, learnt_vocabulary


def blobs(seed=0, side=96, size=2.0):
    picture = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), size)
    return (picture - picture.min()) / np.ptp(picture)


def everywhere(picture):
    return np.ones(picture.shape, bool)


def mixture(parts=3, length=4, seed=0):
    rng = np.random.default_rng(seed)
    return Mixture(
        weights=rng.dirichlet(np.full(parts, 5.0)),
        means=rng.normal(0, 2, (parts, length)),
        variances=rng.uniform(0.5, 2, (parts, length)),
    )


def drawn(model, n, seed=1):
    rng = np.random.default_rng(seed)
    part = rng.choice(len(model.weights), n, p=model.weights)
    return model.means[part] + rng.normal(size=(n, model.means.shape[1])) * np.sqrt(model.variances[part])


# --- SIFT


def test_keypoints_lie_in_the_mask_and_are_those_of_scikit_image():
    picture = blobs()
    mask = np.zeros(picture.shape, bool)
    mask[20:70, 25:80] = True
    picture[mask] = (picture[mask] - picture[mask].min()) / np.ptp(picture[mask])
    points, descriptors = sift_points(picture, mask)
    assert mask[tuple(np.round(points).astype(int).T)].all()
    sift = SIFT()
    sift.detect_and_extract(picture)
    distance = np.linalg.norm(points[:, None] - sift.positions[None], axis=2)
    near = distance.min(axis=1) < 0.5
    assert near.mean() > 0.9  # theirs of the whole picture, ours of the window around the mask
    assert len(points) >= 16
    assert np.linalg.norm(descriptors, axis=1) == pytest.approx(np.ones(len(points)), rel=1e-5)


def test_a_keypoint_is_found_again_in_a_turned_picture_with_like_descriptors():
    picture = blobs(size=3.0, side=97)
    inner = np.hypot(*(np.indices(picture.shape) - 48)) < 36
    points, descriptors = sift_points(picture, inner)
    turned, again = sift_points(rotate(picture, 30, mode="reflect"), inner)
    a = np.radians(30)
    expected = (points - 48) @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + 48
    likeness = descriptors @ again.T
    sure = likeness.max(axis=1) > 0.95
    error = np.linalg.norm(turned[likeness.argmax(axis=1)] - expected, axis=1)[sure]
    assert sure.mean() > 0.5
    assert (error < 1).mean() > 0.9


def test_the_grid_is_taken_where_too_few_keypoints_are_found():
    ramp = np.add.outer(np.arange(40.0), np.arange(48.0))
    points, descriptors = sift_points(ramp, everywhere(ramp), step=8)
    assert len(points) == 30
    assert np.ptp(points, axis=0).tolist() == [32, 40]
    grid, dense = dense_sift(ramp, everywhere(ramp), step=8)
    assert (points == grid).all()
    assert (descriptors == dense).all()


def test_descriptors_on_the_grid_are_like_those_of_scikit_image_and_opencv_at_the_same_places():
    picture = blobs(size=1.5)
    points, ours = dense_sift(picture, everywhere(picture), step=16, cell=6)
    inner = ((points > 25) & (points < 70)).all(axis=1)
    points, ours = points[inner], ours[inner]
    sift = SIFT(upsampling=1, sigma_min=2.0, sigma_in=1e-4, n_octaves=1)
    sift.float_dtype, sift.positions = np.float64, points
    sift.octaves = sift.scales = np.zeros(len(points), int)
    sift.sigmas, sift.orientations = np.full(len(points), 2.0), np.zeros(len(points))
    sift.extract(picture)
    theirs = sift.descriptors / np.linalg.norm(sift.descriptors.astype(float), axis=1, keepdims=True)
    assert (ours * theirs).sum(axis=1).min() > 0.95

    places = [cv2.KeyPoint(float(x), float(y), 4.0, 0.0) for y, x in points]
    _, found = cv2.SIFT_create().compute((255 * picture).astype(np.uint8), places)
    # Their directions begin along the columns' axis.
    found = np.roll(found.reshape(-1, 16, 8), 2, axis=2).reshape(-1, 128)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert (ours * found).sum(axis=1).min() > 0.9


@pytest.mark.parametrize("described", [sift_points, dense_sift])
def test_descriptors_do_not_change_with_brightness_and_contrast(described):
    picture = blobs()
    points, descriptors = described(picture, everywhere(picture))
    again, same = described(50 + 7 * picture, everywhere(picture))
    distance = np.linalg.norm(points[:, None] - again[None], axis=2)
    likeness = (descriptors @ same.T).max(axis=1)
    # A few keypoints lie on the threshold.
    assert ((distance.min(axis=1) < 0.01) & (likeness > 0.999)).mean() > 0.95


def test_keypoints_of_what_is_no_picture_are_refused():
    with pytest.raises(GeometryError, match="in a picture"):
        sift_points(np.zeros((3, 4, 5)), np.ones((3, 4, 5), bool))
    with pytest.raises(GeometryError, match="a mask of its shape"):
        dense_sift(np.zeros((3, 4)), np.ones((4, 3), bool))
    with pytest.raises(InvalidInput, match="steps and cells"):
        dense_sift(np.zeros((3, 4)), np.ones((3, 4), bool), step=0)


# --- words


def test_words_are_the_shares_of_the_nearest_centres_as_in_scikit_learn():
    rng = np.random.default_rng(0)
    descriptors = rng.normal(size=(300, 6))
    vocabulary = learnt_vocabulary(descriptors, 5, rng)
    theirs = KMeans(5, init=vocabulary.centres, n_init=1, max_iter=1).fit(vocabulary.centres)
    fresh = rng.normal(size=(5000, 6))
    counts = np.bincount(theirs.predict(fresh), minlength=5)
    assert vocabulary.words(fresh) == pytest.approx(counts / 5000)
    assert vocabulary.words(fresh[:0]).tolist() == [0] * 5


def test_a_vocabulary_finds_the_clusters_that_are_there_and_the_same_ones_again():
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    table = np.concatenate([c + np.random.default_rng(i).normal(size=(40, 2)) for i, c in enumerate(centres)])
    one, two = (learnt_vocabulary(table, 3, np.random.default_rng(7)) for _ in range(2))
    assert (one.centres == two.centres).all()
    found = one.centres[np.lexsort((one.centres[:, 1].round(), one.centres[:, 0].round()))]
    assert np.abs(found - centres[[0, 2, 1]]).max() < 1
    assert one.words(table) == pytest.approx([1 / 3] * 3)


def test_pictures_of_like_texture_have_like_words():
    fine, coarse = ([blobs(i, size=s) for i in range(4)] for s in (1.0, 3.5))
    tables = [dense_sift(p, everywhere(p), step=6)[1] for p in fine + coarse]
    vocabulary = learnt_vocabulary(np.concatenate(tables[:1] + tables[4:5]), 8, np.random.default_rng(0))
    words = np.stack([vocabulary.words(t) for t in tables])
    distance = np.abs(words[:, None] - words[None]).sum(axis=2)
    assert max(distance[1, 2:4].max(), distance[5, 6:8].max()) < distance[1:4, 5:8].min()


# --- Fisher vectors


def test_a_fisher_vector_is_that_of_scikit_image():
    rng = np.random.default_rng(0)
    theirs = GaussianMixture(3, covariance_type="diag", random_state=0).fit(rng.normal(size=(400, 4)) ** 3)
    ours = Mixture(weights=theirs.weights_, means=theirs.means_, variances=theirs.covariances_)
    table = rng.normal(size=(50, 4))
    expected = their_fisher_vector(table, theirs)[
        3:
    ]  # theirs begins with weights, and has its deviations negative
    expected[12:] *= -1
    assert fisher_vector(ours, table, improved=False) == pytest.approx(expected)
    assert logsumexp(ours.log_densities(table), axis=1) == pytest.approx(theirs.score_samples(table))
    powered = np.sign(expected) * np.abs(expected) ** 0.5
    assert fisher_vector(ours, table) == pytest.approx(powered / np.linalg.norm(powered))


def test_a_fisher_vector_is_the_gradient_of_the_log_likelihood_over_the_fisher_information():
    model, table = mixture(), np.random.default_rng(2).normal(size=(20, 4))

    def likelihood(means, deviations):
        changed = replace(model, means=means, variances=deviations**2)
        return logsumexp(changed.log_densities(table), axis=1).mean()

    deviations, step = np.sqrt(model.variances), 1e-5
    by_means, by_deviations = np.zeros((2, *model.means.shape))
    for place in np.ndindex(model.means.shape):
        h = np.zeros(model.means.shape)
        h[place] = step
        by_means[place] = likelihood(model.means + h, deviations) - likelihood(model.means - h, deviations)
        by_deviations[place] = likelihood(model.means, deviations + h) - likelihood(
            model.means, deviations - h
        )
    scale = deviations / np.sqrt(model.weights)[:, None] / (2 * step)
    expected = np.concatenate([(by_means * scale).ravel(), (by_deviations * scale / 2**0.5).ravel()])
    assert fisher_vector(model, table, improved=False) == pytest.approx(expected, rel=1e-5, abs=1e-8)


def test_what_is_drawn_from_the_mixture_itself_has_almost_no_fisher_vector():
    model = mixture()
    own = np.abs(fisher_vector(model, drawn(model, 40_000), improved=False)).max()
    other = np.abs(fisher_vector(model, drawn(model, 40_000) + 1.0, improved=False)).max()
    assert own < 0.03
    assert other > 0.3


def test_an_improved_fisher_vector_has_length_one_and_none_of_no_descriptor_is_zero():
    model = mixture()
    assert np.linalg.norm(fisher_vector(model, drawn(model, 30))) == pytest.approx(1)
    assert fisher_vector(model, np.zeros((0, 4))).tolist() == [0] * 24


def test_a_mixture_is_learnt_again_from_what_was_drawn_from_it():
    model = Mixture(
        weights=np.array([0.3, 0.7]),
        means=np.array([[0.0, 0.0, 5.0], [6.0, -6.0, 0.0]]),
        variances=np.array([[1.0, 2.0, 0.5], [0.5, 1.0, 2.0]]),
    )
    found = learnt_mixture(drawn(model, 5000), 2, np.random.default_rng(0))
    order = np.argsort(found.weights)
    assert found.weights[order] == pytest.approx(model.weights, abs=0.03)
    assert found.means[order] == pytest.approx(model.means, abs=0.1)
    assert found.variances[order] == pytest.approx(model.variances, rel=0.1)


# --- refusals and values


@pytest.mark.parametrize(
    "table", [np.zeros(3), np.full((4, 3), np.nan), np.zeros((4, 2))], ids=["flat", "nan", "short"]
)
def test_descriptors_that_do_not_fit_are_refused(table):
    with pytest.raises(InvalidInput, match="a table of finite numbers, 3 each"):
        Vocabulary(centres=np.eye(3)).words(table)
    with pytest.raises(InvalidInput, match="a table of finite numbers, 4 each"):
        fisher_vector(mixture(), table)


@pytest.mark.parametrize("learnt", [learnt_vocabulary, learnt_mixture])
def test_more_words_than_different_descriptors_are_refused(learnt):
    table = np.repeat(np.eye(3), 5, axis=0)
    with pytest.raises(InvalidInput, match="got 3 for 4"):
        learnt(table, 4, np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="got 3 for 0"):
        learnt(table, 0, np.random.default_rng(0))


def test_a_mixture_of_equal_descriptors_is_refused():
    with pytest.raises(InvalidInput, match="descriptors that differ"):
        learnt_mixture(np.ones((5, 3)), 1, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"weights": np.array([0.5, 0.4, 0.4])}, "sum to 1"),
        ({"weights": np.array([1.5, -0.25, -0.25])}, "positive weights"),
        ({"weights": np.ones(2) / 2}, "for each part"),
        ({"variances": np.zeros((3, 4))}, "positive variances"),
        ({"means": np.full((3, 4), np.nan)}, "positive variances"),
        ({"means": np.zeros((3, 5))}, "for each part"),
    ],
)
def test_a_mixture_that_is_none_is_refused(changed, rule):
    with pytest.raises(InvalidInput, match=rule):
        replace(mixture(), **changed)


def test_a_vocabulary_has_words():
    with pytest.raises(InvalidInput, match="one word or more"):
        Vocabulary(centres=np.zeros((0, 3)))


def test_learnt_values_stay_as_they_are_in_another_process():
    model, vocabulary = (pickle.loads(pickle.dumps(v)) for v in (mixture(), Vocabulary(centres=np.eye(2))))
    assert (model.means == mixture().means).all()
    assert not vocabulary.centres.flags.writeable


def test_reading_with_what_was_learnt_needs_no_scikit_learn():
    code = "import sys; sys.modules['sklearn'] = None; import skiagraph.features.local"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
