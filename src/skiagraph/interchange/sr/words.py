"""The concepts of structured reports that are written and read here, and those few that no standard names."""

from __future__ import annotations

from typing import Final

from skiagraph.codes import Code

PRIVATE: Final = "99SKIAGRAPH"
"""Our coding scheme; each object that uses it says so (DICOM PS3.3 C.12.1.1.1.1.3)."""


def _dcm(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="DCM", meaning=meaning)


def _sct(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="SCT", meaning=meaning)


def _own(value: str, meaning: str) -> Code:
    return Code(value=value, scheme=PRIVATE, meaning=meaning)


REPORT: Final = _dcm("126000", "Imaging Measurement Report")
MEASUREMENTS: Final = _dcm("126010", "Imaging Measurements")
EVALUATIONS: Final = Code(value="C0034375", scheme="UMLS", meaning="Qualitative Evaluations")
GROUP: Final = _dcm("125007", "Measurement Group")
LIBRARY: Final = _dcm("111028", "Image Library")
LIBRARY_GROUP: Final = _dcm("126200", "Image Library Group")
SOURCE: Final = _sct("260753009", "Source")
SOURCE_OF_MEASUREMENT: Final = _dcm("121112", "Source of Measurement")
PROCEDURE: Final = _dcm("121058", "Procedure reported")
IMAGING: Final = _sct("363679005", "Imaging procedure")
LANGUAGE: Final = _dcm("121049", "Language of Content Item and Descendants")
COMMENT: Final = _dcm("121106", "Comment")
FINDING: Final = _dcm("121071", "Finding")
TRACKING: Final = _dcm("112039", "Tracking Identifier")
TRACKING_UID: Final = _dcm("112040", "Tracking Unique Identifier")
REGION: Final = _dcm("111030", "Image Region")
SURFACE: Final = _dcm("121231", "Volume Surface")
SOURCE_SERIES: Final = _dcm("121232", "Source Series for Segmentation")
CERTAINTY: Final = _dcm("111012", "Certainty of Finding")
PROBABILITY: Final = _dcm("122157", "Probability")
METHOD: Final = _sct("370129005", "Measurement Method")
UPPER: Final = _sct("371886008", "+, range of upper measurement uncertainty")
LOWER: Final = _sct("371885007", "-, range of lower measurement uncertainty")

CLASS: Final = _own("class", "Class that a probability is of")
POSSIBLE: Final = _own("not-excluded", "Class that cannot be excluded")
LEVEL: Final = _own("level", "Share of cases in which the truth lies inside")
ANSWER: Final = _own("answer", "Answer of the algorithm")
FITNESS: Final = _own("fitness", "How well the input fits the algorithm")
REASONS: Final = {
    reason: _own(reason, f"Not answered: {reason.replace('-', ' ')}")
    for reason in (
        "wrong-content",
        "wrong-modality",
        "wrong-shape",
        "unknown-size",
        "no-outline",
        "poor-quality",
        "out-of-range",
    )
}
"""Why the algorithm does not answer, by the word of `NotApplicable`."""
