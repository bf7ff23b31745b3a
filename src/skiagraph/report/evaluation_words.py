"""The words and numbers of evaluations and diagnoses, in each language that a page can be in."""

from __future__ import annotations

import functools
import json
import math
from importlib.resources import files
from typing import Any

from skiagraph.report.words import Language, name_said, number

__all__ = ["figure_name", "figure_text", "p_text", "range_text", "said", "signed"]


@functools.cache
def _table(name: str) -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = json.loads(files("skiagraph.report").joinpath(name).read_text("utf-8"))
    return table


def said(key: str, lang: Language, **parts: Any) -> str:
    """A sentence or label of an evaluation, with its parts put in."""
    return _table("evaluation.json")[key][lang].format(**parts)


def figure_name(name: str, lang: Language) -> str:
    """What a figure is called: ``"benign: f1"`` keeps its class, ``"macro f1"`` and ``"mean: dice"`` say so."""
    table = _table("figure_names.json")
    if name in table and name not in ("macro", "mean"):
        return table[name][lang]
    start, sign, rest = name.rpartition(": ")
    if sign and start == "mean":
        return table["mean"][lang].format(name=figure_name(rest, lang))
    if sign:
        return f"{name_said(start, lang)}: {figure_name(rest, lang)}"
    if name.startswith("macro "):
        return table["macro"][lang].format(name=figure_name(name.removeprefix("macro "), lang))
    return name


def figure_text(value: float) -> str:
    """A figure: three decimals up to 1, else as the reports write numbers; a dash where it is not defined."""
    if not math.isfinite(value):
        return "–"
    if abs(value) < 1e-12:
        return "0"
    if 5e-4 <= abs(value) <= 1:
        return f"{value:.3f}"
    return number(value) if abs(value) > 1 else f"{value:.1e}"


def signed(value: float) -> str:
    """A difference, with its sign."""
    text = figure_text(value)
    return f"+{text}" if math.isfinite(value) and value > 0 else text.replace("-", "−", 1)


def range_text(low: float, high: float, lang: Language) -> str:
    """From where to where; a dash where it is not known."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "–"
    between = " to " if lang == "en" else " 至 "
    return f"{figure_text(low)}{between}{figure_text(high)}".replace("-", "−")


def p_text(p: float) -> str:
    """A p-value with its sign: never 0."""
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
