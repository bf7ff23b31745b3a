"""The evaluation of a classical model, from its answers out of fold: figures, a constant answer beside it, charts."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator

from skiagraph.case import Case, Sample
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore, Measurement
from skiagraph.inference.classical import GraphOfFeatures
from skiagraph.report.evaluated import Evaluated
from skiagraph.task import Bundle
from skiagraph.training.classical import FeatureTable, TaughtClassical
from skiagraph.version import __version__
from skiagraph.workflow.evaluation import Beside, judged_ledger
from skiagraph.workflow.judge import Ledger
from skiagraph.workflow.questions import questions_of

__all__ = ["evaluated_out_of_fold"]


def evaluated_out_of_fold(
    result: TaughtClassical, table: FeatureTable, bundle: Bundle, *, seed: int
) -> Evaluated:
    """Everything that a page says of a classical model; it has no pictures, for a table has none.

    Args:
        result: What was taught.
        table: The cases.
        bundle: The model as it was written.
        seed: Of the bootstrap.
    """
    (question,) = questions_of(result.recipe, result.card)
    constant = [_constant(result, table, i) for i in range(len(table))]
    answered = result.answered
    ledger = Ledger(
        question=question,
        samples=tuple(_row(i, group) for i, group in enumerate(table.groups)),
        tallies={
            "model": tuple(one.tally for one in answered),
            "constant": tuple(
                question.metric.tally(told, one.reference)
                for told, one in zip(constant, answered, strict=True)
            ),
        },
        unit=table.target.unit,
    )
    rng: Generator = np.random.default_rng(seed)
    return Evaluated(
        card=result.card,
        digest=bundle.digest(),
        engine=f"{GraphOfFeatures(result.graph, result.card.name).name}, fp32",
        data=table.name,
        licence=table.licence,
        split="out of fold, nested cross-validation",
        learnt_from=False,
        cases=len(table),
        groups=len(set(table.groups)),
        refusals={},
        problems=table.problems,
        fitted_on=0,
        judged=(judged_ledger(ledger, ("constant",), Beside(), rng),),
        software=__version__,
        seed=seed,
        created=datetime.now(UTC),
    )


def _constant(result: TaughtClassical, table: FeatureTable, i: int) -> Classification | Measurement:
    """The shares of the classes in the other folds, or their median."""
    others = table.truth[result.told.fold != result.told.fold[i]]
    target = table.target
    if target.unit is not None:
        return Measurement(concept=target.concept, value=float(np.median(others)), unit=target.unit)
    shares = np.bincount(others.astype(np.intp), minlength=len(target.labels)) / len(others)
    scores = (
        ClassScore(code=label.code, probability=float(p))
        for label, p in zip(target.labels, shares, strict=True)
    )
    return Classification(concept=target.concept, scores=tuple(scores))


def _row(i: int, group: str) -> Sample:
    return Sample(identifier=f"row {i + 1}", group=group, split="train", case=_no_image, reference=tuple)


def _no_image() -> Case:
    raise InvalidInput("the cases of a table are rows of numbers", got="the wish for an image")
