"""What a tally of classes holds, as arrays: for curves, reliability diagrams and confusion matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.task import Table
from skiagraph.values import frozen

__all__ = ["Outcomes", "outcomes"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """Each case and class.

    Args:
        labels: The classes.
        probabilities: Shape (cases, classes).
        truth: 0 or 1, shape (cases, classes); NaN where it is not known.
        decided: 0 or 1, shape (cases, classes).
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    truth: NDArray[np.float64]
    decided: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("probabilities", "truth", "decided"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


def outcomes(total: Table) -> Outcomes:
    """The cases of a tally of `classification` or `multi_label`, in no order.

    Raises:
        InvalidInput: A tally of another metric.
    """
    labels = tuple(c.removeprefix("p of ") for c in total.columns if c.startswith("p of "))
    if not labels:
        raise InvalidInput("outcomes are of a tally of classes", got=f"columns {total.columns[:3]}")
    p = np.stack([total[f"p of {label}"] for label in labels], axis=1)
    if "truth" in total.columns:
        each = np.eye(len(labels))
        truth, decided = (each[total[name].astype(np.intp)] for name in ("truth", "decided"))
    else:
        truth, decided = (
            np.stack([total[f"{kind} {label}"] for label in labels], axis=1)
            for kind in ("truth of", "decided")
        )
    return Outcomes(labels=labels, probabilities=p, truth=truth, decided=decided)
