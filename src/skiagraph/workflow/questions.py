"""What a model is asked on a data set, question by question, and by which metric each is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, final

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.findings import Classification, Finding, Measurement, Segmentation
from skiagraph.metrics import classification, multi_label, regression, segmentation
from skiagraph.report.evaluated import Kind
from skiagraph.task import Card, Comparison, Estimate, Recipe, Tabular

__all__ = ["Answer", "Cut", "Question", "cut_of", "plain_names", "questions_of"]

Answer: TypeAlias = Classification | Measurement | Segmentation

Cut: TypeAlias = float | Mapping[Code, float] | None
"""From which probability on a class is decided for: of the second of two, or of each label. None: the likelier."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One thing that a model answers.

    Args:
        name: In words; empty where it is the only one.
        kind: What its answers are.
        metric: Judges it, with the usual decisions.
        decided: The metric of those who decide in another way; None where nothing is decided.
        finding: The kind of finding that answers it.
        concept: Which of these findings; None for the first.
        structures: Of outlines, their codes.
    """

    name: str
    kind: Kind
    metric: Tabular[Any]
    decided: Callable[[Cut], Tabular[Any]] | None = None
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

    def metric_for(self, cut: Cut) -> Tabular[Any]:
        """The metric of one who decides from `cut` on."""
        return self.metric if self.decided is None or cut is None else self.decided(cut)

    def is_about(self, reference: Answer) -> bool:
        """Whether a reference speaks of what is asked: an outline of other structures does not."""
        if not isinstance(reference, Segmentation) or not reference.segments:
            return True
        return any(segment.code in self.structures for segment in reference.segments)


def questions_of(recipe: Recipe, card: Card) -> tuple[Question, ...]:
    """What a model answers, the answer of its network first, then what is measured on it.

    Args:
        recipe: Its classes, structures or concepts.
        card: Says what else is measured.
    """
    if recipe.task == "classification":
        return (_classes(recipe),)
    if recipe.task == "regression":
        return tuple(_value(c, alone=len(recipe.labels) == 1) for c in recipe.labels)
    outlines = Question(
        name="",
        kind="outlines",
        metric=segmentation(structures=recipe.labels, ignore=codes.IGNORE),
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


def cut_of(recipe: Recipe) -> Cut:
    """From which probability on the model of a recipe decides."""
    cut: Any = recipe.calibration.get("threshold")
    if recipe.task != "classification" or cut is None:
        return None
    if recipe.activation == "sigmoid":
        return dict(zip(recipe.labels, map(float, cut), strict=True))
    return float(cut) if len(recipe.labels) == 2 else None


def _classes(recipe: Recipe) -> Question:
    if recipe.activation == "sigmoid":
        kind: Kind = "labels"
        decided = partial(_labels_decided, recipe.labels)
        metric = multi_label(classes=recipe.labels)
    else:
        kind, ordinal = "classes", recipe.activation == "ordinal"
        decided = partial(_class_decided, recipe.labels, ordinal)
        metric = classification(classes=recipe.labels, ordinal=ordinal)
    return Question(
        name="", kind=kind, metric=metric, decided=decided, finding=Classification, concept=recipe.concept
    )


def _labels_decided(classes: tuple[Code, ...], cut: Cut) -> Tabular[Any]:
    return multi_label(classes=classes, threshold=0.5 if cut is None else cut)


def _class_decided(classes: tuple[Code, ...], ordinal: bool, cut: Cut) -> Tabular[Any]:  # noqa: FBT001  a partial
    return classification(classes=classes, ordinal=ordinal, threshold=cut if isinstance(cut, float) else None)


def plain_names(
    figures: Mapping[str, Estimate] | Mapping[str, Comparison], question: Question
) -> dict[str, Any]:
    """Figures by name, without the name of a structure that is the only one."""
    if len(question.structures) != 1:
        return dict(figures)
    only = question.structures[0]
    start = f"{only.meaning or only.value}: "
    return {n.removeprefix(start): f for n, f in figures.items() if not n.startswith("mean: ")}
