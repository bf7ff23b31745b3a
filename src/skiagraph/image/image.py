"""An image: numbers sampled in a space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

from numpy.typing import NDArray

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.geometry import Space
from skiagraph.image.lazy import Lazy
from skiagraph.image.quantity import UNKNOWN, Quantity
from skiagraph.image.window import Display
from skiagraph.values import array_digest, checked_when_unpickled, frozen

__all__ = ["Image", "image_digest", "pixels"]

_SPATIAL: Final = {2: ("row", "column"), 3: ("i", "j", "k")}


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """Numbers in a space. The axes of the array are (time, spatial..., channel), the first and last where they exist.

    Args:
        data: The numbers, or a `Lazy` that decodes them when needed.
        space: Where they lie. Its timeline is set exactly when the image has a time axis.
        quantity: What they mean.
        channels: Names of the channels, e.g. ``("red", "green", "blue")``; empty where there is one number a place.
        modality: DICOM Modality (0008,0060), e.g. ``"US"``; None where it is not known.
        windows: How its file asks it to be shown, the first before all others; empty where it does not say.

    Raises:
        GeometryError: The shape of the array is not that of time, space and channels together.
        InvalidInput: The numbers are not real numbers or booleans.
    """

    data: NDArray[Any] | Lazy
    space: Space
    quantity: Quantity = UNKNOWN
    channels: tuple[str, ...] = ()
    modality: str | None = None
    windows: tuple[Display, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.data, Lazy):
            object.__setattr__(self, "data", frozen(self.data))
        if self.data.dtype.kind not in "biuf":
            raise InvalidInput("the pixels of an image are real numbers", got=f"type {self.data.dtype}")
        timeline = self.space.timeline
        expected = (
            (() if timeline is None else (len(timeline),))
            + tuple(self.space.shape)
            + ((len(self.channels),) if self.channels else ())
        )
        if tuple(self.data.shape) != expected:
            raise GeometryError(
                f"an image with axes {', '.join(self.axes)} has shape {expected} in this space",
                got=f"shape {tuple(self.data.shape)}",
            )

    @property
    def axes(self) -> tuple[str, ...]:
        """The name of each array axis, in order."""
        time = () if self.space.timeline is None else ("time",)
        return time + _SPATIAL[self.space.ndim] + (("channel",) if self.channels else ())


def pixels(image: Image) -> NDArray[Any]:
    """The numbers of an image, decoded if they were not yet; read-only, axes as `Image.axes`."""
    return image.data.read() if isinstance(image.data, Lazy) else image.data


def image_digest(image: Image) -> str:
    """SHA-256 of the pixels, the geometry without its frame, the times and the channels, in hexadecimal.

    The same pixels in the same place have one digest, whatever file they came from.
    """
    array = pixels(image)
    timeline = image.space.timeline
    times = None if timeline is None else timeline.times
    conditions = {} if timeline is None else timeline.conditions
    more = [part for name, values in conditions.items() for part in (name, values + 0.0)]
    return array_digest(
        array, image.space.affine + 0.0, times, image.space.unit, " ".join(image.channels), *more
    )
