"""The page about an evaluation: one file with figures, charts, worst cases and baselines, without network or script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from skiagraph.codes import Code
from skiagraph.report.evaluated import Evaluated, Judged, Rival, Subgroup, ValueGraphs, Verdict
from skiagraph.report.evaluation_accuracy import Misleading, count_rows, counted, misleading
from skiagraph.report.evaluation_charts import charts_of
from skiagraph.report.evaluation_pictures import Shown, shown
from skiagraph.report.evaluation_words import (
    figure_name,
    figure_text,
    p_text,
    range_text,
    said,
    signed,
)
from skiagraph.report.templated import template
from skiagraph.report.view import LANGUAGE_TAGS
from skiagraph.report.words import Language, check_language, name_said, phrase, word
from skiagraph.task import Card, Comparison, Estimate

__all__ = ["Section", "render_evaluation", "sentences_of"]

_PROBLEMS: Final = 20  # that are named on the page
_TILES: Final = 8
_IN_UNITS: Final = frozenset(
    {
        "mean absolute error",
        "root mean square error",
        "median absolute error",
        "median error",
        "bias",
        "spread",
    }
    | {"lower limit of agreement", "upper limit of agreement", "mean interval width", "interval score"}
    | {"pinball score"}
)
_COUNTED: Final = frozenset(
    {"present", "missed", "made up", "penalised", "absent classes", "labels without both answers"}
)
_BY_PART: Final[Mapping[str, tuple[str, ...]]] = {
    "outlines": (
        "dice", "iou", "hd95 [mm]", "mean surface distance [mm]", "surface dice at 2 mm", "absolute size error [%]",
        "missed", "made up",
    ),
    "classes": ("precision", "f1", "roc auc", "pr auc"),
    "labels": ("roc auc", "pr auc", "precision", "f1", "calibration error"),
}  # fmt: skip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Something that is added to the page, such as a diagnosis of the fit.

    Args:
        title: Its heading.
        sentences: What is said.
        charts: SVG elements.
        rows: A table, its head first; none where it is empty.
        numbers: Whether the table is of numbers; else its cells are words.
    """

    title: str
    sentences: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: bool = True


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
    return template("evaluation.html.jinja").render(
        e=evaluated,
        t=_said(language),
        lang=LANGUAGE_TAGS[language],
        view=_View(language),
        sections=sections,
        problems=evaluated.problems[:_PROBLEMS],
        more=len(evaluated.problems[_PROBLEMS:]),
    )


def sentences_of(judged: Judged, answer: str, lang: Language) -> tuple[str, ...]:
    """What the figures beside each baseline mean, in words.

    Args:
        judged: One question.
        answer: ``"no better"`` or ``"unproven"``: which figures are spoken of.
        lang: Of the sentences.

    Returns:
        One sentence a baseline, the constant first; none where there is nothing to say.
    """
    found: dict[str, list[Verdict]] = {}
    for verdict in judged.verdicts:
        if verdict.answer == answer:
            found.setdefault(verdict.baseline, []).append(verdict)
    key = "no-better" if answer == "no better" else "unproven"
    return tuple(
        said(
            key,
            lang,
            baseline=said(baseline, lang),
            items=phrase("and", lang).join(_beside(verdict, lang) for verdict in items),
        )
        for baseline, items in found.items()
    )


