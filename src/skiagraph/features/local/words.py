"""Bags of visual words: how often each of a set of typical descriptors occurs in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from skiagraph.errors import InvalidInput
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Vocabulary", "checked_descriptors"]

_CHUNK: Final = 4096  # descriptors that are compared at a time, so that memory is bounded


def checked_descriptors(descriptors: NDArray[Any], length: int | None = None) -> NDArray[np.float64]:
    """Descriptors as a table of finite numbers.

    Args:
        descriptors: Shape (n, length); n may be 0.
        length: That each must have; None where any will do.

    Raises:
        InvalidInput: No such table.
    """
    table = np.asarray(descriptors, dtype=np.float64)
    if table.ndim != 2 or (length is not None and table.shape[1] != length) or not np.isfinite(table).all():
        raise InvalidInput(
            f"descriptors are a table of finite numbers, {length or 'equally many'} each",
            got=f"the shape {table.shape}",
        )
    return table


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """Visual words: the centres of clusters of descriptors.

    Args:
        centres: Shape (words, length of a descriptor), float64.

    Raises:
        InvalidInput: No word, or numbers that are not finite.

    Source: Csurka et al., Visual categorization with bags of keypoints, ECCV workshop 2004.
    """

    centres: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "centres", frozen(self.centres, np.float64))
        if not checked_descriptors(self.centres).size:
            raise InvalidInput("a vocabulary has one word or more", got=f"the shape {self.centres.shape}")

    def words(self, descriptors: NDArray[Any]) -> NDArray[np.float64]:
        """The share of descriptors that each word is the nearest of.

        Args:
            descriptors: Shape (n, length).

        Returns:
            Shape (words,); sums to 1, or is 0 where there is no descriptor.

        Raises:
            InvalidInput: Descriptors of another length, or not finite.
        """
        table = checked_descriptors(descriptors, self.centres.shape[1])
        counts = np.zeros(len(self.centres))
        for start in range(0, len(table), _CHUNK):
            nearest = cdist(table[start : start + _CHUNK], self.centres, "sqeuclidean").argmin(axis=1)
            counts += np.bincount(nearest, minlength=len(counts))
        return counts / max(len(table), 1)
