"""What was found of each class, as counts in words, and why accuracy alone would mislead about these very cases."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

from skiagraph.report.evaluated import ClassCounts, Judged, Share
from skiagraph.report.evaluation_words import figure_name, figure_text, said
from skiagraph.report.words import Language, name_said, phrase

__all__ = ["Misleading", "count_rows", "counted", "counted_in_a_line", "misleading"]

_MOST: Final = 0.6  # share of the commonest class above which accuracy is never shown alone
_CLOSE: Final = 0.05  # by less than this accuracy is hardly above that of one answer for all
_UNEVEN: Final = 1.15  # times its fair share that the commonest class has at least where classes are uneven
_FEW: Final = 0.5  # sensitivity below which "only" is said
_BESIDE: Final = ("balanced accuracy", "f1", "macro f1", "kappa")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Misleading:
    """That accuracy misleads: a title, a paragraph, and both in a line."""

    title: str
    paragraph: str
    line: str


def counted(judged: Judged, lang: Language) -> tuple[str, ...]:
    """Sensitivity and specificity of the positive of two classes, a sentence each; none of other questions."""
    if not _of_two(judged):
        return ()
    other, positive = judged.counts
    name = _plain(positive.label, lang)
    return (
        _sentence("found", positive.found, positive.label, name, lang),
        _sentence("spared", positive.spared, other.label, name, lang),
    )


def counted_in_a_line(judged: Judged, lang: Language) -> str:
    """The same in a line, of more classes each in turn; empty where nothing is counted."""
    if _of_two(judged):
        return " ".join(counted(judged, lang))
    items = [
        said(
            "found-item",
            lang,
            label=name_said(one.label, lang),
            hits=one.found.hits,
            n=one.found.cases,
            share=_share(one.found, lang),
        )
        for one in judged.counts
    ]
    return said("found-items", lang, items=phrase("and", lang).join(items)) if items else ""


def count_rows(judged: Judged, lang: Language) -> tuple[tuple[str, ...], ...]:
    """Of more than two classes, or of labels, a row each; none of two classes."""
    if _of_two(judged):
        return ()
    return tuple(
        (
            name_said(one.label, lang),
            *(_cells(one.found, lang)),
            *(_cells(one.spared, lang)),
        )
        for one in judged.counts
    )


def misleading(judged: Judged, lang: Language) -> Misleading | None:
    """Why accuracy misleads about these cases, with their numbers; None where it does not.

    It does where one answer for all cases would be right in more than 60 % of them, or, where classes are uneven,
    nearly as often as the model.
    """
    accuracy = judged.figures.get("accuracy")
    if judged.kind != "classes" or not judged.counts or accuracy is None:
        return None
    most = max(judged.counts, key=lambda one: one.found.cases)
    rare = [one for one in judged.counts if one is not most and one.found.cases]
    total = sum(one.found.cases for one in judged.counts)
    constant = most.found.cases / total if total else math.nan
    uneven = constant * (len(rare) + 1) > _UNEVEN
    hardly = uneven and constant > accuracy.value - _CLOSE
    if not rare or not (hardly or constant > _MOST):
        return None
    worst = min(rare, key=lambda one: one.found.value)
    found = _found(worst, lang)
    parts = {
        "accuracy": _percent(accuracy.value, lang),
        "constant": _percent(constant, lang),
        "most": most.found.cases,
        "n": total,
        "label": _plain(most.label, lang),
        "items": phrase("comma", lang).join(_beside(judged, lang)),
    }
    key = "misleads" if hardly else "little"
    return Misleading(
        title=said(f"{key}-title", lang),
        paragraph=said("misleads", lang, found=found[:1].upper() + found[1:], **parts),
        line=said(f"{key}-line", lang, found=found, **parts),
    )


def _of_two(judged: Judged) -> bool:
    return judged.kind == "classes" and len(judged.counts) == 2


def _sentence(key: str, share: Share, label: str, name: str, lang: Language) -> str:
    if not share.cases:
        return said(f"{key}-unknown", lang, label=_plain(label, lang))
    return said(
        f"{key}-one" if share.hits == 1 else key,
        lang,
        cases=_cases(share.cases, label, lang),
        hits=share.hits,
        name=name,
        share=_share(share, lang),
    )


def _found(one: ClassCounts, lang: Language) -> str:
    size = "none" if not one.found.hits else "only" if one.found.value < _FEW else "some"
    return said(
        f"model-found-{size}", lang, hits=one.found.hits, cases=_cases(one.found.cases, one.label, lang)
    )


def _beside(judged: Judged, lang: Language) -> list[str]:
    """The figures that see what accuracy does not, each with what guessing gives."""
    found = []
    for name in _BESIDE:
        e = judged.figures.get(name)
        if e is not None and math.isfinite(e.value):
            words, value = figure_name(name, lang), figure_text(e.value).replace("-", "−")
            if name == "balanced accuracy":
                guess = figure_text(1 / sum(one.found.cases > 0 for one in judged.counts))
                found.append(said("figure-of-guessing", lang, name=words, value=value, guess=guess))
            elif name == "kappa":
                found.append(said("figure-of-guessing", lang, name=words, value=value, guess="0"))
            else:
                found.append(f"{words} {value}")
    return found


def _cases(n: int, label: str, lang: Language) -> str:
    kind = "plain" if _is_plain(label) else "quoted"
    return said(f"case-{kind}" if n == 1 else f"cases-{kind}", lang, n=n, label=name_said(label, lang))


def _is_plain(label: str) -> bool:
    """Whether a class reads as an adjective: one word in small letters."""
    return label.isalpha() and label.islower() and label.isascii()


def _plain(label: str, lang: Language) -> str:
    words = name_said(label, lang)
    return words if _is_plain(label) else f"“{words}”"


def _percent(share: float, lang: Language) -> str:
    text = f"{100 * share:.1f}".removesuffix(".0")
    return f"{text}\u00a0%" if lang == "en" else f"{text}%"


def _share(share: Share, lang: Language) -> str:
    """A share with its interval: two decimals of fewer than 100 cases, else three."""
    if not share.cases:
        return "–"
    digits = 2 if share.cases < 100 else 3
    value, low, high = (f"{x:.{digits}f}" for x in (share.value, share.low, share.high))
    return said("share", lang, value=value, low=low, high=high)


def _cells(share: Share, lang: Language) -> tuple[str, str, str]:
    return str(share.cases), str(share.hits), _share(share, lang)
