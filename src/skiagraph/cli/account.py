"""The account of a training: how good the model is and why, as values, as a page, and as sentences."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

if TYPE_CHECKING:
    from skiagraph.case import Dataset
    from skiagraph.cli.course import Course, Seeded
    from skiagraph.report.evaluated import Evaluated
    from skiagraph.report.evaluation import Section
    from skiagraph.training import Taught
    from skiagraph.training.diagnosis import Diagnosis
    from skiagraph.training.fit_measures import SizePoint
    from skiagraph.workflow.evaluation import Beside

__all__ = ["Account", "account_of", "beside_of", "rehearsed", "written"]

_SHORT: Final = 60.0  # seconds of a budget below which nothing is rehearsed
_LATE: Final = 0.25  # of the budget, after which there is no time for a rehearsal
_ATTRIBUTES: Final = 4  # that make subgroups, of
_VALUES: Final = 8  # values at most
_OTHERS: Final = 10.0  # seconds, for what comes after learning where nothing was rehearsed


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account:
    """What there is to say of a model that was learnt.

    Args:
        found: On the test split, or where there is none on cases that were kept apart; None where nothing was.
        held: On cases that were kept apart, where the test split is judged on too and this was asked for.
        diagnosis: How well it fits; None where nothing was kept apart.
        seeded: Of several seeds; None of one.
        digest: Of the bundle.
    """

    found: Evaluated | None
    held: Evaluated | None
    diagnosis: Diagnosis | None
    seeded: Seeded | None
    digest: str


def beside_of(course: Course) -> Beside:
    """Baselines of the cases that are learnt from, and the attributes that make subgroups."""
    from skiagraph.cli.judging import with_fitted
    from skiagraph.training import parted
    from skiagraph.workflow.evaluation import Beside

    judged = course.learn if course.test is None else course.test
    own = course.learn
    if course.plan.folds == 1:
        rng = np.random.default_rng(course.wish.seed)
        ((own, _),) = parted(course.learn, course.plan, int(rng.integers(2**31)))
    elif course.test is None:
        return Beside(by=_attributes(judged))  # fitted on all, they would know the cases of every fold
    return with_fitted(Beside(by=_attributes(judged)), course.card, course.plan.recipe, own)


def _attributes(dataset: Dataset) -> tuple[str, ...]:
    values: dict[str, set[str]] = {}
    for sample in dataset:
        for name, value in sample.attributes.items():
            values.setdefault(name, set()).add(value)
    return tuple(name for name, found in sorted(values.items()) if 1 < len(found) <= _VALUES)[:_ATTRIBUTES]


def rehearsed(course: Course, beside: Beside) -> float | None:
    """Seconds that judging and writing will take, from doing both with a network that has learnt nothing.

    What would fail after hours of learning fails here, before them.

    Args:
        course: The circumstances.
        beside: What the model will be held against.
    """
    from skiagraph.cli.judging import write_page
    from skiagraph.training import freeze
    from skiagraph.training.build import built
    from skiagraph.workflow import opened_model
    from skiagraph.workflow.evaluation import evaluated

    plan = course.plan
    if plan.seconds is None:
        return None
    begun = time.monotonic()
    gone = begun - course.begun
    if plan.seconds < _SHORT or gone > _LATE * plan.seconds * course.trainings:
        return _OTHERS * min(5.0, max(1.0, gone / max(time.process_time(), 1e-3)))
    folder = course.folder / "rehearsal"
    shutil.rmtree(folder, ignore_errors=True)
    freeze(built(plan, 0).eval(), course.card, plan.recipe, plan, folder)
    reader, cases, reads = opened_model(str(folder)), *_to_judge(course)
    frozen = time.monotonic()
    marks: list[float] = []
    most = 6 if len(plan.recipe.shape) == 3 else 40
    few = dataclasses.replace(cases, samples=cases.samples[:: max(1, len(cases) // most)])

    def told(*_: object) -> None:
        marks.append(time.monotonic())

    page = folder.with_name("rehearsal.html")
    write_page(evaluated(reader, few, beside=beside, split="", seed=0, watch=told), page, course.wish.lang)
    page.unlink()
    shutil.rmtree(folder)
    times, reading, rest = reads / len(few), marks[-1] - frozen, time.monotonic() - marks[-1]
    total: float = 1.15 * ((frozen - begun) + times * reading + times**0.85 * rest)
    return total


def _to_judge(course: Course) -> tuple[Dataset, int]:
    """The cases that the model is judged on in the end, and how many are read for that over all trainings."""
    from skiagraph.training import parted

    rng = np.random.default_rng(course.wish.seed)
    apart = [held for _, held in parted(course.learn, course.plan, int(rng.integers(2**31)))]
    held = dataclasses.replace(course.learn, samples=tuple(s for one in apart for s in one))
    again = course.wish.seeds > 1 or course.plan.folds > 1
    cases = course.test if course.test is not None else held if len(held) else course.learn
    once = len(cases) + (len(held) if again and course.test is not None else 0)
    return cases, once * course.wish.seeds


def account_of(
    course: Course, taught: Taught, beside: Beside, sizes: Sequence[SizePoint], *, shown: bool
) -> Account:
    """Judges what was learnt; the bundle that will ship lies in the folder of the course.

    Args:
        course: The circumstances.
        taught: What was learnt.
        beside: What the model is held against.
        sizes: Of trainings with parts of the data; may be empty.
        shown: Whether bars follow it.
    """
    from skiagraph.cli.course import held_out, of_seeds, on_test
    from skiagraph.workflow import opened_model

    reader, wish = opened_model(str(course.folder / "bundle")), course.wish
    found = on_test(course, reader, beside, shown=shown)
    again = wish.seeds > 1 or course.plan.folds > 1
    held = held_out(course, taught, shown=shown, beside=beside) if found is None or again else None
    seeded = of_seeds(course, (found, held), shown=shown) if wish.seeds > 1 else None
    return Account(
        found=found or (held and dataclasses.replace(held, digest=reader.digest)),
        held=held if found is not None else None,
        diagnosis=_diagnosis(course, taught, (found, seeded), sizes),
        seeded=seeded,
        digest=reader.digest,
    )


def _diagnosis(
    course: Course, taught: Taught, told: tuple[Evaluated | None, Seeded | None], sizes: Sequence[SizePoint]
) -> Diagnosis | None:
    from skiagraph.training.diagnosis_curves import diagnosis_of_fit
    from skiagraph.training.fit_measures import Within, bias_variance, fitted_sizes

    fit, (found, seeded) = taught.fit, told
    if fit is None:
        return None
    measure, shares, curve, elsewhere = fit.curve.measure, None, None, None
    if seeded is not None and seeded.predicted is not None:
        shares = bias_variance(*seeded.predicted)
    if sizes:
        apart = sum(len(held) for _, held in taught.members)
        curve = fitted_sizes(
            [*sizes, fit.point(len(course.learn) - apart)], measure, np.random.default_rng(0)
        )
    if found is not None and measure.name in found.judged[0].figures:
        e = found.judged[0].figures[measure.name]
        elsewhere = Within(value=e.value, low=e.low, high=e.high) if np.isfinite(e.value) else None
    diagnosis = diagnosis_of_fit(fit, taught.plan, curve, shares)
    return dataclasses.replace(diagnosis, elsewhere=elsewhere)


def written(course: Course, account: Account, taught: Taught) -> None:
    """Writes the bundle with what was measured on its card, then the page.

    Raises:
        WriteFailed: The disk does not take them.
    """
    from skiagraph.cli.judging import write_page
    from skiagraph.report.evaluation_sections import plan_section, seeds_section, validation_section
    from skiagraph.task import load_bundle, save_bundle
    from skiagraph.training import measured, scores_of, why

    found, wish, lang = account.found, course.wish, course.wish.lang
    bundle = load_bundle(course.folder / "bundle")
    scores = () if found is None else scores_of(found.judged, _where(found, course))
    card = measured(bundle.card, scores)
    save_bundle(dataclasses.replace(bundle, card=card), wish.out)
    if found is None:
        return
    sections: list[Section] = []
    if account.held is not None:
        sections.append(validation_section(account.held, lang.value))
    if account.seeded is not None:
        sections.append(seeds_section(account.seeded.figures, lang.value))
    sections.append(plan_section(why(taught.plan), lang.value))
    problems = tuple(dict.fromkeys((*taught.problems, *found.problems)))
    page = dataclasses.replace(found, card=card, problems=problems)
    write_page(page, wish.page, lang, account.diagnosis, sections)


def _where(found: Evaluated, course: Course) -> str:
    if found.split == course.wish.test:
        return f"the split {found.split} of {found.data}"
    return f"cases of {found.data} that were kept apart from learning, and used to calibrate"
