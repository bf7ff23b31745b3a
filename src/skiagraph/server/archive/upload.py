"""What a person uploads: DICOM files, archives of them, and pictures and volumes that become DICOM studies here."""

from __future__ import annotations

import dataclasses
import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, final

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from skiagraph.case import Case
from skiagraph.errors import InvalidInput, MissingInput, NotPermitted
from skiagraph.interchange.object import chunks
from skiagraph.interchange.source_image import source_object
from skiagraph.io import read_case
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.quick import text_at
from skiagraph.io.dicom.scan import scan
from skiagraph.io.formats import DICOM
from skiagraph.io.sources import Found, as_file, gather
from skiagraph.server.archive.headers import describe
from skiagraph.server.archive.intake import Intake
from skiagraph.server.archive.tarred import pieces, too_much, unpack_tars
from skiagraph.server.node.part10 import file_head
from skiagraph.server.settings import Limits

__all__ = ["UNNAMED", "Taken", "take_upload"]

UNNAMED: Final = "unnamed"
"""The patient of pictures for which nobody said a name."""

_AT_ONCE: Final = 4  # files that are made safe at the same time: the disk takes them together
_MOST_PROBLEMS: Final = 100
_PARTS: Final = (".raw", ".zraw", ".img")  # belong to a header that is read by itself
_NO_NAME: Final = re.compile(r"[\\=\x00-\x1f\x7f]+")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an upload.

    Args:
        objects: DICOM files that were taken.
        made: Pictures and volumes that were taken as DICOM objects of ours.
        studies: UIDs of the studies that they belong to.
        problems: What was not taken, a sentence each; the first hundred.
    """

    objects: int
    made: int
    studies: tuple[str, ...]
    problems: tuple[str, ...]


def take_upload(intake: Intake, folder: Path, limits: Limits, *, patient: str = "") -> Taken:
    """Takes all that lies in a folder into the journal.

    DICOM files are taken as they are; a data set that was written without a preamble is given one. Of other images each
    becomes a study of its own, with the same UIDs whenever the same image is uploaded. Archives (zip, tar) are looked
    into, but not those inside of them.

    Args:
        intake: The journal.
        folder: What was uploaded, under names that `plain_name` gave; tar archives are unpacked in it.
        limits: Bounds of files and bytes, unpacked.
        patient: Name for the patient of what is not DICOM.

    Raises:
        InvalidInput: More files or bytes than one upload may bring; nothing was taken.
        WriteFailed: The disk is full or failed.
    """
    problems = unpack_tars(folder, limits)
    gathered = gather(folder)
    problems += gathered.problems
    _check_bounds(gathered.files, limits)
    named = " ".join(_NO_NAME.sub(" ", patient).split())[:64]
    take = partial(_take, intake, named)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(take, [found for found in gathered.files if found.format is DICOM]))
    others = [found for found in gathered.files if found.format is not DICOM]
    outcomes += [take(found) for found in others]  # one after the other: each may need much memory
    problems += [one.problem for one in outcomes if one.problem]
    studies = dict.fromkeys(one.study for one in outcomes if one.study)
    return Taken(
        objects=sum(bool(one.study) and not one.made for one in outcomes),
        made=sum(one.made for one in outcomes),
        studies=tuple(studies),
        problems=tuple(problems[:_MOST_PROBLEMS]),
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """Of one file: its study, or why it was not taken; neither, for what belongs to another file."""

    study: str = ""
    made: int = 0
    problem: str = ""


def _take(intake: Intake, patient: str, found: Found) -> _Outcome:
    try:
        if found.format is DICOM:
            return _take_object(intake, found)
        if found.format is None:
            part = Path(found.name).suffix.lower() in _PARTS
            return _Outcome(problem="" if part else f"{found.source.name} holds no image that is read.")
        with as_file(found.source) as path:
            return _take_images(intake, read_case(path), patient)
    except (InvalidInput, MissingInput, NotPermitted) as error:
        said = str(error)
        return _Outcome(problem=said if found.source.name in said else f"{found.source.name}: {said}")


def _take_object(intake: Intake, found: Found) -> _Outcome:
    head = _missing_head(found)
    with found.source.open() as stream:
        whole = io.BytesIO(head + stream.read()) if head else stream
        described = describe(whole, len(head) + found.source.size)
    with found.source.open() as stream:
        intake.take(chain([head], pieces(stream)))
    return _Outcome(study=described.study["uid"])


def _missing_head(found: Found) -> bytes:
    """What has to stand before a data set that was written without preamble and file meta information."""
    with found.source.open() as stream:
        begin = stream.read(132)
    if begin[128:] == b"DICM":
        return b""
    if begin.startswith(b"\x02\0"):
        return bytes(128) + b"DICM"
    header = scan(found.source)
    with guarded(found.source.name):
        syntax = ImplicitVRLittleEndian if header.original_encoding[0] else ExplicitVRLittleEndian
        return file_head(text_at(header, "SOPClassUID"), text_at(header, "SOPInstanceUID"), syntax)


def _take_images(intake: Intake, case: Case, patient: str) -> _Outcome:
    """A study for the case: the name stands for the patient, so that the same picture of two is two studies."""
    case = dataclasses.replace(case, identifier=patient or case.identifier)
    study = ""
    for name in case.images:
        thing = source_object(case, name)
        thing.header.PatientName = patient or UNNAMED
        intake.take(chunks(thing))
        study = str(thing.header.StudyInstanceUID)
    return _Outcome(study=study, made=len(case.images))


def _check_bounds(files: tuple[Found, ...], limits: Limits) -> None:
    if len(files) > limits.upload_files:
        raise InvalidInput(f"an upload has at most {limits.upload_files} files", got=str(len(files)))
    total = 0
    for found in files:
        total += found.source.size
        if total > limits.upload_bytes:
            raise too_much(limits.upload_bytes)
