"""A feature: one number that describes a region of an image, with its name, its unit, or why it has no value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from skiagraph.errors import InvalidInput

__all__ = ["Feature"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One number about a region.

    Args:
        family: Of features that are computed together, in lower case: ``"glcm"``, ``"hu moments"``.
        name: As the field calls it, in lower case: ``"joint entropy"``.
        value: The number; NaN where there is none.
        unit: UCUM, such as ``"mm2"``; empty for a pure number.
        ibsi: Its code in the manual of the Image Biomarker Standardisation Initiative; empty where it has none.
        reason: Why there is no value; empty where there is one.

    Raises:
        InvalidInput: No name, a value that is not finite without a reason, or a reason beside a value.

    Source: names and codes: Zwanenburg et al., Image biomarker standardisation initiative, reference manual
        (arXiv 1612.07003).
    """

    family: str
    name: str
    value: float
    unit: str = ""
    ibsi: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))
        if not self.family or not self.name:
            raise InvalidInput("a feature has a family and a name", got=repr((self.family, self.name)))
        if math.isfinite(self.value) == bool(self.reason):
            raise InvalidInput(
                "a feature has either a finite value or a reason why not",
                got=f"{self.value} and {self.reason!r} of {self.key}",
            )

    @property
    def key(self) -> str:
        """Column of a table: family and name, as in ``"glcm_joint_entropy"``."""
        return f"{self.family}_{self.name}".replace(" ", "_").replace("-", "_")
