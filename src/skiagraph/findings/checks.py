"""The checks that several kinds of finding share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.geometry import Space
from skiagraph.values import frozen

__all__ = ["check_finite", "check_fraction", "checked_field", "checked_points", "field_shape"]


def check_fraction(name: str, value: float | None) -> None:
    """Refuses a probability or confidence outside of 0 to 1; None is allowed and means not known.

    Raises:
        InvalidInput: Outside, or not a number.
    """
    if value is not None and not 0.0 <= value <= 1.0:
        raise InvalidInput(f"{name} lies between 0 and 1", got=str(value))


def check_finite(name: str, value: float) -> None:
    """Refuses NaN and infinity.

    Raises:
        InvalidInput: Not finite.
    """
    if not math.isfinite(value):
        raise InvalidInput(f"{name} is a finite number", got=str(value))


def field_shape(space: Space) -> tuple[int, ...]:
    """The shape of one number a place: (time, spatial...), time only where the space has a timeline."""
    return (() if space.timeline is None else (len(space.timeline),)) + tuple(space.shape)


def checked_field(name: str, array: Any, shape: tuple[int, ...], kinds: str) -> NDArray[Any]:
    """The array, read-only.

    Args:
        name: What the array is, for the message.
        array: The numbers.
        shape: What its shape must be.
        kinds: Allowed NumPy kind letters.

    Raises:
        GeometryError: Another shape.
        InvalidInput: Another kind of number.
    """
    result = frozen(array)
    if result.shape != shape:
        raise GeometryError(f"the {name} here have shape {shape}", got=f"shape {result.shape}")
    if result.dtype.kind not in kinds:
        raise InvalidInput(f"the {name} are of NumPy kind {' or '.join(kinds)}", got=f"type {result.dtype}")
    return result


def checked_points(points: Any, ndim: int, *, least: int = 1) -> NDArray[np.float64]:
    """Points of shape (n, ndim), float64, finite, read-only.

    Raises:
        GeometryError: Another shape, too few, or not finite.
    """
    result = frozen(points, np.float64)
    if result.ndim != 2 or result.shape[1] != ndim or len(result) < least or not np.isfinite(result).all():
        raise GeometryError(
            f"points here are finite, {ndim} numbers each, at least {least}", got=f"shape {result.shape}"
        )
    return result
