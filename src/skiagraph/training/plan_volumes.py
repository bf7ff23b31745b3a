"""Plans for structures in volumes: a U-Net that is shown windows, as large as time and memory allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, final

import torch

from skiagraph.networks.counting import multiply_adds
from skiagraph.networks.residual_encoder_unet import Level, ResidualEncoderUNet
from skiagraph.plain import from_plain
from skiagraph.preprocess import Erase, Gamma, Noise, Pose
from skiagraph.task import Recipe
from skiagraph.training.fingerprint import Fingerprint
from skiagraph.training.machine import Machine
from skiagraph.training.plan import AnyStep, Plan

__all__ = ["volume_plan"]

_THICK: Final = 3.0  # spacing over the smallest from which slices are thick
_FINE: Final = (
    2.0  # samples below which a structure is too thin for half the resolution: a sheet of two voxels
)
_SHORT: Final = 600.0  # seconds up to which volumes are hardly changed: there is no time to learn by heart
_BATCH: Final = 2
_BASES: Final = (64, 48, 32, 24)  # channels at half resolution
_WINDOWS: Final = (
    10_000  # that a network should see; a larger one learns too little in the time that there is
)
_PACE: Final = {
    False: 60e9,
    True: 100e9,
}  # multiply-adds a second of a core, measured in learning; with bfloat16
_USUAL: Final = 3600.0  # seconds that are counted on where there is no time budget
_MAPS: Final = (
    200  # bytes a voxel of a window and channel of a first level at full resolution, measured in learning
)
_SIDE: Final = 64  # of a window that a processor learns from in time; a graphics card is bounded by memory
_LARGEST: Final = 192


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A network and its window.

    Args:
        coarse: Whether it computes at half the resolution of its window.
        base: Channels of the first level.
        levels: As options of the network.
        window: Samples along each axis.
    """

    coarse: bool
    base: int
    levels: list[dict[str, Any]]
    window: tuple[int, ...]


