"""The network that a plan asks for, with weights that follow from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from skiagraph.networks import network
from skiagraph.training.plan import Plan

__all__ = ["Mean", "built"]


def built(plan: Plan, seed: int) -> nn.Module:
    """The network of a plan, untrained.

    Raises:
        UnknownName: No such network.
        InvalidInput: Options that it does not have, or of another kind.
    """
    recipe = plan.recipe
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return network(
            plan.network,
            inputs=recipe.channels,
            outputs=recipe.outputs,
            ndim=len(recipe.shape),
            **plan.options,
        )


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
