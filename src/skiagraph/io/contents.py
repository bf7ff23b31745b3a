"""Whose images a path holds: studies and series as their headers tell, without a pixel and without a patient's name."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

from skiagraph.codecs.foreign import foreign
from skiagraph.errors import FormatError
from skiagraph.io.formats import DICOM
from skiagraph.io.sources import Advance, gather

__all__ = ["Contents", "Patient", "Series", "Studies", "Tally", "contents_of"]

_DATE: Final = re.compile(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who was examined; shown only to those who ask for it.

    Args:
        number: From 1, in the order in which the patients of a path are met; tells them apart without a name.
        name: ``family^given`` in its spellings, joined by ``=``.
        identifier: PatientID.
        birth_date: As ISO 8601, where it is a date.
        problem: What had to be supposed to read the name.
    """

    number: int
    name: str
    identifier: str
    birth_date: str
    problem: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series.

    Args:
        uid: SeriesInstanceUID; empty where its files state none.
        number: SeriesNumber; empty where none is stated.
        modality: Modality.
        description: SeriesDescription, or else ProtocolName; what it holds of the patient's name is starred out.
        told: The same, as it stands in the file.
        kind: What the objects are, e.g. ``"CT Image"``.
        body_part: BodyPartExamined.
        files: How many.
    """

    uid: str
    number: str
    modality: str
    description: str
    told: str
    kind: str
    body_part: str
    files: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Studies:
    """One study.

    Args:
        uid: StudyInstanceUID; empty where its files state none.
        date: Of the study, as ISO 8601; empty where none is stated.
        description: StudyDescription; what it holds of the patient's name is starred out.
        told: The same, as it stands in the file.
        patient: Who was examined.
        series: By number, then in the order in which they were met.
    """

    uid: str
    date: str
    description: str
    told: str
    patient: Patient
    series: tuple[Series, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the headers of all DICOM objects of a path tell.

    Args:
        studies: In the order in which they were met.
        series_of: The place (study, series) in `studies` of each SeriesInstanceUID and SOPInstanceUID.
        problems: What was noticed about texts, one sentence each.
    """

    studies: tuple[Studies, ...] = ()
    series_of: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "series_of", MappingProxyType(dict(self.series_of)))


def contents_of(path: Path | str, *, watch: Advance | None = None) -> Contents:
    """The studies and series of a folder, archive, disc or file; its images are left aside.

    Where the images are wanted too, give the `Tally.add` of a tally to `read_cases`: headers are read once.

    Args:
        path: As for `read_cases`.
        watch: Told how many headers were read, and of how many.

    Returns:
        Empty where nothing is DICOM. What cannot be read is left out; `read_cases` names it.

    Raises:
        MissingInput: No such path.
        NotPermitted: It may not be read.
        FormatError: A damaged archive or disc.
    """
    sources = [found.source for found in gather(path).files if found.format is DICOM]
    if not sources:
        return Contents()
    # Loaded now, so that a folder of PNGs does not pay for pydicom.
    scan = importlib.import_module("skiagraph.io.dicom.scan")
    tally = Tally()
    for done, header in enumerate(scan.scan_many(sources), 1):
        if not isinstance(header, Exception):
            tally.add(header)
        if watch is not None:
            watch(done, len(sources))
    return tally.contents()


@final
class Tally:
    """Counts whose images headers tell of; a header that cannot be described is left out."""

    def __init__(self) -> None:
        self._patients: dict[tuple[str, str], Patient] = {}
        self._studies: dict[tuple[str, int], dict[str, str]] = {}
        self._series: dict[tuple[str, int], dict[tuple[str, ...], list[Any]]] = {}
        self._members: dict[str, tuple[tuple[str, int], tuple[str, ...]]] = {}
        self._problems: dict[str, None] = {}

    def add(self, header: Any) -> None:
        """One header, as `scan` gives it."""
        described = importlib.import_module("skiagraph.io.dicom.described").described
        with suppress(FormatError), foreign("a header that cannot be described is left out"):
            self._add(described(header))

    def _add(self, row: Mapping[str, str]) -> None:
        patient = self._patients.setdefault(
            (row["patient_id"], row["patient_name"]),
            Patient(
                number=len(self._patients) + 1,
                name=row["patient_name"],
                identifier=row["patient_id"],
                birth_date=_iso(row["birth_date"]),
                problem=row["name_problem"] or None,
            ),
        )
        study = (row["study_uid"], patient.number)
        self._studies.setdefault(study, dict(row))
        series = (row["series_uid"], row["modality"] if not row["series_uid"] else "")
        counted = self._series.setdefault(study, {}).setdefault(series, [dict(row), 0])
        counted[1] += 1
        for uid in (row["series_uid"], row["instance_uid"]):
            if uid:
                self._members.setdefault(uid, (study, series))
        if row["problem"]:
            self._problems[row["problem"]] = None

    def contents(self) -> Contents:
        """All that was counted."""
        patients = {patient.number: patient for patient in self._patients.values()}
        places: dict[tuple[tuple[str, int], tuple[str, ...]], tuple[int, int]] = {}
        studies = []
        for at, (study, row) in enumerate(self._studies.items()):
            found = self._series[study]
            order = sorted(found, key=lambda key: _rank(found[key][0]["series_number"]))
            places |= {(study, key): (at, n) for n, key in enumerate(order)}
            studies.append(
                Studies(
                    uid=row["study_uid"],
                    date=_iso(row["study_date"]),
                    description=row["study_description_bare"],
                    told=row["study_description"],
                    patient=patients[study[1]],
                    series=tuple(_series(*found[key]) for key in order),
                )
            )
        return Contents(
            studies=tuple(studies),
            series_of={uid: places[member] for uid, member in self._members.items()},
            problems=tuple(self._problems),
        )


def _series(row: Mapping[str, str], files: int) -> Series:
    return Series(
        uid=row["series_uid"],
        number=row["series_number"],
        modality=row["modality"],
        description=row["series_description_bare"],
        told=row["series_description"],
        kind=row["kind"],
        body_part=row["body_part"],
        files=files,
    )


def _rank(number: str) -> tuple[int, str]:
    return (int(number), "") if number.lstrip("-").isdecimal() else (2**31, number)


def _iso(date: str) -> str:
    """A DICOM date as ISO 8601; what is no date is left away."""
    match = _DATE.fullmatch(date)
    return "-".join(match.groups()) if match else ""
