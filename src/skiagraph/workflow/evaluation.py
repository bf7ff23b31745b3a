"""The whole evaluation of a model: figures, baselines and a rival beside it, subgroups, what is drawn, worst cases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, Protocol, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.case import Case, Dataset, Sample
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding
from skiagraph.metrics import delong, mcnemar_p, outcomes
from skiagraph.report.evaluated import (
    LOWER_IS_BETTER,
    ClassCounts,
    Evaluated,
    Judged,
    Kind,
    Rival,
    Subgroup,
    Verdict,
    Worst,
    headline_of,
)
from skiagraph.task import Comparison, Estimate, Watch
from skiagraph.task.tabular import stacked
from skiagraph.version import __version__
from skiagraph.workflow.counts import counts_in, with_exact_intervals
from skiagraph.workflow.drawings import graphs_of, score_of
from skiagraph.workflow.judge import Answerer, Ledger, Sitting, compared_in, figures_in, sitting
from skiagraph.workflow.questions import cut_of, questions_of
from skiagraph.workflow.shelf import Reader

__all__ = [
    "Beside",
    "Fitted",
    "Part",
    "check_attributes",
    "evaluated",
    "evaluated_parts",
    "judged_ledger",
    "members_of",
    "with_baselines",
]

_MODEL, _RIVAL = "model", "rival"
_BASELINES: Final = ("constant", "simple")
_PICTURES: Final = 12
_FEW: Final = 2  # cases below which a subgroup is not shown: single cases would be recognised

_HELD_AGAINST: Final[Mapping[Kind, tuple[str, ...]]] = {
    "classes": (
        "accuracy", "balanced accuracy", "roc auc", "macro roc auc", "pr auc", "macro pr auc", "f1", "macro f1",
        "kappa", "quadratic kappa", "brier",
    ),
    "labels": ("macro roc auc", "macro pr auc", "macro f1", "macro brier"),
    "values": ("mean absolute error", "root mean square error", "r2"),
    "outlines": ("dice", "mean: dice", "hd95 [mm]", "mean: hd95 [mm]"),
}  # fmt: skip


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """What is held beside a model.

    Args:
        baselines: By name; the one called ``"constant"`` gives the warnings.
        fitted_on: Cases that the baselines learnt from.
        rival: Another model, opened.
        by: Attributes of samples whose values part the cases into subgroups.
        members: Others that answer the same cases, by name: their figures stand in the table of the model's.

    Raises:
        InvalidInput: A member has the name of the model, of the rival or of a baseline.
    """

    baselines: Mapping[str, Answerer] = field(default_factory=dict)
    fitted_on: int = 0
    rival: Reader | None = None
    by: tuple[str, ...] = ()
    members: Mapping[str, Answerer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.members:
            if name in (_MODEL, _RIVAL, *_BASELINES, *self.baselines):
                raise InvalidInput(
                    "those beside a model have names of their own", got=name, way_out="call it otherwise"
                )


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Cases, and who answers them.

    Args:
        reader: The model, opened.
        dataset: The cases, with references.
        baselines: By name, fitted on other cases.
    """

    reader: Reader
    dataset: Dataset
    baselines: Mapping[str, Answerer] = field(default_factory=dict)


class Fitted(Protocol):
    """A baseline that was fitted, as `skiagraph.training.baseline` makes it."""

    @property
    def name(self) -> str:
        """``"constant"`` or ``"simple"``."""

    @property
    def fitted_on(self) -> int:
        """Cases that it learnt from."""

    def __call__(self, case: Case, /) -> tuple[Finding, ...]:
        """All its answers about one case."""


def with_baselines(beside: Beside, fitted: Iterable[Fitted]) -> Beside:
    """The same with baselines."""
    items = list(fitted)
    return dataclasses.replace(
        beside,
        baselines={one.name: Answerer(answer=one) for one in items},
        fitted_on=max((one.fitted_on for one in items), default=0),
    )


def members_of(readers: Iterable[Reader]) -> dict[str, Answerer]:
    """Opened models as members, by name and version; of two with the same name the later has a number."""
    found: dict[str, Answerer] = {}
    for reader in readers:
        name = plain = _full_name(reader)
        while name in found:
            name = f"{plain} ({sum(one.startswith(plain) for one in found) + 1})"
        found[name] = Answerer(answer=reader, cut=cut_of(reader.recipe))
    return found


