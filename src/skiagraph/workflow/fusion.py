"""Fusing models: what several say of cases that they did not learn from, calibrated together, as one more bundle."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Dataset
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.findings import NotApplicable
from skiagraph.inference.fused import Fused, joined_recipe
from skiagraph.report.evaluated import Evaluated
from skiagraph.task import Bundle, Card, InputSpec, OutputSpec, Recipe, Watch, save_bundle
from skiagraph.training.calibrate import calibrated_classes, calibrated_values
from skiagraph.training.card import measured, scores_of
from skiagraph.training.targets import true_vector
from skiagraph.version import __version__
from skiagraph.workflow.shelf import Reader, fused_reader

__all__ = ["Fusion", "fusion_of", "kept"]

_FEW: Final = 20  # cases below which nothing is calibrated
_ANY: Final = "OT"
_NO_LICENCE: Final = "LicenseRef-not-stated"


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fusion:
    """What a fusion gave.

    Args:
        reader: The fusion, ready to read; its bundle is not written yet.
        cases: How many cases it was calibrated on.
        notes: What its user should know, one sentence each.
    """

    reader: Reader
    cases: int
    notes: tuple[str, ...]


def fusion_of(
    members: Sequence[Reader], name: str, dataset: Dataset, *, weights: Sequence[float] = (), watch: Watch
) -> Fusion:
    """Joins models, and calibrates what they say together.

    Args:
        members: Two or more that answer the same; the first says in which order the classes stand.
        name: Of the fusion.
        dataset: Cases with references that none of the members learnt from; with outlines among what is known of
            them, where a member judges these.
        weights: What each counts; none counts each the same.
        watch: Told after each case.

    Raises:
        InvalidInput: Members that cannot be joined, not one weight each, or not one case that all of them answer.
    """
    cards = [member.card for member in members]
    recipe = joined_recipe([member.recipe for member in members], _names(cards))
    recipe = _with(recipe, weights=[float(w) for w in weights]) if weights else recipe
    card = _card(name, recipe, members, dataset)
    model = Fused(card=card, recipe=recipe, members=tuple(member.model for member in members))
    notes = list(_seen(cards, dataset))
    told, true = _asked(model, dataset, notes, watch)
    fit = calibrated_classes if recipe.task == "classification" else calibrated_values
    recipe = fit(recipe, told, true)
    if len(told) < _FEW:
        notes.append(f"{len(told)} cases were answered: nothing is calibrated on fewer than {_FEW}.")
    plan = {
        "kind": "fusion",
        "members": [
            {"name": key, "card": one.card.name, "version": one.card.version, "digest": one.digest}
            for key, one in zip(recipe.members, members, strict=True)
        ],
        "calibrated": {"data": dataset.name, "cases": len(told)},
        "software": __version__,
    }
    bundles = tuple(member.bundle for member in members)
    bundle = Bundle(card=card, recipe=recipe, plan=plan, folder=Path(name), members=bundles)
    return Fusion(reader=fused_reader(bundle, members), cases=len(told), notes=tuple(notes))


def kept(fusion: Fusion, found: Evaluated, to: Path) -> Bundle:
    """Writes the bundle of a fusion, with what was measured on its card.

    Args:
        fusion: What was joined.
        found: Its evaluation.
        to: The folder, which must not exist yet.

    Raises:
        WriteFailed: The folder exists, or the disk does not take it.
    """
    on = f"{found.cases} cases of {found.data}, {found.split}"
    bundle = fusion.reader.bundle
    return save_bundle(
        dataclasses.replace(bundle, card=measured(bundle.card, scores_of(found.judged, on))), to
    )


def _asked(
    model: Fused, dataset: Dataset, notes: list[str], watch: Watch
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Answers and truths of the cases that all members answer, (cases, outputs) and (cases, labels)."""
    told: list[NDArray[Any]] = []
    true: list[NDArray[Any]] = []
    refused: list[str] = []
    for done, sample in enumerate(dataset, 1):
        try:
            answer = model.answer(sample.case())
            if isinstance(answer, NotApplicable):
                refused.append(answer.explanation)
            else:
                truth = true_vector(sample, model.recipe)
                told.append(answer)
                true.append(truth)
        except SkiagraphError as error:
            notes.append(f"{sample.identifier}: {error}")
        watch(done, len(dataset), {})
    if not told:
        raise InvalidInput(
            "a fusion is calibrated on cases that all members answer",
            got="none",
            way_out=(refused or notes or ["name another split"])[-1].rstrip("."),
        )
    if refused:
        notes.append(f"{len(refused)} cases were not answered, such as: {refused[0]}")
    return np.stack(told).astype(np.float64), np.stack(true).astype(np.float64)


