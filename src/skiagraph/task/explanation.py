"""Which features decided one case: what each added to the answer, from a usual case to this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from skiagraph.codes import Code

__all__ = ["Contribution", "Explanation"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one feature did to one answer.

    Args:
        column: Key of the feature.
        name: The same for people, such as ``"outline: solidity"``; the key where nothing else is known.
        unit: UCUM, of `value` and `typical`; empty for a pure number, or where it is not known.
        value: In this case; None where there is none.
        typical: Of the cases that were learnt from.
        added: To the log odds of the class, or to the measured value in its unit.
    """

    column: str
    name: str = ""
    unit: str = ""
    value: float | None
    typical: float
    added: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Which features decided one answer.

    Args:
        described: What was described: a structure, an object with its number, the whole image; empty where the features
            came as numbers.
        label: The class that is spoken of, or the concept that is measured.
        unit: UCUM code of the measured value; None of log odds.
        usual: The answer about a case whose features all are typical: log odds, or a value in its unit.
        answer: About this case; `usual` and all that was added.
        contributions: One a feature, the largest first.
    """

    described: str = ""
    label: Code
    unit: Code | None = None
    usual: float
    answer: float
    contributions: tuple[Contribution, ...]
