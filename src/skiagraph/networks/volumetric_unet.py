"""The 3-D U-Net of 2016: channels double before each pooling, and every rectifier stands behind a normalisation."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import Axes, Entrance, axes, he

__all__ = ["VolumetricUNet"]


@final
class VolumetricUNet(nn.Module):
    """Logits of each class at each place.

    Args:
        inputs: Channels of the image.
        outputs: Classes.
        ndim: Spatial axes; 3 in the paper, and the same in 2.
        base: Channels of the first convolution; 32 in the paper.
        levels: Levels, with the deepest; 4 in the paper.

    Shape:
        (batch, inputs, *space) to (batch, outputs, *space); extents are multiples of 2 ** (levels - 1). Convolutions
        are padded, where the paper's lose a margin.

    Raises:
        InvalidInput: Fewer than two levels, or no output.

    Source: Çiçek et al., 3D U-Net (MICCAI 2016), section 2.1, figure 2. The paper counts 19 069 955 parameters: that
        is one number less for each of the 2336 normalised channels than its text, which learns a scale and a bias for
        each; there are both here.
    """

    def __init__(self, *, inputs: int, outputs: int, ndim: int = 3, base: int = 32, levels: int = 4) -> None:
        super().__init__()
        if levels < 2 or outputs < 1:
            rule = "a U-Net has at least two levels and one output"
            raise InvalidInput(rule, got=f"{levels}, {outputs}")
        layers, step = axes(ndim), 2 ** (levels - 1)
        widths = [base * 2 ** (level + 1) for level in range(levels)]
        self.entrance = Entrance("3-D U-Net", inputs=inputs, ndim=ndim, least=step, multiple=step)
        before = [inputs, *widths[:-1]]
        self.down = nn.ModuleList(_twice(layers, a, b // 2, b) for a, b in zip(before, widths, strict=True))
        self.pool = layers.max_pool(2, 2)
        self.wider = nn.ModuleList(layers.transposed(b, b, 2, 2, bias=False) for b in widths[1:])
        self.up = nn.ModuleList(_twice(layers, a + b, a, a) for a, b in pairwise(widths))
        self.head = layers.conv(widths[0], outputs, 1)
        he(self)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        x, skips = self.entrance(x), []
        for level, down in enumerate(self.down):
            x = down(self.pool(x) if level else x)
            skips.append(x)
        for level in range(len(self.up) - 1, -1, -1):
            x = self.up[level](torch.cat([skips[level], self.wider[level](x)], 1))
        result: Tensor = self.head(x)
        return result


def _twice(layers: Axes, before: int, middle: int, after: int) -> nn.Sequential:
    """Two convolutions, each normalised and rectified."""
    return nn.Sequential(
        layers.conv(before, middle, 3, padding=1, bias=False),
        layers.batch_norm(middle),
        nn.ReLU(inplace=True),
        layers.conv(middle, after, 3, padding=1, bias=False),
        layers.batch_norm(after),
        nn.ReLU(inplace=True),
    )
