"""The charts of an evaluation: curves, reliability, confusion, agreement, and the spread over cases."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from skiagraph.report.charts import Axis, Bars, Chart, Dots, Layer, Line, Rule, drawn
from skiagraph.report.evaluated import ClassGraphs, Graphs, OutlineGraphs, Path, ValueGraphs
from skiagraph.report.evaluation_words import figure_text, said, signed
from skiagraph.report.words import Language, name_said, word

__all__ = ["charts_of"]

_ENDS: Final = np.array([0.0, 1.0])
_CONFUSED: Final = 12  # classes that a matrix can show with numbers that can be read


def charts_of(graphs: Graphs, lang: Language) -> tuple[str, ...]:
    """The charts of one question, each an SVG element."""
    if isinstance(graphs, ClassGraphs):
        return tuple(_of_classes(graphs, lang))
    if isinstance(graphs, ValueGraphs):
        return tuple(drawn(chart) for chart in _of_values(graphs, lang))
    if isinstance(graphs, OutlineGraphs):
        return tuple(drawn(chart) for chart in _of_outlines(graphs, lang))
    assert_never(graphs)


def _of_classes(graphs: ClassGraphs, lang: Language) -> Iterator[str]:
    chance = Line(x=_ENDS, y=_ENDS, name=said("by-chance", lang), thin=True)
    if graphs.roc:
        roc: tuple[Layer, ...] = (chance, *_paths(graphs.roc, lang))
        yield drawn(_unit_chart("chart-roc", "axis-fpr", "axis-tpr", roc, lang))
    if graphs.pr:
        pr: list[Layer] = list(_paths(graphs.pr, lang))
        if len(graphs.pr) == 1:
            level = np.full(2, graphs.share[0])
            pr.insert(0, Line(x=_ENDS, y=level, name=said("by-chance", lang), thin=True))
        yield drawn(_unit_chart("chart-pr", "axis-recall", "axis-precision", tuple(pr), lang))
    yield drawn(_reliability(graphs, lang))
    if graphs.confusion is not None and len(graphs.labels) <= _CONFUSED:
        labels = tuple(name_said(label, lang) for label in graphs.labels)
        yield _confusion(labels, graphs.confusion, lang)


def _paths(paths: tuple[Path, ...], lang: Language) -> Iterator[Line]:
    for n, path in enumerate(paths):
        name = name_said(path.name, lang)
        if path.area is not None:
            name = said("area", lang, name=_cut(name, 40), area=f"{path.area:.3f}")
        yield Line(x=path.x, y=path.y, name=name, style=n)


def _unit_chart(title: str, x: str, y: str, layers: tuple[Layer, ...], lang: Language, **parts: str) -> Chart:
    return Chart(
        title=said(title, lang, **parts),
        x=Axis(title=said(x, lang), low=0.0, high=1.0),
        y=Axis(title=said(y, lang), low=0.0, high=1.0),
        layers=layers,
    )


def _reliability(graphs: ClassGraphs, lang: Language) -> Chart:
    n, confidence, right, start, end = graphs.bins
    low, high = _wilson(right, n)
    room = 0.1 * (end - start)
    layers = (
        Bars(start=start + room, end=end - room, height=n / n.sum(), name=said("share-of-cases", lang)),
        Line(x=_ENDS, y=_ENDS, name=said("perfect", lang), thin=True),
        Line(x=confidence, y=right),
        Dots(x=confidence, y=right, low=low, high=high, name=said("observed", lang)),
    )
    error = figure_text(graphs.calibration_error)
    return _unit_chart("chart-reliability", "axis-confidence", "axis-observed", layers, lang, error=error)


def _wilson(
    share: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Source: Wilson, Probable inference (JASA 1927)."""
    z2 = 1.959964**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _of_values(graphs: ValueGraphs, lang: Language) -> Iterator[Chart]:
    unit = word(graphs.unit, lang) or graphs.unit.value
    reference, prediction = graphs.reference, graphs.prediction
    both = Axis.around(said("axis-reference", lang, unit=unit), np.concatenate([reference, prediction]))
    ends = np.array([both.low, both.high])
    with_interval = bool(np.isfinite(graphs.low).any())
    name = said("cases-legend", lang)
    if with_interval:
        name = f"{name}, {said('interval-legend', lang)}"
    dots = Dots(
        x=reference,
        y=prediction,
        low=graphs.low if with_interval else None,
        high=graphs.high if with_interval else None,
        name=name,
    )
    yield Chart(
        title=said("chart-scatter", lang),
        x=both,
        y=Axis(title=said("axis-prediction", lang, unit=unit), low=both.low, high=both.high),
        layers=(Line(x=ends, y=ends, name=said("perfect", lang), thin=True), dots),
    )
    error = prediction - reference
    marks = np.array([*error, *(graphs.limits or ()), 0.0])
    layers: list[Layer] = [Rule(at=0.0, style=2)]
    if graphs.bias is not None and graphs.limits is not None:
        layers.append(Rule(at=graphs.bias, words=said("bias-at", lang, value=signed(graphs.bias)), style=0))
        layers += [
            Rule(at=limit, words=said("limit-at", lang, value=signed(limit))) for limit in graphs.limits
        ]
    yield Chart(
        title=said("chart-bland", lang),
        x=Axis.around(said("axis-mean", lang, unit=unit), (prediction + reference) / 2),
        y=Axis.around(said("axis-difference", lang, unit=unit), marks),
        layers=(*layers, Dots(x=(prediction + reference) / 2, y=error, name=said("cases-legend", lang))),
    )


