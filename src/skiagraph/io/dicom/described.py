"""What one header tells about its study, series and patient, as plain texts in the character set of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.io.dicom.text import person_name, words_of

__all__ = ["described"]

_TEXTS: Final[Mapping[str, str]] = {
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "instance_uid": "SOPInstanceUID",
    "study_date": "StudyDate",
    "study_description": "StudyDescription",
    "series_number": "SeriesNumber",
    "series_description": "SeriesDescription",
    "modality": "Modality",
    "body_part": "BodyPartExamined",
    "patient_id": "PatientID",
    "birth_date": "PatientBirthDate",
}
_SHORT: Final = 2  # letters up to which a part of a name is no name: Wu is, and is also a word


def described(header: Dataset) -> dict[str, str]:
    """The texts of a header by our names for them; empty where the header has none.

    Args:
        header: As `scan` gives it.

    Returns:
        The elements of the study and series; ``kind`` as the SOP class is called; descriptions also as ``..._bare``,
        without the patient's name; ``patient_name`` in its spellings; ``problem`` about the texts that are no
        patient's, and ``name_problem`` about the name.
    """
    words = {name: words_of(header, keyword) for name, keyword in _TEXTS.items()}
    row = {name: said.text for name, said in words.items()}
    row["series_description"] = row["series_description"] or words_of(header, "ProtocolName").text
    person = person_name(header)
    row["patient_name"] = "" if person is None else str(person)
    row["name_problem"] = (person.problem if person else None) or ""
    row["problem"] = next((said.problem for said in words.values() if said.problem), "")
    kind = words_of(header, "SOPClassUID").text
    row["kind"] = UID(kind).name.replace(" Storage", "") if kind else ""
    for name in ("study_description", "series_description"):
        row[f"{name}_bare"] = _without_name(row[name], row["patient_name"])
    return row


def _without_name(text: str, name: str) -> str:
    """A description without the parts of the patient's name that somebody wrote into it."""
    parts = [re.escape(part) for part in re.split(r"[\^=\s,]+", name) if len(part) > _SHORT]
    return re.sub(rf"\b(?:{'|'.join(parts)})\b", "***", text, flags=re.IGNORECASE) if parts else text
