"""A body that turns an image into a vector, and a head that turns the vector into logits."""

from __future__ import annotations

from collections import OrderedDict
from typing import final

from torch import Tensor, nn

from skiagraph.errors import InvalidInput

__all__ = ["Classifier", "named"]


@final
class Classifier(nn.Module):
    """Every classification network of the house: ``head(body(image))``.

    The body alone gives embeddings, feeds a recurrent head, and is what a transfer keeps; a new head is
    ``network.head = nn.Linear(network.width, outputs)``.

    Args:
        body: Maps (batch, inputs, *space) to (batch, width).
        width: Length of the vector.
        outputs: Logits.

    Shape:
        (batch, inputs, *space) to (batch, outputs).
    """

    def __init__(self, body: nn.Module, *, width: int, outputs: int) -> None:
        super().__init__()
        if outputs < 1:
            raise InvalidInput("a network has at least one output", got=str(outputs))
        self.body, self.width = body, width
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        result: Tensor = self.head(self.body(x))
        return result


def named(**layers: nn.Module) -> nn.Sequential:
    """Layers one after the other, each under its name."""
    return nn.Sequential(OrderedDict(layers))