def _of_outlines(graphs: OutlineGraphs, lang: Language) -> Iterator[Chart]:
    low = min(0.0, float(np.nanmin(graphs.dice)))
    if np.nanmin(graphs.dice) > 0.5:
        low = 0.5 if np.nanmin(graphs.dice) < 0.8 else 0.8
    yield _spread(
        graphs.labels, graphs.dice, said("chart-dice", lang), _axis_from("axis-dice", low, 1.0, lang), lang
    )
    if np.isfinite(graphs.distance).any():
        top = float(np.nanmax(graphs.distance))
        axis = _axis_from("axis-distance", 0.0, 1.05 * top if top > 0 else 1.0, lang)
        yield _spread(graphs.labels, graphs.distance, said("chart-distance", lang), axis, lang)


def _axis_from(key: str, low: float, high: float, lang: Language) -> Axis:
    return Axis(title=said(key, lang), low=low, high=high)


def _spread(
    labels: tuple[str, ...], values: NDArray[np.float64], title: str, axis: Axis, lang: Language
) -> Chart:
    """Every case as a dot, and over it quartiles and median of each structure."""
    rng = np.random.default_rng(0)  # only sways the dots, so that equal cases can be told apart
    x, y = [], []
    layers: list[Layer] = []
    for n, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        x.append(n + rng.uniform(-0.16, 0.16, len(known)))
        y.append(known)
        if len(known):
            a, b, c = np.quantile(known, [0.25, 0.5, 0.75])
            box = np.array([n - 0.3, n + 0.3, n + 0.3, n - 0.3, n - 0.3])
            name = said("box-legend", lang) if not layers else ""
            layers.append(Line(x=box, y=np.array([a, a, c, c, a]), name=name, style=0))
            layers.append(Line(x=np.array([n - 0.3, n + 0.3]), y=np.array([b, b]), style=0))
    dots = Dots(x=np.concatenate(x), y=np.concatenate(y), name=said("cases-legend", lang), style=1)
    names = tuple(_cut(label, max(4, int(364 / len(labels) / 7.2))) for label in labels)
    across = Axis(title=said("axis-structure", lang), low=-0.6, high=len(labels) - 0.4, names=names)
    return Chart(title=title, x=across, y=axis, layers=(dots, *layers))


def _confusion(labels: tuple[str, ...], counts: NDArray[np.float64], lang: Language) -> str:
    """A matrix of numbers on grey, each row the cases of one class."""
    n, left, top = len(labels), 124.0, 66.0
    side = min(124.0, (440 - left - 14) / n)
    tall = min(side, 78.0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    title = said("chart-confusion", lang)
    height = top + n * tall + 18
    parts = [
        f'<svg class="chart" viewBox="0 0 440 {height:g}" role="img" aria-label="{escape(title)}">',
        f'<text x="8" y="18" class="title">{escape(title)}</text>',
        f'<text x="{left + n * side / 2:g}" y="40" class="mid">{escape(said("confusion-columns", lang))}</text>',
        f'<text x="{left - 8:g}" y="58" class="end">{escape(said("confusion-rows", lang))}</text>',
    ]
    for i, label in enumerate(labels):
        across, up = left + (i + 0.5) * side, top + (i + 0.5) * tall
        parts.append(f'<text x="{left - 8:g}" y="{up + 4:.1f}" class="end">{escape(_cut(label, 17))}</text>')
        words = escape(_cut(label, int(side / 8)))
        parts.append(f'<text x="{across:.1f}" y="58" class="mid">{words}</text>')
        for j in range(n):
            place = (left + j * side, top + i * tall, side, tall)
            parts.append(_cell(place, float(counts[i, j]), float(shares[i, j])))
    return "".join([*parts, "</svg>"])


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: max(most - 1, 1)]}…"


def _cell(place: tuple[float, float, float, float], count: float, share: float) -> str:
    x, y, width, height = place
    ink = "#fff" if share > 0.55 else "#14212b"
    middle = f'x="{x + width / 2:.1f}" style="fill:{ink}"'
    box = f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    parts = [f'{box} fill="rgba(11,93,107,{share:.3f})"/>']
    parts.append(f'<text {middle} y="{y + height / 2 + 1:.1f}" class="mid">{count:.0f}</text>')
    if height >= 44:
        percent = f"{100 * share:.0f} %"
        parts.append(f'<text {middle} y="{y + height / 2 + 17:.1f}" class="mid note">{percent}</text>')
    return "".join(parts)
