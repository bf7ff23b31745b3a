"""How large a network is, and how much it computes: parameters, and multiply-adds by forward hooks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.unet import parameter_count
from skiagraph.networks.vision_transformer import SelfAttention

__all__ = ["multiply_adds", "parameter_count"]


def multiply_adds(network: nn.Module, shape: Sequence[int]) -> int:
    """Products that are added up in one forward pass, in evaluation mode.

    Convolutions, dense layers, the products of attention and recurrent units count; biases, normalisations, poolings,
    activations and interpolations do not, as is usual in tables of networks.

    Args:
        network: On any device. On the ``meta`` device nothing is computed, however large it is.
        shape: Of the batch that goes in, e.g. ``(1, 3, 224, 224)``.

    Raises:
        InvalidInput: The network does not take this shape.

    Source: own; the count of He et al. (CVPR 2016), table 1, "FLOPs (multiply-adds)".
    """
    if not shape or min(shape) < 1:
        raise InvalidInput("a batch has positive extents", got=str(tuple(shape)))
    total = 0

    def count(part: nn.Module, given: tuple[Any, ...], said: Any) -> None:
        nonlocal total
        total += _of(part, given[0], said)

    place = next((values.device for values in network.parameters()), torch.device("cpu"))
    with contextlib.ExitStack() as stack, torch.no_grad():
        stack.enter_context(_evaluating(network))
        for part in network.modules():
            stack.callback(part.register_forward_hook(count).remove)
        network(torch.zeros(tuple(shape), device=place))
    return total


@contextlib.contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode, and as it was afterwards."""
    before = {part: part.training for part in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training


def _of(part: nn.Module, given: Tensor, said: Any) -> int:
    """The multiply-adds of one layer; those of a part that is made of layers are counted there."""
    match part:
        case nn.Conv1d() | nn.Conv2d() | nn.Conv3d():
            return int(said.numel()) * part.in_channels // part.groups * prod(part.kernel_size)
        case nn.ConvTranspose1d() | nn.ConvTranspose2d() | nn.ConvTranspose3d():
            return given.numel() * part.out_channels // part.groups * prod(part.kernel_size)
        case nn.Linear():
            return int(said.numel()) * part.in_features
        case nn.GRU():
            moments = given.numel() // part.input_size
            return moments * sum(w.numel() for name, w in part.named_parameters() if "weight" in name)
        case SelfAttention():
            batch, tokens, width = given.shape
            return 2 * batch * tokens * tokens * width
        case _:
            return 0
