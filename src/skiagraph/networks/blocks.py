"""Attention that a residual block may end with: squeeze-and-excitation, and CBAM."""

from __future__ import annotations

from typing import Literal, final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import axes

__all__ = ["CBAM", "Attention", "SqueezeExcitation", "attention"]

Attention = Literal["none", "se", "cbam"]


@final
class SqueezeExcitation(nn.Module):
    """Weighs each channel by what the whole map says.

    Args:
        channels: Channels of the map.
        ndim: Spatial axes.
        reduction: How many times narrower the layer between is.

    Shape:
        (batch, channels, *space), unchanged.

    Source: Hu et al., Squeeze-and-excitation networks (CVPR 2018), section 3.
    """

    def __init__(self, channels: int, ndim: int = 2, reduction: int = 16) -> None:
        super().__init__()
        self.places = axes(ndim).places
        self.gate = nn.Sequential(
            nn.Linear(channels, max(1, channels // reduction)),
            nn.ReLU(inplace=True),
            nn.Linear(max(1, channels // reduction), channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The map with its channels weighed."""
        return x * _spread(self.gate(x.mean(self.places)), x)


@final
class CBAM(nn.Module):
    """Weighs each channel, then each place, by mean and maximum.

    Args:
        channels: Channels of the map.
        ndim: Spatial axes.
        reduction: How many times narrower the layer between the channels is.

    Shape:
        (batch, channels, *space), unchanged.

    Source: Woo et al., CBAM (ECCV 2018), section 3; the batch normalisation after the 7x7 kernel is that of the
        authors' program.
    """

    def __init__(self, channels: int, ndim: int = 2, reduction: int = 16) -> None:
        super().__init__()
        layers = axes(ndim)
        self.places = layers.places
        self.channel = nn.Sequential(
            nn.Linear(channels, max(1, channels // reduction)),
            nn.ReLU(inplace=True),
            nn.Linear(max(1, channels // reduction), channels),
        )
        self.place = nn.Sequential(layers.conv(2, 1, 7, padding=3, bias=False), layers.batch_norm(1))

    def forward(self, x: Tensor) -> Tensor:
        """The map with its channels and its places weighed."""
        seen = self.channel(x.mean(self.places)) + self.channel(x.amax(self.places))
        x = x * _spread(torch.sigmoid(seen), x)
        both = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.place(both))


def attention(kind: Attention, channels: int, ndim: int) -> nn.Module:
    """The attention of this kind, or nothing.

    Raises:
        InvalidInput: The kind is not known.
    """
    if kind == "se":
        return SqueezeExcitation(channels, ndim)
    if kind == "cbam":
        return CBAM(channels, ndim)
    if kind == "none":
        return nn.Identity()
    raise InvalidInput("attention is 'none', 'se' or 'cbam'", got=repr(kind))


def _spread(weights: Tensor, over: Tensor) -> Tensor:
    """One weight a channel, shaped to multiply a map."""
    return weights.reshape(weights.shape + (1,) * (over.ndim - 2))
