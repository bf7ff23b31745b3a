"""Figures of an evaluation in the shell: a table, plain data for JSON, and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skiagraph.report.evaluated import ClassCounts, Evaluated, Judged, Rival
    from skiagraph.task import Comparison, Estimate

__all__ = ["estimate_said", "lines_of", "named", "question_said", "table_of", "warnings_of"]


def warnings_of(judged: Judged) -> list[str]:
    """What stands against a model: the baselines that it does not beat, in words."""
    from skiagraph.report.evaluation import sentences_of

    start = f"{judged.name}: " if judged.name else ""
    return [start + sentence for sentence in sentences_of(judged, "no better", "en")]


def named(found: Evaluated) -> dict[str, Estimate]:
    """Every figure of an evaluation, with the name of its question where there are several."""
    return {
        f"{judged.name}: {name}" if judged.name else name: estimate
        for judged in found.judged
        for name, estimate in judged.figures.items()
    }


def _number(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124  NaN is no JSON


def estimate_said(e: Estimate) -> dict[str, Any]:
    """A figure as plain data; a number that is none is null."""
    ends = {"value": _number(e.value), "low": _number(e.low), "high": _number(e.high)}
    return {**ends, "n": e.n, "excluded": e.excluded}


def _all_plain(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate_said(e) for name, e in figures.items()}


def _difference(c: Comparison) -> dict[str, Any]:
    numbers = {"difference": c.difference, "low": c.low, "high": c.high, "p": c.p_permutation}
    return {**{name: _number(value) for name, value in numbers.items()}, "n": c.n}


def question_said(judged: Judged) -> dict[str, Any]:
    """What stands beside the figures of a question, as plain data."""
    from skiagraph.report.evaluation_accuracy import misleading

    rival, misleads = judged.rival, misleading(judged, "en")
    return {
        "name": judged.name,
        "kind": judged.kind,
        "baselines": {name: _all_plain(figures) for name, figures in judged.baselines.items()},
        "subgroups": [
            {"attribute": s.attribute, "value": s.value, "cases": s.cases, "figures": _all_plain(s.figures)}
            for s in judged.subgroups
        ],
        "compared": None if rival is None else _other(rival),
        "members": [_other(one) for one in judged.members],
        "classes": [_class_said(one) for one in judged.counts],
        "accuracy misleads": None if misleads is None else misleads.paragraph,
    }


def _class_said(one: ClassCounts) -> dict[str, Any]:
    shares = {"sensitivity": one.found, "specificity": one.spared}
    return {
        "class": one.label,
        **{
            name: {"value": _number(s.value), "low": _number(s.low), "high": _number(s.high)}
            | {"right": s.hits, "of": s.cases}
            for name, s in shares.items()
        },
    }


def _other(rival: Rival) -> dict[str, Any]:
    return {
        "with": rival.name,
        "figures": _all_plain(rival.figures),
        "differences": {name: _difference(c) for name, c in rival.comparisons.items()},
        "tests": {name: _number(p) for name, p in rival.tests.items()},
    }


def lines_of(judged: Judged) -> list[str]:
    """What was found of each class, as counts, and in a line why accuracy misleads, where it does."""
    from skiagraph.report.evaluation_accuracy import counted_in_a_line, misleading

    misleads = misleading(judged, "en")
    lines = (counted_in_a_line(judged, "en"), "" if misleads is None else misleads.line)
    return [line for line in lines if line]


def table_of(judged: Judged, title: str) -> Any:
    """The figures at the head of a question with those beside them, subgroups, and what was found as counts."""
    from rich.console import Group
    from rich.text import Text

    from skiagraph.report.evaluation_words import figure_text

    heads = ["value", "95 % interval", "cases", "excluded", *judged.baselines]
    rows = {}
    for name in judged.headline:
        e = judged.figures[name]
        row = [
            figure_text(e.value),
            f"{figure_text(e.low)} to {figure_text(e.high)}",
            str(e.n),
            str(e.excluded),
        ]
        row += [figure_text(found[name].value) for found in judged.baselines.values()]
        rows[name] = row
    tables = [_table(title, heads, rows)]
    if judged.others:
        tables.append(_beside_others(judged))
    groups = [s for s in judged.subgroups if s.figures]
    if groups:
        heads = [f"{s.attribute} {s.value or 'not stated'} (n = {s.cases})" for s in groups]
        rows = {
            name: [figure_text(s.figures[name].value) if name in s.figures else "–" for s in groups]
            for name in judged.headline
        }
        tables.append(_table("", heads, rows))
    return Group(*tables, *(Text(line) for line in lines_of(judged)))


def _beside_others(judged: Judged) -> Any:
    """Other models, and what the model's figures are more or less, on the cases that both answered."""
    from skiagraph.report.evaluation_words import figure_text

    alone = judged.others[0] if len(judged.others) == 1 else None
    rows = {}
    for name in judged.headline:
        cells = [_apart(one, name) for one in judged.others]
        more = cells[0] if alone else [f"{other} ({by})" if by else other for other, by, _ in cells]
        rows[name] = [figure_text(judged.figures[name].value), *more]
    heads = ["model", *(one.name for one in judged.others), *(("difference", "p") if alone else ())]
    title = "" if alone else "beside others (in brackets: model minus other)"
    return _table(title, heads, rows)


def _apart(rival: Rival, name: str) -> list[str]:
    """The figure of another model, the difference and its p; both empty where they are not known."""
    from skiagraph.report.evaluation_words import figure_text, p_text, signed

    value = figure_text(rival.figures[name].value) if name in rival.figures else "–"
    c = rival.comparisons.get(name)
    by = ["", ""] if c is None else [signed(c.difference), p_text(c.p_permutation).removeprefix("= ")]
    return [value, *by]


def _table(title: str, heads: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
    table.add_column("figure")
    for head in heads:
        table.add_column(escape(head), no_wrap=head == "95 % interval", justify="right")
    for name, row in rows.items():
        table.add_row(escape(name), *row)
    return table
