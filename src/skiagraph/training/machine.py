"""The machine that a training runs on, measured once at the door and handed on as a value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import final

import torch

from skiagraph.errors import InvalidInput

__all__ = ["Machine", "this_machine"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a plan needs to know of a machine.

    Args:
        cores: Processor cores that this process may use.
        memory: Of the machine, in GiB.
        gpu: Name of the graphics processor that would be used; empty for none.
        gpu_memory: Its memory, in GiB; 0 without one.
        bf16: Whether it multiplies bfloat16 faster than float32.

    Raises:
        InvalidInput: No core, or no memory.
    """

    cores: int
    memory: float
    gpu: str = ""
    gpu_memory: float = 0.0
    bf16: bool = False

    def __post_init__(self) -> None:
        if self.cores < 1 or self.memory <= 0:
            raise InvalidInput("a machine has cores and memory", got=f"{self.cores}, {self.memory} GiB")


def this_machine() -> Machine:
    """The machine that this process runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = 8.0
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        return Machine(
            cores=cores,
            memory=round(memory, 1),
            gpu=card.name,
            gpu_memory=round(card.total_memory / 2**30, 1),
            bf16=torch.cuda.is_bf16_supported(including_emulation=False),
        )
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return Machine(cores=cores, memory=round(memory, 1), bf16=bool(known and known()))
