"""One image at several scales, through one body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import Classifier
from skiagraph.networks.dims import axes

__all__ = ["MultiScaleBody", "multiscale"]


@final
class MultiScaleBody(nn.Module):
    """The vectors of an image at several scales, one behind the other; the weights are shared.

    Args:
        body: Maps (batch, inputs, *space) to (batch, width).
        ndim: Spatial axes, 2 or 3.
        scales: How many times smaller each copy is; whole numbers.

    Shape:
        (batch, inputs, *space) to (batch, width * len(scales)). The smallest copy is one that the body takes.

    Source: Shen et al., Multi-scale convolutional neural networks for lung nodule classification (IPMI 2015), section
        2: here the scales are of one image, not of patches.
    """

    def __init__(self, body: nn.Module, ndim: int, scales: Sequence[int]) -> None:
        super().__init__()
        if not scales or min(scales) < 1:
            raise InvalidInput("scales are whole numbers, at least one of them", got=str(tuple(scales)))
        layers = axes(ndim)
        self.body = body
        self.smaller = nn.ModuleList(layers.avg_pool(n, n) if n > 1 else nn.Identity() for n in scales)

    def forward(self, x: Tensor) -> Tensor:
        """The vectors, side by side."""
        return torch.cat([self.body(shrink(x)) for shrink in self.smaller], 1)


def multiscale(network: Classifier, *, ndim: int, scales: Sequence[int]) -> Classifier:
    """A classifier that sees each image at several scales.

    Args:
        network: Its body looks at each scale.
        ndim: Spatial axes of the images.
        scales: How many times smaller each copy is, e.g. ``(1, 2, 4)``.

    Raises:
        InvalidInput: There is no scale, or one is no whole number above 0.
    """
    body = MultiScaleBody(network.body, ndim, scales)
    return Classifier(body, width=network.width * len(scales), outputs=network.head.out_features)
