"""The diagnosis of a fit in sentences and charts, each with its numbers, in English and Chinese."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

import numpy as np

from skiagraph.report.charts import Axis, Band, Bars, Chart, Dots, Layer, Line, drawn
from skiagraph.report.evaluation import Section
from skiagraph.report.evaluation_words import figure_name, figure_text, signed
from skiagraph.report.words import Language, check_language, phrase
from skiagraph.training.diagnosis import Diagnosis, Proposal, Trial
from skiagraph.training.fit_measures import Measure, Shares, SizeCurve, Within

__all__ = ["charts_of", "section_of", "sentences_of"]

_MANY: Final = 50  # cases of validation, below which a gap may hide


@functools.cache
def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = json.loads(
        files("skiagraph.training").joinpath("diagnosis.json").read_text("utf-8")
    )
    return table


def _said(key: str, lang: Language, **parts: Any) -> str:
    return _table()[key][lang].format(**parts)


def section_of(found: Diagnosis, lang: str = "en") -> Section:
    """The diagnosis as a section of the page about an evaluation.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    return Section(
        title=_said("title", language),
        sentences=sentences_of(found, language),
        charts=charts_of(found, language),
    )


def sentences_of(found: Diagnosis, lang: str = "en") -> tuple[str, ...]:
    """What the diagnosis says, the verdict first.

    Raises:
        UnknownName: Another language.
    """
    return tuple(_sentences(found, check_language(lang)))


def _sentences(found: Diagnosis, lang: Language) -> Iterator[str]:
    measure = found.curve.measure
    yield _said(
        found.verdict,
        lang,
        name=figure_name(measure.name, lang),
        train=_with_unit(found.train, measure),
        validation=_with_unit(found.validation, measure),
        gap=_within(found.gap, measure, lang),
    )
    if found.elsewhere is not None and not found.elsewhere.low <= found.validation <= found.elsewhere.high:
        better = (found.elsewhere.value > found.validation) == measure.higher
        yield _said("easier" if better else "harder", lang, test=_within(found.elsewhere, measure, lang))
    if found.verdict == "under" and found.left > 0.5:
        yield _said("left", lang, share=f"{100 * found.left:.0f}")
    if found.verdict == "under" and found.falling > 0.05 * abs(measure.best - found.validation):
        yield _said("falling", lang, by=_with_unit(found.falling, measure))
    if 0 < found.cases < _MANY:
        yield _said("few-cases", lang, n=found.cases)
    if found.verdict == "over" and any(p.remedy == "early stop" for p in found.proposals):
        by = _with_unit(found.risen, measure)
        yield _said("risen", lang, epoch=found.best_epoch, epochs=len(found.curve.train), by=by)
    if found.shares is not None:
        yield _shares(found.shares, lang)
    for trial in found.tried:
        yield _trial(trial, measure, lang)
    if found.used and found.verdict == "over":
        names = phrase("comma", lang).join(_said(remedy, lang) for remedy in found.used)
        yield _said("used", lang, remedies=names)
    yield from _proposals(found, lang)


def _with_unit(value: float, measure: Measure) -> str:
    return f"{_figure(value, measure)} {measure.unit}".strip()


def _figure(value: float, measure: Measure) -> str:
    """As on the page; a share is told to the third decimal."""
    return "0" if not measure.unit and abs(value) < 5e-4 else figure_text(value).replace("-", "−")


def _within(found: Within, measure: Measure, lang: Language) -> str:
    if found.low == found.high:
        return _with_unit(found.value, measure)
    value = _with_unit(found.value, measure)
    low, high = (_figure(end, measure) for end in (found.low, found.high))
    return _said("within", lang, value=value, low=low, high=high)


def _shares(shares: Shares, lang: Language) -> str:
    return _said(
        "shares" if shares.noise > 0 else "shares-no-noise",
        lang,
        seeds=shares.seeds,
        error=figure_text(shares.error),
        bias2=figure_text(shares.bias2),
        variance=figure_text(shares.variance),
        noise=figure_text(shares.noise),
    )


def _trial(trial: Trial, measure: Measure, lang: Language) -> str:
    return _said(
        "tried-won" if trial.won.low > 0 else "tried-lost",
        lang,
        remedy=_said(trial.remedy, lang),
        name=figure_name(measure.name, lang),
        before=figure_text(trial.before),
        after=figure_text(trial.after),
        won=_within(trial.won, measure, lang),
    )


def _gain(value: float, measure: Measure, lang: Language) -> str:
    """What is won, with the sign that the score moves by, e.g. +0.020 AUC or −0.3 mm."""
    text = signed(value if measure.higher else -value)
    return f"{text} {measure.unit or figure_name(measure.name, lang)}"


def _proposals(found: Diagnosis, lang: Language) -> Iterator[str]:
    measure, rest = found.curve.measure, []
    for proposal in found.proposals:
        if proposal.remedy == "more data":
            yield _more_data(proposal, found, lang)
        elif proposal.remedy == "early stop" and proposal.expected is not None:
            yield _said(
                "early-stop", lang, epoch=proposal.epoch, gain=_gain(proposal.expected.value, measure, lang)
            )
        elif proposal.remedy == "longer training":
            yield _said("longer", lang)
        else:
            rest.append(proposal)
    if rest:
        names = phrase("comma", lang).join(_said(p.remedy, lang) for p in rest)
        yield _said("at-most", lang, remedies=names, most=_with_unit(rest[0].most, measure))


