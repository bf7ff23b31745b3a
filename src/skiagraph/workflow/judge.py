"""Models judged on a data set, side by side: each case is read once, and only numbers of it are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from numpy.random import Generator

from skiagraph.case import Case, Dataset, Sample
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.findings import Finding, Measurement, NotApplicable
from skiagraph.task import Comparison, Estimate, Table, Tabular, Watch, compared, estimated
from skiagraph.workflow.questions import Answer, Cut, Question, cut_of, plain_names, questions_of
from skiagraph.workflow.shelf import Reader

__all__ = ["Answerer", "Ledger", "Sitting", "compared_in", "figures_in", "judged", "sitting"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Whatever answers a case: a model that was opened, a baseline.

    Args:
        answer: From a case to findings.
        cut: From which probability on it decides for a class.
    """

    answer: Callable[[Case], tuple[Finding, ...]]
    cut: Cut = None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ledger:
    """One question: the tallies of each case that has a reference to it, and of each that could not be read.

    Args:
        question: What was asked.
        samples: The cases.
        tallies: By the name of who answered, one a case; None where there was no answer.
        unit: UCUM code of measured values; None of anything else.
    """

    question: Question
    samples: tuple[Sample, ...]
    tallies: Mapping[str, tuple[Table | None, ...]]
    unit: Code | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sitting:
    """All that was written down while a data set was read.

    Args:
        ledgers: One a question that the references answer.
        refusals: By the name of who was asked, how often for which reason.
        problems: Cases that could not be judged, one sentence each.
    """

    ledgers: tuple[Ledger, ...]
    refusals: Mapping[str, Mapping[str, int]]
    problems: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Notes:
    """What grows while cases are read."""

    answerable: bool = False
    samples: list[Sample] = field(default_factory=list)
    tallies: dict[str, list[Table | None]] = field(default_factory=dict)
    unit: Code | None = None


def judged(reader: Reader, dataset: Dataset, *, rng: Generator, watch: Watch) -> Mapping[str, Estimate]:
    """The figures of a model over a data set.

    Args:
        reader: The model, opened.
        dataset: With references.
        rng: Of the bootstrap.
        watch: Told after each case.

    Returns:
        By name, with 95 % intervals; where there are several questions, those of all but the first with the name of
        the question before theirs.

    Raises:
        InvalidInput: Not one case was answered, or no reference is about what the model answers.
    """
    model = Answerer(answer=reader, cut=cut_of(reader.recipe))
    seat = sitting({"model": model}, questions_of(reader.recipe, reader.card), dataset, watch)
    found: dict[str, Estimate] = {}
    for ledger in seat.ledgers:
        name = ledger.question.name
        figures = figures_in(ledger, "model", rng=rng)
        found |= {f"{name}: {figure}" if name else figure: e for figure, e in figures.items()}
    if not found:
        raise InvalidInput("an evaluation has at least one answered case", got=_why_none(seat))
    return found


def _why_none(seat: Sitting) -> str:
    told = [f"{n} {reason}" for counts in seat.refusals.values() for reason, n in counts.items()]
    return "; ".join([*told[:3], *seat.problems[:1]]) or "no answer"


