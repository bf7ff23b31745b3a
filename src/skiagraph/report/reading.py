"""`reading.json`: a reading as a versioned document that other programs, and later releases, can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from skiagraph.case import Case, Report
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.findings import Findings, Segmentation, Source
from skiagraph.geometry import spacing_of
from skiagraph.image import Image, image_digest
from skiagraph.plain import from_plain, to_plain
from skiagraph.task import Card, Explanation

__all__ = ["FORMAT", "VERSION", "Input", "Reading", "reading_from_plain", "reading_of", "reading_to_plain"]

FORMAT: Final = "skiagraph-reading"
VERSION: Final = 2

# The door for older documents: from a version to the function that makes the next one of it.
_MIGRATIONS: Final[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    1: lambda data: {
        **data,
        "given": [],
        "reasons": [],
    },  # of version 1 nothing was outlined by anybody but the model
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One image that was looked at, without its pixels.

    Args:
        name: Its name in the case.
        digest: SHA-256 of the image, hexadecimal.
        uid: SOPInstanceUID or SeriesInstanceUID where it came from DICOM.
        modality: DICOM Modality, None where the file does not tell.
        shape: Pixels along each spatial axis.
        spacing: mm between neighbours along each spatial axis; None where no size is known.
    """

    name: str
    digest: str
    uid: str | None
    modality: str | None
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """All that is kept of one reading.

    Args:
        report: The report in its present state, with the findings.
        card: The model that read.
        inputs: What it looked at.
        problems: What was noticed while the files were read, one sentence each.
        given: Outlines that came with the case: what was judged, not what was found.
        reasons: Of each answer by features, which of them decided it.
    """

    report: Report
    card: Card
    inputs: tuple[Input, ...]
    problems: tuple[str, ...] = ()
    given: tuple[Segmentation, ...] = ()
    reasons: tuple[Explanation, ...] = ()


def reading_of(report: Report, case: Case, card: Card, reasons: Sequence[Explanation] = ()) -> Reading:
    """Puts together what is kept of one reading.

    Args:
        report: What is said, in its present state.
        case: What was looked at, with the outlines that it brought.
        card: The model that looked.
        reasons: Of each answer by features, which of them decided it.

    Raises:
        InvalidInput: The report is about another case.
    """
    if report.case != case.identifier:
        raise InvalidInput("a report goes with the case that it is about", got="another case")
    sources = {s.name: s for s in report.findings.provenance.sources}
    inputs = tuple(_input(name, case, image, sources.get(name)) for name, image in case.images.items())
    return Reading(
        report=report,
        card=card,
        inputs=inputs,
        problems=case.problems,
        given=tuple(f for f in case.known.values() if isinstance(f, Segmentation)),
        reasons=tuple(reasons),
    )


def _input(name: str, case: Case, image: Image, source: Source | None) -> Input:
    return Input(
        name=name,
        digest=source.digest if source else image_digest(image),
        uid=case.uids.get(name),
        modality=image.modality,
        shape=tuple(image.space.shape),
        spacing=spacing_of(image.space),
    )


def reading_to_plain(reading: Reading) -> dict[str, Any]:
    """The document, plain data for JSON; its schema is ``reading.schema.json`` beside this file."""
    report = reading.report
    return {
        "format": FORMAT,
        "version": VERSION,
        "case": report.case,
        "report": {
            "identifier": report.identifier,
            "state": report.state,
            "version": report.version,
            "signature": to_plain(report.signature),
            "reason": report.reason,
            "previous": to_plain(report.previous),
        },
        "findings": to_plain(report.findings.items),
        "provenance": to_plain(report.findings.provenance),
        "narrative": dict(report.narrative),
        "inputs": to_plain(reading.inputs),
        "problems": list(reading.problems),
        "given": to_plain(reading.given),
        "reasons": to_plain(reading.reasons),
        "card": to_plain(reading.card),
    }


def reading_from_plain(data: Any) -> Reading:
    """The reading that a document describes, whichever release wrote it.

    Raises:
        FormatError: Not such a document, or one of a version that this release does not know.
        InvalidInput: A part does not hold.
    """
    current = _migrated(data)
    try:
        kept = from_plain(Findings, {"items": current["findings"], "provenance": current["provenance"]})
        report = from_plain(
            Report,
            {
                **current["report"],
                "case": current["case"],
                "findings": to_plain(kept),
                "narrative": [list(pair) for pair in current["narrative"].items()],
            },
        )
        return Reading(
            report=report,
            card=from_plain(Card, current["card"]),
            inputs=from_plain(tuple[Input, ...], current["inputs"]),
            problems=from_plain(tuple[str, ...], current["problems"]),
            given=from_plain(tuple[Segmentation, ...], current["given"]),
            reasons=from_plain(tuple[Explanation, ...], current["reasons"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            "a reading has all parts of its schema", got=f"a document without {error}"
        ) from error


def _migrated(data: Any) -> dict[str, Any]:
    version = data.get("version") if isinstance(data, dict) and data.get("format") == FORMAT else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FormatError(
            f'a reading is a JSON object of the format "{FORMAT}" with a version', got="something else"
        )
    if version > VERSION:
        raise FormatError(
            f"this release reads readings up to version {VERSION}",
            got=f"version {version}",
            way_out="update skiagraph",
        )
    current = dict(data)
    for step in range(version, VERSION):
        current = _MIGRATIONS[step](current)
    return current
