"""A report as a bundle of FHIR R4B: DiagnosticReport, one Observation a finding, and the model as a Device."""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import datetime
from typing import Any, Final

from fhir.resources.R4B.bundle import Bundle

from skiagraph.case import Case, Origin, Report
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, Provenance
from skiagraph.interchange.observations import observed, readable
from skiagraph.interchange.places import origin_of
from skiagraph.interchange.references import study_uid
from skiagraph.task import Card

__all__ = ["diagnostic_report"]

_URI: Final = "urn:ietf:rfc:3986"
_REPORT_STATUS: Final = {
    "draft": "partial",  # "may be incomplete or unverified"
    "preliminary": "preliminary",
    "final": "final",
    "amended": "amended",
}
_OBSERVATION_STATUS: Final = {**_REPORT_STATUS, "draft": "preliminary"}
_ASSERTED_BY_MODEL: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
_IMAGING_STUDY: Final = {
    "coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}],
    "text": "Diagnostic imaging study",
}
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"


def diagnostic_report(
    report: Report, about: Case | Origin | None, card: Card | None, *, pdf: bytes | None = None
) -> dict[str, Any]:
    """A transaction that a FHIR server takes as it is; the same report sent twice is kept once.

    Patient, order and imaging study are named by the identifiers that the images state, and no more is said of them.
    Findings without a form in FHIR are those of `without_observation`.

    Args:
        report: Findings, words and state.
        about: The case that it is about, or the origin of its images; None where neither is at hand, and then no
            patient and no study is named.
        card: The model; None for what others have found, which is then not marked as asserted by one.
        pdf: The page, to go along.

    Returns:
        The Bundle, plain data for JSON, checked against R4B.

    Raises:
        InvalidInput: A part that FHIR does not take, by its name.

    Source: HL7 FHIR R4B (4.3.0), DiagnosticReport, Observation, Device; https://hl7.org/fhir/R4B.
    """
    known = _known(about)
    device = _device(report, card)
    made = [
        _observation(n, finding, said, report)
        for n, finding in enumerate(report.findings)
        if (said := observed(finding)) is not None
    ]
    for one in made:
        one |= {key: known[key] for key in ("subject", "effectiveDateTime") if key in known}
        one["device"] = {"reference": _name(device)}
    document = _document(report, [_name(one) for one in made], known, pdf)
    if card is not None:
        for resource in (*made, document):
            resource["meta"] = {"security": [_ASSERTED_BY_MODEL]}
    resources = [device, *made, document]
    return _checked(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "timestamp": _instant(report.findings.provenance.created),
            "entry": [_entry(resource) for resource in resources],
        }
    )


def _document(report: Report, results: list[str], known: dict[str, Any], pdf: bytes | None) -> dict[str, Any]:
    words = {language: readable(text) for language, text in report.narrative}
    signature = report.signature
    document: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "language": "en",
        "identifier": [{"system": _URI, "value": f"urn:oid:{report.identifier}"}],
        "status": _REPORT_STATUS[report.state],
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
        ],
        "code": _IMAGING_STUDY,
        **known,
        "issued": _instant(signature.signed if signature else report.findings.provenance.created),
        "result": [{"reference": result} for result in results],
    }
    if signature is not None:
        document["resultsInterpreter"] = [{"display": readable(signature.reader)}]
    if words.get("en"):
        document["conclusion"] = words.pop("en")
        others = [_translated(language, text) for language, text in words.items() if text]
        document["_conclusion"] = {"extension": others}
    if pdf is not None:
        document["presentedForm"] = [_attached(pdf)]
    return _filled(document)


def _observation(n: int, finding: Finding, said: dict[str, Any], report: Report) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "identifier": [_own(f"{report.identifier} {n} {type(finding).__name__}")],
        "status": _OBSERVATION_STATUS[report.state],
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "imaging",
                    }
                ]
            }
        ],
        **said,
    }