def _more_data(proposal: Proposal, found: Diagnosis, lang: Language) -> str:
    measure, gain, sizes = found.curve.measure, proposal.expected, found.sizes
    if gain is None or sizes is None:
        return _said("more-data-unknown", lang, most=_with_unit(proposal.most, measure))
    key = "more-data-helps"
    if gain.value < sizes.points[-1].error:
        key = "more-data-hardly"
    elif gain.low < 0.1 * gain.value:
        key = "more-data-perhaps"
    sign = 1 if measure.higher else -1
    ends = sorted((sign * gain.low, sign * gain.high))
    return _said(key, lang, gain=_gain(gain.value, measure, lang), low=signed(ends[0]), high=signed(ends[1]))


def charts_of(found: Diagnosis, lang: str = "en") -> tuple[str, ...]:
    """The charts of the diagnosis, each an SVG element: learning curves, data sizes, and the parts of the error.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    charts = [_epochs(found, language) if len(found.curve.train) > 1 else _sides(found, language)]
    if found.sizes is not None:
        charts.append(_sizes(found.sizes, found.curve.measure, language))
    if found.shares is not None:
        charts.append(_parts(found.shares, language))
    return tuple(drawn(chart) for chart in charts)


def _titled(measure: Measure, lang: Language) -> str:
    name = figure_name(measure.name, lang)
    return f"{name} [{measure.unit}]" if measure.unit else name


def _epochs(found: Diagnosis, lang: Language) -> Chart:
    curve = found.curve
    x = np.arange(1, len(curve.train) + 1, dtype=np.float64)
    y = Axis.around(_titled(curve.measure, lang), np.concatenate([curve.train, curve.validation]))
    mark = np.full(2, float(found.best_epoch))
    return Chart(
        title=_said("chart-epochs", lang),
        x=Axis(title=_said("axis-epoch", lang), low=1.0, high=float(len(x))),
        y=y,
        layers=(
            Line(x=mark, y=np.array([y.low, y.high]), name=_said("best", lang), thin=True),
            Line(x=x, y=curve.train, name=_said("train", lang), style=0),
            Line(x=x, y=curve.validation, name=_said("validation", lang), style=1),
        ),
    )


def _sides(found: Diagnosis, lang: Language) -> Chart:
    """Both scores of a finished training side by side."""
    measure, heights = found.curve.measure, np.array([found.train, found.validation])
    names = (_said("train", lang), _said("validation", lang))
    top = max(measure.best if measure.higher else 0.0, float(heights.max()), 1e-12)
    at = np.arange(2, dtype=np.float64)
    return Chart(
        title=_said("chart-sides", lang),
        x=Axis(title=_said("axis-side", lang), low=-0.6, high=1.6, names=names),
        y=Axis(title=_titled(measure, lang), low=0.0, high=1.05 * top),
        layers=(Bars(start=at - 0.32, end=at + 0.32, height=np.maximum(heights, 0.0)),),
    )


def _sizes(sizes: SizeCurve, measure: Measure, lang: Language) -> Chart:
    sign = -1.0 if measure.higher else 1.0
    middle, low, high = (measure.best + sign * v for v in (sizes.middle, sizes.low, sizes.high))
    scores = np.array([p.score for p in sizes.points])
    half = 1.96 * np.array([p.error for p in sizes.points])
    n = np.array([p.n for p in sizes.points], dtype=np.float64)
    least = float(scores.mean()) + np.array([-0.01, 0.01]) * abs(measure.best or float(scores.mean()))
    layers: tuple[Layer, ...] = (
        Band(x=sizes.at, low=low, high=high, name=_said("interval", lang)),
        Line(x=sizes.at, y=middle, name=_said("fitted", lang), style=1),
        Dots(x=n, y=scores, low=scores - half, high=scores + half, name=_said("measured", lang)),
    )
    return Chart(
        title=_said("chart-sizes", lang),
        x=Axis(title=_said("axis-cases", lang), low=0.0, high=2.05 * float(n[-1])),
        y=Axis.around(
            _titled(measure, lang), np.concatenate([low, high, scores - half, scores + half, least])
        ),
        layers=layers,
    )


def _parts(shares: Shares, lang: Language) -> Chart:
    parts = {"bias2": shares.bias2, "variance": shares.variance, "noise": shares.noise}
    if not shares.noise:
        parts = {"bias2-noise": shares.bias2, "variance": shares.variance}
    parts["sum"] = shares.error
    heights = np.array([max(v, 0.0) if math.isfinite(v) else 0.0 for v in parts.values()])
    at = np.arange(len(parts), dtype=np.float64)
    return Chart(
        title=_said("chart-shares", lang),
        x=Axis(
            title=_said("axis-part", lang),
            low=-0.6,
            high=len(parts) - 0.4,
            names=tuple(_said(name, lang) for name in parts),
        ),
        y=Axis(title=_said("axis-squared", lang), low=0.0, high=1.1 * max(float(heights.max()), 1e-12)),
        layers=(Bars(start=at - 0.32, end=at + 0.32, height=heights),),
    )
