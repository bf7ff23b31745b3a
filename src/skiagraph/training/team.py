"""The processes that learn one network together: what each does, and how they stay one training."""

from __future__ import annotations

import atexit
import copy
import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar, final

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.model_parallel import ModelParallelStrategy
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from skiagraph.errors import InvalidInput, ProcessLost, SkiagraphError
from skiagraph.training.shared_layers import with_shared_layers
from skiagraph.training.spread import Spread

__all__ = ["ALL", "Share", "Team", "joined"]

T = TypeVar("T")

_PATIENCE: Final = timedelta(hours=2)  # others wait so long while the first prepares or judges
_PARTS: Final = 8  # a part of a split network holds at most such a share of it, if its layers allow
_SMALL: Final = 200  # and at least such a share, else it stays with what is left
_WIRES: Final = ("gloo", "nccl", "NCCL", "Connection", "TCPStore", "recvValue")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which samples of each batch are this process's.

    Args:
        rank: Number of the process, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    def of(self, batch: int) -> range:
        """The rows of a batch.

        Raises:
            InvalidInput: It cannot be shared evenly.
        """
        if batch % self.size:
            raise InvalidInput(
                f"a batch is shared evenly among {self.size} devices",
                got=f"{batch} samples",
                way_out=f"set it, as in --set batch={-(-batch // self.size) * self.size}",
            )
        each = batch // self.size
        return range(self.rank * each, (self.rank + 1) * each)


ALL: Final = Share()
"""The whole batch: of a process that learns alone."""


@final
class Team:
    """One of the processes that learn a network together; alone, it does nothing that a single process would not.

    Every process computes the loss of the whole batch, from the answers of all; so any loss, whatever it is a mean
    of, has the gradient that it has on one device. `joined` makes one.

    Args:
        spread: Over what the training is spread.
    """

    def __init__(self, spread: Spread | None = None) -> None:
        spread = Spread() if spread is None else spread
        strategy: Any = "auto"
        if spread.split:
            strategy = ModelParallelStrategy(
                parallelize_fn=lambda network, mesh: split_over(mesh["data_parallel"], network),
                data_parallel_size=spread.processes,
                tensor_parallel_size=1,
                timeout=_PATIENCE,
            )
        elif spread.processes > 1:
            strategy = DDPStrategy(timeout=_PATIENCE, forward_sync_buffers=False)
        self.fabric = Fabric(
            accelerator="auto", devices=spread.devices, num_nodes=spread.machines, strategy=strategy
        )
        self.split, self._parent = spread.split, os.getppid()
        if spread.processes > 1:
            self.fabric.launch()

    @property
    def device(self) -> torch.device:
        """Of this process."""
        return self.fabric.device

    @property
    def share(self) -> Share:
        """Of each batch."""
        return Share(rank=self.fabric.global_rank, size=self.fabric.world_size)

    @property
    def first(self) -> bool:
        """Whether this is the process that judges, saves and speaks."""
        return self.share.rank == 0

    def placed(self, network: nn.Module) -> tuple[Any, nn.Module]:
        """The network as it learns, wrapped; and its copy for the running average, both on this device."""
        if self.split:
            network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # missing from its stubs
        average = copy.deepcopy(network).eval()
        if self.share.size > 1:
            with_shared_layers(network, self.device)
        model = self.fabric.setup_module(network)
        strategy = self.fabric.strategy
        if isinstance(strategy, ModelParallelStrategy):
            split_over(strategy.device_mesh["data_parallel"], average)
        return model, average.to(self.device)

    def gathered(self, part: Any) -> Any:
        """What all processes have, in the order of the batch; gradients flow into the part of this one.

        Args:
            part: Shape (samples of this process, ...); or several such.
        """
        if isinstance(part, tuple):
            return tuple(self.gathered(one) for one in part)
        rank, size = self.share.rank, self.share.size
        if size == 1:
            return part
        parts = [torch.empty_like(part, memory_format=torch.contiguous_format) for _ in range(size)]
        distributed.all_gather(parts, part.detach().contiguous())
        return torch.cat([*parts[:rank], part, *parts[rank + 1 :]])

    def told(self, value: T) -> T:
        """What the first process says, in all of them.

        Raises:
            ProcessLost: The one that started this process is gone.
        """
        if self.share.size == 1:
            return value
        if os.getppid() != self._parent:
            raise ProcessLost("the command that started a training runs on", got="its end")
        said: T = self.fabric.broadcast(value)
        return said

    def in_turn(self, make: Callable[[], T]) -> T:
        """What each process makes, on every machine first one and then the others, which find what it left on disk."""
        early = self.share.size == 1 or self.fabric.local_rank == 0
        made = [make()] if early else []
        if self.share.size > 1:
            self.fabric.barrier()
        return made[0] if made else make()

    def check_same(self, value: Any, what: str) -> None:
        """Refuses where the processes differ in what they must have in common.

        Raises:
            InvalidInput: They do.
        """
        if self.share.size > 1 and any(self._all(self.told(value) != value)):
            raise InvalidInput(
                f"all machines learn from the same {what}", got="others", way_out="copy the data again"
            )

    def _all(self, value: Any) -> list[Any]:
        found: list[Any] = [None] * self.share.size
        distributed.all_gather_object(found, value)
        return found

    def leave(self) -> None:
        """Lets go of the other processes: a thread that talks to them can abort the interpreter on its way out.

        PyTorch 2.13 remembers how split tensors were computed, and with that the processes over which they were split.
        """
        strategy = self.fabric.strategy
        if isinstance(strategy, ModelParallelStrategy):
            strategy.device_mesh._pg_registry.clear()  # noqa: SLF001  nothing public lets go

    def whole(self, state: Any) -> Any:
        """A state, tensor by tensor; what is split is brought together in main memory."""
        if isinstance(state, DTensor):
            return state.full_tensor().cpu()
        if isinstance(state, Mapping):
            return {name: self.whole(part) for name, part in state.items()}
        return [self.whole(part) for part in state] if isinstance(state, list | tuple) else state

    def restore(self, part: Any, state: Any) -> None:
        """Loads what `whole` gave into a network or an optimizer."""
        if self.split:
            state = _like(part.state_dict(), state) if isinstance(part, nn.Module) else _shared(part, state)
        part.load_state_dict(state)