def _names(cards: Sequence[Card]) -> list[str]:
    """A name of its own for each member, fit for a folder."""
    found: list[str] = []
    for card in cards:
        plain = re.sub(r"[^a-z0-9]+", "-", card.name.lower()).strip("-") or "member"
        name, n = plain, 1
        while name in found:
            n += 1
            name = f"{plain}-{n}"
        found.append(name)
    return found


def _seen(cards: Sequence[Card], dataset: Dataset) -> Iterator[str]:
    """A warning of each member whose card names the data that the fusion is calibrated on."""
    for card in cards:
        if dataset.name in card.data:
            yield (
                f"{card.name} learnt from {dataset.name}: the fusion is calibrated well only on cases of it that no "
                "member learnt from."
            )


def _card(name: str, recipe: Recipe, members: Sequence[Reader], dataset: Dataset) -> Card:
    cards = [member.card for member in members]
    says = {"classification": ("Classification", "Tells apart"), "regression": ("Measurement", "Measures")}
    finding, verb = says[recipe.task]
    words = ", ".join(code.meaning or code.value for code in recipe.labels[:12])
    concepts = recipe.labels if recipe.concept is None else (recipe.concept,)
    licences = dict.fromkeys(card.licence for card in cards if card.licence)
    return Card(
        name=name,
        version="0.1.0",
        task=recipe.task,
        summary=f"{verb} {words} by {len(cards)} models together: {', '.join(card.name for card in cards)}.",
        inputs=_inputs(cards),
        outputs=tuple(OutputSpec(finding=finding, concept=concept) for concept in concepts),
        intended_use="Research. Not a medical device.",
        limits=("Nothing was measured on data that it did not learn from.",),
        data=tuple(dict.fromkeys([*(one for card in cards for one in card.data), dataset.name])),
        origin="; ".join(
            f"{one.card.name} {one.card.version}, SHA-256 {one.digest}, {one.card.licence or _NO_LICENCE}"
            for one in members
        ),
        licence=" AND ".join(licences) or _NO_LICENCE,
        attribution=" ".join(dict.fromkeys(card.attribution for card in cards if card.attribution)),
    )


def _inputs(cards: Sequence[Card]) -> tuple[InputSpec, ...]:
    """What all members read: of an image that several read the narrowest terms."""
    found: dict[str, InputSpec] = {}
    for card in cards:
        for one in card.inputs:
            before = found.setdefault(one.name, one)
            differ = before.modality != one.modality and _ANY not in (before.modality, one.modality)
            if differ or before.ndim != one.ndim:
                raise InvalidInput(
                    f"all members of a fusion read the same kind of {one.name}",
                    got=f"{before.ndim}-D of modality {before.modality}, and {one.ndim}-D of {one.modality}",
                )
            found[one.name] = dataclasses.replace(
                before,
                modality=one.modality if before.modality == _ANY else before.modality,
                needs_size=before.needs_size or one.needs_size,
                regions=before.regions or one.regions,
            )
    return tuple(found.values())


def _with(recipe: Recipe, **numbers: Any) -> Recipe:
    return dataclasses.replace(recipe, calibration={**recipe.calibration, **numbers})
