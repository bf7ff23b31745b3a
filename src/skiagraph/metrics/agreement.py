"""How well measurements agree with a reference, and whether their intervals cover what they claim."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from skiagraph.errors import InvalidInput
from skiagraph.findings import Measurement

__all__ = ["Agreement", "AgreementTally"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementTally:
    """Sums over cases: how many, errors, their absolute values and squares, and how many intervals held the truth."""

    n: int
    error: float
    absolute: float
    squared: float
    with_interval: int
    covered: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Bias, error and coverage of measurements of one concept.

    Source: Bland and Altman, Statistical methods for assessing agreement (Lancet 1986), for bias and its spread.
    """

    def tally(self, prediction: Measurement, reference: Measurement, /) -> AgreementTally:
        """One case.

        Raises:
            InvalidInput: Two concepts or two units.
        """
        if (prediction.concept, prediction.unit) != (reference.concept, reference.unit):
            raise InvalidInput(
                "prediction and reference measure one thing in one unit",
                got=f"{prediction.concept.meaning} in {prediction.unit.value}, "
                f"{reference.concept.meaning} in {reference.unit.value}",
            )
        error, interval = prediction.value - reference.value, prediction.interval
        covered = interval is not None and interval.low <= reference.value <= interval.high
        return AgreementTally(
            n=1,
            error=error,
            absolute=abs(error),
            squared=error**2,
            with_interval=int(interval is not None),
            covered=int(covered),
        )

    def merge(self, a: AgreementTally, b: AgreementTally, /) -> AgreementTally:
        """The sums of both."""
        return AgreementTally(
            n=a.n + b.n,
            error=a.error + b.error,
            absolute=a.absolute + b.absolute,
            squared=a.squared + b.squared,
            with_interval=a.with_interval + b.with_interval,
            covered=a.covered + b.covered,
        )

    def summary(self, total: AgreementTally, /) -> Mapping[str, float]:
        """``mean absolute error``, ``bias``, ``spread`` (SD of the error), ``coverage`` (NaN without intervals)."""
        bias = total.error / total.n
        return {
            "mean absolute error": total.absolute / total.n,
            "bias": bias,
            "spread": math.sqrt(max(0.0, total.squared / total.n - bias**2)),
            "coverage": total.covered / total.with_interval if total.with_interval else math.nan,
        }
