"""Gestational age from the head circumference, with its published spread and the range in which it holds."""

from __future__ import annotations

from typing import Final

import numpy as np

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Interval, Measurement, NotApplicable

__all__ = ["gestational_age", "head_circumference_range"]

_WEEKS: Final = (14.0, 42.0)  # menstrual weeks of the fetuses in the source
_TWO_SD: Final = ((18.0, 1.19), (24.0, 1.48), (30.0, 2.06), (36.0, 2.98), (42.0, 2.70))  # (below week, weeks)
_METHOD: Final = (
    "Hadlock et al., Radiology 1984;152:497-501: weeks = 8.96 + 0.540 HC + 0.0003 HC^3 (HC in cm), "
    "spread of 2 SD as published, widened by the interval of HC; holds from 14 to 42 weeks."
)


def _weeks(circumference: float) -> float:
    """Menstrual weeks of a head circumference in mm."""
    hc = circumference / 10.0
    return 8.96 + 0.540 * hc + 0.0003 * hc**3


def head_circumference_range() -> tuple[float, float]:
    """The head circumferences, mm, for which `gestational_age` holds."""
    low, high = (10.0 * _real_root(week) for week in _WEEKS)
    return low, high


def _real_root(week: float) -> float:
    """The head circumference, cm, at which the formula gives `week`; it rises, so there is one."""
    roots = np.roots([0.0003, 0.0, 0.540, 8.96 - week])
    return float(roots[np.abs(roots.imag).argmin()].real)


def gestational_age(circumference: Measurement) -> Measurement | NotApplicable:
    """Gestational age with an interval.

    Args:
        circumference: Head circumference in mm.

    Returns:
        Weeks, with the published two standard deviations of the formula and the interval of the circumference joined in
        quadrature; or why there is none: the circumference lies outside of the range in which the formula was made.

    Raises:
        InvalidInput: Not a head circumference in mm.

    Source: Hadlock FP, Deter RL, Harrist RB, Park SK. Estimating fetal age: computer-assisted analysis of multiple
        fetal growth parameters. Radiology 1984;152:497-501 (361 fetuses of 14 to 42 menstrual weeks).
    """
    if (circumference.concept, circumference.unit) != (codes.HEAD_CIRCUMFERENCE, codes.MM):
        raise InvalidInput(
            "gestational age is told from a head circumference in mm", got=circumference.concept.meaning
        )
    weeks = _weeks(circumference.value)
    if not _WEEKS[0] <= weeks <= _WEEKS[1]:
        low, high = head_circumference_range()
        return NotApplicable(
            reason="out-of-range",
            concept=codes.GESTATIONAL_AGE,
            explanation=f"Gestational age is told from head circumferences of {low:.0f} to {high:.0f} mm "
            "(14 to 42 weeks), and this one lies outside.",
        )
    spread = next(two_sd for below, two_sd in _TWO_SD if weeks <= below)
    below = above = spread
    if circumference.interval is not None:
        below = _joined(spread, weeks - _weeks(circumference.interval.low))
        above = _joined(spread, _weeks(circumference.interval.high) - weeks)
    return Measurement(
        concept=codes.GESTATIONAL_AGE,
        value=weeks,
        unit=codes.WEEK,
        interval=Interval(low=weeks - below, high=weeks + above),
        method=_METHOD,
    )


def _joined(a: float, b: float) -> float:
    return float((a**2 + b**2) ** 0.5)
