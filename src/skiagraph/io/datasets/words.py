"""Words of a data set as codes and lists of labels: the same word has the same code everywhere."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from skiagraph import codes
from skiagraph.case import Label, Target
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = [
    "ATTRIBUTES",
    "LOCAL",
    "class_target",
    "coded",
    "in_order",
    "local",
    "mask_labels",
    "number_target",
    "split_word",
]

LOCAL: Final = "99LOCAL"
"""Coding scheme designator of words that a data set brought along (DICOM PS3.16 section 8: private ones begin 99)."""

ATTRIBUTES: Final = frozenset(
    {"age", "age_group", "sex", "gender", "site", "hospital", "institution", "centre", "center", "scanner"}
    | {"manufacturer", "model", "device", "field_strength", "modality", "projection", "view", "laterality"}
    | {"ethnicity", "race", "country", "protocol", "dataset", "source"}
)
"""Columns that tell subgroups apart; others are taken only where a manifest names them."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,15}")
_SPLITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("train", "training", "tr", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "va"), "val"),
    **dict.fromkeys(("test", "testing", "ts", "tst", "holdout"), "test"),
}
_YEAR: Final = Code(value="a", scheme="UCUM", meaning="year")
_UNITS: Final[Mapping[str, Code]] = {
    "mm": codes.MM,
    "cm": codes.CM,
    "mm2": codes.MM2,
    "percent": codes.PERCENT,
    "weeks": codes.WEEK,
    "days": codes.DAY,
    "seconds": codes.SECOND,
    "hu": codes.HOUNSFIELD,
    "years": _YEAR,
    "age": _YEAR,
    "ml": Code(value="mL", scheme="UCUM", meaning="millilitre"),
    "mm3": Code(value="mm3", scheme="UCUM", meaning="cubic millimetre"),
    "kg": Code(value="kg", scheme="UCUM", meaning="kilogram"),
}
_KNOWN: Final[Mapping[str, Code]] = {"head_circumference_mm": codes.HEAD_CIRCUMFERENCE}


def local(word: str) -> Code:
    """The code of a word that has none: itself where it is short and plain, else its beginning and a digest."""
    word = " ".join(word.split())
    if not word:
        raise InvalidInput("a label has a word", got="none")
    if _PLAIN.fullmatch(word):
        return Code(value=word, scheme=LOCAL, meaning=word)
    start = re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")[:9] or "word"
    return Code(value=f"{start}-{hashlib.sha256(word.encode()).hexdigest()[:6]}", scheme=LOCAL, meaning=word)


def coded(text: str) -> Code:
    """The code that ``SCHEME|VALUE|MEANING`` writes, or else the code of a word."""
    parts = text.split("|")
    if len(parts) == 1:
        return local(text)
    if len(parts) != 3:
        raise InvalidInput("a code is written SCHEME|VALUE|MEANING, or as one word", got=repr(text[:60]))
    return Code(scheme=parts[0], value=parts[1], meaning=parts[2])


def in_order(words: Iterable[str]) -> list[str]:
    """Each word once: numbers by size, others by the alphabet."""
    found = sorted(set(words))
    numbers = [_number(word) for word in found]
    if any(math.isnan(n) for n in numbers):
        return found
    return [word for _, word in sorted(zip(numbers, found, strict=True))]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan


def class_target(
    name: str,
    words: Iterable[str],
    kind: Literal["multi-class", "multi-label", "ordinal", "boxes"] = "multi-class",
) -> Target:
    """A question that is answered by words, in the order in which these come."""
    labels = tuple(Label(number=n, code=coded(word)) for n, word in enumerate(words))
    return Target(name=name, kind=kind, concept=local(name), labels=labels)


def mask_labels(labels: Sequence[Label]) -> tuple[tuple[Label, ...], int | None]:
    """The structures among the labels of masks, and the number of the one that is called ignore, which is none."""
    ignored = [label for label in labels if label.name.lower() == codes.IGNORE.value]
    if len(ignored) > 1:
        raise InvalidInput("one label of masks is called ignore", got=str(len(ignored)))
    kept = tuple(label for label in labels if label not in ignored)
    return kept, ignored[0].number if ignored else None


def number_target(name: str) -> Target:
    """A question that is answered by a number; the end of its name says the unit (``_mm``, ``_ml``, ``_years`` ...)."""
    unit = _UNITS.get(name.lower().rpartition("_")[2], codes.ONE)
    return Target(name=name, kind="regression", concept=_KNOWN.get(name) or local(name), unit=unit)


def split_word(word: str) -> str | None:
    """``"train"``, ``"val"`` or ``"test"``, however a data set spells it; None for another word."""
    return _SPLITS.get(word.strip().lower())
