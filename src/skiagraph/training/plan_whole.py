"""Plans for answers about a whole image: classes, and values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import torch

from skiagraph.case import Target
from skiagraph.errors import InvalidInput
from skiagraph.networks import multiply_adds
from skiagraph.preprocess import Affine, Erase, Gain, Gamma, Noise, Pose
from skiagraph.task import Intensity, Recipe
from skiagraph.training.build import built
from skiagraph.training.fingerprint import Fingerprint
from skiagraph.training.machine import Machine
from skiagraph.training.plan import AnyStep, Plan, Settle
from skiagraph.training.plan_scale import scaled, scaled_steps

__all__ = ["class_plan", "intensity_of", "network_for", "operations_per_second", "value_plan"]

Option = tuple[str, Mapping[str, Any]]
_SMALL: Final = (
    64  # samples a side up to which a picture is taken as it is, and the network does not begin with a stride
)
_EPOCHS: Final = 40  # that a network must be able to see in the time budget
_NETWORKS: Final = 5  # that are asked together, where the time holds so many small ones
_WIDTHS: Final = 2  # from the small end of a row, of which they are; no wider ones were tried together
_GROUPS: Final = 50  # from which each of them can do without a part
_SECONDS: Final = 1800.0  # of a training without a budget, for the choice of its network
_FOR_SMALL: Final[tuple[Option, ...]] = (
    ("resnet-18", {"stem": "3x3", "base": 16}),
    ("resnet-18", {"stem": "3x3", "base": 32}),
    ("resnet-18", {"stem": "3x3", "base": 64}),
)
_FOR_LARGE: Final[tuple[Option, ...]] = (
    ("resnet-18", {"base": 16}),
    ("resnet-18", {"base": 32}),
    ("resnet-18", {"base": 64}),
    ("resnet-50", {"stride_in": "3x3"}),
)
_FOR_VOLUMES: Final[tuple[Option, ...]] = (
    ("resnet-18", {"base": 8}),
    ("resnet-18", {"base": 16}),
    ("resnet-18", {"base": 32}),
)


def class_plan(found: Fingerprint, target: Target, machine: Machine, seconds: float | None) -> Plan:
    """How a network is learnt that tells classes."""
    labels = tuple(label.code for label in target.labels)
    if target.kind != "multi-label" and len(labels) < 2:
        raise InvalidInput("classes that exclude one another are two or more", got=str(len(labels)))
    activation: Literal["sigmoid", "softmax", "ordinal"] = "softmax"
    if target.kind != "multi-class":
        activation = "sigmoid" if target.kind == "multi-label" else "ordinal"
    recipe, reasons = _whole_recipe(
        found, machine, task="classification", labels=labels, concept=target.concept, activation=activation
    )
    reasons["recipe.activation"] = {
        "softmax": "classes exclude one another",
        "sigmoid": "each label is true for itself",
        "ordinal": "classes are ranked, and a mistake of two ranks is worse than of one",
    }[activation]
    counts = [found.counts.get(label.name, 0) for label in target.labels]
    rare = activation == "sigmoid" and sum(counts) / (len(counts) * found.samples) < 0.1
    reasons["loss"] = "positives are rare: easy negatives count little" if rare else "the usual one"
    weights = _class_weights(counts) if activation != "sigmoid" else ()
    reasons["class_weights"] = (
        f"the classes are uneven ({min(counts)} to {max(counts)})"
        if weights
        else "the classes are even enough"
    )
    few = found.samples < 2000 and activation == "softmax"
    reasons["mixup"] = "few samples: mixtures of two add some" if few else "enough samples without mixtures"
    reasons["smoothing"] = (
        "labels of people are never quite sure" if activation == "softmax" else "not needed here"
    )
    return _whole_plan(
        found,
        machine,
        seconds,
        recipe,
        reasons,
        loss="asymmetric" if rare else "cross-entropy",
        class_weights=weights,
        smoothing=0.1 if activation == "softmax" else 0.0,
        mixup=0.2 if few else 0.0,
        steps=_steps(found),
    )


def value_plan(
    found: Fingerprint, targets: Sequence[Target], machine: Machine, seconds: float | None
) -> Plan:
    """How a network is learnt that measures."""
    spreads = [found.values[t.name] for t in targets]
    if any(s.deviation <= 0 for s in spreads):
        raise InvalidInput("the values to learn differ from one another", got="one value alone")
    recipe, reasons = _whole_recipe(
        found,
        machine,
        task="regression",
        labels=tuple(t.concept for t in targets),
        units=tuple(t.unit for t in targets if t.unit is not None),
        activation="gaussian",
        calibration={
            "centre": [round(s.mean, 6) for s in spreads],
            "scale": [round(s.deviation, 6) for s in spreads],
        },
    )
    reasons["recipe.activation"] = "a mean and its own uncertainty for each value"
    reasons["loss"] = "the uncertainty is learnt together with the value"
    recipe, changed = scaled(recipe, found, machine)
    steps = scaled_steps(recipe)
    return _whole_plan(found, machine, seconds, recipe, reasons | changed, loss="gaussian", steps=steps)


def _whole_recipe(found: Fingerprint, machine: Machine, **parts: Any) -> tuple[Recipe, dict[str, str]]:
    shape, why_shape = _shape(found, machine)
    intensity, why_numbers = intensity_of(found)
    flat = found.ndim == 2
    recipe = Recipe(
        channels=3 if found.channels == 3 else 1,
        shape=shape,
        orientation=None if flat else "SPL",
        normalise="zscore" if intensity is None else "window",
        intensity=intensity,
        mirror=(1,) if flat else (),
        **parts,
    )
    mirrored = (
        "the mean with the mirror image, which augmentation shows too" if flat else "one look is enough"
    )
    return recipe, {"recipe.shape": why_shape, "recipe.normalise": why_numbers, "recipe.mirror": mirrored}


def _shape(found: Fingerprint, machine: Machine) -> tuple[tuple[int, ...], str]:
    """Samples along each axis that the network sees."""
    if found.ndim == 2 and max(found.largest) <= _SMALL:
        return found.shape, "pictures this small are taken as they are"
    fast = bool(machine.gpu)
    if found.ndim == 2:
        longest, step = (224, 32) if fast else (160, 32)
        scale = min(1.0, longest / max(found.shape))
        why = f"the longest side has {longest} samples, which {'the graphics' if fast else 'this'} processor bears"
    else:
        voxels, step = (96**3, 16) if fast else (48**3, 16)
        scale = min(1.0, (voxels / math.prod(found.shape)) ** (1 / 3))
        why = f"about {voxels} voxels, which this machine bears"
    return tuple(max(step, round(n * scale / step) * step) for n in found.shape), why


def intensity_of(found: Fingerprint) -> tuple[Intensity | None, str]:
    """The numbers of the normalisation where values mean the same in every image; else None."""
    if not found.hounsfield:
        return None, "brightness differs from image to image and means nothing: mean 0, deviation 1 each"
    s = found.foreground or found.intensity
    high = max(s.high, s.low + 1.0)
    window = Intensity(low=s.low, high=high, mean=s.mean, deviation=max(s.deviation, 1e-3))
    return window, f"Hounsfield units mean the same everywhere: {s.low:.0f} to {high:.0f}, as in the data"


def _class_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """The root of how rare each class is, where the rarest is five times as rare as the most frequent."""
    there = [max(1, n) for n in counts]
    if max(there) < 5 * min(there):
        return ()
    roots = [math.sqrt(max(there) / n) for n in there]
    return tuple(round(r * len(roots) / sum(roots), 4) for r in roots)


def _steps(found: Fingerprint) -> tuple[AnyStep, ...]:
    """Much, for a settled end follows."""
    if found.ndim == 3:
        return (Pose(shrink=1.22, grow=1.22), Gamma(gamma=1.3, brightness=1.2), Noise())
    return (
        Affine(turn=20.0, any_turn=0.0, shrink=1.35, grow=1.35, stretch=1.2, shift=0.12, shear=0.1),
        Gamma(gamma=1.8),
        Gain(strength=0.25),
        Noise(),
        Erase(share=0.5, largest=0.5),
    )


def _settle(found: Fingerprint, epochs: int) -> Settle:
    """The last quarter of all epochs, in which pictures are shown almost as they are.

    Turned, darkened and covered pictures have other means and variances than those that come later; a network that
    has seen nothing else leans to one class.
    """
    light = (
        (Pose(shrink=1.05, grow=1.05), Gamma(gamma=1.2, brightness=1.1))
        if found.ndim == 3
        else (
            Affine(turn=8.0, any_turn=0.0, shrink=1.08, grow=1.08, stretch=1.04, shift=0.04, shear=0.03),
            Gamma(gamma=1.2, brightness=1.1),
        )
    )
    return Settle(epochs=max(1, epochs // 4), learning_rate=1e-3, steps=light, moments=0.0)


def operations_per_second(machine: Machine) -> float:
    """What a machine adds and multiplies when it learns, in operations a second; a careful guess."""
    if machine.gpu:
        return 2e13
    return machine.cores * (8e10 if machine.bf16 else 4e10)


def network_for(recipe: Recipe, options: Sequence[Option], samples: int, room: float) -> tuple[Option, str]:
    """The largest network that can see every sample often enough.

    Args:
        recipe: Shape, channels and outputs.
        options: From small to large.
        samples: That are learnt from.
        room: Operations that there is time for.
    """
    best, cost = options[0], 0.0
    for option in options:
        sums = _sums(recipe, option)
        if option != options[0] and _work(sums, samples) > room:
            break
        best, cost = option, sums
    return (
        best,
        f"the largest of its row that fits {_EPOCHS} epochs into the time ({cost / 1e6:.0f} M multiply-adds)",
    )


def _sums(recipe: Recipe, option: Option) -> float:
    """Multiply-adds of one answer."""
    plan = Plan(recipe=recipe, network=option[0], options=option[1], epochs=1, loss=_any_loss(recipe))
    with torch.device("meta"):
        return multiply_adds(built(plan, 0), (1, recipe.channels, *recipe.shape))


def _work(sums: float, samples: float) -> float:
    """Operations of a training: forward and twice that back, a product and a sum each."""
    return 6.0 * sums * samples * _EPOCHS


def _networks(found: Fingerprint, recipe: Recipe, row: Sequence[Option], room: float) -> tuple[int, str]:
    """How many networks are asked together: several small ones before a large one, where they are classes."""
    if recipe.task != "classification" or found.ndim == 3 or found.groups < _GROUPS:
        return 1, "a single network: a value, a volume, or too few groups to leave a part out"
    learnt = found.samples * (1 - 1 / _NETWORKS)
    if _NETWORKS * _work(_sums(recipe, row[0]), learnt) > room:
        return 1, "a single network, for which there is time"
    return (
        _NETWORKS,
        "the time holds so many: each is judged on the part that it did not see, and their mean is surer",
    )


def _any_loss(recipe: Recipe) -> Literal["cross-entropy", "gaussian", "overlap-entropy"]:
    if recipe.task == "segmentation":
        return "overlap-entropy"
    return "gaussian" if recipe.task == "regression" else "cross-entropy"


def _whole_plan(
    found: Fingerprint,
    machine: Machine,
    seconds: float | None,
    recipe: Recipe,
    reasons: dict[str, str],
    **parts: Any,
) -> Plan:
    row = _FOR_VOLUMES if found.ndim == 3 else _FOR_SMALL if max(recipe.shape) <= _SMALL else _FOR_LARGE
    room = operations_per_second(machine) * (seconds or _SECONDS) * 0.8
    folds, why_folds = _networks(found, recipe, row, room)
    n = found.samples if folds == 1 else found.samples * (folds - 1) // folds
    (name, options), why_network = network_for(recipe, row if folds == 1 else row[:_WIDTHS], n, room / folds)
    batch = max(2, min(64 if n >= 2000 else 32 if n >= 400 else 16, n // 4))
    usual = min(200, max(30, 200_000 // n)) if folds == 1 else min(80, max(20, 100_000 // n))
    most = usual if seconds is None else 3 * usual
    last = _settle(found, most) if recipe.task == "classification" else None
    return Plan(
        recipe=recipe,
        network=name,
        options=options,
        epochs=most - (last.epochs if last else 0),
        batch=batch,
        learning_rate=3e-3,
        warmup=max(2, min(100, 2 * n // batch)),
        weight_decay=0.05,
        average=0.995 if n * usual // batch > 2000 else 0.98,
        precision="bf16-mixed" if machine.bf16 else "32-true",
        settle=last,
        folds=folds,
        seconds=seconds,
        fingerprint=found,
        reasons=reasons
        | {
            "network": why_network,
            "batch": f"{n} samples to learn from",
            "epochs": f"{usual * n} pictures are seen in all" if seconds is None else "at most",
            "steps": "what differs between images of one thing: how it was held, how bright, what was covered",
            "settle.epochs": "in the end pictures almost as they are: the statistics of the network fit those that come"
            if last
            else "nothing after",
            "folds": why_folds,
            "precision": "this processor multiplies bfloat16 faster"
            if machine.bf16
            else "this processor is exact",
        },
        **parts,
    )
