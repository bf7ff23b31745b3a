"""Real World Value Mapping: stored values to a physical quantity whose unit the object states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.image import Quantity
from skiagraph.io.dicom.attributes import code_of, items_of, number, numbers
from skiagraph.io.dicom.quantities import of_unit
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["RealWorld", "real_world"]

_OUTSIDE = (
    "{} of {} pixels lie outside of the range for which their real world value is stated, and have none."
)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealWorld:
    """One item of Real World Value Mapping Sequence.

    Args:
        quantity: What the mapped values are, and their UCUM unit.
        first: The lowest stored value that is mapped.
        last: The highest.
        slope: Of a linear mapping; None where there is a table.
        intercept: Of a linear mapping.
        table: Shape (last - first + 1,), the value of each stored value; empty where the mapping is linear.
    """

    quantity: Quantity
    first: float
    last: float
    slope: float | None
    intercept: float
    table: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", frozen(self.table, np.float64))

    def applied(self, stored: NDArray[Any]) -> tuple[NDArray[np.floating[Any]], tuple[str, ...]]:
        """Real world values, NaN outside of the mapped range, and what was noticed.

        Returns:
            float32 for stored values of at most 16 bits, float64 for wider ones; shape of `stored`.
        """
        outside = (stored < self.first) | (stored > self.last)
        if self.slope is None:
            place = np.clip(stored.astype(np.int64) - int(self.first), 0, len(self.table) - 1)
            values = self.table[place]
        else:
            values = stored.astype(np.float64) * self.slope + self.intercept
        count = int(outside.sum())
        if count:
            values[outside] = np.nan
        said = (_OUTSIDE.format(count, stored.size),) if count else ()
        return values.astype(np.float32 if stored.dtype.itemsize <= 2 else np.float64), said


def real_world(header: Dataset, groups: Dataset | None = None) -> RealWorld | None:
    """The first mapping whose unit is a physical one; None where there is none.

    Args:
        header: The object.
        groups: Functional groups of the frame, for enhanced objects.

    Source: DICOM PS3.3 C.7.6.16.2.11 and C.7.6.16.2.11.1.2 (values outside of the range are not defined).
    """
    of_frame = items_of(groups, "RealWorldValueMappingSequence")
    for item in (*of_frame, *items_of(header, "RealWorldValueMappingSequence")):
        found = _mapping(item)
        if found is not None:
            return found
    return None


def _mapping(item: Dataset) -> RealWorld | None:
    unit = code_of(item, "MeasurementUnitsCodeSequence")
    if unit is None or unit.scheme != "UCUM" or unit.value in {"1", "{no units}", "no units"}:
        return None
    ends = [
        number(item, f"DoubleFloatRealWorldValue{end}ValueMapped") if found is None else found
        for end in ("First", "Last")
        for found in [number(item, f"RealWorldValue{end}ValueMapped")]
    ]
    first, last = ends
    slope, intercept = number(item, "RealWorldValueSlope"), number(item, "RealWorldValueIntercept")
    table = np.asarray(numbers(item, "RealWorldValueLUTData"), dtype=np.float64)
    if first is None or last is None or first > last:
        return None
    if (slope is None or intercept is None) and len(table) != int(last - first) + 1:
        return None
    name = _named(item)
    return RealWorld(
        quantity=of_unit(unit, name),
        first=first,
        last=last,
        slope=slope if intercept is not None else None,
        intercept=intercept or 0.0,
        table=table,
    )


def _named(item: Dataset) -> str:
    """What the mapping says that it measures, in the words of its code; empty where it does not."""
    for definition in items_of(item, "QuantityDefinitionSequence"):
        if number(definition, "ValueType") is None:
            code = code_of(definition, "ConceptCodeSequence")
            if code is not None and code.meaning:
                return code.meaning
    return ""
