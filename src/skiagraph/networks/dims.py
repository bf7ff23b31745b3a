"""The layers of a network by the number of its axes, so that one page serves pictures and volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar, final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput

__all__ = ["Axes", "Entrance", "Regrid", "axes", "he"]

Layer = Callable[..., nn.Module]
N = TypeVar("N", bound=nn.Module)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The layers that depend on the number of spatial axes; they are called as their PyTorch originals are.

    Attributes:
        count: Spatial axes, 2 or 3.
        places: The spatial axes of a batch, ``(2, 3)`` or ``(2, 3, 4)``.
        linear: The name that PyTorch gives to linear interpolation.
    """

    count: int
    conv: Layer
    transposed: Layer
    batch_norm: Layer
    instance_norm: Layer
    max_pool: Layer
    avg_pool: Layer
    zero_pad: Layer
    linear: str

    @property
    def places(self) -> tuple[int, ...]:
        """The spatial axes of a batch."""
        return tuple(range(2, 2 + self.count))


_AXES = MappingProxyType(
    {
        2: Axes(
            count=2,
            conv=nn.Conv2d,
            transposed=nn.ConvTranspose2d,
            batch_norm=nn.BatchNorm2d,
            instance_norm=nn.InstanceNorm2d,
            max_pool=nn.MaxPool2d,
            avg_pool=nn.AvgPool2d,
            zero_pad=nn.ZeroPad2d,
            linear="bilinear",
        ),
        3: Axes(
            count=3,
            conv=nn.Conv3d,
            transposed=nn.ConvTranspose3d,
            batch_norm=nn.BatchNorm3d,
            instance_norm=nn.InstanceNorm3d,
            max_pool=nn.MaxPool3d,
            avg_pool=nn.AvgPool3d,
            zero_pad=nn.ZeroPad3d,
            linear="trilinear",
        ),
    }
)


def axes(ndim: int) -> Axes:
    """The layers for 2 or 3 spatial axes.

    Raises:
        InvalidInput: Any other number.
    """
    if ndim not in _AXES:
        raise InvalidInput("a network has 2 or 3 spatial axes", got=str(ndim))
    return _AXES[ndim]


@final
class Entrance(nn.Module):
    """Lets through what a network can take and refuses the rest with a sentence.

    Args:
        name: What the network is called in the sentence.
        inputs: Channels.
        ndim: Spatial axes, 2 or 3.
        least: The smallest extent of an axis.
        multiple: What each extent is a multiple of; one number, or one for each axis.

    Shape:
        (batch, inputs, *space), unchanged.
    """

    def __init__(
        self, name: str, *, inputs: int, ndim: int, least: int = 1, multiple: int | Sequence[int] = 1
    ) -> None:
        super().__init__()
        if inputs < 1:
            raise InvalidInput(f"{name} has at least one input channel", got=str(inputs))
        self.name, self.inputs, self.ndim, self.least = name, inputs, axes(ndim).count, least
        self.multiple = (multiple,) * ndim if isinstance(multiple, int) else tuple(multiple)

    def forward(self, x: Tensor) -> Tensor:
        """The batch itself.

        Raises:
            InvalidInput: Axes, channels or size do not fit.
        """
        got = str(tuple(x.shape))
        if x.ndim != self.ndim + 2 or x.shape[1] != self.inputs:
            rule = f"{self.name} takes (batch, {self.inputs}, {', '.join(['extent'] * self.ndim)})"
            raise InvalidInput(rule, got=got)
        space = x.shape[2:]
        if min(space) < self.least:
            rule = f"{self.name} takes images of at least {self.least} in each axis"
            raise InvalidInput(rule, got=got, way_out="resample or pad the image")
        if any(n % m for n, m in zip(space, self.multiple, strict=True)):
            rule = f"{self.name} takes extents that are multiples of {self.multiple}"
            raise InvalidInput(rule, got=got, way_out="pad the image")
        return x


@final
class Regrid(nn.Module):
    """Averages a map into a grid of fixed size, whatever the size of the map (PyTorch's adaptive average pooling).

    Args:
        size: Cells in each axis of the answer.

    Shape:
        (batch, channels, *space) to (batch, channels, *(size in each axis)).

    Source: own; written as one product with a fixed matrix in each axis, which every engine runs.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """The averages."""
        for axis in range(2, x.ndim):
            if x.shape[axis] != self.size:
                shares = _shares(x.shape[axis], self.size).to(x)
                x = torch.movedim(torch.movedim(x, axis, -1) @ shares, -1, axis)
        return x


def _shares(before: int, after: int) -> Tensor:
    """The share of each of `before` cells in each of `after` averages: (before, after), columns that add up to 1."""
    rows = []
    for cell in range(after):
        start, end = cell * before // after, -((-(cell + 1) * before) // after)
        rows.append([1.0 / (end - start) if start <= i < end else 0.0 for i in range(before)])
    return torch.tensor(rows).T


def he(network: N) -> N:
    """Draws the kernels of a network for rectifiers, in place: normal, variance 2 / fan-out; biases zero.

    Source: He et al., Delving deep into rectifiers (ICCV 2015), section 2.2.
    """
    for part in network.modules():
        if isinstance(part, (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, nn.Linear):
            nn.init.kaiming_normal_(part.weight, mode="fan_in", nonlinearity="relu")
        else:
            continue
        if part.bias is not None:
            nn.init.zeros_(part.bias)
    return network
