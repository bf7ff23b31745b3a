"""Anisotropic diffusion: values spread like heat, but hardly across edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import SimpleITK as sitk  # noqa: N813  as all the world calls it
from numpy.typing import NDArray

from skiagraph.image import Image
from skiagraph.preprocess.filters.itk import from_itk, to_itk
from skiagraph.preprocess.filters.still import (
    Numbers,
    Still,
    check_counts,
    check_positive,
    filtered,
    steps_of,
)

__all__ = ["Diffusion"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Diffusion:
    """Diffusion of Perona and Malik with the exponential conductance; gradients know how far samples lie apart.

    Args:
        steps: How often; more is smoother.
        conductance: Gradients beyond this many times the mean gradient are edges.

    Source: Perona and Malik, Scale-space and edge detection using anisotropic diffusion (1990);
        `SimpleITK.GradientAnisotropicDiffusion`.
    """

    steps: int = 10
    conductance: float = 1.5

    def __post_init__(self) -> None:
        check_counts(steps=self.steps)
        check_positive(conductance=self.conductance)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed."""
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        numbers = still.numbers
        lowest, span = numbers.min(), np.ptp(numbers)
        image = to_itk((numbers - lowest) / span, steps_of(still))
        stable = 1.0 / 2 ** (numbers.ndim + 1)
        done = sitk.GradientAnisotropicDiffusion(image, stable, self.conductance, 1, self.steps)
        return np.asarray(from_itk(done) * span + lowest)
