"""How well outlines cover one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError
from skiagraph.findings import Segmentation

__all__ = ["Overlap", "OverlapTally"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapTally:
    """Sums over cases: how many, their Dice coefficients, the worst of them, and how many were missed entirely."""

    n: int
    dice: float
    worst: float
    missed: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Dice coefficient of one segment, the mean over cases.

    Args:
        number: Of the segment, in the prediction and in the reference.

    Source: Dice, Measures of the amount of ecologic association between species (1945).
    """

    number: int = 1

    def tally(self, prediction: Segmentation, reference: Segmentation, /) -> OverlapTally:
        """One case. Both empty counts as 1; an outline that touches nothing of the reference as missed.

        Raises:
            GeometryError: Two lattices; resample one first.
        """
        if prediction.space.shape != reference.space.shape or not np.allclose(
            prediction.space.affine, reference.space.affine, atol=1e-4
        ):
            raise GeometryError(
                "both outlines lie on one lattice", got="two", way_out="resample one onto the other"
            )
        found, true = self._mask(prediction), self._mask(reference)
        both, total = (
            int(np.count_nonzero(found & true)),
            int(np.count_nonzero(found) + np.count_nonzero(true)),
        )
        dice = 2 * both / total if total else 1.0
        return OverlapTally(n=1, dice=dice, worst=dice, missed=int(total > 0 and both == 0))

    def _mask(self, segmentation: Segmentation) -> NDArray[np.bool_]:
        there = self.number in [s.number for s in segmentation.segments]
        return segmentation.mask(self.number) if there else np.zeros(segmentation.labels.shape, np.bool_)

    def merge(self, a: OverlapTally, b: OverlapTally, /) -> OverlapTally:
        """The sums of both."""
        return OverlapTally(
            n=a.n + b.n, dice=a.dice + b.dice, worst=min(a.worst, b.worst), missed=a.missed + b.missed
        )

    def summary(self, total: OverlapTally, /) -> Mapping[str, float]:
        """``dice`` (mean), ``worst dice``, ``missed`` (share)."""
        return {"dice": total.dice / total.n, "worst dice": total.worst, "missed": total.missed / total.n}