def _beside(verdict: Verdict, lang: Language) -> str:
    return said(
        "beside-open" if verdict.answer == "unproven" else "beside",
        lang,
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

    def name(self, figure: str, judged: Judged | None = None) -> str:
        """A figure as a heading, with the unit of measured values, and the class that sensitivity is of."""
        words = figure_name(figure, self.lang)
        start, sign, rest = words.rpartition(": ")
        unit = ""
        if judged is not None and isinstance(judged.graphs, ValueGraphs) and figure in _IN_UNITS:
            unit = f" [{word(judged.graphs.unit, self.lang) or judged.graphs.unit.value}]"
        if judged is not None and figure == "sensitivity" and judged.counts:
            unit = said("of-class", self.lang, label=name_said(judged.counts[-1].label, self.lang))
        return f"{start}{sign}{rest[:1].upper()}{rest[1:]}{unit}"

    def value(self, estimate: Estimate | None, figure: str = "") -> str:
        """The value of a figure; of cases that are counted a whole number."""
        if estimate is None:
            return "–"
        if figure.rpartition(": ")[2] in _COUNTED:
            return f"{estimate.value:.0f}"
        return figure_text(estimate.value).replace("-", "−")

    def number(self, value: float) -> str:
        """A number as figures are written."""
        return figure_text(value).replace("-", "−")

    def interval(self, estimate: Estimate | None, figure: str = "") -> str:
        """The interval of a figure; none of cases that are counted."""
        if figure.rpartition(": ")[2] in _COUNTED:
            return ""
        return "–" if estimate is None else range_text(estimate.low, estimate.high, self.lang)

    def difference(self, found: Comparison) -> str:
        """A difference with its interval."""
        return f"{signed(found.difference)} ({range_text(found.low, found.high, self.lang)})"

    def apart(self, other: Rival, figure: str) -> tuple[str, ...]:
        """How far the model is from another, and the interval of that, a line each; none where it is not known."""
        c = other.comparisons.get(figure)
        if c is None:
            return ()
        return said("apart", self.lang, difference=signed(c.difference)), range_text(c.low, c.high, self.lang)

    def p(self, value: float) -> str:
        """A p-value in a table."""
        return p_text(value).removeprefix("= ")

    def p_said(self, value: float) -> str:
        """A p-value in a sentence."""
        return p_text(value)

    def tiles(self, judged: Judged) -> tuple[str, ...]:
        """The figures that stand in large letters."""
        return judged.headline[:_TILES]

    def against(self, judged: Judged, figure: str, baseline: str) -> Verdict | None:
        """What was found of one figure beside one baseline."""
        return next((v for v in judged.verdicts if (v.figure, v.baseline) == (figure, baseline)), None)

    def warnings(self, judged: Judged) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The sentences on baselines that are not beaten, and on those that perhaps are not."""
        return sentences_of(judged, "no better", self.lang), sentences_of(judged, "unproven", self.lang)

    def counted(self, judged: Judged) -> tuple[str, ...]:
        """Of two classes: what was found, in sentences."""
        return counted(judged, self.lang)

    def count_rows(self, judged: Judged) -> tuple[tuple[str, ...], ...]:
        """Of more classes, and of labels: what was found of each, in a row."""
        return count_rows(judged, self.lang)

    def misleading(self, judged: Judged) -> Misleading | None:
        """Why accuracy misleads."""
        return misleading(judged, self.lang)

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

    def parts(self, judged: Judged) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Structures, classes or labels with figures of their own, and which; none where there is only one."""
        columns = _BY_PART.get(judged.kind, ())
        labels = (
            [n.rpartition(": ")[0] for n in judged.figures if n.rpartition(": ")[2] == columns[0]]
            if columns
            else []
        )
        labels = [label for label in dict.fromkeys(labels) if label not in ("", "mean")]
        return tuple(labels), tuple(c for c in columns if labels and f"{labels[0]}: {c}" in judged.figures)

    def called(self, name: str) -> str:
        """What a class, a structure or a split is called."""
        return name_said(name, self.lang)

    def missed(self, judged: Judged) -> str:
        """How often outlines have nothing to do with each other."""
        counts = [
            sum(f.value for n, f in judged.figures.items() if n.rpartition(": ")[2] == name)
            for name in ("missed", "made up", "penalised")
        ]
        missed, made, penalised = (round(count) for count in counts)
        return said("missed-note", self.lang, missed=missed, made=made, penalised=penalised)

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
