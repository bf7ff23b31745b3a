"""Real world values of stored ones: what the mapping of each frame says, and its numbers (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.errors import FormatError
from skiagraph.interchange.coded import code_of

__all__ = ["concept_of", "group_of", "key_of", "mapping_of", "real_values", "unit_of"]


def real_values(ds: Dataset, rest: Mapping[str, Any], stored: NDArray[Any]) -> NDArray[Any]:
    """Real world values of all frames, in the type that they had."""
    wanted = np.dtype(str(rest["dtype"])) if "dtype" in rest else None
    if wanted is not None and wanted.kind in "biu":
        shift = int(mapping_of(ds, 0).get("RealWorldValueIntercept") or 0)
        whole = stored.astype(np.int64) + shift if stored.dtype.kind != "f" else stored.astype(np.int64)
        return whole.astype(wanted)
    items = [mapping_of(ds, n) for n in range(len(stored))]
    if all(_is_identity(item) and not _outside(stored[n], item).any() for n, item in enumerate(items)):
        return stored if wanted is None else stored.astype(wanted)
    narrow = stored.dtype.itemsize <= 2 or stored.dtype == np.float32
    out = np.empty(stored.shape, np.float32 if narrow else np.float64)
    for n, item in enumerate(items):
        out[n] = _mapped(stored[n], item)
    return out if wanted is None else out.astype(wanted)


def _is_identity(item: Dataset) -> bool:
    """Whether stored values are real ones."""
    line = item.get("RealWorldValueSlope", 1), item.get("RealWorldValueIntercept", 0)
    return "RealWorldValueLUTData" not in item and line == (1.0, 0.0)


def _ends(item: Dataset) -> tuple[float, float]:
    """The stored values that are mapped, from the least to the greatest."""
    found = []
    for end, none in (("First", -np.inf), ("Last", np.inf)):
        whole = item.get(f"RealWorldValue{end}ValueMapped")
        real = item.get(f"DoubleFloatRealWorldValue{end}ValueMapped") if whole is None else whole
        found.append(none if real is None else float(real))
    return found[0], found[1]


def _outside(stored: NDArray[Any], item: Dataset) -> NDArray[np.bool_]:
    first, last = _ends(item)
    return np.asarray((stored < first) | (stored > last))


def _mapped(stored: NDArray[Any], item: Dataset) -> NDArray[np.float64]:
    """Real world values of one frame, NaN outside of the range that is mapped (C.7.6.16.2.11.1.2)."""
    table = np.atleast_1d(np.array(item.get("RealWorldValueLUTData") or (), dtype=np.float64))
    if table.size:
        place = np.clip(stored.astype(np.float64) - _ends(item)[0], 0, len(table) - 1)
        values = np.asarray(table[place.astype(np.intp)], dtype=np.float64)
    else:
        slope, intercept = (
            float(item.get(f"RealWorldValue{w}", d)) for w, d in (("Slope", 1), ("Intercept", 0))
        )
        values = stored.astype(np.float64) * slope + intercept
    values[_outside(stored, item)] = np.nan
    return values


def mapping_of(ds: Dataset, number: int) -> Dataset:
    """The mapping of one frame, from 0.

    Raises:
        FormatError: It has none.
    """
    found = group_of(ds, number, "RealWorldValueMappingSequence")
    if found is None:
        raise FormatError("each frame of a parametric map has a real world value mapping", got="one without")
    return found


def key_of(item: Dataset) -> tuple[str, ...]:
    """What tells one quantity of an object from another."""
    unit, concept = unit_of(item), concept_of(item)
    return (
        str(item.get("LUTLabel") or ""),
        f"{unit.scheme} {unit.value}",
        "" if concept is None else f"{concept.scheme} {concept.value}",
    )


def unit_of(item: Dataset) -> Code:
    """The unit of a mapping."""
    return code_of((item.get("MeasurementUnitsCodeSequence") or [Dataset()])[0])


def concept_of(item: Dataset) -> Code | None:
    """What a mapping says is measured; None where it does not."""
    for definition in item.get("QuantityDefinitionSequence") or ():
        if definition.get("ConceptCodeSequence"):
            return code_of(definition.ConceptCodeSequence[0])
    return None


def group_of(ds: Dataset, number: int, name: str) -> Dataset | None:
    """A functional group of one frame (from 0): its own, or what all frames share; None where it has none."""
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or ()
    own = per_frame[number] if number < len(per_frame) else Dataset()
    shared = ds.get("SharedFunctionalGroupsSequence") or (Dataset(),)
    found = own.get(name) or shared[0].get(name)
    return found[0] if found else None
