"""Rows of the index as DICOM JSON: what a search always gives (PS3.18 10.6.3.3), and what the index has beside it."""

from __future__ import annotations

from typing import Any, Final

from skiagraph.server.archive.find import Found
from skiagraph.server.tables import Instance, Series, Study
from skiagraph.server.web.dicomweb.dicom_json import names_of
from skiagraph.server.web.dicomweb.door import place_of

__all__ = ["row"]

_CHARACTERS: Final = {"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}
_ONLINE: Final = {"vr": "CS", "Value": ["ONLINE"]}


def row(found: Found, base: str, *, within: int) -> dict[str, Any]:
    """One match.

    Args:
        found: It.
        base: Where our DICOMweb begins.
        within: 0 where all studies were searched, 1 within a study, 2 within a series: what the address said is not
            said again, but for UIDs.
    """
    said: dict[str, Any] = dict(_CHARACTERS)
    study, series, instance = found.study, found.series, found.instance
    if series is None:
        said |= _study(study) | {"00081190": _words("UR", place_of(base, study.uid)), "00080056": _ONLINE}
        return dict(sorted(said.items()))
    said |= {"0020000D": _words("UI", study.uid)} if within else _study(study)
    if instance is None:
        said |= _series(series) | {"00081190": _words("UR", place_of(base, study.uid, series.uid))}
        return dict(sorted(said.items()))
    said |= {"0020000E": _words("UI", series.uid)} if within == 2 else _series(series)
    place = place_of(base, study.uid, series.uid, instance.uid)
    said |= _instance(instance) | {"00081190": _words("UR", place), "00080056": _ONLINE}
    return dict(sorted(said.items()))


def _study(study: Study) -> dict[str, Any]:
    modalities = [one for one in study.modalities.split("\\") if one]
    return {
        "00080020": _words("DA", study.date),
        "00080030": _words("TM", study.time),
        "00080050": _words("SH", study.accession),
        "00080061": {"vr": "CS", "Value": modalities} if modalities else {"vr": "CS"},
        "00080080": _words("LO", study.institution),
        "00080090": _name(study.referring),
        "00081030": _words("LO", study.description),
        "00100010": _name(study.patient_name),
        "00100020": _words("LO", study.patient_id),
        "00100030": _words("DA", study.birth_date),
        "00100040": _words("CS", study.sex),
        "0020000D": _words("UI", study.uid),
        "00200010": _words("SH", study.number),
        "00201206": _number("IS", study.series_count),
        "00201208": _number("IS", study.instance_count),
    }


def _series(series: Series) -> dict[str, Any]:
    return {
        "00080021": _words("DA", series.date),
        "00080031": _words("TM", series.time),
        "00080060": _words("CS", series.modality),
        "00081010": _words("SH", series.station),
        "0008103E": _words("LO", series.description),
        "00180015": _words("CS", series.body_part),
        "0020000E": _words("UI", series.uid),
        "00200011": _number("IS", series.number),
        "00201209": _number("IS", series.instance_count),
    }


def _instance(instance: Instance) -> dict[str, Any]:
    said = {
        "00080016": _words("UI", instance.sop_class),
        "00080018": _words("UI", instance.uid),
        "00083002": _words("UI", instance.transfer_syntax),
        "00200013": _number("IS", instance.number),
    }
    numbers = {
        "00280008": ("IS", instance.frames),
        "00280010": ("US", instance.rows),
        "00280011": ("US", instance.columns),
    }
    return said | {tag: _number(vr, value) for tag, (vr, value) in numbers.items() if value is not None}


def _words(vr: str, value: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]} if value else {"vr": vr}


def _number(vr: str, value: int | None) -> dict[str, Any]:
    return {"vr": vr} if value is None else {"vr": vr, "Value": [value]}


def _name(value: str) -> dict[str, Any]:
    names = names_of(value)
    return {"vr": "PN", "Value": names} if names else {"vr": "PN"}
