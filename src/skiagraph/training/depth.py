"""The levels of a network, from the image to the answer: what is kept fixed first, and what learns slower."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

__all__ = ["ANSWERS", "levels_of", "parameter_groups"]

ANSWERS: Final = ("head", "sides", "scores", "doubled")  # parts whose shape follows from what is asked
_INSIDE: Final = ("body", "encoder", "patch")  # parts that are networks themselves


def levels_of(network: nn.Module, shape: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """The parameters of a network by level, by name.

    What computes at one resolution, one thing after the other, is one level: the stages of a ResNet, each way down and
    each way up of a U-Net. Each block of a transformer is one. The last level holds what gives the answer.

    Args:
        network: Stays as it is.
        shape: Of a batch that it takes, ``(batch, channels, *space)``.

    Raises:
        InvalidInput: The network does not take this shape.
    """
    found: list[list[str]] = [[]]
    now: tuple[int, ...] | None = None
    for path, part, extents in _run(network, shape):
        names = [f"{path}.{name}" for name, _ in part.named_parameters()]
        kernels = any(values.ndim > 1 for values in part.parameters())
        if kernels and found[-1] and (extents is None or extents != now):
            found.append([])
        found[-1] += names
        now = extents if kernels else now
    seen = {name for level in found for name in level}
    rest = [name for name, _ in network.named_parameters() if name not in seen]
    first = [name for name in rest if name.split(".")[-2:-1] == ["body"]]  # a body's own: tokens and places
    last = [name for name in rest if name not in first]
    parted = [tuple(level) for level in ([*first, *found[0]], *found[1:], last) if level]
    return tuple(parted)


def _run(network: nn.Module, shape: Sequence[int]) -> Iterator[tuple[str, nn.Module, tuple[int, ...] | None]]:
    """The units of a network in the order in which they compute, with the extents of what they say; None of tokens."""
    shadow = copy.deepcopy(network).to("meta").eval()
    said: dict[str, tuple[int, ...] | None] = {}

    def noted(path: str) -> Any:
        def note(_part: nn.Module, _given: Any, answer: Any) -> None:
            one: Tensor = answer[0] if isinstance(answer, list | tuple) else answer
            said.setdefault(path, None if one.ndim == 3 else tuple(one.shape[2:]))

        return note

    units = dict(_units(shadow, ""))
    for path, part in units.items():
        part.register_forward_hook(noted(path))
    with torch.no_grad():
        shadow(torch.zeros(tuple(shape), device="meta"))
    for path, extents in said.items():
        yield path, units[path], extents


def _units(part: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """The largest parts of a network that are neither a row of parts, nor a network, nor what gives the answer."""
    for name, child in part.named_children():
        place = f"{path}.{name}" if path else name
        if not path and name in ANSWERS:
            continue
        if isinstance(child, nn.Sequential | nn.ModuleList | nn.ModuleDict) or name in _INSIDE:
            yield from _units(child, place)
        elif any(True for _ in child.parameters()):
            yield place, child


def parameter_groups(network: nn.Module, shares: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Parameters as an optimizer takes them; those that are kept fixed are left out.

    Args:
        network: Whose parameters they are.
        shares: Of the learning rate, for each by its name: ``"share"``, and ``"alone"`` while what is new learns alone.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, values in network.named_parameters():
        if values.requires_grad:
            groups[shares[name]].append(values)
    return [{"params": them, "share": share, "alone": alone} for (share, alone), them in groups.items()]
