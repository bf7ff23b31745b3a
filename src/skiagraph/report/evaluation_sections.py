"""Sections that a training adds to the page about its model: validation, several seeds, the plan with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from skiagraph.report.evaluated import Evaluated
from skiagraph.report.evaluation import Section
from skiagraph.report.evaluation_words import figure_name, figure_text, range_text, said
from skiagraph.report.words import check_language

__all__ = ["over_seeds", "plan_section", "seeds_section", "validation_section"]


def validation_section(found: Evaluated, lang: str) -> Section:
    """The figures at the head on cases that were kept apart from learning.

    Args:
        found: On these cases.
        lang: ``"en"`` or ``"zh"``.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    rows = [tuple(said(key, language) for key in ("figure", "value", "interval", "n"))]
    for judged in found.judged:
        start = f"{judged.name}: " if judged.name else ""
        for name in judged.headline:
            e = judged.figures[name]
            rows.append(
                (
                    _heading(start + figure_name(name, language)),
                    figure_text(e.value),
                    range_text(e.low, e.high, language),
                    str(e.n),
                )
            )
    return Section(
        title=said("validation-title", language),
        sentences=(said("validation-note", language, split=found.split),),
        rows=tuple(rows),
    )


def seeds_section(figures: Mapping[str, Mapping[str, Sequence[float]]], lang: str) -> Section:
    """How much the figures differ from seed to seed.

    Args:
        figures: By ``"test"`` or ``"validation"``, by the name of the figure, one value a seed.
        lang: ``"en"`` or ``"zh"``.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    keys = ("figure", "on", "seeds-mean", "seeds-deviation", "seeds-least", "seeds-most")
    rows = [tuple(said(key, language) for key in keys)]
    for where, found in figures.items():
        words = said(f"seeds-{where}", language)
        rows += [(_heading(figure_name(name, language)), words, *cells) for name, *cells in over_seeds(found)]
    n = max((len(values) for found in figures.values() for values in found.values()), default=0)
    return Section(
        title=said("seeds-title", language, n=n),
        sentences=(said("seeds-note", language),),
        rows=tuple(rows),
    )


def _heading(words: str) -> str:
    return words[:1].upper() + words[1:]


def over_seeds(figures: Mapping[str, Sequence[float]]) -> Iterator[tuple[str, ...]]:
    """For each figure its name, and in words its mean, standard deviation (n - 1), least and most over seeds."""
    for name, values in figures.items():
        told = np.array(values, dtype=np.float64)
        spread = float(told.std(ddof=1)) if len(told) > 1 else float("nan")
        numbers = (float(told.mean()), spread, float(told.min()), float(told.max()))
        yield name, *(figure_text(value).replace("-", "−") for value in numbers)


def plan_section(rows: Sequence[tuple[str, str, str]], lang: str) -> Section:
    """Every choice of a training with its reason.

    Args:
        rows: Choice, value, reason.
        lang: ``"en"`` or ``"zh"``, of what stands around them.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    head = tuple(said(key, language) for key in ("plan-choice", "value", "plan-because"))
    return Section(
        title=said("plan-title", language), rows=(head, *(tuple(row) for row in rows)), numbers=False
    )
