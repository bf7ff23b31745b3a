"""What a plan for values keeps: the size of things in mm, and brightness where it tells something."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from skiagraph.image.quantity import ACTIVITY, COUNTS, DIFFUSION, DOSE, HU, OPTICAL_DENSITY, SUV, VELOCITY
from skiagraph.preprocess import Affine, Gamma, Noise, Pose
from skiagraph.task import Intensity, Recipe
from skiagraph.training.fingerprint import Fingerprint
from skiagraph.training.machine import Machine
from skiagraph.training.plan import AnyStep

__all__ = ["scaled", "scaled_steps"]

_ABSOLUTE: Final = frozenset(
    q.name for q in (HU, SUV, ACTIVITY, COUNTS, DOSE, VELOCITY, OPTICAL_DENSITY, DIFFUSION)
)
_STEP: Final = 8  # samples of which the sides of a lattice are multiples


def scaled(recipe: Recipe, found: Fingerprint, machine: Machine) -> tuple[Recipe, dict[str, str]]:
    """A recipe for values on one physical scale, and with absolute brightness, where the data have these.

    Args:
        recipe: As for any answer about a whole image: fitted to its field of view, brightness taken out.
        found: The data.
        machine: Bears so many samples.

    Returns:
        The recipe, and the reasons of its changes.
    """
    reasons: dict[str, str] = {}
    if found.extent:
        spacing, shape = _lattice(found, machine)
        recipe = dataclasses.replace(recipe, spacing=spacing, shape=shape)
        reasons["recipe.spacing"] = "one scale in mm for all images: a size can be learnt"
        covered = " x ".join(f"{e:.0f}" for e in found.extent)
        reasons["recipe.shape"] = (
            f"holds {covered} mm, as large as nearly all images; others are cut or padded"
        )
    why = _why_absolute(found)
    if why:
        s = found.intensity
        window = Intensity(
            low=s.low, high=max(s.high, s.low + 1e-3), mean=s.mean, deviation=max(s.deviation, 1e-3)
        )
        recipe = dataclasses.replace(recipe, normalise="window", intensity=window)
        reasons["recipe.normalise"] = why
    return recipe, reasons


def scaled_steps(recipe: Recipe) -> tuple[AnyStep, ...]:
    """Augmentation that changes neither the size of things nor, where it counts, their brightness."""
    size = 1.03 if recipe.spacing is None else 1.0
    bright: tuple[AnyStep, ...] = () if recipe.intensity is not None else (Gamma(),)
    moved: AnyStep = (
        Pose(shrink=size, grow=size)
        if len(recipe.shape) == 3
        else Affine(turn=15.0, any_turn=0.0, shrink=size, grow=size, stretch=size, shift=0.05, shear=0.0)
    )
    return (moved, *bright, Noise())


def _lattice(found: Fingerprint, machine: Machine) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Spacing in mm and samples along each axis: as fine as the images are, or as the machine bears."""
    fast = bool(machine.gpu)
    if found.ndim == 2:
        longest = 224 if fast else 160
        finest = max(min(found.spacing), max(found.extent) / longest)
        steps = [finest] * 2
    else:
        voxels = 96**3 if fast else 48**3
        coarse = (math.prod(found.extent) / voxels) ** (1 / 3)
        steps = [max(own, coarse) for own in found.spacing]
    spacing = tuple(float(f"{step:.4g}") for step in steps)
    shape = tuple(
        max(_STEP, math.ceil(e / s / _STEP - 0.1) * _STEP) for e, s in zip(found.extent, spacing, strict=True)
    )
    return spacing, shape


def _why_absolute(found: Fingerprint) -> str:
    """Why brightness is kept as it is; empty where it means nothing."""
    if found.quantity in _ABSOLUTE:
        return f"the images measure {found.quantity}, which means the same everywhere"
    least = max(0.3, 3 / math.sqrt(max(1, min(found.samples, found.looked_at))))
    telling = {name: r for name, r in found.brightness.items() if abs(r) > least}
    if not telling:
        return ""
    name = max(telling, key=lambda n: abs(telling[n]))
    return f"brightness tells something of {name} (rank correlation {telling[name]:.2f})"
