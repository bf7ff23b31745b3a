"""What a model is asked on a data set, question by question, and by which metric each is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from skiagraph.codes import Code
from skiagraph.findings import Classification, Finding, Measurement, Segmentation
from skiagraph.metrics import classification, multi_label, regression, segmentation
from skiagraph.report.evaluated import Kind
from skiagraph.task import Card, Comparison, Estimate, Recipe, Tabular

__all__ = ["Answer", "Question", "plain_names", "questions_of"]

Answer: TypeAlias = Classification | Measurement | Segmentation


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One thing that a model answers.

    Args:
        name: In words; empty where it is the only one.
        kind: What its answers are.
        metric: Judges it.
        finding: The kind of finding that answers it.
        concept: Which of these findings; None for the first.
        structures: Of outlines, their codes.
    """

    name: str
    kind: Kind
    metric: Tabular[Any]
    finding: type[Answer]
    concept: Code | None = None
    structures: tuple[Code, ...] = ()

    def among(self, findings: Sequence[Finding]) -> Answer | None:
        """The finding that answers this question; None where there is none."""
        for item in findings:
            if isinstance(item, self.finding) and (
                self.concept is None or getattr(item, "concept", None) == self.concept
            ):
                return item
        return None

    def is_about(self, reference: Answer) -> bool:
        """Whether a reference speaks of what is asked: an outline of other structures does not."""
        if not isinstance(reference, Segmentation) or not reference.segments:
            return True
        return any(segment.code in self.structures for segment in reference.segments)


def questions_of(recipe: Recipe, card: Card) -> tuple[Question, ...]:
    """What a model answers, the answer of its network first, then what is measured on it.

    Args:
        recipe: Classes with the thresholds that were chosen for them, structures, or concepts.
        card: Says what else is measured.
    """
    if recipe.task == "classification":
        return (_classes(recipe),)
    if recipe.task == "regression":
        return tuple(_value(c, alone=len(recipe.labels) == 1) for c in recipe.labels)
    outlines = Question(
        name="",
        kind="outlines",
        metric=segmentation(structures=recipe.labels),
        finding=Segmentation,
        structures=recipe.labels,
    )
    measured = dict.fromkeys(o.concept for o in card.outputs if o.finding == "Measurement")
    return (outlines, *(_value(c, alone=False) for c in measured))


def _value(concept: Code, *, alone: bool) -> Question:
    return Question(
        name="" if alone else concept.meaning or concept.value,
        kind="values",
        metric=regression(),
        finding=Measurement,
        concept=concept,
    )


def _classes(recipe: Recipe) -> Question:
    cut: Any = recipe.calibration.get("threshold")
    if recipe.activation == "sigmoid":
        chosen = dict(zip(recipe.labels, cut, strict=True)) if cut is not None else 0.5
        metric = multi_label(classes=recipe.labels, threshold=chosen)
        return Question(name="", kind="labels", metric=metric, finding=Classification, concept=recipe.concept)
    metric = classification(
        classes=recipe.labels,
        ordinal=recipe.activation == "ordinal",
        threshold=float(cut) if cut is not None and len(recipe.labels) == 2 else None,
    )
    return Question(name="", kind="classes", metric=metric, finding=Classification, concept=recipe.concept)


def plain_names(
    figures: Mapping[str, Estimate] | Mapping[str, Comparison], question: Question
) -> dict[str, Any]:
    """Figures by name, without the name of a structure that is the only one."""
    if len(question.structures) != 1:
        return dict(figures)
    only = question.structures[0]
    start = f"{only.meaning or only.value}: "
    return {n.removeprefix(start): f for n, f in figures.items() if not n.startswith("mean: ")}
