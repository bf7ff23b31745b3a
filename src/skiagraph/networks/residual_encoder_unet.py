"""The U-Net of nnU-Net with a residual encoder: strides and kernels of each level follow the spacing of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from types import MappingProxyType
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import Axes, Entrance, axes

__all__ = ["Level", "ResidualEncoderUNet", "usual_levels"]

_SLOPE = 0.01


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the encoder.

    Attributes:
        width: Channels.
        blocks: Residual blocks.
        stride: How many times smaller this level is than the one above, in each axis; the first level, than the image.
        kernel: Extent of the kernels in each axis; odd.
    """

    width: int
    blocks: int
    stride: tuple[int, ...]
    kernel: tuple[int, ...]

    def __post_init__(self) -> None:
        odd = all(k % 2 == 1 for k in self.kernel)
        if min(self.width, self.blocks, *self.stride, *self.kernel) < 1 or not odd:
            raise InvalidInput("a level has positive numbers and odd kernels", got=str(self))
        if len(self.stride) != len(self.kernel):
            raise InvalidInput("strides and kernels are of equal number", got=str(self))


_USUAL = MappingProxyType(
    {
        2: ((32, 64, 128, 256, 512, 512, 512, 512), (1, 3, 4, 6, 6, 6, 6, 6)),
        3: ((32, 64, 128, 256, 320, 320), (1, 3, 4, 6, 6, 6)),
    }
)


def usual_levels(ndim: int) -> tuple[Level, ...]:
    """The levels that nnU-Net takes where the spacing is equal in all axes and the patch is large.

    Source: Isensee et al., nnU-Net revisited (MICCAI 2024), section 3 and its published plans (ResEnc M).
    """
    widths, blocks = _USUAL[axes(ndim).count]
    return tuple(
        Level(width=w, blocks=b, stride=(1 if i == 0 else 2,) * ndim, kernel=(3,) * ndim)
        for i, (w, b) in enumerate(zip(widths, blocks, strict=True))
    )