def _like(own: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _part(state[name], tensor) for name, tensor in own.items()}


def _shared(optimizer: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    """The state of an optimizer, whose moments are split as their parameters are."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {
        number: {
            name: _part(value, parameters[number]) if value.ndim else value for name, value in own.items()
        }
        for number, own in state["state"].items()
    }
    return {**state, "state": moments}


def _part(whole: Tensor, like: Any) -> Tensor:
    if not isinstance(like, DTensor):
        return whole
    placed: Tensor = distribute_tensor(
        whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None
    )
    return placed


def split_over(mesh: DeviceMesh, network: nn.Module) -> nn.Module:
    """Leaves to each process a part of every weight; a layer is put together only while it computes.

    Args:
        mesh: The processes.
        network: Is changed in place.

    Source: Zhao et al., PyTorch FSDP (VLDB 2023).
    """
    total = _weights(network)

    def walk(module: nn.Module) -> None:
        for child in module.children():
            part = _weights(child)
            if part * _SMALL < total:
                continue
            held = isinstance(child, nn.ModuleList | nn.ModuleDict)
            if not held and (part * _PARTS <= total or not any(True for _ in child.children())):
                fully_shard(child, mesh=mesh)
            else:
                walk(child)

    walk(network)
    fully_shard(network, mesh=mesh)
    return network


def _weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@contextmanager
def joined(spread: Spread) -> Iterator[Team]:
    """The team of this process, from where all are there until all are done.

    Args:
        spread: As it was given to the processes, which `run_together` or `torchrun` has started.

    Raises:
        ProcessLost: Another process has ended.
    """
    try:
        team = Team(spread)
        yield team
        if spread.processes > 1:
            team.told(None)
            team.leave()
            distributed.destroy_process_group()
    except RuntimeError as error:
        if isinstance(error, SkiagraphError) or spread.processes == 1 or not _of_wires(error):
            raise
        raise ProcessLost(
            "the processes of a training all run to its end",
            got="one that ended before",
            way_out="give the same command again: it goes on from the last checkpoint",
        ) from error
    finally:
        atexit.register(gc.collect)  # what still holds the wires by then


def _of_wires(error: RuntimeError) -> bool:
    return isinstance(error, distributed.DistError) or any(word in str(error) for word in _WIRES)
