"""The report as one page that needs nothing else: no network, no script, no second file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

import jinja2
import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Case, Report
from skiagraph.codes import Code
from skiagraph.findings import Findings, Measurement, NotApplicable, Segment, Segmentation
from skiagraph.report.narrative import sentence
from skiagraph.report.picture import Mark, Picture, picture_of, thumbnail
from skiagraph.report.reading import Input, reading_of
from skiagraph.report.words import (
    Language,
    amount,
    check_language,
    confidence_word,
    number,
    phrase,
    range_of,
    short,
    word,
)
from skiagraph.task import Card

__all__ = ["Entry", "entry_of", "render_index", "render_report"]

_HTML_LANGUAGE: Final = {"en": "en", "zh": "zh-CN"}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list of many reports.

    Args:
        case: Identifier of the case.
        link: Address of its report, relative to the list.
        thumbnail: A small picture as a ``data:`` address.
        main: The main result with its unit, or why there is none.
        interval: Its interval, empty where there is none.
        confidence: In number and word, empty where the model does not tell.
        refused: Whether no measurement was made.
    """

    case: str
    link: str
    thumbnail: str
    main: str
    interval: str
    confidence: str
    refused: bool


def render_report(report: Report, case: Case, card: Card, *, lang: str = "en") -> str:
    """The page of one report, HTML.

    Args:
        report: What is said, in its present state.
        case: What was looked at.
        card: The model that looked.
        lang: ``"en"`` or ``"zh"``.

    Raises:
        UnknownName: Another language.
        InvalidInput: The report is about another case.
    """
    language = check_language(lang)
    reading = reading_of(report, case, card)
    image = next(iter(case.images.values()))
    refusal = _refusal(report.findings)
    return _template("report.html.jinja").render(
        view=_View(language),
        t=_phrases(language),
        lang=_HTML_LANGUAGE[language],
        reading=reading,
        report=report,
        card=card,
        p=report.findings.provenance,
        picture=picture_of(image, report.findings.items),
        refusal=refusal,
        measurements=[f for f in report.findings if isinstance(f, Measurement)],
        segments=[s for f in report.findings if isinstance(f, Segmentation) for s in f.segments],
        sentences=[sentence(f, language) for f in report.findings if f is not refusal],
        unsized=any(i.spacing is None for i in reading.inputs),
    )


def entry_of(report: Report, case: Case, *, link: str, lang: str = "en") -> Entry:
    """The line of one report in the list.

    Args:
        report: What is said.
        case: What was looked at.
        link: Address of the report, relative to the list.
        lang: ``"en"`` or ``"zh"``.
    """
    language, findings = check_language(lang), report.findings
    refusal = _refusal(findings)
    first = next((f for f in findings if isinstance(f, Measurement)), None)
    sure = next((s.confidence for f in findings if isinstance(f, Segmentation) for s in f.segments), None)
    return Entry(
        case=case.identifier,
        link=link,
        thumbnail=thumbnail(next(iter(case.images.values()))),
        main=_main(findings, first, refusal, language),
        interval=range_of(first.interval, first.unit, language) if first and first.interval else "",
        confidence="" if sure is None else f"{sure:.2f} ({confidence_word(sure, language)})",
        refused=refusal is not None,
    )


def _refusal(findings: Findings) -> NotApplicable | None:
    """Why nothing was answered; None where something was."""
    return next((f for f in findings if isinstance(f, NotApplicable) and f.concept is None), None)


def _main(
    findings: Findings, first: Measurement | None, refusal: NotApplicable | None, lang: Language
) -> str:
    if refusal is not None:
        return phrase(f"reason-{refusal.reason}", lang)
    if first is not None:
        return f"{short(first.concept, lang)} {amount(first.value, first.unit, lang)}"
    return sentence(findings.items[0], lang) if len(findings) else phrase("none", lang)


