"""The U-Net of 2015: down to the large view, up to the fine one, with the maps of the way down beside it."""

from __future__ import annotations

from typing import Literal, final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import Axes, Entrance, axes, he

__all__ = ["UNet"]


@final
class UNet(nn.Module):
    """Logits of each class at each place.

    Args:
        inputs: Channels of the image.
        outputs: Classes.
        ndim: Spatial axes, 2 or 3.
        base: Channels of the finest level; each deeper level doubles them. 64 in the paper.
        levels: Levels, with the deepest; 5 in the paper.
        norm: ``"none"`` (the paper), ``"batch"`` or ``"instance"`` normalisation after each 3x3 convolution.

    Shape:
        (batch, inputs, *space) to (batch, outputs, *space); extents are multiples of 2 ** (levels - 1). Convolutions
        are padded, where the paper's lose a margin.

    Raises:
        InvalidInput: Fewer than two levels, or another normalisation.

    Source: Ronneberger et al., U-Net (MICCAI 2015), section 2, figure 1; dropout at the end of the way down: section
        3.1.
    """

    def __init__(
        self,
        *,
        inputs: int,
        outputs: int,
        ndim: int = 2,
        base: int = 64,
        levels: int = 5,
        norm: Literal["none", "batch", "instance"] = "none",
    ) -> None:
        super().__init__()
        if levels < 2 or outputs < 1 or norm not in {"none", "batch", "instance"}:
            rule = "a U-Net has at least two levels, one output, and a norm of 'none', 'batch' or 'instance'"
            raise InvalidInput(rule, got=f"{levels}, {outputs}, {norm!r}")
        layers, step = axes(ndim), 2 ** (levels - 1)
        widths = [base * 2**level for level in range(levels)]
        pairs = list(zip([inputs, *widths[:-1]], widths, strict=True))
        self.entrance = Entrance("U-Net", inputs=inputs, ndim=ndim, least=step, multiple=step)
        self.down = nn.ModuleList(_twice(layers, a, b, norm) for a, b in pairs)
        self.pool, self.drop = layers.max_pool(2, 2), nn.Dropout(0.5)
        self.wider = nn.ModuleList(layers.transposed(b, a, 2, 2) for a, b in pairs[1:])
        self.up = nn.ModuleList(_twice(layers, b, a, norm) for a, b in pairs[1:])
        self.head = layers.conv(base, outputs, 1)
        he(self)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        x, skips = self.entrance(x), []
        for level, down in enumerate(self.down):
            x = down(self.pool(x) if level else x)
            skips.append(x)
        x = self.drop(x)
        for level in range(len(self.up) - 1, -1, -1):
            x = self.up[level](torch.cat([skips[level], self.wider[level](x)], 1))
        result: Tensor = self.head(x)
        return result


def _twice(layers: Axes, before: int, after: int, norm: str) -> nn.Sequential:
    """Two 3x3 convolutions with their rectifiers."""
    parts: list[nn.Module] = []
    for channels in (before, after):
        parts.append(layers.conv(channels, after, 3, padding=1, bias=norm == "none"))
        if norm == "batch":
            parts.append(layers.batch_norm(after))
        elif norm == "instance":
            parts.append(layers.instance_norm(after, affine=True))
        parts.append(nn.ReLU(inplace=True))
    return nn.Sequential(*parts)
