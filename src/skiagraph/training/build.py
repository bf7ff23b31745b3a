"""The network that a plan asks for, with its first weights: from a seed, or from another model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from skiagraph.networks import network
from skiagraph.training.plan import Plan
from skiagraph.training.transfer import begin

__all__ = ["Mean", "built"]


def built(plan: Plan, seed: int) -> nn.Module:
    """The network of a plan, as it is before it learns.

    Args:
        plan: Names the network, and the model whose weights it begins with.
        seed: Of what is drawn.

    Raises:
        UnknownName: No such network.
        InvalidInput: Options that it does not have, or of another kind; more levels that stay fixed than it has.
        BundleError: The weights to begin with are no longer those that the plan was made with.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        result = network(plan.network, **plan.network_options)
    begin(result, plan)
    return result


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
