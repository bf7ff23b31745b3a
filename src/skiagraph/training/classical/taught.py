"""From a table of features to a bundle: nested cross-validation, a fit on all cases, calibration, card and graph."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.findings import Classification, ClassScore, Measurement
from skiagraph.inference.classical import logits_of
from skiagraph.inference.facts import class_probabilities, classified, measured
from skiagraph.metrics import classification, regression
from skiagraph.plain import to_plain
from skiagraph.report.evaluated import HEADLINES, Kind
from skiagraph.task import (
    Bundle,
    Card,
    Described,
    Estimate,
    InputSpec,
    OutputSpec,
    Recipe,
    Score,
    Table,
    Tabular,
    Watch,
    estimated,
    save_bundle,
)
from skiagraph.training.calibrate import calibrated_classes, calibrated_values
from skiagraph.training.classical.fitted import Fitted, graph_of
from skiagraph.training.classical.nested import OutOfFold, Search, chosen, out_of_fold, refitted
from skiagraph.training.classical.rules import Rule, imitated, rules_of
from skiagraph.training.classical.table import FeatureTable
from skiagraph.version import __version__

__all__ = ["Answered", "TaughtClassical", "saved", "taught"]

Answer = Classification | Measurement
_NO_LICENCE: Final = "LicenseRef-not-stated"
_WHERE: Final = {"outline": "a region", "each": "each outlined structure", "image": "the whole image"}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """One case that was judged out of fold.

    Args:
        group: Of the case.
        prediction: Calibrated on the cases of the other folds.
        reference: What is true.
        tally: Of the metric, with the decision of a threshold that was chosen on the other folds.
    """

    group: str
    prediction: Answer
    reference: Answer
    tally: Table


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaughtClassical:
    """All that came of teaching.

    Args:
        card: With the figures of the cases out of fold.
        recipe: With features and calibration.
        plan: What was searched, what each fold chose, how often each feature was kept, and rules; plain data.
        model: The learner, fitted to all cases.
        graph: The same as ONNX-ML.
        told: What models said of cases that they did not learn from.
        answered: The same as calibrated findings, in the order of the table.
        figures: Of these, with 95 % intervals over groups.
        rules: Of classes: of the tree itself, or of a small one that imitates the model.
        alike: The share of cases in which the small tree decides as the model does; None of a tree itself.
    """

    card: Card
    recipe: Recipe
    plan: Mapping[str, Any]
    model: Fitted
    graph: bytes
    told: OutOfFold
    answered: tuple[Answered, ...]
    figures: Mapping[str, Estimate]
    rules: tuple[Rule, ...] = ()
    alike: float | None = None


def taught(
    table: FeatureTable, name: str, search: Search, *, rng: Generator, watch: Watch
) -> TaughtClassical:
    """Teaches a classical model.

    The figures are of nested cross-validation, and calibrated out of fold too: nothing of a case, not even its part in
    the calibration, reaches the answer about it. The model itself then learns from all cases, and is calibrated on all
    answers out of fold.

    Args:
        table: The cases.
        name: Of the model.
        search: What may be chosen.
        rng: All chance.
        watch: Told after each outer fold.

    Raises:
        InvalidInput: Too few groups of a class.
        UnknownName: No such learner or selection.
    """
    told = out_of_fold(table, search, rng=rng, watch=watch)
    every = np.arange(len(table))
    choice = chosen(table, every, search, rng)
    model = refitted(table, every, search, choice, rng)
    plain = _recipe(table, model)
    recipe = _calibrated(plain, told.logits, table)
    answered = tuple(_answered(plain, told, table))
    groups: dict[str, list[Table]] = {}
    for one in answered:
        groups.setdefault(one.group, []).append(one.tally)
    figures = estimated(groups, _metric(recipe), excluded=0, rng=rng)
    rules, alike = _rules(model, recipe, table)
    plan = {
        "kind": "classical",
        "search": to_plain(search),
        "choice": to_plain(choice),
        "folds": [to_plain(one) for one in told.choices],
        "kept": dict(Counter(column for kept in told.kept for column in kept).most_common()),
        "rules": _rules_said(rules, alike),
        "cases": len(table),
        "groups": len(set(table.groups)),
        "data": table.digest(),
        "software": __version__,
    }
    card = _card(table, name, recipe, (model, figures))
    return TaughtClassical(
        card=card,
        recipe=recipe,
        plan=plan,
        model=model,
        graph=graph_of(model),
        told=told,
        answered=answered,
        figures=figures,
        rules=rules,
        alike=alike,
    )


def saved(result: TaughtClassical, to: Path) -> Bundle:
    """Writes what was taught as a bundle; the folder appears whole or not at all.

    Raises:
        WriteFailed: The folder exists, or the disk does not take it.
    """
    with tempfile.TemporaryDirectory() as work:
        bundle = Bundle(card=result.card, recipe=result.recipe, plan=result.plan, folder=Path(work))
        bundle.graph.write_bytes(result.graph)
        return save_bundle(bundle, to)


def _recipe(table: FeatureTable, model: Fitted) -> Recipe:
    features = Described(
        columns=tuple(table.columns[c] for c in model.columns),
        typical=tuple(float(v) for v in model.scaling.median),
        scores=model.scores,
        sets=_needed(table, [table.columns[c] for c in model.columns]),
        structure=table.structure,
        region=table.region,
        sized=table.sized,
    )
    shape = (1,) * table.ndim
    if not table.regression:
        return Recipe(
            task="classification",
            image=table.image,
            labels=tuple(label.code for label in table.target.labels),
            concept=table.target.concept,
            activation="softmax",
            shape=shape,
            normalise="none",
            features=features,
        )
    centre, scale = float(table.truth.mean()), max(float(table.truth.std()), 1e-12)
    return Recipe(
        task="regression",
        image=table.image,
        labels=(table.target.concept,),
        units=(table.target.unit,) if table.target.unit is not None else (),
        activation="gaussian",
        shape=shape,
        normalise="none",
        calibration={"centre": [centre], "scale": [scale]},
        features=features,
    )


def _needed(table: FeatureTable, kept: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The sets that make the kept columns; one that makes none of the table by its own name repeats others."""
    start = {name: f"{name}_".replace(" ", "_") for name in table.sets}
    return {
        name: said
        for name, said in table.sets.items()
        if any(column.startswith(start[name]) for column in kept)
        or not any(column.startswith(start[name]) for column in table.columns)
    }


