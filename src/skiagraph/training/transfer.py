"""A training that begins with the weights of another model: what is taken over, stays fixed, and learns slower."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from skiagraph.errors import BundleError, InvalidInput
from skiagraph.networks import NETWORKS, network
from skiagraph.networks.foreign_weights import under_our_names
from skiagraph.task import Bundle, Recipe, load_bundle
from skiagraph.training.depth import ANSWERS, levels_of, parameter_groups
from skiagraph.training.loop import all_alike
from skiagraph.training.plan import SET, Origin, Plan

__all__ = ["begin", "begin_from", "groups_of", "pace_of"]

_MEMBER: Final = "members.0."  # the first of several networks that are asked together
_COLOURS: Final = 4  # channels that an image has at most


def begin_from(plan: Plan, source: Path) -> Plan:
    """A plan that begins with the weights of another model.

    Of a bundle, the network, its options and the normalisation are taken over too. What the user has set stays.

    Args:
        plan: For the new data.
        source: The folder of a bundle; or a safetensors file in the names of the plan's network, torchvision, timm or
            MedicalNet.

    Raises:
        MissingInput: There is no such bundle or file.
        BundleError: It is damaged, or does not say what network it holds.
        InvalidInput: Its network answers another kind of question, or its parts have other names or sizes.
    """
    same_question, plan = False, _own_options(plan)
    if source.is_dir():
        bundle = load_bundle(source)
        plan, same_question = _as_bundle(plan, bundle)
        origin = _origin(bundle, source)
    else:
        origin = Origin(file=str(source), digest="", name=source.name)
    with torch.device("meta"):
        empty = network(plan.network, **plan.network_options)
    given = _read(empty, origin)
    if not source.is_dir():
        origin = dataclasses.replace(origin, digest=_digest(source))
    taken, anew = _carried(empty, given, plan, () if same_question else ANSWERS)
    _check_names(empty, given, plan, taken)
    plan = _shaped(plan, empty, load_bundle(source).recipe if source.is_dir() else None)
    return _explained(plan, dataclasses.replace(origin, taken=len(taken), anew=anew))


def begin(into: nn.Module, plan: Plan) -> None:
    """Puts the weights that a plan begins with into its network, and fixes the first levels.

    Args:
        into: Just drawn; what is drawn anew stays as it is.
        plan: With an origin, or without one: then nothing changes.

    Raises:
        BundleError: The weights are no longer those that the plan was made with.
        InvalidInput: Levels are to stay fixed without an origin, or all levels are.
    """
    origin = plan.origin
    if origin is None:
        if plan.freeze or plan.head_epochs:
            raise InvalidInput(
                "levels are kept fixed where a training begins with the weights of a model",
                got=f"freeze {plan.freeze}, head_epochs {plan.head_epochs}",
                way_out="name the model with --from",
            )
        return
    path = Path(origin.file)
    if (load_bundle(path).digest() if path.is_dir() else _digest(path)) != origin.digest:
        raise BundleError(
            f"{path.name} holds the weights that the plan was made with", got="others", way_out="plan anew"
        )
    taken, _ = _carried(into, _read(into, origin), plan, origin.anew)
    if len(taken) != origin.taken:
        raise InvalidInput(
            f"the network is that of the plan which took over {origin.taken} tensors",
            got=f"one that takes {len(taken)}",
            way_out="change the network before the plan is made to begin with other weights",
        )
    into.load_state_dict({**into.state_dict(), **taken})
    levels = _levels(into, plan)
    for name, values in into.named_parameters():
        values.requires_grad_(not any(name in level for level in levels[: plan.freeze]))


def pace_of(plan: Plan) -> Callable[[nn.Module], list[dict[str, Any]]]:
    """How a plan parts the parameters of its network, for `skiagraph.training.Run`."""
    alike = plan.origin is None and plan.layer_rate == 1.0
    return all_alike if alike else partial(groups_of, plan=plan)


def groups_of(of: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """The parameters of a network as its optimizer takes them, each with its share of the learning rate.

    Args:
        of: The network of the plan.
        plan: Its layer rate, and what is drawn anew.
    """
    levels, origin = _levels(of, plan), plan.origin
    anew = set(levels[-1]) if origin is None or not origin.anew else set(origin.anew)
    shares = {
        name: (plan.layer_rate**below, 1.0 if name in anew else 0.0)
        for below, level in enumerate(reversed(levels))
        for name in level
    }
    return parameter_groups(of, shares)


def _levels(of: nn.Module, plan: Plan) -> tuple[tuple[str, ...], ...]:
    levels = levels_of(of, (1, plan.recipe.channels, *plan.recipe.shape))
    if plan.freeze >= len(levels):
        raise InvalidInput(
            f"{plan.network} has {len(levels)} levels, of which the last learns", got=f"freeze {plan.freeze}"
        )
    return levels


def _as_bundle(plan: Plan, bundle: Bundle) -> tuple[Plan, bool]:
    """The plan with the network and the normalisation of a bundle, and whether both answer the same question."""
    (name, options), theirs = _network_of(bundle), bundle.recipe
    if len(theirs.shape) != len(plan.recipe.shape):
        raise InvalidInput(
            "a network for pictures does not see volumes, nor the other way round",
            got=f"{bundle.card.name} of {len(theirs.shape)} axes for data of {len(plan.recipe.shape)}",
        )
    wanted, set_by_user = plan.network, {n for n, why in plan.reasons.items() if why == SET}
    if "network" not in set_by_user:
        if NETWORKS[name].task != NETWORKS[wanted].task:
            raise InvalidInput(
                f"a {plan.recipe.task} begins with a network that can answer it",
                got=f"{bundle.card.name}, a {theirs.task} by {name}",
                way_out=f"begin with a bundle of a {plan.recipe.task}",
            )
        mine = {n: v for n, v in plan.options.items() if {"options", f"options.{n}"} & set_by_user}
        plan = dataclasses.replace(plan, network=name, options={**options, **mine})
        plan = _because(plan, "network", f"that of {bundle.card.name}, whose weights it begins with")
    same = ("labels", "concept", "activation", "units")
    return _seen_alike(plan, bundle, set_by_user), all(
        getattr(theirs, part) == getattr(plan.recipe, part) for part in same
    )


def _network_of(bundle: Bundle) -> tuple[str, dict[str, Any]]:
    """Name and options of the network of a bundle."""
    record = next((bundle.plan[part] for part in ("plan", "outline") if part in bundle.plan), bundle.plan)
    if "network" not in record and "widths" in record:  # bundles of format 1 know one network
        return "residual-unet", {"widths": list(record["widths"])}
    name = record.get("network")
    if not isinstance(name, str) or name not in NETWORKS:
        raise BundleError("a bundle to begin with names its network", got=f"{bundle.card.name}: {name!r}")
    return name, dict(record.get("options", {}))


def _seen_alike(plan: Plan, bundle: Bundle, set_by_user: set[str]) -> Plan:
    """The plan with the normalisation of a bundle, and with its lattice where that is in mm."""
    ours, theirs, name = plan.recipe, bundle.recipe, bundle.card.name
    if "recipe.normalise" not in set_by_user and (ours.intensity is None) == (theirs.intensity is None):
        recipe = dataclasses.replace(ours, normalise=theirs.normalise, intensity=theirs.intensity)
        plan = dataclasses.replace(plan, recipe=recipe)
        plan = _because(plan, "recipe.normalise", f"as {name} saw its images")
    if theirs.spacing and ours.spacing and "recipe.spacing" not in set_by_user:
        parts = {p: getattr(theirs, p) for p in ("spacing", "shape", "orientation", "overlap")}
        plan = dataclasses.replace(plan, recipe=dataclasses.replace(plan.recipe, **parts))
        plan = _because(plan, "recipe.spacing", f"what {name} knows is of this size")
        plan = _because(plan, "recipe.shape", f"the window of {name}")
    return plan


def _own_options(plan: Plan) -> Plan:
    """The plan, where its network was set, with the options alone that were set too: the rest is as in the paper."""
    if plan.reasons.get("network") != SET:
        return plan
    mine = {
        n: v for n, v in plan.options.items() if SET in map(plan.reasons.get, ("options", f"options.{n}"))
    }
    return dataclasses.replace(plan, options=mine)


def _origin(bundle: Bundle, source: Path) -> Origin:
    card = bundle.card
    return Origin(
        file=str(source),
        digest=bundle.digest(),
        name=f"{card.name} {card.version}",
        licence=card.licence,
        attribution=card.attribution,
        data=card.data,
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(into: nn.Module, origin: Origin) -> dict[str, Tensor]:
    """The tensors to begin with, under the names of the network; of several networks those of the first."""
    path = Path(origin.file)
    if not path.is_dir():
        return under_our_names(into, path)
    given = load_file(load_bundle(path).weights)
    first = {n.removeprefix(_MEMBER): t for n, t in given.items() if n.startswith(_MEMBER)}
    return first or given


def _carried(
    into: nn.Module, given: Mapping[str, Tensor], plan: Plan, anew: tuple[str, ...]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """What is taken over, and the names of what is not: parts of other shapes, and those that are named."""
    taken, not_taken = {}, []
    for name, ours in into.state_dict().items():
        theirs, part = given.get(name), name.partition(".")[0]
        if not ours.dtype.is_floating_point:
            continue
        fit = None if theirs is None or name in anew or part in anew else _fitted(theirs, ours, plan.recipe)
        if fit is None:
            not_taken.append(name)
        else:
            taken[name] = fit
    return taken, tuple(not_taken)


def _fitted(theirs: Tensor, ours: Tensor, recipe: Recipe) -> Tensor | None:
    """A tensor in our shape; None where it has another.

    Of a first kernel for another number of channels, the sum over the channels is shared out among ours: a grey image,
    and the same image in three equal channels, are answered alike.
    """
    if theirs.shape == ours.shape:
        return theirs
    if ours.ndim == 2 and theirs.ndim > 2 and theirs.flatten(1).shape == ours.shape:
        return theirs.flatten(1)
    if theirs.ndim == ours.ndim >= 4 and ours.shape[1] == recipe.channels and theirs.shape[1] <= _COLOURS:
        kernel = theirs.sum(1, keepdim=True).expand(-1, recipe.channels, *theirs.shape[2:]) / recipe.channels
        return kernel.contiguous() if kernel.shape == ours.shape else None
    return None


def _check_names(
    into: nn.Module, given: Mapping[str, Tensor], plan: Plan, taken: Mapping[str, Tensor]
) -> None:
    """Every part but the answers is in the file, nothing else is, and most of it fits."""
    state = {n: t for n, t in into.state_dict().items() if t.dtype.is_floating_point}
    body = {name for name in state if name.partition(".")[0] not in ANSWERS}
    over = {n for n in given if n.partition(".")[0] not in ANSWERS and not n.endswith("num_batches_tracked")}
    share = sum(state[name].numel() for name in taken) / sum(t.numel() for t in state.values())
    missing, strange = body - given.keys(), over - body
    if missing or strange or share < 0.5:
        got = f"{len(body) - len(missing)} of {len(body)} names, {share:.0%} of the numbers fit"
        raise InvalidInput(
            f"weights to begin with are those of {plan.network}, name by name and mostly in shape",
            got=got,
            way_out="name their network with --set network=NAME, and its options, or begin with another bundle",
        )


def _shaped(plan: Plan, empty: nn.Module, theirs: Recipe | None) -> Plan:
    """The plan, with the lattice of the bundle where its network does not take the one that was planned."""
    try:
        with torch.no_grad():
            empty.eval()(torch.zeros(1, plan.recipe.channels, *plan.recipe.shape, device="meta"))
    except InvalidInput:
        if theirs is None:
            raise
        recipe = dataclasses.replace(plan.recipe, shape=theirs.shape)
        return _because(
            dataclasses.replace(plan, recipe=recipe), "recipe.shape", "the size that the network was made for"
        )
    return plan


def _explained(plan: Plan, origin: Origin) -> Plan:
    """The plan with its origin, and with the pace of a training that does not begin from chance."""
    new = f"drawn anew: {', '.join(origin.anew)}" if origin.anew else "nothing is drawn anew"
    paces = {
        "learning_rate": (plan.learning_rate / 3, "weights that are near are moved in smaller steps"),
        "layer_rate": (0.7, "early levels know what images have in common: each learns slower than the next"),
        "head_epochs": (
            min(5, plan.epochs) if origin.anew else 0,
            "what is new learns alone first, so that it does not spoil the rest"
            if origin.anew
            else "nothing is new",
        ),
    }
    plan = dataclasses.replace(plan, origin=origin)
    for name, (value, why) in paces.items():
        if plan.reasons.get(name) != SET:
            plan = _because(dataclasses.replace(plan, **{name: value}), name, why)  # type: ignore[arg-type]
    if plan.reasons.get("freeze") != SET:
        plan = _because(plan, "freeze", "all levels may learn")
    return _because(plan, "origin", f"{origin.taken} tensors are taken over; {new}")


def _because(plan: Plan, name: str, why: str) -> Plan:
    return dataclasses.replace(plan, reasons={**plan.reasons, name: why})
