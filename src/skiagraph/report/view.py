"""How a report writes values in its language, on the page and in the PDF alike."""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.findings import Findings, Measurement, NotApplicable, Segment
from skiagraph.report.picture import Mark, Picture
from skiagraph.report.reading import Input
from skiagraph.report.words import Language, amount, confidence_word, number, phrase, range_of, short, word
from skiagraph.task import Card

__all__ = ["LANGUAGE_TAGS", "View", "refusal_of"]

LANGUAGE_TAGS: Final = {"en": "en", "zh": "zh-CN"}


def refusal_of(findings: Findings) -> NotApplicable | None:
    """Why nothing was answered; None where something was."""
    return next((f for f in findings if isinstance(f, NotApplicable) and f.concept is None), None)


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