def evaluated(
    reader: Reader, dataset: Dataset, *, beside: Beside, split: str, seed: int, watch: Watch
) -> Evaluated:
    """A model on a data set, with everything that a page about it says.

    Args:
        reader: The model, opened.
        dataset: The cases, with references.
        beside: What the model is held against.
        split: The words for which cases these are.
        seed: Of the bootstrap.
        watch: Told after each case.

    Raises:
        InvalidInput: Not one case was answered, no reference is about what the model answers, or an attribute that
            no case has.
    """
    part = Part(reader=reader, dataset=dataset, baselines=beside.baselines)
    found = evaluated_parts([part], beside=beside, split=split, seed=seed, watch=watch)
    learnt_from = dataset.name in reader.card.data and not {s.split for s in dataset} <= {"test"}
    return dataclasses.replace(found, learnt_from=learnt_from)


def evaluated_parts(
    parts: Sequence[Part], *, beside: Beside, split: str, seed: int, watch: Watch
) -> Evaluated:
    """Several models of one recipe, each on cases of its own, as one: the networks of a cross-validation.

    Args:
        parts: At least one; the first stands for all on the page.
        beside: The rival, the members and the subgroups; each part has its own baselines.
        split: The words for which cases these are.
        seed: Of the bootstrap.
        watch: Told after each case, counted over all parts.

    Raises:
        InvalidInput: Not one case was answered, no reference is about what the models answer, or an attribute that
            no case has.
    """
    samples = [s for part in parts for s in part.dataset]
    check_attributes(samples, beside.by)
    seats = list(_seats(parts, beside, watch))
    ledgers = [x for x in _joined(seats) if any(t is not None for t in x.tallies[_MODEL])]
    if not ledgers:
        raise InvalidInput("an evaluation has at least one answered case", got=_none(seats))
    rng = np.random.default_rng(seed)
    names = dict.fromkeys(name for part in parts for name in part.baselines)
    judged = [judged_ledger(ledger, tuple(names), beside, rng) for ledger in ledgers]
    judged[0] = _with_worst(judged[0], ledgers[0], parts)
    first, dataset = parts[0].reader, parts[0].dataset
    problems = [
        *dataset.problems,
        *_silent(ledgers, beside, seats),
        *(p for seat in seats for p in seat.problems),
    ]
    return Evaluated(
        card=first.card,
        digest=first.digest,
        engine=f"{first.engine.name}, {first.engine.precision}",
        data=dataset.name,
        licence=dataset.licence,
        split=split,
        learnt_from=False,
        cases=len(samples),
        groups=len({s.group for s in samples}),
        refusals=sum((Counter(seat.refusals[_MODEL]) for seat in seats), Counter()),
        problems=tuple(dict.fromkeys(problems)),
        fitted_on=beside.fitted_on,
        judged=tuple(judged),
        software=__version__,
        seed=seed,
        created=datetime.now(UTC),
    )


def _seats(parts: Sequence[Part], beside: Beside, watch: Watch) -> Iterator[Sitting]:
    total, before, rival = sum(len(part.dataset) for part in parts), 0, beside.rival
    for part in parts:
        recipe = part.reader.recipe
        who = {_MODEL: Answerer(answer=part.reader, cut=cut_of(recipe)), **part.baselines}
        if rival is not None:
            who[_RIVAL] = Answerer(answer=rival, cut=cut_of(rival.recipe))
        who |= beside.members

        def told(done: int, _: int, figures: Mapping[str, float], /, *, before: int = before) -> None:
            watch(before + done, total, figures)

        yield sitting(who, questions_of(recipe, part.reader.card), part.dataset, told)
        before += len(part.dataset)


