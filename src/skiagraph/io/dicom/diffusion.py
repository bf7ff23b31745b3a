"""How an image is weighted by diffusion: b value and gradient direction, as the standard or its maker writes them."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

from skiagraph.io.dicom.frame import Fact
from skiagraph.io.dicom.quick import has, number_of, numbers_of, text_at, text_of

__all__ = ["diffusion_of"]

_NONE: Final = (0.0, 0.0, 0.0)
_PHILIPS_DIRECTION: Final = ((0x2005, 0x10B0), (0x2005, 0x10B1), (0x2005, 0x10B2))  # L, P, S components
_GE_LARGE: Final = 10_000_000.0  # GE adds a multiple of this (1e9) to the b values of some pulse sequences


def diffusion_of(header: Dataset, groups: Dataset | None = None) -> dict[str, Fact]:
    """The weighting of an image: ``b_value`` in s/mm2 and ``gradient_direction`` in the world (LPS), where stated.

    A direction is (0, 0, 0) where the weighting has none: b = 0, or the trace over all directions.

    Args:
        header: Of the object.
        groups: Functional groups of the frame.

    Source: DICOM PS3.3 C.8.13.5.9 (MR Diffusion); DICOM conformance statements of Siemens (0019,100C/E), GE
        (0043,1039) and Philips (2001,1003/4, 2005,10B0-2).
    """
    for found in (_standard(header, groups), _siemens(header), _philips(header), _ge(header)):
        if found is not None:
            b_value, direction = found
            return {"b_value": b_value, **({} if direction is None else {"gradient_direction": direction})}
    return {}


_Found = tuple[float, tuple[float, ...] | None] | None


def _unit(values: tuple[float, ...]) -> tuple[float, ...] | None:
    """A direction of length 1, or none at all (0, 0, 0); None where the numbers are neither."""
    if len(values) != 3:
        return None
    length = math.sqrt(sum(v * v for v in values))
    if length < 1e-3:
        return _NONE
    return tuple(np.round(np.array(values) / length, 9).tolist()) if 0.5 < length < 1.5 else None


def _standard(header: Dataset, groups: Dataset | None) -> _Found:
    if groups is None and not has(header, "DiffusionBValue"):
        return None
    sequence: Any = None if groups is None else groups.get("MRDiffusionSequence")
    found = sequence[0] if sequence else header
    b_value = number_of(found.get("DiffusionBValue"))
    if b_value is None or b_value < 0:
        return None
    inner = found.get("DiffusionGradientDirectionSequence")
    stated = inner[0] if inner else found
    direction = _unit(numbers_of(stated.get("DiffusionGradientOrientation")))
    undirected = b_value == 0 or text_of(found.get("DiffusionDirectionality")) in ("NONE", "ISOTROPIC")
    return b_value, _NONE if direction is None and undirected else direction


def _private(header: Dataset, tag: tuple[int, int]) -> Any:
    return header[tag].value if tag in header else None


def _siemens(header: Dataset) -> _Found:
    if "siemens" not in text_at(header, "Manufacturer").lower():
        return None
    b_value = _number(_private(header, (0x0019, 0x100C)), "<i4")
    if b_value is None or b_value < 0:
        return None
    direction = _unit(_numbers(_private(header, (0x0019, 0x100E)), "<f8"))
    undirected = b_value == 0 or _text(_private(header, (0x0019, 0x100D))).upper() in ("NONE", "ISOTROPIC")
    return b_value, _NONE if direction is None and undirected else direction


def _philips(header: Dataset) -> _Found:
    if "philips" not in text_at(header, "Manufacturer").lower():
        return None
    b_value = _number(_private(header, (0x2001, 0x1003)), "<f4")
    if b_value is None or b_value < 0:
        return None
    parts = [_number(_private(header, tag), "<f4") for tag in _PHILIPS_DIRECTION]
    direction = _unit(tuple(p for p in parts if p is not None))
    undirected = b_value == 0 or _text(_private(header, (0x2001, 0x1004))).upper()[:1] == "I"
    return b_value, _NONE if undirected else direction


def _ge(header: Dataset) -> _Found:
    """GE states directions in the axes of its gradients, which its headers do not tie to the patient: none is given."""
    if "ge medical" not in text_at(header, "Manufacturer").lower():
        return None
    value = _private(header, (0x0043, 0x1039))
    if isinstance(value, bytes):
        value = _text(value).split("\\")[0]
    b_value = number_of(value)
    if b_value is None or b_value < 0:
        return None
    b_value = b_value % 100_000 if b_value > _GE_LARGE else b_value
    return b_value, _NONE if b_value == 0 else None


def _numbers(value: Any, kind: str) -> tuple[float, ...]:
    """Numbers of a private element; where its type was lost (VR UN), from its bytes or its text."""
    if not isinstance(value, bytes):
        return numbers_of(value)
    words = numbers_of(_text(value).split("\\"))
    if words:
        return words
    size = np.dtype(kind).itemsize
    return numbers_of(np.frombuffer(value, kind)) if value and len(value) % size == 0 else ()


def _number(value: Any, kind: str) -> float | None:
    found = _numbers(value, kind)
    return found[0] if found else None


def _text(value: Any) -> str:
    return value.decode("latin-1").strip("\x00 ") if isinstance(value, bytes) else text_of(value)