def _device(report: Report, card: Card | None) -> dict[str, Any]:
    p = report.findings.provenance
    printed = [] if card is None else [card.summary, card.intended_use, *card.limits]
    return _filled(
        {
            "resourceType": "Device",
            "identifier": [_own(f"device {p.model} {p.model_version} {p.model_digest}")],
            "deviceName": [{"name": readable(p.model) or "model", "type": "model-name"}],
            "version": [{"value": readable(p.model_version) or "unknown"}],
            "type": {"text": "software that reads medical images"},
            "note": [{"text": text} for note in (*printed, _computed(p)) if (text := readable(note))],
        }
    )


def _computed(p: Provenance) -> str:
    return ", ".join(part for part in (p.software, p.engine, p.precision) if part)


def _known(about: Case | Origin | None) -> dict[str, Any]:
    """The patient, the order, the study and its day, as far as the images name them."""
    if about is None:
        return {}
    origin = about if isinstance(about, Origin) else origin_of(about, next(iter(about.images)))
    known: dict[str, Any] = {}
    patient, accession = readable(origin.text("00100020")), readable(origin.text("00080050"))
    if patient:
        known["subject"] = {"type": "Patient", "identifier": _issued(patient, origin)}
    if accession:
        kind = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}
        order = {"type": {"coding": [kind]}, "value": accession}
        known["basedOn"] = [{"type": "ServiceRequest", "identifier": order}]
    study = {"system": "urn:dicom:uid", "value": f"urn:oid:{study_uid(origin)}"}
    known["imagingStudy"] = [{"type": "ImagingStudy", "identifier": study}]
    day = _day(origin.text("00080020"))
    return known if day is None else {**known, "effectiveDateTime": day}


def _issued(patient: str, origin: Origin) -> dict[str, Any]:
    issuer = readable(origin.text("00100021"))
    return {"value": patient, **({"assigner": {"display": issuer}} if issuer else {})}


def _day(stated: str) -> str | None:
    try:
        return datetime.strptime(stated.strip(), "%Y%m%d").date().isoformat()  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        return None


def _attached(pdf: bytes) -> dict[str, Any]:
    digest = hashlib.sha1(pdf, usedforsecurity=False).digest()  # what FHIR asks for
    return {
        "contentType": "application/pdf",
        "data": base64.b64encode(pdf).decode("ascii"),
        "size": len(pdf),
        "hash": base64.b64encode(digest).decode("ascii"),
        "title": "Report",
    }


def _translated(language: str, text: str) -> dict[str, Any]:
    parts = [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": text}]
    return {"url": _TRANSLATION, "extension": parts}


def _own(seed: str) -> dict[str, str]:
    return {"system": _URI, "value": uuid.uuid5(uuid.NAMESPACE_OID, f"skiagraph {seed}").urn}


def _name(resource: dict[str, Any]) -> str:
    """The name of a resource within the bundle."""
    value = str(resource["identifier"][0]["value"])
    return value if value.startswith("urn:uuid:") else uuid.uuid5(uuid.NAMESPACE_OID, value).urn


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    identifier = resource["identifier"][0]["value"]
    url = f"{resource['resourceType']}?identifier={identifier}"
    return {"fullUrl": _name(resource), "resource": resource, "request": {"method": "PUT", "url": url}}


def _instant(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def _filled(resource: dict[str, Any]) -> dict[str, Any]:
    """FHIR has no empty lists."""
    return {key: value for key, value in resource.items() if value not in ([], {}, {"extension": []})}


def _checked(bundle: dict[str, Any]) -> dict[str, Any]:
    try:
        Bundle.model_validate(bundle)
    except ValueError as error:
        places = {".".join(map(str, e["loc"])) for e in getattr(error, "errors", list)()}
        raise InvalidInput(
            "each part of a report has a form in FHIR R4B", got=f"others: {', '.join(sorted(places))}"
        ) from None
    return bundle
