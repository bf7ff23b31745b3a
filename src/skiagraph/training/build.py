"""The network that a plan asks for, with weights that follow from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks import ResidualUNet, network
from skiagraph.networks.residual_encoder_unet import Level
from skiagraph.plain import from_plain
from skiagraph.training.plan import Plan

__all__ = ["Mean", "built"]


def _residual_unet(*, inputs: int, outputs: int, ndim: int, widths: Sequence[int]) -> nn.Module:
    if ndim != 2:
        raise InvalidInput("residual-unet is a network for pictures", got=f"{ndim} axes")
    return ResidualUNet(inputs=inputs, outputs=outputs, widths=tuple(widths))


_OWN: Final[Mapping[str, Callable[..., nn.Module]]] = MappingProxyType({"residual-unet": _residual_unet})


def built(plan: Plan, seed: int) -> nn.Module:
    """The network of a plan, untrained.

    Raises:
        UnknownName: No such network.
        InvalidInput: Options that it does not have, or of another kind.
    """
    options = dict(plan.options)
    if "levels" in options and isinstance(options["levels"], list | tuple):
        options["levels"] = [from_plain(Level, level) for level in options["levels"]]
    sizes = {"inputs": plan.recipe.channels, "outputs": plan.recipe.outputs, "ndim": len(plan.recipe.shape)}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        own = _OWN.get(plan.network)
        return network(plan.network, **sizes, **options) if own is None else own(**sizes, **options)


@final
class Mean(nn.Module):
    """Several networks that are asked together: the mean of their answers.

    Args:
        members: Networks with answers of one shape.

    Shape:
        As each member.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        """The mean answer."""
        answers: list[Any] = [member(x) for member in self.members]
        return torch.stack(answers).mean(0)
