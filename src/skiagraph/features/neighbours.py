"""Whose label is another than those of its neighbours: suspects of wrong labels, told by simple pixels alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.likeness import SIDE

__all__ = ["Doubts", "doubts", "plain_features"]

_SIDE: Final = 16
_LEVELS: Final = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_NEIGHBOURS: Final = 11
_AGREED: Final = 10  # of them that have one label, and not that of the image, make it a suspect
_PARTS: Final = 32  # principal components
_TELLS: Final = 0.6  # balanced accuracy of the neighbours from which they tell anything of two classes
_ROWS: Final = 1024


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What the neighbours say.

    Args:
        suspects: (place in the list, label that the neighbours have, how many of 11), the surest first.
        accuracy: Balanced accuracy of the neighbours' majority over all images. It says how much their word is worth.
        told: Whether it is worth enough to name suspects.
    """

    suspects: tuple[tuple[int, int, int], ...]
    accuracy: float
    told: bool


def plain_features(signature: NDArray[np.float32], array: NDArray[np.float32]) -> NDArray[np.float32]:
    """An image as numbers: 16 x 16 means of each view of its signature, and 7 quantiles of its values.

    Args:
        signature: Of `skiagraph.features.likeness.signature`.
        array: The image, any shape; NaN is left away.
    """
    step = SIDE // _SIDE
    views = signature.reshape(len(signature), _SIDE, step, _SIDE, step).mean(axis=(2, 4)).ravel()
    numbers = array[np.isfinite(array)]
    levels = np.quantile(numbers, _LEVELS) if numbers.size else np.zeros(len(_LEVELS))
    return np.concatenate([views, levels]).astype(np.float32)


def doubts(features: NDArray[np.float32], labels: Sequence[int]) -> Doubts:
    """Images whose label at most one of 11 neighbours shares, while at least ten have one other label.

    Distances are Euclidean among the first 32 principal components of the standardised features. Pixels alone know
    little of medicine: a suspect is a picture to look at again, not a wrong label, and rare classes are suspected more
    often than common ones. Where the neighbours hardly tell the classes apart nothing is said.

    Args:
        features: Shape (images, numbers), of `plain_features`.
        labels: The class of each image.

    Source: own; the rule is Wilson's edited nearest neighbours (IEEE Trans. Systems, Man, Cybernetics 2, 408, 1972)
    with a stricter majority.
    """
    known, classes = np.unique(np.asarray(labels), return_inverse=True)
    n = len(classes)
    if n <= 2 * _NEIGHBOURS or len(known) < 2:
        return Doubts(suspects=(), accuracy=float("nan"), told=False)
    votes = _votes(_components(features), classes, len(known))
    majority = votes.argmax(axis=1)
    accuracy = float(np.mean([(majority[classes == c] == c).mean() for c in range(len(known))]))
    least = 1 / len(known) + (_TELLS - 0.5) * 2 * (1 - 1 / len(known))
    if accuracy < least:
        return Doubts(suspects=(), accuracy=accuracy, told=False)
    most = votes.max(axis=1)
    wrong = np.flatnonzero((majority != classes) & (most >= _AGREED))
    order = wrong[np.argsort(-most[wrong], kind="stable")]
    suspects = tuple((int(i), int(known[majority[i]]), int(most[i])) for i in order)
    return Doubts(suspects=suspects, accuracy=accuracy, told=True)


def _components(features: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    covariance = scaled.T @ scaled
    _, directions = np.linalg.eigh(covariance.astype(np.float64))
    return np.asarray(scaled @ directions[:, -_PARTS:], dtype=np.float32)


def _votes(points: NDArray[np.float32], classes: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """How many of the nearest of each image have each class, shape (images, classes)."""
    n = len(points)
    square = (points**2).sum(axis=1)
    votes = np.zeros((n, count), dtype=np.intp)
    for start in range(0, n, _ROWS):
        rows = np.arange(start, min(start + _ROWS, n))
        apart = square[rows, None] + square[None, :] - 2 * points[rows] @ points.T
        apart[np.arange(len(rows)), rows] = np.inf
        near = classes[np.argpartition(apart, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]]
        for c in range(count):
            votes[rows, c] = (near == c).sum(axis=1)
    return votes
