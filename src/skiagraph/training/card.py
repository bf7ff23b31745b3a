"""The card of a model that has just been learnt: what it was measured on, and that nothing else was."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from skiagraph.case import Dataset
from skiagraph.report.evaluated import Judged
from skiagraph.task import Card, InputSpec, OutputSpec, Recipe, Score
from skiagraph.training.plan import Origin

__all__ = ["learnt_card", "measured", "scores_of"]

_SAYS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "segmentation": ("Segmentation", "Outlines"),
        "classification": ("Classification", "Tells apart"),
        "regression": ("Measurement", "Measures"),
    }
)
_TOLD: Final = 12  # labels that a summary names
_UNMEASURED: Final = "Nothing was measured on data that it did not learn from."
_NO_LICENCE: Final = "LicenseRef-not-stated"


def learnt_card(
    name: str,
    recipe: Recipe,
    modality: str,
    data: Dataset,
    origin: Origin | None = None,
) -> Card:
    """The card of a model that has just been learnt, and not been measured yet.

    Args:
        name: Its name.
        recipe: How it reads.
        modality: DICOM Modality of the images; empty for files that do not say.
        data: What it learnt from.
        origin: The model whose weights it began with; its data and the terms of its licence hold for this one too.
    """
    finding, says = _SAYS[recipe.task]
    concepts = recipe.labels if recipe.concept is None else (recipe.concept,)
    words = [c.meaning or c.value for c in recipe.labels]
    told = ", ".join(words[:_TOLD]) + (f" and {len(words) - _TOLD} more" if len(words) > _TOLD else "")
    kind = "pictures" if len(recipe.shape) == 2 else "volumes"
    ndim: Literal[2, 3] = 2 if len(recipe.shape) == 2 else 3
    return Card(
        name=name,
        version="0.1.0",
        task=recipe.task,
        summary=f"{says} {told} in {kind}.",
        inputs=(
            InputSpec(
                name=recipe.image, modality=modality or "OT", ndim=ndim, needs_size=recipe.spacing is not None
            ),
        ),
        outputs=tuple(OutputSpec(finding=finding, concept=concept) for concept in concepts),
        intended_use="Research. Not a medical device.",
        limits=(_UNMEASURED,),
        data=tuple(dict.fromkeys((data.name, *(origin.data if origin else ())))),
        origin=f"{origin.name}, SHA-256 {origin.digest}, {origin.licence or _NO_LICENCE}" if origin else "",
        licence=_terms(data.licence or _NO_LICENCE, origin),
        attribution=origin.attribution if origin else "",
    )


def measured(card: Card, scores: Sequence[Score]) -> Card:
    """A card with what was measured, and where else nothing was.

    Args:
        card: As `learnt_card` gave it.
        scores: All on the same cases; none leaves the card as it is.
    """
    if not scores:
        return card
    limits = (f"Measured on {scores[0].on} alone; other machines, hospitals and patients are untested.",)
    return dataclasses.replace(card, scores=tuple(scores), limits=limits)


def _terms(licence: str, origin: Origin | None) -> str:
    """The licence of the data, and of the weights that it began with where that is another (an SPDX expression)."""
    other = "" if origin is None else origin.licence or _NO_LICENCE
    return licence if other in {"", licence} else f"{licence} AND {other}"


def scores_of(results: Sequence[Judged], on: str) -> tuple[Score, ...]:
    """The figures at the head of an evaluation, as they stand on a card.

    Args:
        results: One a question.
        on: The cases, in words.
    """
    scores = []
    for result in results:
        for name in result.headline:
            e = result.figures[name]
            if all(abs(v) < float("inf") for v in (e.value, e.low, e.high)):
                said = f"{result.name}: {name}" if result.name else name
                value, low, high = round(e.value, 4), round(e.low, 4), round(e.high, 4)
                scores.append(Score(name=said, value=value, low=low, high=high, n=e.n, on=on))
    return tuple(scores)
