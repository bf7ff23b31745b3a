"""What a person uploads: DICOM files, archives of them, and pictures and volumes that become DICOM studies here."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import lzma
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, final

from skiagraph.case import Case
from skiagraph.codecs.foreign import foreign
from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted
from skiagraph.interchange.object import chunks
from skiagraph.interchange.source_image import source_object
from skiagraph.io import read_case
from skiagraph.io.formats import DICOM
from skiagraph.io.sources import Found, as_file, gather
from skiagraph.server.archive.disk import begun, disk
from skiagraph.server.archive.headers import describe
from skiagraph.server.archive.intake import Intake
from skiagraph.server.settings import Limits

__all__ = ["UNNAMED", "Taken", "plain_name", "take_upload"]

UNNAMED: Final = "unnamed"
"""The patient of pictures for which nobody said a name."""

_AT_ONCE: Final = 4  # files that are made safe at the same time: the disk takes them together
_PIECE: Final = 2**20
_MOST_PROBLEMS: Final = 100
_PARTS: Final = (".raw", ".zraw", ".img")  # belong to a header that is read by itself
_LONGEST: Final = 120  # characters of a name
_UNSAFE: Final = re.compile(r"[^\w.+ -]")
_NO_NAME: Final = re.compile(r"[\\=\x00-\x1f\x7f]+")
_HEADER: Final = 16 * 2**20  # bytes that a tar archive may state about one of its files
_PACKED: Final = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))


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

    DICOM files are taken as they are. Of other images each becomes a study of its own, with the same UIDs whenever the
    same image is uploaded. Archives (zip, tar) are looked into, but not those inside of them.

    Args:
        intake: The journal.
        folder: What was uploaded, under names that `plain_name` gave; tar archives are unpacked in it.
        limits: Bounds of files and bytes, unpacked.
        patient: Name for the patient of what is not DICOM.

    Raises:
        InvalidInput: More files or bytes than one upload may bring; nothing was taken.
        WriteFailed: The disk is full or failed.
    """
    problems = _unpack_all(folder, limits)
    gathered = gather(folder)
    problems += gathered.problems
    _check_bounds(gathered.files, limits)
    named = " ".join(_NO_NAME.sub(" ", patient).split())[:64]
    take = partial(_take, intake, named)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(take, [found for found in gathered.files if found.format is DICOM]))
    outcomes += [
        take(found) for found in gathered.files if found.format is not DICOM
    ]  # each may need much memory
    problems += [one.problem for one in outcomes if one.problem]
    studies = dict.fromkeys(one.study for one in outcomes if one.study)
    return Taken(
        objects=sum(bool(one.study) and not one.made for one in outcomes),
        made=sum(one.made for one in outcomes),
        studies=tuple(studies),
        problems=tuple(problems[:_MOST_PROBLEMS]),
    )


def plain_name(name: str) -> str:
    """A name under which a file can lie in a folder, whatever it was called elsewhere."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return _UNSAFE.sub("_", last).strip(". ")[-_LONGEST:].lstrip(". ") or "file"


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
            other = (
                ""
                if Path(found.name).suffix.lower() in _PARTS
                else f"{found.source.name} holds no image that is read."
            )
            return _Outcome(problem=other)
        with as_file(found.source) as path:
            return _take_images(intake, read_case(path), patient)
    except (InvalidInput, MissingInput, NotPermitted) as error:
        return _Outcome(problem=f"{found.source.name}: {error}")


def _take_object(intake: Intake, found: Found) -> _Outcome:
    with found.source.open() as stream:
        described = describe(stream, found.source.size)
    with found.source.open() as stream:
        intake.take(_pieces(stream))
    return _Outcome(study=described.study["uid"])


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
            raise _too_much(limits.upload_bytes)


def _unpack_all(folder: Path, limits: Limits) -> list[str]:
    """Tar archives become folders; what is wrong with them."""
    problems = []
    for path in sorted(folder.rglob("*")):
        kind = _tar_kind(path) if path.is_file() else None
        if kind is None:
            continue
        inside = path.with_name(f"{path.name}.unpacked")
        try:
            with (
                foreign(f"{path.name} is a tar archive and is damaged or cut off", also=(tarfile.TarError,)),
                kind(path) as plain,
                tarfile.open(fileobj=_Bounded(plain, limits.upload_bytes), mode="r:") as archive,
            ):
                problems += _unpack(archive, inside, limits)
            path.unlink()
        except FormatError as error:
            problems.append(str(error))
            shutil.rmtree(inside, ignore_errors=True)
    return problems


def _tar_kind(path: Path) -> Any:
    """What opens a tar archive as a plain stream; None for other files."""
    with path.open("rb") as file:
        head = file.read(512)
    opener: Any = next((how for mark, how in _PACKED if head.startswith(mark)), _plainly)
    try:
        with opener(path) as stream:
            head = stream.read(512)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return None
    return opener if head[257:262] == b"ustar" else None


def _plainly(path: Path) -> BinaryIO:
    return path.open("rb")


def _unpack(archive: tarfile.TarFile, inside: Path, limits: Limits) -> list[str]:
    """Plain files alone, under plain names: links, devices and paths that lead elsewhere stay out."""
    problems: list[str] = []
    folders: dict[str, Path] = {}
    left = count = 0
    for member in archive:
        count += 1
        if count > limits.upload_files:
            raise InvalidInput(f"an upload has at most {limits.upload_files} files", got="more")
        if member.size > limits.upload_bytes:
            raise _too_much(limits.upload_bytes)
        source = archive.extractfile(member) if member.isreg() else None
        if source is None:
            left += not member.isdir()
            continue
        parent = member.name.rpartition("/")[0]
        within = folders.setdefault(parent, inside / f"{len(folders):05d}")
        with disk():
            within.mkdir(parents=True, exist_ok=True, mode=0o700)
            target = within / plain_name(member.name)
            if target.exists():
                target = target.with_name(f"{count}-{target.name}"[:_LONGEST])
            with begun(target) as sink:
                shutil.copyfileobj(source, sink, _PIECE)
    if left:
        problems.append(f"Links and devices in a tar archive were left out: {left}.")
    return problems


@final
class _Bounded(io.RawIOBase):
    """A stream that ends with an error where more comes out of it than is allowed, in all or at once."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most = stream, most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0:
            raise tarfile.ReadError
        self._check(offset)
        return self._stream.seek(offset)

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= _HEADER:
            raise tarfile.ReadError
        self._check(self._stream.tell() + count)
        return self._stream.read(count)

    def _check(self, place: int) -> None:
        if place > self._most + _HEADER:
            raise _too_much(self._most)


def _too_much(most: int) -> InvalidInput:
    return InvalidInput(f"an upload has at most {most} bytes, unpacked", got="more")


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece
