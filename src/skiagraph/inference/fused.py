"""Fusion of models that answer the same question: one answer from what each of them says of a case."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from skiagraph.case import Case
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, Finding, Measurement, NotApplicable
from skiagraph.inference.facts import classified, measured
from skiagraph.inference.gate import Answering
from skiagraph.task import Card, Recipe

__all__ = ["Fused", "joined_recipe", "said"]

_SURE: Final = (
    1e-6  # probabilities closer to 0 or 1 are not told apart, so that no member has a veto for ever
)
_METHOD: Final = (
    "Mean of {n} models; the interval holds the true value in {level:g} % of the cases of validation."
)
_MEAN: Final = "Mean of {n} models."


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fused:
    """Several models as one.

    Of classes the weighted mean of the logarithms of the members' probabilities: the product rule, with a temperature
    that is fitted later. Of values the weighted mean. Temperature, bias, threshold, prediction set and interval are
    those of its own recipe.

    Args:
        card: What it is.
        recipe: Its own; its calibration may have ``"weights"``, one a member.
        members: Two or more, each behind its gate, in the order of the recipe's members.

    Raises:
        InvalidInput: Not as many members or weights as the recipe names, or weights that are not positive.

    Source: Kittler et al., On combining classifiers (PAMI 1998), section 2.1; with weights the logarithmic opinion
        pool, Genest and Zidek, Combining probability distributions (Statistical Science 1986), section 3.
    """

    card: Card
    recipe: Recipe
    members: tuple[Answering, ...]

    def __post_init__(self) -> None:
        n = len(self.recipe.members)
        weights = np.asarray(self.recipe.calibration.get("weights", [1.0] * n), dtype=np.float64)
        if not len(self.members) == len(weights) == n:
            raise InvalidInput(
                "a fusion has a model and a weight for each member of its recipe",
                got=f"{len(self.members)} models and {len(weights)} weights for {n}",
            )
        if not np.isfinite(weights).all() or (weights <= 0).any():
            raise InvalidInput("the weights of a fusion are positive", got=str(weights.tolist()))

    @property
    def weights(self) -> NDArray[np.float64]:
        """What each member counts, shape (members,); they sum to 1."""
        n = len(self.members)
        weights = np.asarray(self.recipe.calibration.get("weights", [1.0] * n), dtype=np.float64)
        return np.asarray(weights / weights.sum())

    def __call__(self, case: Case, /) -> Finding:
        """The classification, or the first value; or why there is none."""
        return self.findings(case)[0]

    def findings(self, case: Case, /) -> tuple[Finding, ...]:
        """The classification, or all values; or why there is none."""
        answer = self.answer(case)
        if isinstance(answer, NotApplicable):
            return (answer,)
        if self.recipe.task == "classification":
            return (classified(answer, self.recipe),)
        return tuple(map(self._told, measured(answer, self.recipe)))

    def refusal(self, case: Case, /) -> NotApplicable | None:
        """Why the first member that would not take a case would not; None where all would."""
        for member in self.members:
            refusal = member.refusal(case)
            if refusal is not None:
                return _of(member, refusal)
        return None

    def answer(self, case: Case, /) -> NDArray[np.float64] | NotApplicable:
        """What calibration and `facts` take, shape (outputs,); or why a member does not answer."""
        refusal = self.refusal(case)
        if refusal is not None:
            return refusal
        rows = []
        for member in self.members:
            row = said(member.findings(case), self.recipe)
            if isinstance(row, NotApplicable):
                return _of(member, row)
            rows.append(row)
        return np.asarray(self.weights @ np.stack(rows))

    def _told(self, value: Measurement) -> Measurement:
        n = len(self.members)
        if value.interval is None:
            return dataclasses.replace(value, method=_MEAN.format(n=n))
        return dataclasses.replace(value, method=_METHOD.format(n=n, level=100 * value.interval.level))


def _of(member: Answering, refusal: NotApplicable) -> NotApplicable:
    return dataclasses.replace(
        refusal, explanation=f"{member.card.name} does not answer: {refusal.explanation}"
    )


def said(findings: Sequence[Finding], recipe: Recipe) -> NDArray[np.float64] | NotApplicable:
    """What a member says of a case, as `facts` read it.

    Args:
        findings: All of the member about one case.
        recipe: Of the fusion.

    Returns:
        Shape (outputs,): of classes that exclude one another the logarithms of their probabilities, of labels that
        stand each for itself and of ranks the log odds, of values these and zeros. Or why there is no answer.
    """
    refusal = next((f for f in findings if isinstance(f, NotApplicable)), None)
    if refusal is not None:
        return refusal
    if recipe.task == "regression":
        return _values(findings, recipe)
    found = [f for f in findings if isinstance(f, Classification) and f.concept == recipe.concept]
    if len(found) != 1:
        return _several(len(found))
    p = {score.code: score.probability for score in found[0].scores}
    told = np.array([p.get(label, np.nan) for label in recipe.labels])
    if recipe.activation == "ordinal":
        told = told[::-1].cumsum()[-2::-1]
    told = told.clip(_SURE, 1 - _SURE)
    return np.asarray(np.log(told) if recipe.activation == "softmax" else logit(told))


def _values(findings: Sequence[Finding], recipe: Recipe) -> NDArray[np.float64] | NotApplicable:
    row: list[float] = []
    for concept in recipe.labels:
        found = [f.value for f in findings if isinstance(f, Measurement) and f.concept == concept]
        if len(found) != 1:
            return _several(len(found))
        row += found
    return np.array(row + [0.0] * len(row))


def _several(n: int) -> NotApplicable:
    return NotApplicable(
        reason="wrong-content",
        explanation=f"A fusion joins one answer a case, and there are {n or 'none'}; outline one structure.",
    )


def joined_recipe(recipes: Sequence[Recipe], names: Sequence[str]) -> Recipe:
    """The recipe of a fusion, not calibrated yet.

    Args:
        recipes: Of the members. Labels may stand in another order; the first says in which.
        names: Of the members, each once.

    Raises:
        InvalidInput: Fewer than two members, members that answer unlike questions, that are fusions themselves, or
            that read numbers of a table and not images.
    """
    if len(recipes) < 2:
        raise InvalidInput("a fusion has two members or more", got=str(len(recipes)))
    first = recipes[0]
    for name, recipe in zip(names, recipes, strict=True):
        _check_member(name, recipe)
        _check_same(names[0], name, first, recipe)
    same = {recipe.activation for recipe in recipes}
    answer: dict[str, Any] = {"activation": same.pop() if len(same) == 1 else "softmax"}
    if first.task == "regression":
        n = len(first.labels)
        answer |= {"units": first.units, "calibration": {"centre": [0.0] * n, "scale": [1.0] * n}}
    return Recipe(
        task=first.task,
        image=first.image,
        labels=first.labels,
        concept=first.concept,
        shape=(1,) * len(first.shape),
        normalise="none",
        members=tuple(names),
        **answer,
    )


def _check_member(name: str, recipe: Recipe) -> None:
    if recipe.members:
        raise InvalidInput(
            "the members of a fusion are models of their own",
            got=f"{name}, which is a fusion",
            way_out="name its members instead",
        )
    if recipe.task == "segmentation":
        raise InvalidInput(
            "the members of a fusion classify or measure whole cases", got=f"{name}, which outlines"
        )
    if recipe.features is not None and not recipe.features.sets:
        raise InvalidInput(
            "the members of a fusion read images",
            got=f"{name}, which reads numbers of a table",
            way_out="teach it with a table of `skiagraph features` without embeddings",
        )


def _check_same(first: str, other: str, one: Recipe, two: Recipe) -> None:
    """Refuses two members that answer unlike questions."""
    if one.task != two.task or one.concept != two.concept or set(one.labels) != set(two.labels):
        raise InvalidInput(
            f"all members of a fusion answer the same: {first} {_question(one)}",
            got=f"{other}, which {_question(two)}",
        )
    if (one.activation == "sigmoid") != (two.activation == "sigmoid"):
        raise InvalidInput(
            "the classes of all members of a fusion exclude one another, or of none",
            got=f"{first} and {other}, which differ in that",
        )
    if dict(zip(one.labels, one.units, strict=False)) != dict(zip(two.labels, two.units, strict=False)):
        raise InvalidInput("all members of a fusion measure in one unit", got=f"another of {other}")


def _question(recipe: Recipe) -> str:
    names = ", ".join(code.meaning or code.value for code in recipe.labels[:8])
    if recipe.concept is None:
        return f"measures {names}"
    return f"tells apart {names} ({recipe.concept.meaning or recipe.concept.value})"
