"""What judges a model for the shell: its data, what stands beside it, how well it fits, and the page about it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skiagraph.cli.language import Lang

if TYPE_CHECKING:
    from skiagraph.case import Dataset
    from skiagraph.report.evaluated import Evaluated
    from skiagraph.report.evaluation import Section
    from skiagraph.task import Card, Recipe, Watch
    from skiagraph.training.diagnosis import Diagnosis
    from skiagraph.workflow import Reader
    from skiagraph.workflow.evaluation import Beside

__all__ = ["check_page", "data_for", "diagnosis_of", "fit_said", "own_training", "with_fitted", "write_page"]


def check_page(out: Path | None) -> None:
    """Refuses a place for the page before hours of work are spent.

    Raises:
        WriteFailed: A folder, or in no folder.
    """
    from skiagraph.errors import WriteFailed

    if out is not None and (out.is_dir() or not out.resolve().parent.is_dir()):
        raise WriteFailed(
            "a report is written to a file in a folder that exists",
            got=str(out),
            way_out="choose another name",
        )


def data_for(path: Path, reader: Reader, others: Sequence[Reader] = ()) -> Dataset:
    """The data set at a path; masks without a word for what they show are of the structures of the model.

    Where one of those that are judged needs outlines, each case brings those of its reference.
    """
    from skiagraph.io.datasets import read_dataset
    from skiagraph.workflow.outlined import with_references

    labels = reader.recipe.labels if reader.recipe.task == "segmentation" else ()
    found = read_dataset(path, label=dict(enumerate(labels, 1)) or None, strict=False)
    if not any(one.outlined for one in (reader, *others)):
        return found
    asked = [one.recipe.features for one in (reader, *others)]
    return with_references(found, each=any(f is not None and f.region == "each" for f in asked))


def own_training(whole: Dataset, chosen: Dataset) -> Dataset | None:
    """The training split, where there is one that is not judged on itself; else None."""
    if any(s.split == "train" for s in whole) and not any(s.split == "train" for s in chosen):
        return whole.split("train")
    return None


def with_fitted(beside: Beside, card: Card, recipe: Recipe, learnt_from: Dataset | None) -> Beside:
    """The same with baselines of what a model answers, fitted on the cases that it learnt from; None fits none."""
    from skiagraph.errors import SkiagraphError
    from skiagraph.optional import optional
    from skiagraph.workflow.evaluation import with_baselines

    if learnt_from is None:
        return beside
    outputs = [o.concept for o in card.outputs if o.finding == "Measurement"]
    measured = outputs if recipe.task == "segmentation" else []
    try:
        room = optional("skiagraph.training.baseline", package="scikit-learn and torch", extra="train")
        fitted = room.fitted_baselines(learnt_from, recipe, measured=measured)
    except SkiagraphError as error:
        sys.stderr.write(f"skiagraph: no baselines: {error}\n")
        return beside
    return with_baselines(beside, fitted)


def diagnosis_of(
    reader: Reader, whole: Dataset, chosen: Dataset, beside: Beside, watch: Watch
) -> Diagnosis | None:
    """How well a model fits, from its errors on both sides; None where there are no two sides with answers."""
    import numpy as np

    from skiagraph.optional import optional
    from skiagraph.workflow.fit import both_sides

    room = optional("skiagraph.training.diagnosis", package="torch", extra="train")
    learnt_from = own_training(whole, chosen)
    if learnt_from is None:
        return None
    constant = beside.baselines.get("constant")
    found = both_sides(reader, learnt_from, chosen, constant=constant, watch=watch)
    if found is None:
        return None
    measure = room.Measure(name=found.name, higher=found.higher, best=float(found.higher), unit=found.unit)
    always = None if np.isnan(found.constant) else found.constant
    diagnosis: Diagnosis = room.diagnosed_from_cases(
        measure, found.train, found.held, constant=always, rng=np.random.default_rng(0)
    )
    return diagnosis


def fit_said(diagnosis: Diagnosis | None, lang: Lang) -> list[str]:
    """The sentences of a diagnosis; none where there is none."""
    if diagnosis is None:
        return []
    from skiagraph.training.diagnosis_words import sentences_of

    return list(sentences_of(diagnosis, lang.value))


def write_page(
    found: Evaluated, out: Path, lang: Lang, diagnosis: Diagnosis | None = None, more: Sequence[Section] = ()
) -> None:
    """Writes the page about an evaluation.

    Args:
        found: What was found.
        out: The file.
        lang: Of the page.
        diagnosis: How well the model fits; None says nothing of it.
        more: What else is said.

    Raises:
        WriteFailed: It cannot be written.
    """
    from skiagraph.errors import WriteFailed
    from skiagraph.report.evaluation import render_evaluation

    sections = [*more]
    if diagnosis is not None:
        from skiagraph.training.diagnosis_words import section_of

        sections.insert(0, section_of(diagnosis, lang.value))
    try:
        out.write_text(render_evaluation(found, lang=lang.value, sections=sections), encoding="utf-8")
    except OSError as error:
        raise WriteFailed(f"the report cannot be written to {out}", got=error.strerror) from error
