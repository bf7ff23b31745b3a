"""The words of codes, numbers and sentences, in each language that a report can be in."""

from __future__ import annotations

import functools
import json
import math
import re
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import UnknownName
from skiagraph.findings import Interval

__all__ = [
    "LANGUAGES",
    "Language",
    "amount",
    "check_language",
    "confidence_word",
    "feature_word",
    "name_said",
    "number",
    "phrase",
    "range_of",
    "short",
    "word",
]

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

_HIGH, _MODERATE = 0.95, 0.80
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_HASH: Final = re.compile("#")


@functools.cache
def _table(name: str) -> dict[str, dict[str, str]]:
    text = files("skiagraph.report").joinpath(name).read_text("utf-8")
    table: dict[str, dict[str, str]] = json.loads(text)
    return table


def check_language(lang: str) -> Language:
    """The language, if reports can be in it.

    Raises:
        UnknownName: They cannot.
    """
    for known in LANGUAGES:
        if lang == known:
            return known
    raise UnknownName("reports are written in en (English) or zh (Chinese)", got=repr(lang))


def phrase(key: str, lang: Language, **parts: Any) -> str:
    """A sentence or label of the reports, with its parts put in."""
    return _table("phrases.json")[key][lang].format(**parts)


def word(code: Code, lang: Language) -> str:
    """What a code is called; its own meaning, or its value, where the word lists do not have it."""
    entry = _table("words.json").get(f"{code.scheme}|{code.value}", {})
    if entry:
        return entry.get(lang, "")
    name = code.meaning or code.value
    return feature_word(name, lang) if "_" in name else name_said(name, lang)


def name_said(name: str, lang: Language) -> str:
    """What a class or a split is called: common ones have a word of their own, others keep theirs."""
    return _table("names.json").get(name, {}).get(lang, name)


def feature_word(name: str, lang: Language) -> str:
    """What a feature is called: ``"glcm: contrast"`` of that or of its key ``"glcm_contrast"``.

    A feature of no known family keeps its name; a name that the list lacks stays English beside its family.
    """
    table = _table("features.json")
    plain = name.replace(": ", " ").replace("_", " ")
    family = max((f for f in table["families"] if plain.startswith(f"{f} ")), key=len, default="")
    if not family:
        return name
    own = plain.removeprefix(family).strip()
    if lang == "zh":
        numbers = iter(_NUMBER.findall(own))
        known = {k.replace("-", " "): v for k, v in table["names"].items()}
        found = known.get(_NUMBER.sub("#", own).replace("-", " "), "")
        own = _HASH.sub(lambda _: next(numbers), found) if found else own
        family = table["families"][family]
    return phrase("label", lang, name=family, value=own)


def short(code: Code, lang: Language) -> str:
    """The usual abbreviation of a code, e.g. ``"HC"``; its word where it has none."""
    return _table("words.json").get(f"{code.scheme}|{code.value}", {}).get("short") or word(code, lang)


def confidence_word(confidence: float, lang: Language) -> str:
    """High from 0.95, moderate from 0.80, else low.

    Source: own.
    """
    step = "high" if confidence >= _HIGH else "moderate" if confidence >= _MODERATE else "low"
    return phrase(f"confidence-{step}", lang)


def number(value: float) -> str:
    """A number as people read it: one decimal from 10 on, three significant digits below."""
    size = abs(value)
    if size and not 1e-3 <= size < 1e6:
        return f"{value:.2e}"
    decimals = 1 if size >= 10 or size == 0 else 2 if size >= 1 else 2 - math.floor(math.log10(size))
    return f"{value:.{decimals}f}"


def _digits(value: float, unit: Code) -> str:
    return f"{value:.1f}" if unit in (codes.MM, codes.PIXEL, codes.PERCENT) else number(value)


def _weeks(value: float, lang: Language, key: str) -> str:
    days = round(value * 7)
    return phrase(key, lang, weeks=days // 7, days=days % 7)


def amount(value: float, unit: Code, lang: Language, *, brief: bool = False) -> str:
    """A value with its unit; weeks as weeks and days."""
    if unit == codes.WEEK:
        return _weeks(value, lang, "weeks-short" if brief else "weeks")
    return f"{_digits(value, unit)} {word(unit, lang)}".rstrip()


def range_of(interval: Interval, unit: Code, lang: Language) -> str:
    """From where to where, with the unit once."""
    if unit == codes.WEEK:
        low, high = (_weeks(end, lang, "weeks-short") for end in (interval.low, interval.high))
        return phrase("to", lang, low=low, high=high)
    both = phrase("to", lang, low=_digits(interval.low, unit), high=_digits(interval.high, unit))
    return f"{both} {word(unit, lang)}".rstrip()
