"""A residual U-Net in two dimensions that computes at half resolution and answers at full."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput

__all__ = ["ResidualUNet"]

_SLOPE = 0.01


def _block(before: int, after: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


@final
class _Residual(nn.Module):
    """Two convolutions and a way past them (He et al. 2016); a stride of 2 halves the picture."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _block(before, after, stride)
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))
        past: list[nn.Module] = [nn.AvgPool2d(2)] if stride == 2 else []
        if before != after or stride == 2:
            past += [nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)]
        self.past = nn.Sequential(*past)

    def forward(self, x: Tensor) -> Tensor:
        return nnf.leaky_relu(self.second(self.first(x)) + self.past(x), _SLOPE)


@final
class ResidualUNet(nn.Module):
    """Logits of each class at each place.

    Args:
        inputs: Channels of the picture.
        outputs: Channels of the answer.
        widths: Channels at each level, the finest first; each level halves the one before.

    Shape:
        (batch, inputs, rows, columns) to (batch, outputs, rows, columns). Rows and columns are multiples of
        2 ** len(widths).

    Source: Ronneberger et al., U-Net (MICCAI 2015); residual blocks of He et al. (CVPR 2016). Own: a strided first
        convolution, skips that are added, and bilinear ways up.
    """

    def __init__(self, *, inputs: int, outputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        if len(widths) < 2:
            raise InvalidInput("a U-Net has at least two levels", got=str(list(widths)))
        pairs = list(pairwise(widths))
        self.stem = _block(inputs, widths[0], stride=2, kernel=5)
        self.down = nn.ModuleList([_Residual(widths[0], widths[0]), *(_Residual(a, b, 2) for a, b in pairs)])
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.up = nn.ModuleList(_Residual(a, a) for a, _ in pairs)
        self.head = nn.Conv2d(widths[0], outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of pictures."""
        x = self.stem(x)
        skips = []
        for deeper in self.down:
            x = deeper(x)
            skips.append(x)
        for level in range(len(self.up) - 1, -1, -1):
            x = self.up[level](skips[level] + _doubled(self.narrow[level](x)))
        return _doubled(self.head(x))


def _doubled(x: Tensor) -> Tensor:
    result: Tensor = nnf.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    return result


def parameter_count(network: nn.Module) -> int:
    """How many numbers a network has learnt."""
    return sum(p.numel() for p in network.parameters())
