"""Plans for segmentations: pictures at one glance, volumes window by window."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

from skiagraph.case import Target
from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Noise, Speckle
from skiagraph.task import Recipe
from skiagraph.training.fingerprint import Fingerprint
from skiagraph.training.machine import Machine
from skiagraph.training.plan import AnyStep, Plan, Settle
from skiagraph.training.plan_volumes import volume_plan
from skiagraph.training.plan_whole import intensity_of

__all__ = ["structure_plan"]

_WIDTHS: Final = (24, 48, 96, 128, 160)
_LOST: Final = 4.0  # samples below which a structure is lost when its picture is shrunk
_FINE: Final = 8.0  # samples below which half resolution is too coarse
_ELLIPTIC: Final = (
    0.985  # Dice of outlines and ellipses from which they are ellipses; of discs of 20 pixels it is .99
)
_WHY_WINDOWS: Final = (
    "windows of the picture as it is: shrunk to one glance, its thin structures would vanish"
)


def structure_plan(found: Fingerprint, target: Target, machine: Machine, seconds: float | None) -> Plan:
    """How a network is learnt that outlines structures."""
    labels = tuple(label.code for label in target.labels)
    activation: Literal["sigmoid", "softmax"] = (
        "softmax" if target.kind == "segmentation" and len(labels) > 1 else "sigmoid"
    )
    intensity, why_numbers = intensity_of(found)
    grainy = intensity is None and found.modality == "US" and found.ndim == 2
    if grainy:
        why_numbers = "dark tissue of a sonogram gets more room"
    parts: dict[str, Any] = {
        "labels": labels,
        "activation": activation,
        "channels": 3 if found.channels == 3 else 1,
        "normalise": "window" if intensity is not None else "root-zscore" if grainy else "zscore",
        "intensity": intensity,
    }
    reasons = {
        "recipe.normalise": why_numbers,
        "recipe.activation": "structures exclude one another"
        if activation == "softmax"
        else "each structure stands for itself",
        "loss": "cross-entropy for each place, overlap for each structure, however small",
        "precision": "this processor multiplies bfloat16 faster"
        if machine.bf16
        else "this processor is exact",
    }
    whole = _picture_plan if found.ndim == 2 else volume_plan
    return whole(found, machine, seconds, parts, reasons)


def _picture_plan(
    found: Fingerprint,
    machine: Machine,
    seconds: float | None,
    parts: dict[str, Any],
    reasons: dict[str, str],
) -> Plan:
    longest, thinnest = 512 if machine.gpu else 288, min(found.thickness.values(), default=1.0)
    scale = min(1.0, longest / max(found.shape))
    fine = thinnest * scale * max(found.shape) < _FINE
    lost = scale < 1 and thinnest * longest < _LOST
    windows = fine and (lost or scale == 1) and _held(found, machine)
    network, options, step, why_network = _picture_network(machine, fine=fine)
    if windows:
        side = (384 if machine.gpu else 192) if lost else longest
        shape = tuple(min(side, math.ceil(n / step) * step) for n in found.shape)
        n, why_shape = found.samples * max(1, round(math.prod(found.shape) / math.prod(shape))), _WHY_WINDOWS
    else:
        shape = tuple(max(2 * step, round(n * scale / step) * step) for n in found.shape)
        n, why_shape = (
            found.samples,
            f"the whole picture at one glance, its longest side about {longest} samples",
        )
    prior, why_prior = _prior(found, parts)
    usual = max(20 if windows else 40, min(300, 35_000 // n))
    return Plan(
        recipe=Recipe(shape=shape, overlap=0.25 if windows else None, prior=prior, **parts),
        network=network,
        options=options,
        epochs=usual if seconds is None else 3 * usual,
        batch=4 if windows else max(2, min(8, n // 4)),
        balance=n / found.samples - 1 if windows else 0.2,
        precision="bf16-mixed" if machine.bf16 else "32-true",
        steps=_picture_steps(fine=fine),
        loss="overlap-entropy",
        settle=None if seconds is not None and seconds < 600 else Settle(moments=0.0),
        seconds=seconds,
        fingerprint=found,
        reasons=reasons
        | why_prior
        | {
            "recipe.shape": why_shape,
            "network": why_network,
            "epochs": f"{usual * n} pictures are seen in all" if seconds is None else "at most",
            "steps": "thin structures must stay to be seen: nothing is covered, and little is blurred"
            if fine
            else "what differs between pictures of one thing: how it was held, how bright, what was covered",
            "balance": "an epoch sees as many windows as cover the pictures"
            if windows
            else "sizes that are rare come as often as common ones",
        },
    )


def _held(found: Fingerprint, machine: Machine) -> bool:
    """Whether a quarter of the memory holds all pictures with their masks at full size."""
    masks = max(1, len(found.sizes)) + 1
    return found.samples * math.prod(found.shape) * (found.channels + masks) * 4 / 2**30 < machine.memory / 4


def _picture_network(machine: Machine, *, fine: bool) -> tuple[str, dict[str, Any], int, str]:
    """Its name, its options, the number that its sides are multiples of, and why."""
    if fine:
        base, levels = (32, 6) if machine.gpu else (16, 5)
        options = {"base": base, "levels": levels, "norm": "batch"}
        return "unet", options, 2 ** (levels - 1), "a U-Net at full resolution: the structures are thin"
    why = "a U-Net that computes at half resolution: fast, and an edge is known finer than a pixel"
    return "residual-unet", {"widths": list(_WIDTHS)}, 2 ** len(_WIDTHS), why


def _picture_steps(*, fine: bool) -> tuple[AnyStep, ...]:
    if fine:
        return (Affine(shrink=1.3, grow=1.4), Gamma(), Gain(), Noise())
    return (Affine(), Gamma(), Gain(), Speckle(), Blur(), Erase())


def _prior(found: Fingerprint, parts: dict[str, Any]) -> tuple[Literal["none", "ellipse"], dict[str, str]]:
    least = min(found.ellipses.values(), default=0.0)
    if len(parts["labels"]) > 1 or parts["activation"] != "sigmoid" or least < _ELLIPTIC:
        return "none", {}
    return "ellipse", {"recipe.prior": f"every outline of the data is an ellipse (Dice {least:.3f} or more)"}