def render_index(entries: tuple[Entry, ...], *, lang: str = "en") -> str:
    """The list of many reports, HTML, with a small picture, the main result and a link each."""
    language = check_language(lang)
    return _template("index.html.jinja").render(
        t=_phrases(language),
        lang=_HTML_LANGUAGE[language],
        entries=entries,
        refused=sum(e.refused for e in entries),
    )


def _phrases(lang: Language) -> Callable[..., str]:
    return lambda key, **parts: phrase(key, lang, **parts)


@functools.cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("skiagraph.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@final
class _View:
    """How the template writes values in the language of the page."""

    def __init__(self, lang: Language) -> None:
        self.lang = lang

    def word(self, code: Any) -> str:
        name = word(code, self.lang)
        return name[:1].upper() + name[1:]

    def plain_word(self, code: Any) -> str:
        return word(code, self.lang)

    def word_first(self, words: str) -> str:
        return words[:1].upper() + words[1:] + ("。" if self.lang == "zh" else ".")

    def short(self, code: Any) -> str:
        return short(code, self.lang)

    def legend(self, picture: Picture) -> list[Mark]:
        return list({mark.code: mark for mark in picture.marks}.values())

    def names(self, picture: Picture) -> str:
        return phrase("comma", self.lang).join(word(mark.code, self.lang) for mark in self.legend(picture))

    def interval_title(self, measurements: list[Measurement]) -> str:
        levels = {m.interval.level for m in measurements if m.interval is not None}
        if len(levels) != 1:
            return phrase("interval-none", self.lang)
        return phrase("interval", self.lang, level=f"{100 * levels.pop():g}")

    def references(self, measurements: list[Measurement], card: Card) -> list[str]:
        """Each method once, then whom the data of the model ask to name."""
        return list(
            dict.fromkeys(text for text in (*(m.method for m in measurements), card.attribution) if text)
        )

    def value(self, m: Measurement) -> str:
        return amount(m.value, m.unit, self.lang)

    def brief(self, m: Measurement) -> str:
        return amount(m.value, m.unit, self.lang, brief=True)

    def interval(self, m: Measurement) -> str:
        return "" if m.interval is None else range_of(m.interval, m.unit, self.lang)

    def sure(self, segment: Segment) -> str:
        return "" if segment.confidence is None else confidence_word(segment.confidence, self.lang)

    def modality(self, one: Input) -> str:
        if one.modality is None:
            return phrase("unknown", self.lang)
        name = word(Code(value=one.modality, scheme="DCM", meaning=one.modality), self.lang)
        return one.modality if name == one.modality else f"{one.modality} ({name})"

    def spacing(self, one: Input) -> str:
        if one.spacing is None:
            return phrase("unknown", self.lang)
        return " × ".join(f"{s:.4g}" for s in one.spacing) + " mm"

    def number(self, value: float) -> str:
        return number(value)

    def path(self, mark: Mark) -> str:
        """The line of a mark as SVG path data."""
        points = " L".join(f"{x:.2f} {y:.2f}" for x, y in mark.points)
        return f"M{points}{' Z' if mark.shape == 'outline' else ''}"

    def label(self, mark: Mark, picture: Picture) -> dict[str, Any]:
        """Where the name of a mark stands: beyond its last point, inside of the picture."""
        x, y = _beyond(mark.points, 0.035 * picture.height)
        return {
            "x": round(min(max(x, 0.03 * picture.width), 0.97 * picture.width), 1),
            "y": round(min(max(y, 0.05 * picture.height), 0.97 * picture.height), 1),
        }


def _beyond(points: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """A place `by` units further than the lower or right end of a line, or than a point."""
    if len(points) == 1:
        return np.asarray(points[0] + (by, -by))
    ends = points[[0, -1]]
    end = ends[np.argmax(ends @ (0.6, 1.0))]
    way = (end - ends.mean(axis=0)) / (np.linalg.norm(end - ends.mean(axis=0)) + 1e-9)
    return np.asarray(end + by * way * (1.6, 1.0))  # words are wider than high
