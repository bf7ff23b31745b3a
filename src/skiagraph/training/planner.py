"""From the fingerprint of the data and the machine to a plan, with the reason of each choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from skiagraph.case import Dataset, Target
from skiagraph.errors import InvalidInput
from skiagraph.training.fingerprint import Fingerprint, fingerprint
from skiagraph.training.machine import Machine
from skiagraph.training.plan import Plan
from skiagraph.training.plan_structures import structure_plan
from skiagraph.training.plan_whole import class_plan, value_plan
from skiagraph.training.targets import Task, chosen_targets

__all__ = ["planned", "why"]

_NAMED: Final = (
    "network",
    "recipe.shape",
    "recipe.spacing",
    "recipe.normalise",
    "recipe.activation",
    "recipe.mirror",
    "loss",
    "class_weights",
    "smoothing",
    "mixup",
    "steps",
    "balance",
    "batch",
    "epochs",
    "learning_rate",
    "settle.epochs",
    "average",
    "precision",
    "validation",
    "folds",
    "seconds",
    "threads",
)


def planned(
    dataset: Dataset, task: Task, machine: Machine, *, seconds: float | None = None, target: str = ""
) -> Plan:
    """A plan for a data set on a machine.

    Args:
        dataset: What will be learnt from, without what it will be judged on.
        task: What is learnt.
        machine: What it will be learnt on.
        seconds: Time budget of the whole training; None for what is usual.
        target: Which question of the data set; empty takes the first that fits, or for a regression all of them.

    Raises:
        InvalidInput: The data set asks no such question, or no image can be read, or one class alone is there.
    """
    targets = chosen_targets(dataset, task, target)
    found = fingerprint(dataset, targets)
    _check_enough(found, task, targets)
    if task == "classification":
        plan = class_plan(found, targets[0], machine, seconds)
    elif task == "regression":
        plan = value_plan(found, targets, machine, seconds)
    else:
        plan = structure_plan(found, targets[0], machine, seconds)
    return _parts_explained(plan, dataset)


def why(plan: Plan) -> list[tuple[str, str, str]]:
    """A plan as rows of (choice, value, reason), for a table."""
    names = dict.fromkeys((*_NAMED, *plan.reasons))
    return [(name, _told(plan, name), plan.reasons[name]) for name in names if name in plan.reasons]


def _told(plan: Plan, name: str) -> str:
    value: Any = plan
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    if name == "network":
        with_these = ", ".join(f"{k} {v}" for k, v in plan.options.items() if isinstance(v, int | str))
        return f"{plan.network} ({with_these})" if with_these else plan.network
    if name == "steps":
        return ", ".join(type(step).__name__ for step in plan.steps) or "none"
    if isinstance(value, tuple):
        return " x ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value) or "none"
    if isinstance(value, dict):
        return (
            ", ".join(f"{k} {v if not isinstance(v, list) else len(v)}" for k, v in value.items()) or "none"
        )
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _check_enough(found: Fingerprint, task: Task, targets: Sequence[Target]) -> None:
    if found.samples < 4:
        raise InvalidInput("a training has at least four samples to learn from", got=str(found.samples))
    there = [name for name, count in found.counts.items() if count]
    if task == "classification" and targets[0].kind != "multi-label" and len(there) < 2:
        raise InvalidInput(
            "samples to learn from belong to at least two classes",
            got=f"only {', '.join(there) or 'none'}",
            way_out="check the column of labels, and the split",
        )
    if task == "segmentation" and not there:
        raise InvalidInput("some sample to learn from shows a structure", got="empty masks alone")


def _parts_explained(plan: Plan, dataset: Dataset) -> Plan:
    if plan.folds > 1:
        said = "each network is judged on the part that it did not see, whatever split the data set names"
    elif any(s.split == "val" for s in dataset):
        said = "the data set names its own: the split val"
    elif plan.fingerprint is not None and plan.fingerprint.groups >= 10:
        said = "groups that are kept apart to choose thresholds and to calibrate"
    else:
        said = "too few groups to keep some apart: nothing is calibrated"
    return dataclasses.replace(plan, reasons={**plan.reasons, "validation": said})
