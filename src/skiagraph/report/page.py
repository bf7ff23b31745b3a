"""The report as one page that needs nothing else: no network, no script, no second file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from skiagraph.case import Case, Report
from skiagraph.findings import Findings, Measurement, NotApplicable, Segmentation
from skiagraph.report.narrative import sentence
from skiagraph.report.picture import picture_of, thumbnail
from skiagraph.report.reading import reading_of
from skiagraph.report.templated import template
from skiagraph.report.view import LANGUAGE_TAGS, View, refusal_of, unsized
from skiagraph.report.words import (
    Language,
    amount,
    check_language,
    confidence_word,
    phrase,
    range_of,
    short,
)
from skiagraph.task import Card, Explanation

__all__ = ["Entry", "entry_of", "render_index", "render_report"]


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


def render_report(
    report: Report, case: Case, card: Card, *, lang: str = "en", reasons: Sequence[Explanation] = ()
) -> str:
    """The page of one report, HTML.

    Args:
        report: What is said, in its present state.
        case: What was looked at.
        card: The model that looked.
        lang: ``"en"`` or ``"zh"``.
        reasons: Of each answer by features, which of them decided it.

    Raises:
        UnknownName: Another language.
        InvalidInput: The report is about another case.
    """
    language = check_language(lang)
    reading = reading_of(report, case, card, reasons)
    image = next(iter(case.images.values()))
    refusal, view = refusal_of(report.findings), View(language)
    return template("report.html.jinja").render(
        view=view,
        t=_phrases(language),
        lang=LANGUAGE_TAGS[language],
        reading=reading,
        report=report,
        card=card,
        p=report.findings.provenance,
        picture=picture_of(image, (*report.findings.items, *reading.given)),
        refusal=refusal,
        measurements=[f for f in report.findings if isinstance(f, Measurement)],
        segments=[s for f in report.findings if isinstance(f, Segmentation) for s in f.segments],
        sentences=view.written(report) or view.sentences(report.findings, reading.reasons),
        unsized=unsized(reading),
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
    refusal = refusal_of(findings)
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
    return template("index.html.jinja").render(
        t=_phrases(language),
        lang=LANGUAGE_TAGS[language],
        entries=entries,
        refused=sum(e.refused for e in entries),
    )


def _phrases(lang: Language) -> Callable[..., str]:
    return lambda key, **parts: phrase(key, lang, **parts)