def sitting(
    answerers: Mapping[str, Answerer], questions: Sequence[Question], dataset: Dataset, watch: Watch
) -> Sitting:
    """Asks everyone about each case, once, and keeps the tallies.

    Args:
        answerers: By name.
        questions: What is judged of the answers.
        dataset: With references.
        watch: Told after each case.

    Raises:
        InvalidInput: No reference is about any of the questions.
    """
    notes = [_Notes(tallies={name: [] for name in answerers}) for _ in questions]
    metrics = [{name: q.metric_for(who.cut) for name, who in answerers.items()} for q in questions]
    asked = {None, *(q.concept for q in questions)}
    refusals: dict[str, Counter[str]] = {name: Counter() for name in answerers}
    problems: list[str] = []
    for done, sample in enumerate(dataset, 1):
        true, found = _heard(sample, answerers, problems)
        for name, items in found.items():
            refusals[name].update(
                f.reason for f in items if isinstance(f, NotApplicable) and f.concept in asked
            )
        for question, note, by in zip(questions, notes, metrics, strict=True):
            reference = None if true is None else question.among(true)
            if true is None or (reference is not None and question.is_about(reference)):
                note.samples.append(sample)
                note.answerable |= reference is not None
                note.unit = reference.unit if isinstance(reference, Measurement) else note.unit
                for name, column in note.tallies.items():
                    prediction = question.among(found.get(name, ()))
                    column.append(_tally(by[name], prediction, reference, sample, problems))
        watch(done, len(dataset), {})
    ledgers = tuple(
        Ledger(
            question=q,
            samples=tuple(n.samples),
            tallies={k: tuple(v) for k, v in n.tallies.items()},
            unit=n.unit,
        )
        for q, n in zip(questions, notes, strict=True)
        if n.answerable
    )
    if not ledgers:
        raise InvalidInput(
            "the references of a data set are about what the model answers",
            got=problems[0] if problems else "none of them is",
            way_out="see `skiagraph models` for what it answers",
        )
    return Sitting(ledgers=ledgers, refusals=refusals, problems=tuple(dict.fromkeys(problems)))


def _heard(
    sample: Sample, answerers: Mapping[str, Answerer], problems: list[str]
) -> tuple[tuple[Finding, ...] | None, dict[str, tuple[Finding, ...]]]:
    """The reference of a case, None where it cannot be read, and what each says of it."""
    found: dict[str, tuple[Finding, ...]] = {}
    try:
        case, true = sample.case(), sample.reference()
    except SkiagraphError as error:
        problems.append(f"{sample.identifier}: {error}")
        return None, found
    for name, answer in answerers.items():
        try:
            found[name] = answer.answer(case)
        except SkiagraphError as error:
            problems.append(f"{sample.identifier}: {error}")
    return true, found


def _tally(
    metric: Tabular[Any],
    prediction: Answer | None,
    reference: Answer | None,
    sample: Sample,
    problems: list[str],
) -> Table | None:
    if prediction is None or reference is None:
        return None
    try:
        return metric.tally(prediction, reference)
    except SkiagraphError as error:
        problems.append(f"{sample.identifier}: {error}")
        return None


def figures_in(
    ledger: Ledger, who: str, *, rng: Generator, only: Iterable[int] | None = None
) -> Mapping[str, Estimate]:
    """The figures of one of those who were asked, over all cases or some of them.

    Args:
        ledger: Of one question.
        who: Name.
        rng: Of the bootstrap.
        only: Places of cases in the ledger; None takes all.

    Returns:
        By name; empty where none of the cases was answered.
    """
    chosen = range(len(ledger.samples)) if only is None else list(only)
    groups: dict[str, list[Table]] = {}
    for i in chosen:
        table = ledger.tallies[who][i]
        if table is not None:
            groups.setdefault(ledger.samples[i].group, []).append(table)
    if not groups:
        return {}
    excluded = len(chosen) - sum(map(len, groups.values()))
    found = estimated(groups, ledger.question.metric, excluded=excluded, rng=rng)
    return plain_names(found, ledger.question)


def compared_in(ledger: Ledger, first: str, second: str, *, rng: Generator) -> Mapping[str, Comparison]:
    """First minus second, on the cases that both answered; empty where there is none.

    Args:
        ledger: Of one question.
        first: Name.
        second: Name.
        rng: Of resamples and swaps.
    """
    sides: tuple[dict[str, list[Any]], dict[str, list[Any]]] = ({}, {})
    both = 0
    for sample, *tables in zip(ledger.samples, ledger.tallies[first], ledger.tallies[second], strict=True):
        if all(table is not None for table in tables):
            both += 1
            for side, table in zip(sides, tables, strict=True):
                side.setdefault(sample.group, []).append(table)
    if not both:
        return {}
    excluded = len(ledger.samples) - both
    found = compared(*sides, ledger.question.metric, excluded=excluded, rng=rng)
    return plain_names(found, ledger.question)
