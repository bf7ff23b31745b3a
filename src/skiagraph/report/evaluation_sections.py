"""Sections that a training adds to the page about its model: validation, seeds, plan, kept features, rules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from skiagraph.report.evaluated import Evaluated
from skiagraph.report.evaluation import Section
from skiagraph.report.evaluation_words import figure_name, figure_text, range_text, said
from skiagraph.report.words import check_language, feature_word, name_said, phrase

__all__ = [
    "RuleRow",
    "features_section",
    "over_seeds",
    "plan_section",
    "rules_section",
    "seeds_section",
    "validation_section",
]

RuleRow: TypeAlias = tuple[Sequence[tuple[str, float, float]], str, int, int]
"""(feature, above, at most) of each condition, the answer, cases that it is right about, cases that it speaks of."""

_FEATURES: Final = 30  # that are named


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
        sentences=(said("validation-note", language, split=name_said(found.split, language)),),
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


def features_section(kept: Mapping[str, int], folds: int, lang: str) -> Section:
    """In how many folds each feature was kept.

    Args:
        kept: Folds by the name of the feature, the most first.
        folds: How many there were.
        lang: ``"en"`` or ``"zh"``.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    title = said("features-title", language)
    if kept and set(kept.values()) == {folds}:
        names = phrase("comma", language).join(
            feature_word(name, language) for name in list(kept)[:_FEATURES]
        )
        sentences = [said("features-all", language, n=len(kept), folds=folds, names=names)]
        rows: list[tuple[str, ...]] = []
    else:
        sentences = [said("features-note", language, folds=folds)]
        rows = [(said("features-name", language), said("features-kept", language))]
        rows += [(feature_word(name, language), str(n)) for name, n in list(kept.items())[:_FEATURES]]
    if len(kept) > _FEATURES:
        sentences.append(said("features-more", language, n=len(kept) - _FEATURES))
    return Section(title=title, sentences=tuple(sentences), rows=tuple(rows), numbers=False)


def rules_section(rules: Sequence[RuleRow], alike: float | None, lang: str) -> Section:
    """The rules of a tree.

    Args:
        rules: Those that speak of most cases first.
        alike: The share of cases in which the tree decides as the model that it imitates; None of the model itself.
        lang: ``"en"`` or ``"zh"``.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    share = "" if alike is None else f"{100 * alike:.0f}"
    of = said("rules-tree", language) if alike is None else said("rules-imitated", language, share=share)
    rows = [tuple(said(key, language) for key in ("rules-then", "rules-if", "rules-right"))]
    for bounds, answer, right, cases in rules:
        asked = [_bound(feature_word(name, language), low, high) for name, low, high in bounds]
        rows.append(
            (
                name_said(answer, language),
                said("rules-and", language).join(asked) or said("rules-always", language),
                said("rules-of", language, right=right, cases=cases),
            )
        )
    title = said("rules-title", language)
    return Section(title=title, sentences=(of,), rows=tuple(rows), numbers=False)


def _bound(name: str, low: float, high: float) -> str:
    if math.isinf(low):
        words = f"{name} ≤ {_threshold(high)}"
    elif math.isinf(high):
        words = f"{name} > {_threshold(low)}"
    else:
        words = f"{_threshold(low)} < {name} ≤ {_threshold(high)}"
    return words.replace(" ", "\u00a0")


def _threshold(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