def _calibrated(
    recipe: Recipe, logits: NDArray[np.float64], table: FeatureTable, only: NDArray[np.bool_] | None = None
) -> Recipe:
    """The recipe with temperature, bias, threshold and set (or interval) of some cases; None takes all."""
    only = np.ones(len(table), np.bool_) if only is None else only
    if table.regression:
        return calibrated_values(recipe, logits[only], table.truth[only, None])
    targets = (table.truth[only, None] == np.arange(len(recipe.labels))).astype(np.float64)
    return calibrated_classes(recipe, logits[only], targets)


def _answered(recipe: Recipe, told: OutOfFold, table: FeatureTable) -> Iterator[Answered]:
    """Each case, calibrated on the cases of all other folds."""
    others = {int(f): _calibrated(recipe, told.logits, table, told.fold != f) for f in np.unique(told.fold)}
    for i, logits in enumerate(told.logits):
        own = others[int(told.fold[i])]
        prediction = measured(logits, own)[0] if table.regression else classified(logits, own)
        reference = _reference(table, i)
        tally = _metric(own).tally(prediction, reference)
        yield Answered(group=table.groups[i], prediction=prediction, reference=reference, tally=tally)


def _reference(table: FeatureTable, i: int) -> Answer:
    target, truth = table.target, float(table.truth[i])
    if target.unit is not None:
        return Measurement(concept=target.concept, value=truth, unit=target.unit)
    scores = (
        ClassScore(code=label.code, probability=float(n == truth)) for n, label in enumerate(target.labels)
    )
    return Classification(concept=target.concept, scores=tuple(scores))


def _metric(recipe: Recipe) -> Tabular[Any]:
    if recipe.task == "regression":
        return regression()
    return classification(classes=recipe.labels, threshold=recipe.calibration.get("threshold"))


def _rules(model: Fitted, recipe: Recipe, table: FeatureTable) -> tuple[tuple[Rule, ...], float | None]:
    if table.regression:
        return (), None
    if model.learner.name == "tree":
        return rules_of(model, table), None
    p = class_probabilities(logits_of(model(table.numbers), model.scores), recipe)
    decided = p.argmax(axis=1)
    cut = recipe.calibration.get("threshold")
    if cut is not None:
        decided = (p[:, 1] >= cut).astype(np.intp)
    if len(np.unique(decided)) < 2:
        return (), None
    return imitated(model, table, decided)


def _rules_said(rules: Sequence[Rule], alike: float | None) -> list[str]:
    if alike is None:
        return [str(rule) for rule in rules]
    start = f"a small tree that decides as the model does in {100 * alike:.0f} % of the cases:"
    return [start, *map(str, rules)]


def _card(
    table: FeatureTable, name: str, recipe: Recipe, found: tuple[Fitted, Mapping[str, Estimate]]
) -> Card:
    model, figures = found
    regress = table.regression
    words = [code.meaning or code.value for code in recipe.labels]
    on = f"{len(table)} cases of {table.name}, out of fold in nested cross-validation"
    kind: Kind = "values" if regress else "classes"
    scores = tuple(
        Score(
            name=n, value=round(figures[n].value, 4), low=round(figures[n].low, 4), high=round(figures[n].high, 4),
            n=figures[n].n, on=on,
        )
        for n in HEADLINES[kind]
        if n in figures and all(map(math.isfinite, (figures[n].value, figures[n].low, figures[n].high)))
    )  # fmt: skip
    concepts: tuple[Code, ...] = (table.target.concept,)
    return Card(
        name=name,
        version="0.1.0",
        task=recipe.task,
        summary=f"{'Measures' if regress else 'Tells apart'} {', '.join(words[:12])} by {len(model.columns)} "
        f"features of {_WHERE[table.region]} ({model.learner.words}).",
        inputs=(
            InputSpec(
                name=table.image,
                modality=table.modality or "OT",
                ndim=3 if table.ndim == 3 else 2,
                needs_size=bool(table.sets) and table.sized,
            ),
        ),
        outputs=tuple(
            OutputSpec(finding="Measurement" if regress else "Classification", concept=c) for c in concepts
        ),
        intended_use="Research. Not a medical device.",
        limits=(f"Measured on {on} alone; other machines, hospitals and patients are untested.",),
        data=(table.name,),
        licence=table.licence or _NO_LICENCE,
        scores=scores,
    )
