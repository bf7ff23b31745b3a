"""Slices of a volume or frames of a film, one after the other, through any network and a recurrent head."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import Classifier

__all__ = ["RecurrentBody", "recurrent"]


@final
class RecurrentBody(nn.Module):
    """The body of another network at each moment, and gated recurrent units over the moments.

    Args:
        encoder: Maps (batch, inputs, *space) to (batch, width).
        width: Length of its vector.
        hidden: Length of the state.
        both_ways: Whether a second state runs from the last moment to the first.
        axis: Of the moments: 1, or 2 where the slices of a volume are its moments.

    Shape:
        (batch, moments, inputs, *space), or (batch, inputs, moments, *space), to (batch, hidden), or twice as long with
        both ways: the last states.
    """

    def __init__(
        self, encoder: nn.Module, width: int, hidden: int, *, both_ways: bool, axis: int = 1
    ) -> None:
        super().__init__()
        self.encoder, self.width, self.both_ways, self.axis = encoder, width, both_ways, axis
        self.memory = nn.GRU(width, hidden, batch_first=True, bidirectional=both_ways)

    def forward(self, x: Tensor) -> Tensor:
        """The state after the last moment.

        Raises:
            InvalidInput: There is no axis of moments.
        """
        if x.ndim < 5 or x.shape[self.axis] < 1:
            axes = ("moments, channels", "channels, moments")[self.axis - 1]
            rule = f"a recurrent network takes (batch, {axes}, *space)"
            raise InvalidInput(rule, got=str(tuple(x.shape)))
        x = x.movedim(self.axis, 1)
        vectors = self.encoder(x.flatten(0, 1)).reshape(-1, x.shape[1], self.width)
        seen, _ = self.memory(vectors)
        if not self.both_ways:
            last: Tensor = seen[:, -1]
            return last
        half = seen.shape[2] // 2
        return torch.cat([seen[:, -1, :half], seen[:, 0, half:]], 1)


def recurrent(
    network: Classifier, *, outputs: int, hidden: int = 256, both_ways: bool = False, axis: int = 1
) -> Classifier:
    """A classifier of sequences, from one of images.

    Args:
        network: Its body looks at each moment; its head is not used.
        outputs: Logits of the whole sequence.
        hidden: Length of the state.
        both_ways: Whether the sequence is read in both directions.
        axis: Of the moments: 1, or 2 where the slices of a volume are its moments.

    Shape:
        (batch, moments, inputs, *space), or (batch, inputs, moments, *space), to (batch, outputs), for any number of
        moments.

    Raises:
        InvalidInput: The state is empty.

    Source: Cho et al., Learning phrase representations using RNN encoder-decoder (EMNLP 2014), section 2.3; Donahue et
        al., Long-term recurrent convolutional networks (CVPR 2015), section 3.
    """
    if hidden < 1:
        raise InvalidInput("the state of a recurrent head is at least 1 long", got=str(hidden))
    body = RecurrentBody(network.body, network.width, hidden, both_ways=both_ways, axis=axis)
    return Classifier(body, width=hidden * (2 if both_ways else 1), outputs=outputs)