def _silent(ledgers: Sequence[Ledger], beside: Beside, seats: Sequence[Sitting]) -> Iterator[str]:
    """Those beside the model who answered no case, with their reasons: they have no figures to stand in a table."""
    names = {who: who for who in beside.members}
    if beside.rival is not None:
        names[_RIVAL] = _full_name(beside.rival)
    for who, name in names.items():
        if all(table is None for ledger in ledgers for table in ledger.tallies[who]):
            reasons = sum((Counter(seat.refusals[who]) for seat in seats), Counter())
            said = ", ".join(f"{reason} ({n})" for reason, n in reasons.items())
            yield f"{name} answered none of the cases: {said or 'no answer'}."


def _joined(seats: Sequence[Sitting]) -> list[Ledger]:
    """The ledgers of several sittings about the same questions, as if there had been one."""
    found: dict[str, list[Ledger]] = {}
    for ledger in (ledger for seat in seats for ledger in seat.ledgers):
        found.setdefault(ledger.question.name, []).append(ledger)
    return [
        dataclasses.replace(
            same[0],
            samples=tuple(s for one in same for s in one.samples),
            tallies={who: tuple(t for one in same for t in one.tallies[who]) for who in same[0].tallies},
        )
        for same in found.values()
    ]


def _none(seats: Sequence[Sitting]) -> str:
    told = [f"{n} {reason}" for seat in seats for reason, n in seat.refusals[_MODEL].items()]
    return "; ".join([*told, *(p for seat in seats for p in seat.problems[:1])][:3]) or "no answer"


def check_attributes(samples: Iterable[Sample], by: Iterable[str]) -> None:
    """Refuses subgroups by an attribute that no case has.

    Raises:
        InvalidInput: There is such an attribute in `by`.
    """
    known = sorted({name for s in samples for name in s.attributes})
    for name in by:
        if name not in known:
            raise InvalidInput(
                "subgroups are by attributes of the data set",
                got=name,
                way_out=f"it has {', '.join(known)}" if known else "its manifest states none",
            )


def judged_ledger(ledger: Ledger, names: Sequence[str], beside: Beside, rng: Generator) -> Judged:
    """What a page says of one question, but for the worst cases.

    Args:
        ledger: With tallies of ``"model"``; those who are neither the model, the rival nor a baseline are members.
        names: Of the baselines in the ledger.
        beside: The rival and the subgroups.
        rng: Of the bootstrap.
    """
    kind = ledger.question.kind
    figures, counts = _figures_and_counts(ledger, rng)
    baselines = {name: figures_in(ledger, name, rng=rng) for name in names}
    baselines = {name: found for name, found in baselines.items() if found}
    verdicts = [
        verdict
        for name, found in baselines.items()
        for verdict in _verdicts(kind, name, (figures, found), compared_in(ledger, _MODEL, name, rng=rng))
    ]
    groups = tuple(_subgroups(ledger, beside.by, rng))
    rival, members = beside.rival, (who for who in ledger.tallies if who not in (_MODEL, _RIVAL, *names))
    return Judged(
        name=ledger.question.name,
        kind=kind,
        figures=figures,
        graphs=graphs_of(ledger, _MODEL),
        baselines=baselines,
        verdicts=tuple(verdicts),
        subgroups=groups,
        rival=None if rival is None else _rival(ledger, (_RIVAL, _full_name(rival)), rng),
        members=tuple(one for one in (_rival(ledger, (who, who), rng) for who in members) if one is not None),
        counts=counts,
        answers=_answers(ledger),
    )


def _figures_and_counts(
    ledger: Ledger, rng: Generator, only: Sequence[int] | None = None
) -> tuple[Mapping[str, Estimate], tuple[ClassCounts, ...]]:
    figures = figures_in(ledger, _MODEL, rng=rng, only=only)
    counts = counts_in(ledger, _MODEL, figures, only=only)
    two = ledger.question.kind == "classes" and len(counts) == 2
    return with_exact_intervals(figures, counts, two=two), counts


def _answers(ledger: Ledger) -> NDArray[np.float64] | None:
    tables = [table for table in ledger.tallies[_MODEL] if table is not None]
    if ledger.question.kind == "outlines":
        return None
    if ledger.question.kind == "values":
        return np.stack([table.rows[0, :2] for table in tables], axis=1)[:, :, None]
    one = outcomes(stacked(tables))
    return np.stack([one.probabilities, one.truth])


