"""Content items of any structured report, read with patience: what is missing or damaged is None, never an error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.interchange.coded import code_of

__all__ = [
    "children",
    "code_in",
    "coordinates",
    "kind_of",
    "name_of",
    "numbers_of",
    "relation_of",
    "sequence_in",
    "text_of",
    "value_of",
]


def children(item: Dataset) -> Iterator[Dataset]:
    """The items under one; references to items elsewhere in the tree (DICOM PS3.3 C.17.3.2.5) are passed over."""
    for child in sequence_in(item, "ContentSequence"):
        if "ReferencedContentItemIdentifier" not in child:
            yield child


def sequence_in(item: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is missing, or damaged to something else."""
    found = item.get(keyword)
    return list(found) if isinstance(found, Sequence) else []


def kind_of(item: Dataset) -> str:
    """Its value type; empty where it has none."""
    return str(item.get("ValueType") or "")


def relation_of(item: Dataset) -> str:
    """How it belongs to the item above; empty for the root."""
    return str(item.get("RelationshipType") or "")


def name_of(item: Dataset) -> Code | None:
    """What it is about."""
    return code_in(item, "ConceptNameCodeSequence")


def code_in(item: Dataset, keyword: str) -> Code | None:
    """The first code of a sequence; None where there is none, or one that we cannot hold."""
    entries = sequence_in(item, keyword)
    try:
        return code_of(entries[0]) if entries else None
    except InvalidInput:
        return None


def text_of(item: Dataset) -> str:
    """The words of a text, or those that say a code, date, time, name or identifier."""
    for keyword in ("TextValue", "UID", "DateTime", "Date", "Time", "PersonName"):
        if item.get(keyword) not in (None, ""):
            return str(item[keyword].value)
    code = code_in(item, "ConceptCodeSequence")
    return "" if code is None else code.meaning or code.value


def value_of(item: Dataset) -> tuple[float, Code | None] | None:
    """The number of a NUM item and its unit; None where it has no finite number."""
    for measured in sequence_in(item, "MeasuredValueSequence"):
        value = _number(measured)
        if value is not None and np.isfinite(value):
            units = sequence_in(measured, "MeasurementUnitsCodeSequence")
            short = bool(units) and "LongCodeValue" not in units[0]
            return value, code_in(measured, "MeasurementUnitsCodeSequence") if short else None
    return None


def _number(measured: Dataset) -> float | None:
    """The double where there is one: the decimals may have lost some of it (DICOM PS3.3 C.18.1)."""
    for keyword in ("FloatingPointValue", "NumericValue"):
        try:
            if measured.get(keyword) not in (None, ""):
                return float(measured[keyword].value)
        except (TypeError, ValueError):
            continue
    return None


def numbers_of(reference: Dataset) -> tuple[int, ...]:
    """The frames that a reference to an image means, from 1; none for all of it."""
    try:
        given = reference.get("ReferencedFrameNumber")
        several = given if isinstance(given, MultiValue | list | tuple) else [given]
        return tuple(int(n) for n in several if n not in (None, ""))
    except (TypeError, ValueError):
        return ()


def coordinates(item: Dataset) -> NDArray[np.float64] | None:
    """The points of SCOORD (n, 2) or SCOORD3D (n, 3); None where they are damaged."""
    ndim = 2 if kind_of(item) == "SCOORD" else 3
    try:
        flat = np.array(item.get("GraphicData") or (), np.float64).reshape(-1)
    except (TypeError, ValueError):
        return None
    if not flat.size or flat.size % ndim or not np.isfinite(flat).all():
        return None
    return flat.reshape(-1, ndim)
