"""Fisher vectors: in which direction a mixture would have to change to explain the descriptors of a picture better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from skiagraph.errors import InvalidInput
from skiagraph.features.local.words import checked_descriptors
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Mixture", "fisher_vector"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """A mixture of normal distributions with diagonal covariance.

    Args:
        weights: Shape (parts,), positive; sums to 1.
        means: Shape (parts, length of a descriptor).
        variances: Of the same shape, positive.

    Raises:
        InvalidInput: Not such numbers.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]

    def __post_init__(self) -> None:
        for field in ("weights", "means", "variances"):
            object.__setattr__(self, field, frozen(getattr(self, field), np.float64))
        fits = self.means.ndim == 2 and self.means.size > 0 and self.means.shape == self.variances.shape
        if not fits or self.weights.shape != self.means.shape[:1]:
            raise InvalidInput(
                "a mixture has a weight, a mean and variances for each part",
                got=f"{self.weights.shape}, {self.means.shape} and {self.variances.shape}",
            )
        finite = all(np.isfinite(a).all() for a in (self.weights, self.means, self.variances))
        positive = (self.weights > 0).all() and (self.variances > 0).all()
        if not (finite and positive and abs(self.weights.sum() - 1) < 1e-6):
            raise InvalidInput(
                "a mixture has positive variances and positive weights that sum to 1",
                got=f"weights that sum to {self.weights.sum():.6g}",
            )

    def log_densities(self, descriptors: NDArray[Any]) -> NDArray[np.float64]:
        """The logarithm of weight times density of each part.

        Args:
            descriptors: Shape (n, length).

        Returns:
            Shape (n, parts); its `logsumexp` over parts is the log likelihood of each descriptor.

        Raises:
            InvalidInput: Descriptors of another length, or not finite.
        """
        table = checked_descriptors(descriptors, self.means.shape[1])
        precision = 1 / self.variances
        distance = (
            table**2 @ precision.T
            - 2 * table @ (self.means * precision).T
            + (self.means**2 * precision).sum(axis=1)
        )
        constant = self.means.shape[1] * math.log(2 * math.pi) + np.log(self.variances).sum(axis=1)
        densities: NDArray[np.float64] = np.log(self.weights) - (constant + distance) / 2
        return densities


def fisher_vector(
    mixture: Mixture, descriptors: NDArray[Any], *, improved: bool = True
) -> NDArray[np.float64]:
    """The gradient of the mean log likelihood by means and deviations, scaled by the Fisher information.

    Args:
        mixture: Of descriptors of many pictures.
        descriptors: Of one picture, shape (n, length).
        improved: The signed square root of each number, then all divided by their length.

    Returns:
        Shape (2 * parts * length,): first by means, part by part, then by deviations. Zero without a descriptor.

    Raises:
        InvalidInput: Descriptors of another length, or not finite.

    Source: Perronnin, Sánchez and Mensink, Improving the Fisher kernel for large-scale image classification, ECCV 2010,
        equations 3 to 5, sections 3.1 and 3.2.
    """
    table = checked_descriptors(descriptors, mixture.means.shape[1])
    if not len(table):
        return np.zeros(2 * mixture.means.size)
    joint = mixture.log_densities(table)
    shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)) / len(table)
    total = shares.sum(axis=0)[:, None]
    first, second = shares.T @ table, shares.T @ table**2
    deviations, weights = np.sqrt(mixture.variances), np.sqrt(mixture.weights)[:, None]
    by_means = (first - total * mixture.means) / (deviations * weights)
    squares = second - 2 * first * mixture.means + total * mixture.means**2
    by_deviations = (squares / mixture.variances - total) / (math.sqrt(2) * weights)
    vector: NDArray[np.float64] = np.concatenate([by_means.ravel(), by_deviations.ravel()])
    if improved:
        vector = np.sign(vector) * np.sqrt(np.abs(vector))
        vector = vector / (np.linalg.norm(vector) or 1.0)
    return vector
