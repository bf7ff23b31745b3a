"""The numbers, classes, words and refusals that the items of any structured report say."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Final

from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.findings import Classification, ClassScore, Interval, Measurement, NotApplicable, Text
from skiagraph.interchange.sr import words as w
from skiagraph.interchange.sr.tree import children, code_in, kind_of, name_of, relation_of, text_of, value_of

__all__ = ["classification_of", "language_of", "measurement_of", "refusal_of", "text_from"]

_REASONS: Final = {code: reason for reason, code in w.REASONS.items()}


def language_of(item: Dataset, above: str) -> str:
    """The language of an item; that of the item above where it names none (PS3.16 TID 1204)."""
    for child in children(item):
        if name_of(child) == w.LANGUAGE:
            code = code_in(child, "ConceptCodeSequence")
            return above if code is None else code.value
    return above


def measurement_of(item: Dataset, passed: Counter[str]) -> Measurement | None:
    """The number of a NUM item; None where it has no value, no concept, or a unit that is not UCUM."""
    concept, measured = name_of(item), value_of(item)
    value, unit = (0.0, None) if measured is None else measured
    if concept is None or unit is None or unit.scheme != "UCUM":
        return None
    numbers = {name_of(c): value_of(c) for c in children(item) if kind_of(c) == "NUM"}
    methods = [text_of(c) for c in children(item) if name_of(c) == w.METHOD]
    made = Measurement(concept=concept, value=value, unit=unit, method=methods[0] if methods else "")
    lower, upper, level = (numbers.get(code) for code in (w.LOWER, w.UPPER, w.LEVEL))
    if lower is not None and upper is not None and level is not None and 0 <= level[0] <= 1:
        low, high = sorted((value - lower[0], value + upper[0]))
        return dataclasses.replace(made, interval=Interval(low=low, high=high, level=level[0]))
    if lower is not None or upper is not None:
        passed["ranges of uncertainty without both ends and a level"] += 1
    return made


def classification_of(concept: Code | None, items: Iterable[Dataset]) -> Classification | None:
    """The classes with their probabilities in a group about a concept; None where it has none."""
    scores: list[ClassScore] = []
    possible: list[Code] = []
    exclusive, level = False, None
    for item in items:
        name, value, code = name_of(item), value_of(item), code_in(item, "ConceptCodeSequence")
        kinds = [code_in(c, "ConceptCodeSequence") for c in children(item) if name_of(c) == w.CLASS]
        if name == w.PROBABILITY and value is not None and kinds and kinds[0] is not None:
            scores.append(ClassScore(code=kinds[0], probability=value[0]))
        elif name == w.POSSIBLE and code is not None:
            possible.append(code)
        elif name == w.LEVEL and value is not None:
            level = value[0]
        elif name == concept and kind_of(item) == "CODE" and relation_of(item) == "CONTAINS":
            exclusive = True
    if concept is None or not scores:
        return None
    return Classification(
        concept=concept,
        scores=tuple(scores),
        exclusive=exclusive,
        prediction_set=tuple(possible),
        level=level,
    )


def refusal_of(item: Dataset) -> NotApplicable | None:
    """That there is no answer, in our words; None for any other statement."""
    value = code_in(item, "ConceptCodeSequence")
    if value is None or value not in _REASONS:
        return None
    score, explanation = None, ""
    for child in children(item):
        measured = value_of(child)
        if name_of(child) == w.FITNESS and measured is not None and 0 <= measured[0] <= 1:
            score = measured[0]
        elif name_of(child) == w.COMMENT:
            explanation = text_of(child)
    concept = name_of(item)
    return NotApplicable(
        reason=_REASONS[value],  # type: ignore[arg-type]
        explanation=explanation if explanation.strip() else value.meaning or value.value,
        concept=None if concept == w.ANSWER else concept,
        score=score,
    )


def text_from(item: Dataset, language: str) -> Text | None:
    """What an item says in words; None where it says nothing."""
    said = text_of(item)
    measured = value_of(item)
    if measured is not None:
        unit = measured[1]
        said = f"{measured[0]:g} {'' if unit is None else unit.meaning or unit.value}".rstrip()
    if not said.strip():
        return None
    return Text(text=said, language=language_of(item, language), concept=name_of(item))
