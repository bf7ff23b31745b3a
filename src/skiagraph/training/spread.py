"""Over what a training is spread, and how its processes are started and watched: one a device, on every machine."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import torch
from torch.distributed import is_torchelastic_launched
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.elastic.rendezvous.api import RendezvousError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from skiagraph.errors import InvalidInput, ProcessLost

__all__ = ["LOST", "RUN", "Spread", "is_one_of_several", "run_together"]

RUN: Final = "skiagraph"
"""What a training is called in the environment of its processes, as TORCHELASTIC_RUN_ID."""

LOST: Final = 3
"""Exit code of a process that ended because another one did; the one that watches them says so, once."""

_REFUSED: Final = 2
_LOUD: Final = ("torch.distributed.elastic", "torch.distributed.elastic.agent.server.api")
_LOOK: Final = 0.2  # seconds between two looks at the processes
_AGAIN: Final = "give the same command again: it goes on from the last checkpoint"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Over how many devices one network is learnt, with the same batches as on one.

    Args:
        devices: Of each machine: graphics processors, or processes where there are none.
        machines: That take part; each is given the same command.
        meet: ``"HOST:PORT"`` of the machine at which all meet; empty on a single machine.
        split: Each device holds a part of the network, of its average and of the optimizer, instead of the whole.

    Raises:
        InvalidInput: Fewer than one, several machines without a place to meet, or one device and a split network.
    """

    devices: int = 1
    machines: int = 1
    meet: str = ""
    split: bool = False

    def __post_init__(self) -> None:
        if self.devices < 1 or self.machines < 1:
            raise InvalidInput(
                "a training has at least one device and one machine",
                got=f"{self.devices} and {self.machines}",
            )
        host, colon, port = self.meet.rpartition(":")
        if (self.machines > 1 or self.meet) and not (host and colon and port.isdecimal()):
            raise InvalidInput("several machines meet at HOST:PORT of one of them", got=repr(self.meet))
        if self.split and self.processes == 1:
            raise InvalidInput("a network is split over at least two devices", got="one")

    @property
    def processes(self) -> int:
        """On all machines together."""
        return self.devices * self.machines


def is_one_of_several() -> bool:
    """Whether this process was started by `run_together`, or by `torchrun`."""
    return is_torchelastic_launched()


def run_together(spread: Spread, command: Sequence[str]) -> int:
    """Runs a command once a device of this machine, as `torchrun` does; where one process ends ill, all end.

    Args:
        spread: Devices, machines and where they meet.
        command: Program and arguments.

    Returns:
        0 where all went well, 2 where a process refused and has said why, 1 where it broke off, 128 and the number of
        the signal where this process was asked to end.

    Raises:
        InvalidInput: Fewer graphics processors than devices, or the machines did not meet.
        ProcessLost: A process was killed, here or on another machine.
    """
    if torch.cuda.is_available() and torch.cuda.device_count() < spread.devices:
        raise InvalidInput(
            "a machine has a graphics processor for each device",
            got=f"{torch.cuda.device_count()} for {spread.devices}",
        )
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what became of the processes is told here
    config = LaunchConfig(
        min_nodes=spread.machines,
        max_nodes=spread.machines,
        nproc_per_node=spread.devices,
        run_id=RUN,
        rdzv_backend="c10d",
        rdzv_endpoint=spread.meet or "localhost:0",
        max_restarts=0,
        monitor_interval=_LOOK,
    )
    try:
        elastic_launch(config, command[0])(*command[1:])
    except ChildFailedError as error:
        return _ended(list(error.failures.values()), spread)
    except SignalException as error:
        return 128 + int(error.sigval)
    except RendezvousError as error:
        raise InvalidInput(
            f"{spread.machines} machines meet at {spread.meet or 'this one'}",
            got="no answer",
            way_out="give the same command on each, with an address that all can reach",
        ) from error
    return 0


def _ended(failures: Sequence[ProcessFailure], spread: Spread) -> int:
    """What is to be told of processes that ended ill."""
    codes = {failure.exitcode for failure in failures if failure.exitcode != -signal.SIGTERM}
    if _REFUSED in codes:
        return _REFUSED
    killed = [f for f in failures if f.exitcode < 0 and (f.exitcode in codes or not codes)]
    if not killed and LOST not in codes:
        return 1
    got = "one that ended before"
    for failure in killed[:1]:
        name = signal.Signals(-failure.exitcode).name
        got = f"the one of device {failure.local_rank} of {spread.devices}, killed by {name}"
    raise ProcessLost("the processes of a training all run to its end", got=got, way_out=_AGAIN)
