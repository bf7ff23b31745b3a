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
_FINE: Final = 8.0  # samples below which a structure must not be blurred or covered
_ELLIPTIC: Final = (
    0.985  # Dice of outlines and ellipses from which they are ellipses; of discs of 20 pixels it is .99
)
_STEPS: Final[tuple[AnyStep, ...]] = (Affine(), Gamma(), Gain(), Speckle(), Blur(), Erase())
_THIN_STEPS: Final[tuple[AnyStep, ...]] = (Affine(shrink=1.3, grow=1.4), Gamma(), Gain(), Noise())


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
    shape, seen, why_shape = _sight(found, machine)
    windows, thin = seen > found.samples, _thickness(found, machine) < _FINE
    prior, why_prior = _prior(found, parts)
    usual = max(20 if windows else 40, min(300, 35_000 // seen))
    return Plan(
        recipe=Recipe(shape=shape, overlap=0.25 if windows else None, prior=prior, **parts),
        network="residual-unet",
        options={"widths": list(_WIDTHS)},
        epochs=usual if seconds is None else 3 * usual,
        batch=4 if windows else max(2, min(8, seen // 4)),
        balance=seen / found.samples - 1 if windows else 0.2,
        precision="bf16-mixed" if machine.bf16 else "32-true",
        steps=_THIN_STEPS if thin else _STEPS,
        loss="overlap-entropy",
        settle=None if seconds is not None and seconds < 600 else Settle(moments=0.0),
        seconds=seconds,
        fingerprint=found,
        reasons=reasons
        | why_prior
        | {
            "recipe.shape": why_shape,
            "network": "a U-Net that computes at half resolution: fast, and an edge is known finer than a pixel",
            "epochs": f"{usual * seen} pictures are seen in all" if seconds is None else "at most",
            "steps": "thin structures must stay to be seen: nothing is covered, and nothing blurred"
            if thin
            else "what differs between pictures of one thing: how it was held, how bright, what was covered",
            "balance": "an epoch sees as many windows as cover the pictures"
            if windows
            else "sizes that are rare come as often as common ones",
        },
    )


def _longest(found: Fingerprint, machine: Machine) -> float:
    """Samples along the longest side of a picture that is seen at one glance."""
    return min(max(found.shape), 512 if machine.gpu else 288)


def _thickness(found: Fingerprint, machine: Machine) -> float:
    """Of the thinnest structure, in samples, where pictures are seen at one glance."""
    return min(found.thickness.values(), default=1.0) * _longest(found, machine)


def _sight(found: Fingerprint, machine: Machine) -> tuple[tuple[int, ...], int, str]:
    """What the network sees at once, how many of these make an epoch, and why."""
    step, longest = 2 ** len(_WIDTHS), _longest(found, machine)
    scale = longest / max(found.shape)
    if scale < 1 and _thickness(found, machine) < _LOST and _held(found, machine):
        side = 384 if machine.gpu else 192
        window = tuple(min(side, math.ceil(n / step) * step) for n in found.shape)
        cover = max(2, round(math.prod(found.shape) / math.prod(window)))
        why = "windows of the picture as it is: shrunk to one glance, its thin structures would vanish"
        return window, cover * found.samples, why
    shape = tuple(max(2 * step, round(n * scale / step) * step) for n in found.shape)
    return (
        shape,
        found.samples,
        f"the whole picture at one glance, its longest side about {longest:.0f} samples",
    )


def _held(found: Fingerprint, machine: Machine) -> bool:
    """Whether a quarter of the memory holds all pictures with their masks at full size."""
    masks = max(1, len(found.sizes)) + 1
    return found.samples * math.prod(found.shape) * (found.channels + masks) * 4 / 2**30 < machine.memory / 4


def _prior(found: Fingerprint, parts: dict[str, Any]) -> tuple[Literal["none", "ellipse"], dict[str, str]]:
    least = min(found.ellipses.values(), default=0.0)
    if len(parts["labels"]) > 1 or parts["activation"] != "sigmoid" or least < _ELLIPTIC:
        return "none", {}
    return "ellipse", {"recipe.prior": f"every outline of the data is an ellipse (Dice {least:.3f} or more)"}
