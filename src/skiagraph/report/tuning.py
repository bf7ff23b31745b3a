"""The page of a tuning: what each trial reached, how its training went, and which fields mattered."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal, final

import numpy as np

from skiagraph.errors import InvalidInput
from skiagraph.report.charts import Axis, Chart, Dots, Layer, Line, drawn
from skiagraph.report.evaluation_words import figure_name, figure_text
from skiagraph.report.templated import template
from skiagraph.report.words import Language, check_language

__all__ = ["TrialRow", "TuningPage", "render_tuning"]

# Figures of validation, as the evaluation calls them.
_NAMES: Final = {"auc": "roc auc", "error": "mean absolute error"}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One trial.

    Args:
        number: From 0.
        values: As text, one for each field of the page.
        outcome: Whether it came to its end, was given up, or failed.
        figure: What it reached; None of a failure.
        curve: The figure by the share of the training that was over, 0 to 1.
        seconds: That it took.
        problem: Why it failed.
    """

    number: int
    values: tuple[str, ...]
    outcome: Literal["ended", "stopped", "failed"]
    figure: float | None
    curve: Mapping[float, float]
    seconds: float
    problem: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPage:
    """What the page tells.

    Args:
        name: Of the model.
        data: Of the data set.
        figure: Name of the figure that trials were compared by.
        more: Whether more of it is better.
        fields: That were tried.
        rows: The trials, in their order.
        best: Number of the best.
        importance: Share of each field in how well trials did; may be empty.

    Raises:
        InvalidInput: No trial, or rows that have not one value for each field.
    """

    name: str
    data: str
    figure: str
    more: bool
    fields: tuple[str, ...]
    rows: tuple[TrialRow, ...]
    best: int
    importance: Mapping[str, float]

    def __post_init__(self) -> None:
        if not 0 <= self.best < len(self.rows):
            raise InvalidInput("the best trial is one of those that there are", got=str(self.best))
        if any(len(row.values) != len(self.fields) for row in self.rows):
            raise InvalidInput("each trial has one value for each field", got=f"{len(self.fields)} fields")


def render_tuning(page: TuningPage, *, lang: str = "en") -> str:
    """The page as HTML that needs nothing else.

    Args:
        page: What it tells.
        lang: ``"en"`` or ``"zh"``.

    Raises:
        UnknownName: Another language.
    """
    tongue = check_language(lang)
    return template("tuning.html.jinja").render(
        p=page,
        lang=tongue,
        t=functools.partial(_said, lang=tongue),
        figure=figure_name(_NAMES.get(page.figure, page.figure), tongue),
        number=lambda value: figure_text(math.nan if value is None else value),
        charts=tuple(drawn(chart) for chart in _charts(page, tongue)),
    )


@functools.cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = json.loads(
        files("skiagraph.report").joinpath("tuning.json").read_text("utf-8")
    )
    return words


def _said(key: str, lang: Language, **parts: Any) -> str:
    return _words()[key][lang].format(**parts)


def _charts(page: TuningPage, lang: Language) -> Iterator[Chart]:
    figure = figure_name(_NAMES.get(page.figure, page.figure), lang)
    reached = np.array([math.nan if row.figure is None else row.figure for row in page.rows])
    numbers = np.arange(len(page.rows), dtype=np.float64)
    over = {name: np.array([row.outcome == name for row in page.rows]) for name in ("ended", "stopped")}
    best = np.where(over["ended"], reached, math.nan)
    fold = np.fmax if page.more else np.fmin
    layers: list[Layer] = [
        Line(x=numbers, y=fold.accumulate(best), name=_said("so-far", lang), style=0),
        *(
            Dots(x=numbers[there], y=reached[there], name=_said(name, lang), style=style)
            for style, (name, there) in enumerate(over.items())
            if there.any()
        ),
    ]
    yield Chart(
        title=_said("history", lang),
        x=Axis(title=_said("trial", lang), low=-0.5, high=len(page.rows) - 0.5),
        y=Axis.around(figure, reached, least=1e-3),
        layers=tuple(layers),
    )
    curves = [row.curve for row in page.rows]
    heights = np.array([value for curve in curves for value in curve.values()])
    if not heights.size:
        return
    x = [100 * share for curve in curves for share in (*sorted(curve), math.nan)]
    y = [curve.get(share, math.nan) for curve in curves for share in (*sorted(curve), math.nan)]
    chosen = page.rows[page.best].curve
    yield Chart(
        title=_said("curves", lang),
        x=Axis(title=_said("share", lang), low=0.0, high=102.0),
        y=Axis.around(figure, heights, least=1e-3),
        layers=(
            Line(x=np.array(x), y=np.array(y), name=_said("others", lang), thin=True),
            Line(
                x=100 * np.array(sorted(chosen)),
                y=np.array([chosen[share] for share in sorted(chosen)]),
                name=f"{_said('best', lang)} ({page.best})",
            ),
        ),
    )