def _verdicts(
    kind: Kind,
    baseline: str,
    figures: tuple[Mapping[str, Estimate], Mapping[str, Estimate]],
    comparisons: Mapping[str, Comparison],
) -> Iterator[Verdict]:
    for name in headline_of(kind, figures[0]):
        found = comparisons.get(name)
        if name not in _HELD_AGAINST[kind] or found is None or not np.isfinite(found.difference):
            continue
        sign = -1.0 if name.rpartition(": ")[2] in LOWER_IS_BETTER else 1.0
        least = min(sign * found.low, sign * found.high)
        answer: Literal["no better", "unproven", "better"] = "better" if least > 0 else "unproven"
        if sign * found.difference <= 1e-12:
            answer = "no better"
        yield Verdict(
            figure=name,
            baseline=baseline,
            model=found.first,
            other=found.second,
            low=found.low,
            high=found.high,
            answer=answer,
        )


def _subgroups(ledger: Ledger, by: Sequence[str], rng: Generator) -> Iterator[Subgroup]:
    for attribute in by:
        places: dict[str, list[int]] = {}
        for i, sample in enumerate(ledger.samples):
            places.setdefault(sample.attributes.get(attribute, ""), []).append(i)
        for value in sorted(places, key=lambda v: (v == "", v)):
            if len(places[value]) >= _FEW:
                found, _ = _figures_and_counts(ledger, rng, places[value])
                yield Subgroup(attribute=attribute, value=value, cases=len(places[value]), figures=found)


def _full_name(reader: Reader) -> str:
    return f"{reader.card.name} {reader.card.version}"


def _rival(ledger: Ledger, named: tuple[str, str], rng: Generator) -> Rival | None:
    """One of the ledger, as (who, name on the page), beside the model; None where it answered nothing."""
    who, name = named
    figures = figures_in(ledger, who, rng=rng)
    if not figures:
        return None
    return Rival(
        name=name,
        figures=figures,
        comparisons=compared_in(ledger, _MODEL, who, rng=rng),
        tests=_tests(ledger, who),
    )


def _tests(ledger: Ledger, who: str) -> dict[str, float]:
    """Tests of two classifiers without resampling, where each case is a group of its own."""
    columns = (ledger.samples, ledger.tallies[_MODEL], ledger.tallies[who])
    rows = [(s, a, b) for s, a, b in zip(*columns, strict=True) if a is not None and b is not None]
    alone = len({s.group for s, _, _ in rows}) == len(rows)
    if ledger.question.kind != "classes" or not alone or not rows:
        return {}
    a, b = (outcomes(stacked([row[n] for row in rows])) for n in (1, 2))  # type: ignore[misc]
    right = [(one.truth * one.decided).sum(axis=1) for one in (a, b)]
    found = {"McNemar (accuracy)": mcnemar_p(*right)}
    positive = a.truth[:, 1]
    if len(a.labels) == 2 and min(positive.sum(), (1 - positive).sum()) >= 2:
        found["DeLong (ROC AUC)"] = delong(a.probabilities[:, 1], b.probabilities[:, 1], positive).p
    return found


def _with_worst(judged: Judged, ledger: Ledger, parts: Sequence[Part]) -> Judged:
    """The worst cases, which are read once more, for only numbers of them were kept."""
    readers = {s.identifier: part.reader for part in parts for s in part.dataset}
    ranked: list[tuple[float, int, float]] = []
    for i, table in enumerate(ledger.tallies[_MODEL]):
        if table is not None:
            rank, score = score_of(table, ledger.question.kind)
            ranked.append((rank, i, score))
    ranked.sort(key=lambda item: -item[0])
    found = []
    for _, i, score in ranked[:_PICTURES]:
        sample = ledger.samples[i]
        case, reader = sample.case(), readers[sample.identifier]
        prediction = ledger.question.among(reader(case))
        reference = ledger.question.among(sample.reference())
        if prediction is not None and reference is not None:
            found.append(
                Worst(
                    case=sample.identifier,
                    image=case.images[reader.recipe.image],
                    prediction=prediction,
                    reference=reference,
                    score=score,
                )
            )
    return dataclasses.replace(judged, worst=tuple(found))
