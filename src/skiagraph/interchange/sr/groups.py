"""Facts as measurement groups and evaluations: numbers, classes, words, and why there is no answer."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from highdicom.sr import (
    LanguageOfContentItemAndDescendants,
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    TrackingIdentifier,
)
from highdicom.sr import (
    Measurement as MeasurementTemplate,
)
from pydicom.dataset import Dataset

from skiagraph.codes import ONE, Code
from skiagraph.findings import Classification, Interval, Measurement, NotApplicable, Text
from skiagraph.interchange.sr import words as w
from skiagraph.interchange.sr.items import (
    HAS_PROPERTIES,
    MODIFIES,
    concept,
    number,
    statement,
    text,
    tracking_uid,
    under,
    words,
)
from skiagraph.interchange.sr.subject import Subject

__all__ = [
    "Rest",
    "classification_group",
    "language_item",
    "measurement_group",
    "refusal_item",
    "text_item",
    "tracking",
]

Rest = dict[str, Any]
"""What of a finding the items of the report do not say, as plain data."""

_TAG: Final = re.compile(r"[A-Za-z0-9-]{1,16}", re.ASCII)  # of a language, BCP 47


def tracking(subject: Subject, n: int, code: Code, what: Any) -> TrackingIdentifier:
    """By which a group is found again.

    Args:
        subject: Of the report.
        n: Number of the group.
        code: Of what it is about.
        what: What it says.
    """
    uid = tracking_uid(subject.first.study_uid, subject.first.instances[0].sop_instance_uid, n, what)
    return TrackingIdentifier(uid, words(f"{(code.meaning or code.value)[:64]} {n}"))


def measurement_group(finding: Measurement, subject: Subject, n: int) -> tuple[Dataset, Rest]:
    """A number with its interval and method, and the images it was taken from (TID 1501 and 300)."""
    rest: Rest = {}
    made = MeasurementTemplate(concept(finding.concept), float(finding.value), concept(finding.unit))
    further: list[Dataset] = []
    if finding.method:
        further.append(text(w.METHOD, finding.method, MODIFIES))
        rest |= _inexact("method", finding.method)
    if finding.interval is not None:
        further += _interval(finding, finding.interval)
        if _back(finding, finding.interval) != (finding.interval.low, finding.interval.high):
            rest["interval"] = [finding.interval.low, finding.interval.high]
    under(made[0], further)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(subject, n, finding.concept, finding),
        finding_type=concept(finding.concept),
        algorithm_id=subject.algorithm(),
        measurements=[made],
        source_images=subject.sources(),
    )
    return group[0], rest


def _interval(finding: Measurement, interval: Interval) -> list[Dataset]:
    """How far its ends lie from the value (TID 310), and its level."""
    return [
        number(w.UPPER, interval.high - finding.value, finding.unit, HAS_PROPERTIES),
        number(w.LOWER, finding.value - interval.low, finding.unit, HAS_PROPERTIES),
        number(w.LEVEL, interval.level, ONE, HAS_PROPERTIES),
    ]


def _back(finding: Measurement, interval: Interval) -> tuple[float, float]:
    value = finding.value
    return value - (value - interval.low), value + (interval.high - value)


def classification_group(finding: Classification, subject: Subject, n: int) -> tuple[Dataset, Rest]:
    """The most probable class where they exclude each other, and the probability of each (TID 1501).

    Classes that do not exclude each other are no statement, only probabilities: none is said to be there.
    """
    items = [
        under(number(w.PROBABILITY, score.probability, ONE), [statement(w.CLASS, score.code, MODIFIES)])
        for score in finding.scores
    ]
    items += [statement(w.POSSIBLE, code) for code in finding.prediction_set]
    if finding.level is not None:
        items.append(number(w.LEVEL, finding.level, ONE))
    said = None
    if finding.exclusive:
        best = finding.scores[int(np.argmax([score.probability for score in finding.scores]))]
        said = [QualitativeEvaluation(concept(finding.concept), concept(best.code))]
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(subject, n, finding.concept, finding),
        finding_type=concept(finding.concept),
        algorithm_id=subject.algorithm(),
        qualitative_evaluations=said,
        source_images=subject.sources(),
    )
    return under(group[0], items), {}


def text_item(finding: Text) -> tuple[Dataset, Rest]:
    """Words with their language; words about nothing in particular are a comment."""
    item = text(finding.concept or w.COMMENT, finding.text)
    rest: Rest = _inexact("text", finding.text)
    if _TAG.fullmatch(finding.language):
        under(item, [language_item(finding.language)])
    else:
        rest["language"] = finding.language
    if finding.concept is None:
        rest["free"] = True
    return item, rest


def language_item(language: str) -> Dataset:
    """The language of an item and all under it (TID 1204)."""
    code = Code(value=language, scheme="RFC5646", meaning=_LANGUAGES.get(language, language))
    item: Dataset = LanguageOfContentItemAndDescendants(concept(code))[0]
    return item


_LANGUAGES: Final = {"en": "English", "zh": "Chinese"}


def refusal_item(finding: NotApplicable) -> tuple[Dataset, Rest]:
    """That there is no answer, as a coded statement that any viewer shows, and why."""
    item = statement(finding.concept or w.ANSWER, w.REASONS[finding.reason])
    further = [text(w.COMMENT, finding.explanation, HAS_PROPERTIES)]
    if finding.score is not None:
        further.append(number(w.FITNESS, finding.score, ONE, HAS_PROPERTIES))
    return under(item, further), _inexact("explanation", finding.explanation)


def _inexact(name: str, raw: str) -> Rest:
    """The words themselves, where DICOM cannot carry each of their characters, or drops what stands at their end."""
    return {} if words(raw).rstrip(" \0") == raw else {name: raw}
