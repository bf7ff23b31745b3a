"""Stills as images of ITK and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  as all the world calls it
from numpy.typing import NDArray

__all__ = ["from_itk", "to_itk"]


def to_itk(array: NDArray[Any], steps: tuple[float, ...]) -> Any:
    """An image of ITK whose spacing is `steps`, given in the order of the array's axes."""
    result = sitk.GetImageFromArray(np.ascontiguousarray(array))
    result.SetSpacing(steps[::-1])
    return result


def from_itk(image: Any) -> NDArray[np.float64]:
    """Its numbers, float64."""
    return np.asarray(sitk.GetArrayFromImage(image), dtype=np.float64)
