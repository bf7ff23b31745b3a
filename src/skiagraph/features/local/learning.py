"""Vocabularies and mixtures learnt from descriptors of many pictures, by scikit-learn, not needed to use them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skiagraph.errors import InvalidInput
from skiagraph.features.local.fisher import Mixture
from skiagraph.features.local.words import Vocabulary, checked_descriptors

__all__ = ["learnt_mixture", "learnt_vocabulary"]


def learnt_vocabulary(descriptors: NDArray[Any], k: int, rng: np.random.Generator) -> Vocabulary:
    """The centres of `k` clusters of descriptors, by k-means.

    Args:
        descriptors: Of many pictures, shape (n, length).
        k: Number of words.
        rng: Draws where the clusters begin (k-means++); the best of 4 runs is taken.

    Raises:
        InvalidInput: Fewer different descriptors than words, or not finite.
    """
    table = _enough(descriptors, k)
    means = KMeans(n_clusters=k, n_init=4, random_state=int(rng.integers(2**31))).fit(table)
    return Vocabulary(centres=means.cluster_centers_)


def learnt_mixture(descriptors: NDArray[Any], k: int, rng: np.random.Generator) -> Mixture:
    """A mixture of `k` normal distributions of descriptors, by expectation and maximisation.

    Args:
        descriptors: Of many pictures, shape (n, length).
        k: Number of parts.
        rng: Draws where the clusters of the first k-means begin.

    Returns:
        Variances are at least 1e-4 of the mean variance of the descriptors, as no part may shrink to a point.

    Raises:
        InvalidInput: Fewer different descriptors than parts, all the same, or not finite.
    """
    table = _enough(descriptors, k)
    variance = float(table.var(axis=0).mean())
    if variance == 0:
        raise InvalidInput("a mixture is learnt from descriptors that differ", got="all the same")
    mixture = GaussianMixture(
        n_components=k,
        covariance_type="diag",
        reg_covar=1e-4 * variance,
        random_state=int(rng.integers(2**31)),
    )
    with warnings.catch_warnings():
        # 100 steps are enough for a description, whether the last of them still changed something or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(table)
    return Mixture(
        weights=mixture.weights_ / mixture.weights_.sum(),
        means=mixture.means_,
        variances=mixture.covariances_,
    )


def _enough(descriptors: NDArray[Any], k: int) -> NDArray[np.float64]:
    table = checked_descriptors(descriptors)
    different = len(np.unique(table, axis=0))
    if not 1 <= k <= different:
        raise InvalidInput(
            "there are at least as many different descriptors as words or parts, and one of these or more",
            got=f"{different} for {k}",
        )
    return table
