"""A network for pictures that were unrolled around an outline: at each angle, how far in or out the true edge lies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput

__all__ = ["Committee", "RingNet"]

_SLOPE = 0.01


@final
class _Around(nn.Module):
    """A convolution with batch normalisation; the first axis of the picture is an angle and closes on itself."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.convolution = nn.Conv2d(before, after, kernel, stride, (0, kernel // 2), bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        if self.reach:
            x = torch.cat([x[:, :, -self.reach :], x, x[:, :, : self.reach]], 2)
        result: Tensor = self.norm(self.convolution(x))
        return result


@final
class _Residual(nn.Module):
    """Two convolutions and a way past them (He et al. 2016); a stride of 2 halves the picture."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.first, self.second = _Around(before, after, 3, stride), _Around(after, after, 3)
        past: list[nn.Module] = [nn.AvgPool2d(2)] if stride == 2 else []
        if before != after or stride == 2:
            past.append(_Around(before, after, 1))
        self.past = nn.Sequential(*past)

    def forward(self, x: Tensor) -> Tensor:
        inner = nnf.leaky_relu(self.first(x), _SLOPE)
        return nnf.leaky_relu(self.second(inner) + self.past(x), _SLOPE)


@final
class RingNet(nn.Module):
    """Evidence for the edge at each angle and radius, and how much each angle counts.

    Args:
        inputs: Channels of the unrolled picture.
        widths: Channels at each level, the finest first; each level halves the one before.
        drop: Share of channels that are silenced at the deepest level while learning.

    Shape:
        (batch, inputs, angles, radii) to (batch, angles / 2, radii / 2 + 1): logits of the radius at which the edge
        lies, and last the weight of the angle, before softplus. Angles and radii are multiples of
        2 ** (len(widths) - 1).

    Source: own; a U-Net (Ronneberger et al. 2015) in the unrolled picture of an active contour (Kass et al. 1988).
    """

    def __init__(self, *, inputs: int, widths: Sequence[int], drop: float = 0.0) -> None:
        super().__init__()
        if len(widths) < 3:
            raise InvalidInput("a ring network has at least three levels", got=str(list(widths)))
        pairs = list(pairwise(widths))
        self.stem = _Around(inputs, widths[0], 5)
        self.down = nn.ModuleList([_Residual(widths[0], widths[0]), *(_Residual(a, b, 2) for a, b in pairs)])
        self.drop = nn.Dropout2d(drop)
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs[1:])
        self.up = nn.ModuleList(_Residual(a, a) for a, _ in pairs[1:])
        self.head = nn.Conv2d(widths[1], 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits and weights of a batch of unrolled pictures."""
        x = nnf.leaky_relu(self.stem(x), _SLOPE)
        skips = []
        for deeper in self.down:
            x = deeper(x)
            skips.append(x)
        x = self.drop(x)
        for level in range(len(self.up) - 1, -1, -1):
            wider = nnf.interpolate(self.narrow[level](x), scale_factor=2.0, mode="nearest")
            x = self.up[level](skips[level + 1] + wider)
        said = self.head(x)
        return torch.cat([said[:, 0], said[:, 1].mean(-1, keepdim=True)], -1)


@final
class Committee(nn.Module):
    """Several networks that are asked together.

    Args:
        members: Networks with answers of one shape.

    Shape:
        As the members, with an axis of members after the batch.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        """The answers, side by side."""
        return torch.stack([member(x) for member in self.members], 1)
