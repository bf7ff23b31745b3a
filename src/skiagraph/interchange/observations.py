"""Findings as observations of FHIR: numbers, classes, words and refusals; fields and marks have no form there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, assert_never

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
    Heatmap,
    Landmarks,
    Measurement,
    NotApplicable,
    Ranking,
    Segmentation,
    Text,
    Tracks,
    Transform,
)

__all__ = ["concept_of", "observed", "readable", "without_observation"]

# Coding schemes of DICOM as FHIR names them (PS3.16 table 8-1; https://terminology.hl7.org).
_SYSTEMS: Final = {
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "FMA": "http://purl.org/sig/ont/fma",
    "LN": "http://loinc.org",
    "NCIt": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "RADLEX": "http://radlex.org",
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "UMLS": "http://www.nlm.nih.gov/research/umls",
}
_ABSENT: Final = {  # http://terminology.hl7.org/CodeSystem/data-absent-reason
    "wrong-content": "not-applicable",
    "wrong-modality": "not-applicable",
    "wrong-shape": "not-applicable",
    "out-of-range": "not-applicable",
    "unknown-size": "not-performed",
    "no-outline": "not-performed",
    "poor-quality": "not-performed",
}
_WORDS: Final = Code(value="48767-8", scheme="LN", meaning="Annotation comment")
_STUDY: Final = Code(value="18748-4", scheme="LN", meaning="Diagnostic imaging study")
_PROBABILITY: Final = {"unit": "probability", "system": _SYSTEMS["UCUM"], "code": "1"}


def observed(finding: Finding) -> dict[str, Any] | None:
    """What an Observation says of a finding: its code, and a value, components or the reason why there is none.

    Args:
        finding: Any of the closed union.

    Returns:
        Elements of the resource, plain data; None for a kind that FHIR has no form for.

    Source: HL7 FHIR R4B, Observation.
    """
    match finding:
        case Measurement():
            return _measurement(finding)
        case Classification():
            return _classification(finding)
        case Text():
            text = readable(finding.text)
            if not text:
                return None
            return {
                "language": finding.language,
                "code": concept_of(finding.concept or _WORDS),
                "valueString": text,
            }
        case NotApplicable():
            return _refusal(finding)
        case Segmentation() | Heatmap() | DerivedImage() | DisplacementField() | Transform():
            return None
        case Landmarks() | Boxes() | Contours() | Tracks() | Curve() | Embedding() | Ranking():
            return None
        case _:
            assert_never(finding)


def without_observation(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that FHIR has no form for."""
    return tuple(finding for finding in findings if observed(finding) is None)


def concept_of(code: Code) -> dict[str, Any]:
    """A code as a CodeableConcept; a scheme that FHIR has no name for is kept in the text."""
    meaning = readable(code.meaning) or readable(code.value)
    system = _SYSTEMS.get(code.scheme)
    if system is None:
        return {"text": f"{meaning} ({readable(code.value)}, {readable(code.scheme)})"}
    return {"coding": [{"system": system, "code": code.value, "display": meaning}], "text": meaning}


def readable(text: str) -> str:
    """Words without the control characters that FHIR has no place for."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t").strip()


def _quantity(value: float, unit: Code) -> dict[str, Any]:
    return {
        "value": value,
        "unit": readable(unit.meaning) or unit.value,
        "system": _SYSTEMS["UCUM"],
        "code": unit.value,
    }


def _measurement(m: Measurement) -> dict[str, Any]:
    said: dict[str, Any] = {"code": concept_of(m.concept), "valueQuantity": _quantity(m.value, m.unit)}
    if readable(m.method):
        said["method"] = {"text": readable(m.method)}
    if m.interval is not None:
        ends = {"low": _quantity(m.interval.low, m.unit), "high": _quantity(m.interval.high, m.unit)}
        share = {"value": m.interval.level, **_PROBABILITY}
        said["component"] = [
            {"code": {"text": "interval of the value"}, "valueRange": ends},
            {
                "code": {"text": "share of cases whose true value lies in the interval"},
                "valueQuantity": share,
            },
        ]
    return said


def _classification(c: Classification) -> dict[str, Any]:
    """A class is the value only where the model leaves a single one; all have a component with their probability."""
    said: dict[str, Any] = {"code": concept_of(c.concept)}
    best = max(c.scores, key=lambda s: s.probability)
    if (c.prediction_set or (c.exclusive and (best.code,))) == (best.code,):
        said["valueCodeableConcept"] = concept_of(best.code)
    said["component"] = [_class(c, score.code, score.probability) for score in c.scores]
    return said


def _class(c: Classification, code: Code, probability: float) -> dict[str, Any]:
    said: dict[str, Any] = {
        "code": concept_of(code),
        "valueQuantity": {"value": probability, **_PROBABILITY},
    }
    if code in c.prediction_set:
        level = "" if c.level is None else f" at a level of {c.level:g}"
        said["interpretation"] = [{"text": f"cannot be excluded{level}"}]
    return said


def _refusal(n: NotApplicable) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    said: dict[str, Any] = {
        "code": concept_of(n.concept or _STUDY),
        "dataAbsentReason": {
            "coding": [{"system": system, "code": _ABSENT[n.reason]}],
            "text": readable(n.explanation) or n.reason,
        },
        "note": [{"text": f"reason: {n.reason}"}],
    }
    if n.score is not None:
        share = {"value": n.score, **_PROBABILITY}
        said["component"] = [{"code": {"text": "how well the input fits the model"}, "valueQuantity": share}]
    return said
