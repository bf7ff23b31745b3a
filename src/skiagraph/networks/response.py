"""Local response normalisation: each value is divided by the strength of its neighbours."""

from __future__ import annotations

from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput

__all__ = ["LocalResponse"]


@final
class LocalResponse(nn.Module):
    """``x / (k + alpha * sum of squares nearby) ** beta``, with a sum, not the mean that PyTorch takes.

    Args:
        where: ``"across"``: over `size` neighbouring channels at one place. ``"within"``: over a square (a cube) of
            `size` in each axis around the place, in one channel.
        size: Neighbours, an odd number.
        alpha: How much they count.
        beta: The exponent.
        k: What is added, so that nothing is divided by zero.

    Shape:
        (batch, channels, *space), unchanged.

    Source: Krizhevsky et al., ImageNet classification with deep convolutional neural networks (NIPS 2012), section 3.3
        (across); Krizhevsky, cuda-convnet, "local response normalization layer (same map)" (within).
    """

    def __init__(
        self,
        where: Literal["across", "within"] = "across",
        *,
        size: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 2.0,
    ) -> None:
        super().__init__()
        if where not in {"across", "within"} or size % 2 == 0:
            rule = "local response normalisation goes 'across' or 'within' channels and has an odd size"
            raise InvalidInput(rule, got=f"{where!r}, {size}")
        self.where, self.size, self.alpha, self.beta, self.k = where, size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """The normalised values."""
        strength = self._across(x * x) if self.where == "across" else self._within(x * x)
        return x / torch.pow(self.k + self.alpha * strength, self.beta)

    def _across(self, squares: Tensor) -> Tensor:
        flat = squares.flatten(2).unsqueeze(1)
        window, reach = (self.size, 1), (self.size // 2, 0)
        return self.size * nnf.avg_pool2d(flat, window, 1, reach).view_as(squares)

    def _within(self, squares: Tensor) -> Tensor:
        ndim = squares.ndim - 2
        pool = nnf.avg_pool2d if ndim == 2 else nnf.avg_pool3d
        # The margin is added apart: PyTorch's 3-D pooling refuses maps that only their margin makes large enough.
        wide = nnf.pad(squares, (self.size // 2,) * (2 * ndim))
        sums: Tensor = self.size**ndim * pool(wide, self.size, 1)
        return sums