def _unit(layers: Axes, before: int, level: Level, stride: tuple[int, ...]) -> nn.Sequential:
    """Convolution, instance normalisation, leaky rectifier; a bias would be taken away by the normalisation."""
    margin = tuple(k // 2 for k in level.kernel)
    return nn.Sequential(
        layers.conv(before, level.width, level.kernel, stride, margin, bias=False),
        layers.instance_norm(level.width, affine=True),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


def _reach(level: Level) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Kernel and margin of the convolutions to and from a first level with a stride: neighbours overlap."""
    kernel = tuple(s + 2 * (s // 2) if s > 1 else k for s, k in zip(level.stride, level.kernel, strict=True))
    return kernel, tuple((k - s) // 2 for k, s in zip(kernel, level.stride, strict=True))


def _stem(layers: Axes, inputs: int, level: Level) -> nn.Sequential:
    """From the image to the first level."""
    one = (1,) * layers.count
    if max(level.stride) == 1:
        return _unit(layers, inputs, level, one)
    kernel, margin = _reach(level)
    return nn.Sequential(
        layers.conv(inputs, level.width, kernel, level.stride, margin, bias=False),
        layers.instance_norm(level.width, affine=True),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


def _head(layers: Axes, level: Level, outputs: int) -> nn.Module:
    """From the first level to the image."""
    if max(level.stride) == 1:
        return layers.conv(level.width, outputs, 1)
    kernel, margin = _reach(level)
    return layers.transposed(level.width, outputs, kernel, level.stride, margin)


@final
class _Block(nn.Module):
    """Two convolutions, and a way past that averages where the block has a stride (ResNet-D)."""

    def __init__(self, layers: Axes, before: int, level: Level, stride: tuple[int, ...]) -> None:
        super().__init__()
        one = (1,) * layers.count
        self.first = _unit(layers, before, level, stride)
        self.second = _unit(layers, level.width, level, one)[:2]
        past: list[nn.Module] = [layers.avg_pool(stride, stride)] if max(stride) > 1 else []
        if before != level.width:
            past.append(layers.conv(before, level.width, 1, bias=False))
            past.append(layers.instance_norm(level.width, affine=True))
        self.past = nn.Sequential(*past)

    def forward(self, x: Tensor) -> Tensor:
        return nnf.leaky_relu(self.second(self.first(x)) + self.past(x), _SLOPE)


@final
class ResidualEncoderUNet(nn.Module):
    """Logits of each class at each place.

    Args:
        inputs: Channels of the image.
        outputs: Classes.
        ndim: Spatial axes, 2 or 3.
        levels: The levels, the finest first; None takes `usual_levels`. A first level with a stride computes at a lower
            resolution than the image has: one convolution leads there, and a transposed one back, to edges finer than
            its grid.
        supervision: Whether it also answers at coarser levels while it learns.

    Attributes:
        side_weights: What each coarser answer counts beside the finest: 1/2, 1/4, ...; the loss is the sum divided by
            the sum of all weights.

    Shape:
        (batch, inputs, *space) to (batch, outputs, *space); extents are multiples of the product of the strides. In
        training mode, with supervision: a tuple of such answers, the finest first, each coarser by the stride of its
        level; the level above the deepest has none, as nnU-Net gives it a weight of zero.

    Raises:
        InvalidInput: Fewer than two levels, or levels of another number of axes.

    Source: Isensee et al., nnU-Net (Nature Methods 2021), online methods; Isensee et al., nnU-Net revisited (MICCAI
        2024), section 3 (residual encoder, one convolution a level in the decoder).
    """

    def __init__(
        self,
        *,
        inputs: int,
        outputs: int,
        ndim: int = 3,
        levels: Sequence[Level] | None = None,
        supervision: bool = True,
    ) -> None:
        super().__init__()
        layers, parts = axes(ndim), usual_levels(ndim) if levels is None else tuple(levels)
        if len(parts) < 2 or outputs < 1 or any(len(part.stride) != ndim for part in parts):
            rule = f"a residual-encoder U-Net has at least two levels of {ndim} axes and one output"
            raise InvalidInput(rule, got=f"{len(parts)} levels, {outputs} outputs")
        step = tuple(prod(part.stride[axis] for part in parts) for axis in range(ndim))
        self.entrance = Entrance(
            "the residual-encoder U-Net", inputs=inputs, ndim=ndim, least=min(step), multiple=step
        )
        one = (1,) * ndim
        self.stem = _stem(layers, inputs, parts[0])
        before = [parts[0].width, *(part.width for part in parts)]
        self.down = nn.ModuleList(
            nn.Sequential(
                _Block(layers, before[i], part, part.stride if i else one),
                *(_Block(layers, part.width, part, one) for _ in range(part.blocks - 1)),
            )
            for i, part in enumerate(parts)
        )
        pairs = list(pairwise(parts))
        self.wider = nn.ModuleList(
            layers.transposed(below.width, part.width, below.stride, below.stride) for part, below in pairs
        )
        self.up = nn.ModuleList(_unit(layers, 2 * part.width, part, one) for part, _ in pairs)
        self.head = _head(layers, parts[0], outputs)
        coarser = [part.width for part, _ in pairs[1:-1]] if supervision else []
        self.sides = nn.ModuleList(layers.conv(width, outputs, 1) for width in coarser)
        self.side_weights = tuple(0.5**i for i in range(1, len(self.sides) + 1))
        for part in self.modules():
            if isinstance(part, (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
                nn.init.kaiming_normal_(part.weight, a=_SLOPE)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits of a batch; in training mode with supervision, the coarser ones behind them."""
        x, skips, seen = self.stem(self.entrance(x)), [], []
        for down in self.down:
            x = down(x)
            skips.append(x)
        for level in range(len(self.up) - 1, -1, -1):
            x = self.up[level](torch.cat([self.wider[level](x), skips[level]], 1))
            seen.append(x)
        main: Tensor = self.head(x)
        if not self.training or not self.sides:
            return main
        maps = seen[::-1][1:]
        return (main, *(side(map_) for side, map_ in zip(self.sides, maps, strict=False)))
