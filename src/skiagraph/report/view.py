"""How a report writes values in its language, on the page and in the PDF alike."""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Report
from skiagraph.codes import Code
from skiagraph.findings import Findings, Measurement, NotApplicable, Segment, Segmentation
from skiagraph.report.narrative import narrative, sentences
from skiagraph.report.picture import Mark, Picture
from skiagraph.report.reading import Input, Reading
from skiagraph.report.words import (
    LANGUAGES,
    Language,
    amount,
    confidence_word,
    feature_word,
    number,
    phrase,
    range_of,
    short,
    word,
)
from skiagraph.task import Card, Explanation

__all__ = ["LANGUAGE_TAGS", "View", "refusal_of", "signed", "unsized"]

LANGUAGE_TAGS: Final = {"en": "en", "zh": "zh-CN"}
_FEATURES: Final = 10  # that a table shows one by one
_GIVEN: Final = 6  # names of outlines in one line
_TABLES: Final = 5  # of several answers; reading.json has all


def refusal_of(findings: Findings) -> NotApplicable | None:
    """Why nothing was answered; None where something was."""
    return next((f for f in findings if isinstance(f, NotApplicable) and f.concept is None), None)


def signed(value: float) -> str:
    """A number with its sign and two decimals; nothing has no sign."""
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def unsized(reading: Reading) -> bool:
    """Whether lengths are missing because the size of a pixel is not known: nothing else needs it."""
    lengths = reading.card.task != "classification"
    return lengths and any(one.spacing is None for one in reading.inputs)


@final
class View:
    """How the template writes values in the language of the page."""

    def __init__(self, lang: Language) -> None:
        self.lang = lang

    def word(self, code: Code) -> str:
        """What a code is called, as a heading."""
        name = word(code, self.lang)
        return name[:1].upper() + name[1:]

    def plain_word(self, code: Code) -> str:
        """What a code is called inside of a sentence."""
        return word(code, self.lang)

    def word_first(self, words: str) -> str:
        """Words as a sentence of their own."""
        return words[:1].upper() + words[1:] + ("。" if self.lang == "zh" else ".")

    def short(self, code: Code) -> str:
        """The usual abbreviation of a code."""
        return short(code, self.lang)

    def legend(self, picture: Picture) -> list[Mark]:
        """One mark for each thing that is drawn."""
        return list({mark.code: mark for mark in picture.marks}.values())

    def names(self, picture: Picture) -> str:
        """Everything that is drawn, in words."""
        return phrase("comma", self.lang).join(word(mark.code, self.lang) for mark in self.legend(picture))

    def interval_title(self, measurements: list[Measurement]) -> str:
        """The head of a column of intervals, with their level where all have the same."""
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
        """A value with its unit."""
        return amount(m.value, m.unit, self.lang)

    def brief(self, m: Measurement) -> str:
        """A value with its unit in few letters."""
        return amount(m.value, m.unit, self.lang, brief=True)

    def interval(self, m: Measurement) -> str:
        """From where to where; empty without an interval."""
        return "" if m.interval is None else range_of(m.interval, m.unit, self.lang)

    def sure(self, segment: Segment) -> str:
        """How sure, in a word; empty where the model does not tell."""
        return "" if segment.confidence is None else confidence_word(segment.confidence, self.lang)

    def modality(self, one: Input) -> str:
        """The modality of an image with its name."""
        if one.modality is None:
            return phrase("unknown", self.lang)
        name = word(Code(value=one.modality, scheme="DCM", meaning=one.modality), self.lang)
        return one.modality if name == one.modality else f"{one.modality} ({name})"

    def spacing(self, one: Input) -> str:
        """The size of a pixel or voxel."""
        if one.spacing is None:
            return phrase("unknown", self.lang)
        return " × ".join(f"{s:.4g}" for s in one.spacing) + " mm"

    def number(self, value: float) -> str:
        """A number as people read it."""
        return number(value)

    def given(self, outlines: tuple[Segmentation, ...]) -> str:
        """The outlines that came with the image: names, and how many places each holds."""
        found: dict[str, int] = {}
        for outline in outlines:
            for s in outline.segments:
                name = self.plain_word(s.code)
                found[name] = found.get(name, 0) + int(outline.mask(s.number).sum())
        key = f"given-{outlines[0].space.ndim}" if outlines else ""
        said = [phrase(key, self.lang, name=name, n=n) for name, n in found.items()]
        return phrase("comma", self.lang).join(said[:_GIVEN]) + (" …" if len(said) > _GIVEN else "")

    def tables(self, reasons: tuple[Explanation, ...]) -> list[dict[str, Any]]:
        """What decided each answer: title, sentence, and of each feature name, value, typical value, what it added."""
        return [self._table(one, alone=len(reasons) == 1) for one in reasons[:_TABLES]]

    def untold(self, reasons: tuple[Explanation, ...]) -> str:
        """That there are more tables than are shown; empty where all are."""
        more = len(reasons) - _TABLES
        return phrase("reasons-more", self.lang, n=more) if more > 0 else ""

    def written(self, report: Report) -> list[str]:
        """The paragraphs that a reader wrote in place of the sentences of the findings; none where nobody did.

        Words in the language of the page go before those in another.
        """
        words = dict(report.narrative)
        own = {
            lang: text
            for lang, text in words.items()
            if lang not in LANGUAGES or text.strip() != narrative(report.findings, lang).strip()
        }
        text = own.get(self.lang) or next(iter(own.values()), "")
        return [line.strip() for line in text.splitlines() if line.strip()]

    def sentences(self, findings: Findings, reasons: tuple[Explanation, ...]) -> list[str]:
        """What was found; where there are answers about several things, each with the name of its own."""
        refusal = refusal_of(findings)
        return sentences([f for f in findings if f is not refusal], reasons, self.lang)

    def _table(self, one: Explanation, *, alone: bool) -> dict[str, Any]:
        unit, label = one.unit, self.plain_word(one.label)
        usual, answer = (
            signed(v) if unit is None else amount(v, unit, self.lang) for v in (one.usual, one.answer)
        )
        first, rest = one.contributions[:_FEATURES], one.contributions[_FEATURES:]
        rows = [
            (
                feature_word(c.name or c.column, self.lang),
                self._of_feature(c.value, c.unit),
                self._of_feature(c.typical, c.unit),
                c.added,
            )
            for c in first
        ]
        if rest:
            others = phrase("others", self.lang, n=len(rest))
            rows.append((others, "", "", sum(c.added for c in rest)))
        most = max((abs(c.added) for c in first), default=0.0) or 1.0
        return {
            "title": phrase("reasons" if alone else "reasons-of", self.lang, name=one.described),
            "sentence": phrase(
                "reasons-value" if unit else "reasons-class",
                self.lang,
                label=label,
                usual=usual,
                answer=answer,
            ),
            "rows": [
                (*row[:3], signed(row[3]), round(100 * row[3] / most) if n < len(first) else None)
                for n, row in enumerate(rows)
            ],
        }

    def _of_feature(self, value: float | None, unit: str) -> str:
        return phrase("no-value", self.lang) if value is None else f"{number(value)} {unit}".rstrip()

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
