"""A model judged on a data set: outlines, measurements and their intervals, with what it refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from numpy.random import Generator

from skiagraph.case import Dataset
from skiagraph.codes import Code
from skiagraph.findings import Finding, Measurement, NotApplicable, Segmentation
from skiagraph.metrics import Agreement, Overlap
from skiagraph.task import Estimate, Watch, evaluate
from skiagraph.workflow.shelf import Reader

__all__ = ["judged"]

F = TypeVar("F", Segmentation, Measurement)
_Row = tuple[str, tuple[Finding, ...], tuple[Finding, ...]]


def judged(reader: Reader, dataset: Dataset, *, rng: Generator, watch: Watch) -> Mapping[str, Estimate]:
    """The figures of a model over a data set.

    Args:
        reader: The model, opened.
        dataset: With references.
        rng: Of the bootstrap.
        watch: Told after each case.

    Returns:
        By name, with 95 % intervals: Dice of the outline, and for each concept that the references state and the card
        promises error, bias, spread, and coverage of the interval.

    Raises:
        InvalidInput: Not one case was answered.
    """
    rows: list[_Row] = []
    for done, sample in enumerate(dataset, 1):
        rows.append((sample.group, reader(sample.case()), sample.reference()))
        watch(done, len(dataset), {})
    figures = dict(evaluate(_pairs(rows, Segmentation, None), Overlap(), rng=rng))
    answers = {output.concept for output in reader.card.outputs if output.finding == "Measurement"}
    stated = dict.fromkeys(f.concept for _, _, true in rows for f in true if isinstance(f, Measurement))
    for concept in (c for c in stated if c in answers):
        estimates = evaluate(_pairs(rows, Measurement, concept), Agreement(), rng=rng)
        figures.update({f"{concept.meaning}: {name}": e for name, e in estimates.items()})
    return figures


def _pairs(
    rows: list[_Row], kind: type[F], concept: Code | None
) -> Iterator[tuple[str, F | NotApplicable, F]]:
    """(group, prediction, reference) of each case that has a reference; no prediction counts as refused."""
    refused = NotApplicable(reason="wrong-content", explanation="The model gave no such finding.")
    for group, found, true in rows:
        reference = _first(true, kind, concept)
        if reference is not None:
            yield group, _first(found, kind, concept) or refused, reference


def _first(items: tuple[Finding, ...], kind: type[F], concept: Code | None) -> F | None:
    for item in items:
        if isinstance(item, kind) and (concept is None or getattr(item, "concept", None) == concept):
            return item
    return None
