"""How a file asks to be shown: its windows and VOI LUTs, over the values that its pixels mean."""

from __future__ import annotations

import dataclasses

import numpy as np
from pydicom.dataset import Dataset

from skiagraph.image.window import Display, DisplayTable, Window
from skiagraph.io.dicom.attributes import group_of, items_of, number, numbers, raw, whole, word
from skiagraph.io.dicom.lookup import lookup_table
from skiagraph.io.dicom.meaning import Linear, after_modality, inversion

__all__ = ["scaled", "windows"]


def windows(header: Dataset, groups: Dataset | None = None) -> tuple[Display, ...]:
    """All presets of a file, those that its maker put first at the front; empty where there are none that hold.

    Args:
        header: The object.
        groups: Functional groups of the frame, for enhanced objects.

    Returns:
        Tables (VOI LUT Sequence) before windows, as PS3.3 C.11.2.1 asks for one of them. They are for the values of
        `meant`: where that inverted MONOCHROME1 or took real world values, they follow. None for colours.

    Source: DICOM PS3.3 C.11.2 (classic), C.7.6.16.2.10 (enhanced).
    """
    item = group_of(header, groups, "FrameVOILUTSequence")
    stated = any(raw(item, name) is not None for name in ("WindowCenter", "VOILUTSequence"))
    way = after_modality(header, groups) if stated else None
    if way is None or (way.slope < 0 and inversion(header, groups) is None):
        return ()
    tables = [_table(entry, header, way) for entry in items_of(item, "VOILUTSequence")]
    centers, widths = numbers(item, "WindowCenter"), numbers(item, "WindowWidth")
    names = _names(item)
    plain = [
        _window(center, width, word(item, "VOILUTFunction") or "LINEAR", way)
        for center, width in zip(centers, widths, strict=False)
    ]
    found: list[Display] = [table for table in tables if table is not None]
    for place, ends in enumerate(plain):
        if ends is not None:
            low, high = ends
            name = names[place] if place < len(names) else ""
            soft = word(item, "VOILUTFunction") == "SIGMOID"
            found.append(Window(low=low, high=high, name=name, function="sigmoid" if soft else "linear"))
    return tuple(found)


def _names(item: Dataset) -> tuple[str, ...]:
    value = raw(item, "WindowCenterWidthExplanation")
    several = [value] if isinstance(value, str) else value or ()
    return tuple(str(v).strip() for v in several)


def scaled(found: tuple[Display, ...], factor: float) -> tuple[Display, ...]:
    """Windows for values that were multiplied, as by `suv.body_weight`; tables, which know whole values, are dropped.

    Args:
        found: Presets for the values before.
        factor: Above 0.
    """
    return tuple(
        dataclasses.replace(w, low=w.low * factor, high=w.high * factor)
        for w in found
        if isinstance(w, Window)
    )


def _window(center: float, width: float, function: str, way: Linear) -> tuple[float, float] | None:
    """The values that become black and white; None for a width that the function does not allow.

    Source: DICOM PS3.3 C.11.2.1.2.1 (LINEAR: y rises from c - 0.5 - (w - 1) / 2 to c - 0.5 + (w - 1) / 2), C.11.2.1.3.1
    (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT).
    """
    if function == "LINEAR":
        if width < 1:
            return None
        low, high = center - width / 2, center + width / 2 - 1
    elif function in {"LINEAR_EXACT", "SIGMOID"} and width > 0:
        low, high = center - width / 2, center + width / 2
    else:
        return None
    if low == high:  # a step: what is above it is white
        high = low + 1e-9 * max(1.0, abs(low), abs(way.intercept))
    ends = sorted(way.slope * end + way.intercept for end in (low, high))
    return ends[0], ends[1]


def _table(item: Dataset, header: Dataset, way: Linear) -> DisplayTable | None:
    """The table as levels from 0 to 1, its input that of the values of `meant`.

    Source: DICOM PS3.3 C.11.2.1.1.
    """
    signed = whole(header, "PixelRepresentation") == 1 or (number(header, "RescaleIntercept") or 0) < 0
    if raw(header, "ModalityLUTSequence"):
        signed = False
    table = lookup_table(item, header, signed=signed)
    if table is None or abs(way.slope) != 1.0 or not way.intercept.is_integer():
        return None
    levels = np.clip(table.entries.astype(np.float64) / ((1 << table.bits) - 1), 0.0, 1.0)
    first = way.slope * table.first + way.intercept
    if way.slope < 0:
        first, levels = first - (len(levels) - 1), 1.0 - levels[::-1]
    return DisplayTable(first=first, levels=levels, name=table.explanation)
