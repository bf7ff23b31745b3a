"""The page about an evaluation: one file with figures, charts, worst cases and baselines, without network or script."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import jinja2

from skiagraph.codes import Code
from skiagraph.report.evaluated import Evaluated, Judged, Rival, Subgroup, Verdict
from skiagraph.report.evaluation_charts import charts_of
from skiagraph.report.evaluation_pictures import Shown, shown
from skiagraph.report.evaluation_words import figure_name, figure_text, p_text, range_text, said, signed
from skiagraph.report.view import LANGUAGE_TAGS
from skiagraph.report.words import Language, check_language, phrase, word
from skiagraph.task import Card, Comparison, Estimate

__all__ = ["Section", "render_evaluation", "sentence_of"]

_PROBLEMS: Final = 20  # that are named on the page
_TILES: Final = 8


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Something that is added to the page, such as a diagnosis of the fit.

    Args:
        title: Its heading.
        sentences: What is said.
        charts: SVG elements.
    """

    title: str
    sentences: tuple[str, ...]
    charts: tuple[str, ...] = ()


def render_evaluation(evaluated: Evaluated, *, lang: str = "en", sections: Sequence[Section] = ()) -> str:
    """The page, HTML.

    Args:
        evaluated: What was found.
        lang: ``"en"`` or ``"zh"``.
        sections: Added before the card of the model.

    Raises:
        UnknownName: Another language.
    """
    language = check_language(lang)
    return _template().render(
        e=evaluated,
        t=_said(language),
        lang=LANGUAGE_TAGS[language],
        view=_View(language),
        sections=sections,
        problems=evaluated.problems[:_PROBLEMS],
        more=len(evaluated.problems[_PROBLEMS:]),
    )


def sentence_of(verdict: Verdict, lang: Language) -> str:
    """What a figure beside a baseline means, in words; empty where the model is better."""
    if verdict.answer == "better":
        return ""
    key = "no-better" if verdict.answer == "no better" else "unproven"
    return said(
        key,
        lang,
        baseline=said(verdict.baseline, lang),
        figure=figure_name(verdict.figure, lang),
        model=figure_text(verdict.model),
        other=figure_text(verdict.other),
        low=signed(verdict.low),
        high=signed(verdict.high),
    )


def _said(lang: Language) -> Callable[..., str]:
    return lambda key, **parts: said(key, lang, **parts)


@final
class _View:
    """How the template writes the values of an evaluation."""

    def __init__(self, lang: Language) -> None:
        self.lang = lang

    def name(self, figure: str) -> str:
        """A figure as a heading."""
        words = figure_name(figure, self.lang)
        start, sign, rest = words.rpartition(": ")
        return f"{start}{sign}{rest[:1].upper()}{rest[1:]}"

    def value(self, estimate: Estimate | None) -> str:
        """The value of a figure."""
        return "–" if estimate is None else figure_text(estimate.value).replace("-", "−")

    def number(self, value: float) -> str:
        """A number as figures are written."""
        return figure_text(value).replace("-", "−")

    def interval(self, estimate: Estimate | None) -> str:
        """The interval of a figure."""
        return "–" if estimate is None else range_text(estimate.low, estimate.high, self.lang)

    def difference(self, found: Comparison) -> str:
        """A difference with its interval."""
        return f"{signed(found.difference)} ({range_text(found.low, found.high, self.lang)})"

    def p(self, value: float) -> str:
        """A p-value."""
        return p_text(value)

    def tiles(self, judged: Judged) -> tuple[str, ...]:
        """The figures that stand in large letters."""
        return judged.headline[:_TILES]

    def against(self, judged: Judged, figure: str, baseline: str) -> Verdict | None:
        """What was found of one figure beside one baseline."""
        return next((v for v in judged.verdicts if (v.figure, v.baseline) == (figure, baseline)), None)

    def warnings(self, judged: Judged, answer: str) -> list[str]:
        """The sentences on baselines that are not beaten."""
        return [sentence_of(v, self.lang) for v in judged.verdicts if v.answer == answer]

    def refusals(self, counts: Mapping[str, int]) -> str:
        """How often the model did not answer, and why."""
        items = [f"{phrase(f'reason-{reason}', self.lang)} ({n})" for reason, n in counts.items()]
        return said("refused", self.lang, items=phrase("comma", self.lang).join(items))

    def attributes(self, judged: Judged) -> dict[str, list[Subgroup]]:
        """Subgroups by their attribute."""
        found: dict[str, list[Subgroup]] = {}
        for one in judged.subgroups:
            found.setdefault(one.attribute, []).append(one)
        return found

    def compared(self, judged: Judged, rival: Rival) -> list[tuple[str, Comparison]]:
        """The head figures of two models."""
        return [(n, rival.comparisons[n]) for n in judged.headline if n in rival.comparisons]

    def charts(self, judged: Judged) -> tuple[str, ...]:
        """The charts of a question."""
        return charts_of(judged.graphs, self.lang)

    def pictures(self, judged: Judged) -> list[Shown]:
        """The worst cases."""
        return [shown(worst, self.lang) for worst in judged.worst]

    def word(self, code: Code) -> str:
        """What a code is called."""
        return word(code, self.lang)

    def outputs(self, card: Card) -> str:
        """What a model answers."""
        return phrase("comma", self.lang).join(
            dict.fromkeys(word(o.concept, self.lang) for o in card.outputs)
        )

    def inputs(self, card: Card) -> str:
        """What a model reads."""
        return phrase("comma", self.lang).join(f"{i.name} ({i.modality}, {i.ndim}-D)" for i in card.inputs)


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("skiagraph.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("evaluation.html.jinja")
