"""A region of an image as features see it: numbers, a mask, and how large a sample is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.geometry import spacing_of
from skiagraph.image import Image, pixels
from skiagraph.values import frozen

__all__ = ["Region", "region_of"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """Numbers of one picture or volume and the places of it that are described.

    Args:
        numbers: Shape (rows, columns) or (i, j, k), float64; NaN inside of the mask is refused by who describes it.
        mask: Of the same shape; may be empty.
        spacing: Size of a sample along each axis in mm; None where it is not known, and then nothing is in mm.
        unit: UCUM unit of the numbers, such as ``"[hnsf'U]"``; empty where they have none.

    Raises:
        GeometryError: Another number of axes than 2 or 3, or shapes that differ.
        InvalidInput: A spacing that is not positive, or not one number an axis.
    """

    numbers: NDArray[np.float64]
    mask: NDArray[np.bool_]
    spacing: tuple[float, ...] | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", frozen(self.numbers, np.float64))
        object.__setattr__(self, "mask", frozen(self.mask, np.bool_))
        if self.numbers.ndim not in (2, 3) or self.numbers.shape != self.mask.shape:
            raise GeometryError(
                "a region is a picture or a volume, with a mask of its shape",
                got=f"{self.numbers.shape} and {self.mask.shape}",
            )
        if self.spacing is not None and (
            len(self.spacing) != self.numbers.ndim or not all(0 < s < np.inf for s in self.spacing)
        ):
            raise InvalidInput("a spacing is a positive number for each axis", got=str(self.spacing))

    @property
    def ndim(self) -> int:
        """2 of a picture, 3 of a volume."""
        return self.numbers.ndim

    @property
    def inside(self) -> NDArray[np.float64]:
        """The numbers in the mask, shape (places,)."""
        return self.numbers[self.mask]


def region_of(image: Image, mask: NDArray[Any]) -> Region:
    """The region of a still image with one number a place.

    Args:
        image: Grey; colour is brought to grey before.
        mask: Shape of the image's space.

    Raises:
        GeometryError: The mask has another shape than the image.
        InvalidInput: An image that moves, or of several channels.
    """
    if image.channels or image.space.timeline is not None:
        raise InvalidInput(
            "features describe a still grey image",
            got=f"the axes {', '.join(image.axes)}",
            way_out="choose a frame, or bring it to grey",
        )
    return Region(
        numbers=np.asarray(pixels(image), dtype=np.float64),
        mask=np.asarray(mask, dtype=np.bool_),
        spacing=spacing_of(image.space),
        unit=image.quantity.unit.value if image.quantity.unit is not None else "",
    )