def volume_plan(
    found: Fingerprint,
    machine: Machine,
    seconds: float | None,
    parts: dict[str, Any],
    reasons: dict[str, str],
) -> Plan:
    """How a network is learnt that outlines structures in volumes.

    Args:
        found: The data.
        machine: That learns.
        seconds: Time budget; None for what is usual.
        parts: Of the recipe: labels, activation, channels, intensity.
        reasons: Of these.
    """
    spacing = tuple(round(s, 4) for s in found.spacing) or (1.0, 1.0, 1.0)
    shape = _shape(found, machine, spacing, seconds, parts)
    usual = max(20, min(300, 20_000 // found.samples))
    return Plan(
        recipe=Recipe(shape=shape.window, orientation="SPL", spacing=spacing, overlap=0.5, **parts),
        network="unet-resenc",
        options={"levels": shape.levels, "supervision": True},
        epochs=usual if seconds is None else 10 * usual,
        batch=_BATCH,
        learning_rate=2e-3,
        warmup=min(50, max(2, found.samples // _BATCH)),
        average=0.99,
        precision="bf16-mixed" if machine.bf16 else "32-true",
        steps=_steps(found, seconds),
        loss="overlap-entropy",
        seconds=seconds,
        fingerprint=found,
        reasons=reasons | _reasons(found, machine, shape, usual, seconds),
    )


def _reasons(
    found: Fingerprint, machine: Machine, shape: _Shape, usual: int, seconds: float | None
) -> dict[str, str]:
    memory = f"{_bytes_for(shape.coarse, shape.base) * math.prod(shape.window) / 2**30:.2g} GiB"
    where = f"of {machine.gpu_memory:g} on the graphics card" if machine.gpu else f"of {machine.memory:g}"
    whole = all(n <= w for n, w in zip(found.shape, shape.window, strict=True))
    held = "it holds most volumes whole" if whole else "larger volumes are read in several"
    depth = f"a U-Net with a residual encoder, {len(shape.levels)} levels"
    if shape.coarse:
        depth += ", that computes at half resolution: several times as fast, and edges are known finer than a voxel"
    return {
        "recipe.spacing": "the median of the data, in mm",
        "recipe.shape": f"a window from which {memory} {where} are learnt in; {held}",
        "network": f"{depth}; from {shape.base} channels, so that {_WINDOWS} windows can be seen in time",
        "batch": "windows of volumes are large",
        "epochs": f"{usual * found.samples} windows are seen in all" if seconds is None else "at most",
        "steps": "little: there is no time to learn by heart what was seen"
        if seconds is not None and seconds <= _SHORT
        else "how the patient lay, how bright, how noisy",
    }


def _steps(found: Fingerprint, seconds: float | None) -> tuple[AnyStep, ...]:
    thin = found.spacing.index(max(found.spacing)) if found.anisotropy >= _THICK else None
    if seconds is not None and seconds <= _SHORT:
        return (
            Pose(share=0.3, turn=10.0, shrink=1.1, grow=1.1, thin=thin),
            Gamma(gamma=1.2, brightness=1.1),
        )
    return (Pose(thin=thin), Gamma(gamma=1.5, brightness=1.2), Noise(), Erase(share=0.1, largest=0.25))


def _shape(
    found: Fingerprint,
    machine: Machine,
    spacing: tuple[float, ...],
    seconds: float | None,
    parts: dict[str, Any],
) -> _Shape:
    """The largest network of which enough is seen in time, and its window."""
    thinnest = min(found.thickness.values(), default=1.0) * max(found.shape)
    coarse = not machine.gpu and thinnest >= _FINE
    cores = min(machine.cores, 8) ** 0.8
    pace = _PACE[machine.bf16] * cores * (_USUAL if seconds is None else seconds) / _WINDOWS / 3
    choices = (32,) if machine.gpu else _BASES if coarse else tuple(b // 2 for b in _BASES)
    outputs = len(parts["labels"]) + (parts["activation"] == "softmax")
    for base in choices:
        most = _voxels(machine, coarse=coarse, base=base)
        levels, window = _levels(found.shape, spacing, most, base=base, coarse=coarse)
        shape = _Shape(coarse=coarse, base=base, levels=levels, window=window)
        if machine.gpu or _work(shape, parts["channels"], outputs) <= pace:
            break
    return shape


def _work(shape: _Shape, inputs: int, outputs: int) -> int:
    """Multiply-adds of one window."""
    levels = [from_plain(Level, level) for level in shape.levels]
    with torch.device("meta"):
        network = ResidualEncoderUNet(inputs=inputs, outputs=outputs, levels=levels)
    return multiply_adds(network, (1, inputs, *shape.window))


def _bytes_for(coarse: bool, base: int) -> float:  # noqa: FBT001  a plain formula
    """Bytes that a voxel of a window takes in learning, for the whole batch."""
    return _MAPS * base / (8 if coarse else 1)


def _voxels(machine: Machine, *, coarse: bool, base: int) -> float:
    """Voxels of the largest window."""
    if machine.gpu:
        return min(float(_LARGEST**3), 0.5 * machine.gpu_memory * 2**30 / _bytes_for(coarse, base))
    side = _SIDE if coarse else _SIDE * 3 // 4
    return min(float(side**3), 0.25 * machine.memory * 2**30 / _bytes_for(coarse, base))


def _levels(
    shape: tuple[int, ...], spacing: tuple[float, ...], voxels: float, *, base: int, coarse: bool
) -> tuple[list[dict[str, Any]], tuple[int, ...]]:
    """Levels that halve an axis while it has 8 samples or more and is not much coarser than the others, and the window.

    Source: Isensee et al., nnU-Net (Nature Methods 2021), online methods, on the topology of the network.
    """
    scale = min(1.0, (voxels / math.prod(shape)) ** (1 / 3))
    size, steps = [max(8.0, n * scale) for n in shape], list(spacing)
    levels: list[dict[str, Any]] = []
    total = [1] * len(size)
    while len(levels) < (5 if coarse else 6):
        stride = [1] * len(size)
        if levels or coarse:
            stride = [2 if n >= 8 and s < 2 * min(steps) else 1 for n, s in zip(size, steps, strict=True)]
            if levels and max(stride) == 1:
                break
        kernel = [1 if s > 2 * min(steps) else 3 for s in steps]
        size = [n / d for n, d in zip(size, stride, strict=True)]
        steps = [s * d for s, d in zip(steps, stride, strict=True)]
        total = [t * d for t, d in zip(total, stride, strict=True)]
        width = min(base * 2 ** len(levels), 320)
        levels.append({"width": width, "blocks": 1 if not levels else 2, "stride": stride, "kernel": kernel})
    window = tuple(max(2 * t, math.ceil(n * scale / t) * t) for n, t in zip(shape, total, strict=True))
    return levels, window
