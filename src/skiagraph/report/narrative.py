"""From findings to sentences: one template a kind, over the whole closed union, in every language of the reports."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.case import Report
from skiagraph.codes import Code
from skiagraph.findings import (
    Boxes,
    Classification,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Finding,
    Findings,
    Heatmap,
    Landmarks,
    Measurement,
    NotApplicable,
    Ranking,
    Segment,
    Segmentation,
    Text,
    Tracks,
    Transform,
)
from skiagraph.geometry import Space, derived_frame, spacing_of
from skiagraph.report.words import (
    LANGUAGES,
    Language,
    amount,
    confidence_word,
    number,
    phrase,
    range_of,
    word,
)
from skiagraph.task import Explanation

__all__ = ["drafted", "extent", "narrative", "sentence", "sentences"]


def drafted(case: str, findings: Findings) -> Report:
    """The first version of a report: findings and their words in every language. Nobody has signed it.

    Args:
        case: Identifier of the case.
        findings: What the model said.
    """
    p = findings.provenance
    seed = " ".join([p.created.isoformat(), p.model, p.model_version, *(s.digest for s in p.sources)])
    words = tuple((lang, narrative(findings, lang)) for lang in LANGUAGES)
    return Report(identifier=derived_frame(seed), case=case, findings=findings, narrative=words)


def narrative(findings: Iterable[Finding], lang: Language) -> str:
    """All sentences, one a line, in the order of the findings."""
    return "\n".join(sentence(finding, lang) for finding in findings)


def sentences(findings: Iterable[Finding], reasons: Sequence[Explanation], lang: Language) -> list[str]:
    """What each finding says; of answers about several things each begins with the name of its own.

    Args:
        findings: In their order.
        reasons: Of each answer by features, in the same order: they know what was described.
        lang: Of the words.
    """
    names, said = iter([one.described for one in reasons]), []
    for finding in findings:
        words = sentence(finding, lang)
        if len(reasons) > 1 and isinstance(finding, Classification | Measurement):
            words = phrase("label", lang, name=next(names, ""), value=words)
        said.append(words)
    return said


def sentence(finding: Finding, lang: Language) -> str:  # noqa: C901, PLR0912 (one branch a kind of finding)
    """What one finding says, in words. Lengths, areas and volumes are given only where the space knows its size."""
    match finding:
        case Measurement():
            return _measurement(finding, lang)
        case Classification():
            return _classification(finding, lang)
        case Segmentation():
            return _segmentation(finding, lang)
        case Contours() | Landmarks() | Boxes() | Tracks():
            return _marks(finding, lang)
        case Heatmap():
            return _heatmap(finding, lang)
        case DisplacementField():
            return _displacement(finding, lang)
        case DerivedImage():
            return phrase(f"derived-{finding.kind}", lang)
        case Curve():
            return _curve(finding, lang)
        case Text():
            return finding.text
        case Embedding():
            return phrase("embedding", lang, model=finding.model, n=len(finding.vector))
        case Ranking():
            return _ranking(finding, lang)
        case Transform():
            return _transform(finding, lang)
        case NotApplicable():
            return _refusal(finding, lang)
        case _:
            assert_never(finding)


def _named(code: Code, lang: Language) -> str:
    name = word(code, lang)
    return name[:1].upper() + name[1:]


def _refusal(n: NotApplicable, lang: Language) -> str:
    reason = phrase(f"reason-{n.reason}", lang)
    if n.concept is None:
        return phrase("refused", lang, reason=reason)
    return phrase("refused-part", lang, concept=_named(n.concept, lang), reason=reason)


def _measurement(m: Measurement, lang: Language) -> str:
    name, value = _named(m.concept, lang), amount(m.value, m.unit, lang)
    if m.interval is None:
        return phrase("measurement", lang, concept=name, value=value)
    level, ends = f"{100 * m.interval.level:g}", range_of(m.interval, m.unit, lang)
    return phrase("measurement-interval", lang, concept=name, value=value, level=level, range=ends)


def _classification(c: Classification, lang: Language) -> str:
    best_first = sorted(c.scores, key=lambda s: -s.probability)
    items = phrase("comma", lang).join(
        phrase("score", lang, name=word(s.code, lang), probability=f"{100 * s.probability:.0f}")
        for s in best_first
    )
    name = _named(c.concept, lang)
    if c.level is None:
        return phrase("classification", lang, concept=name, items=items)
    level = f"{100 * c.level:g}"
    if not c.prediction_set:
        return phrase("classification-set-empty", lang, concept=name, items=items, level=level)
    kept = phrase("comma", lang).join(word(code, lang) for code in c.prediction_set)
    return phrase("classification-set", lang, concept=name, items=items, level=level, set=kept)


def _segmentation(s: Segmentation, lang: Language) -> str:
    if not s.segments:
        return phrase("segmentation-empty", lang)
    return phrase(
        "segmentation", lang, items=phrase("and", lang).join(_segment(s, one, lang) for one in s.segments)
    )


def _segment(s: Segmentation, one: Segment, lang: Language) -> str:
    name, size = word(one.code, lang), extent(s.mask(one.number), s.space, lang)
    if one.confidence is None:
        return phrase("segment", lang, name=name, size=size)
    shown, how = f"{one.confidence:.2f}", confidence_word(one.confidence, lang)
    return phrase("segment-confidence", lang, name=name, size=size, confidence=shown, word=how)


def extent(mask: NDArray[np.bool_], space: Space, lang: Language) -> str:
    """The area or volume of a mask in cm² or ml; its pixels or voxels where the space knows no size.

    Args:
        mask: Axes (time, spatial...).
        space: Where it lies.
        lang: Language of the words.
    """
    frames = 1 if space.timeline is None else len(space.timeline)
    places = int(np.count_nonzero(mask)) / frames
    if spacing_of(space) is None:
        size = phrase(f"places-{space.ndim}", lang, n=f"{places:,.0f}")
    else:
        size = _measured(places * abs(float(np.linalg.det(space.affine[:-1, :-1]))), space.ndim, lang)
    return size if space.timeline is None else phrase("over-time", lang, size=size, n=frames)


def _measured(millimetres: float, ndim: int, lang: Language) -> str:
    """Square or cubic millimetres in the unit that people use."""
    if ndim == 2:
        return phrase("area", lang, value=number(millimetres / 100), unit="cm²")
    return phrase("volume", lang, value=number(millimetres / 1000), unit="ml")


def _marks(marks: Contours | Landmarks | Boxes | Tracks, lang: Language) -> str:
    kind = type(marks).__name__.lower()
    if not marks.items:
        return (
            phrase("boxes-none", lang)
            if isinstance(marks, Boxes)
            else phrase(kind, lang, items=phrase("none", lang))
        )
    counts = Counter(item.code for item in marks.items)
    named = [
        word(code, lang) if n == 1 else phrase("counted", lang, name=word(code, lang), n=n)
        for code, n in counts.items()
    ]
    return phrase(kind, lang, items=phrase("comma", lang).join(named))


def _ends(values: NDArray[np.floating], unit: Code, lang: Language) -> str:
    both = phrase("to", lang, low=number(float(np.nanmin(values))), high=number(float(np.nanmax(values))))
    return f"{both} {word(unit, lang)}".rstrip()


def _heatmap(h: Heatmap, lang: Language) -> str:
    concept = word(h.concept, lang)
    if not np.isfinite(h.values).any():
        return phrase("heatmap-empty", lang, concept=concept)
    finite = h.values[np.isfinite(h.values)]
    return phrase("heatmap", lang, concept=concept, range=_ends(finite, h.unit, lang))


def _displacement(d: DisplacementField, lang: Language) -> str:
    lengths = np.linalg.norm(d.vectors, axis=-1)
    unit = word(codes.MM if d.space.unit == "mm" else codes.PIXEL, lang)
    mean, most = number(float(lengths.mean())), number(float(lengths.max()))
    return phrase("displacement", lang, mean=mean, most=most, unit=unit)


def _curve(c: Curve, lang: Language) -> str:
    known, concept = np.isfinite(c.values), _named(c.concept, lang)
    if not known.any():
        return phrase("curve-empty", lang, concept=concept)
    low, high = (amount(float(f(c.values)), c.unit, lang) for f in (np.nanmin, np.nanmax))
    over = _ends(c.at, c.at_unit, lang)
    return phrase("curve", lang, concept=concept, n=int(known.sum()), range=over, high=high, low=low)


def _ranking(r: Ranking, lang: Language) -> str:
    if not r.items:
        return phrase("ranking-none", lang)
    first = r.items[0]
    return phrase("ranking", lang, n=len(r.items), first=first.identifier, score=number(first.score))


def _transform(t: Transform, lang: Language) -> str:
    linear, shift = t.matrix[:-1, :-1], float(np.linalg.norm(t.matrix[:-1, -1]))
    if t.kind == "affine":
        return phrase("transform-affine", lang, scale=number(abs(float(np.linalg.det(linear)))))
    ndim = len(linear)
    cosine = (float(np.trace(linear)) - (ndim - 2)) / 2
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    return phrase("transform-rigid", lang, angle=number(angle), shift=f"{shift:.1f}")
