"""DICOMDIR: the files that the directory of a disc names, and which of them are not there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, final

from pydicom.dataset import Dataset

from skiagraph.codecs.foreign import foreign
from skiagraph.errors import FormatError
from skiagraph.io.archive import archive_members
from skiagraph.io.dicom.scan import BROKEN, scan
from skiagraph.io.dicom.source import Source

__all__ = ["Directory", "read_directory"]

_IN_USE: Final = 0xFFFF  # RecordInUseFlag (0004,1410), retired; 0 marks what was deleted


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What a DICOMDIR names.

    Args:
        sources: The files that it names and that are there, in its order, each once.
        problems: What is missing or leads elsewhere, one sentence each.
    """

    sources: tuple[Source, ...]
    problems: tuple[str, ...] = ()


def read_directory(source: Source) -> Directory:
    """The files of a disc by its DICOMDIR, whatever case of letters the copy of the disc has.

    Args:
        source: The DICOMDIR: a file, or a member of an archive.

    Raises:
        FormatError: Not a DICOMDIR, or damaged.

    Source: DICOM PS3.3 annex F; PS3.10 8.5 (names of files).
    """
    found: dict[Source, None] = {}
    missing: list[str] = []
    astray = 0
    there = _members(source) if source.member else _Folder(source.path.parent)
    for parts in _named(source):
        if any(part in {"", ".", ".."} or re.search(r"[/\\\0:]", part) for part in parts):
            astray += 1
            continue
        place = there.get("/".join(parts).casefold())
        if place is None:
            missing.append("/".join(parts))
        else:
            found[place] = None
    return Directory(sources=tuple(found), problems=tuple(_said(source.name, missing, astray)))


def _said(name: str, missing: list[str], astray: int) -> Iterator[str]:
    if missing:
        more = ", ..." if len(missing) > 3 else ""
        yield (
            f"{name} names {len(missing)} files that are missing: {', '.join(missing[:3])}{more}; "
            "copy the disc again."
        )
    if astray:
        yield f"{name} names {astray} files outside of its own folder; they were left alone."


def _named(source: Source) -> list[tuple[str, ...]]:
    """The file IDs of all records in use, in parts."""
    rule = f"{source.name} is the directory of a disc and is damaged or cut off"
    way_out = "name the folder around it: its files are found without it"
    found = []
    try:
        with foreign(rule, way_out=way_out, also=BROKEN):
            records: Iterable[Dataset] = scan(source)["DirectoryRecordSequence"].value or ()
            for record in records:
                parts = record.get("ReferencedFileID")
                if parts and record.get("RecordInUseFlag", _IN_USE) != 0:
                    listed = [parts] if isinstance(parts, str) else list(parts)
                    found.append(tuple(_plain(str(part)) for part in listed))
    except FormatError as error:
        raise FormatError(rule, way_out=way_out) from error
    return found


def _plain(part: str) -> str:
    """A part of a file ID without the version and the dot that ISO 9660 adds."""
    return re.sub(r"\.?(;\d+)?$", "", part.strip())


def _members(source: Source) -> Mapping[str, Source]:
    """The members beside and below a DICOMDIR in its archive, by their name from there."""
    root = PurePosixPath(source.member).parent
    return {
        _key(PurePosixPath(name).relative_to(root).parts): Source(path=source.path, member=name)
        for name in archive_members(source.path).members
        if PurePosixPath(name).is_relative_to(root)
    }


def _key(parts: Iterable[str]) -> str:
    return "/".join(_plain(part) for part in parts).casefold()


@final
class _Folder:
    """The files beside and below a DICOMDIR; each folder is looked at once, when a name leads into it."""

    def __init__(self, root: Path) -> None:
        self._listed: dict[str, dict[str, Path]] = {"": _listing(root)}

    def get(self, key: str) -> Source | None:
        """The file of this name, in lower case and with slashes between its parts."""
        path = self._path(key)
        return Source(path=path) if path is not None and path.is_file() else None

    def _path(self, key: str) -> Path | None:
        parent, _, last = key.rpartition("/")
        if parent not in self._listed:
            folder = self._path(parent)
            self._listed[parent] = _listing(folder) if folder is not None else {}
        return self._listed[parent].get(last)


def _listing(folder: Path) -> dict[str, Path]:
    try:
        with os.scandir(folder) as entries:
            return {_plain(entry.name).casefold(): Path(entry.path) for entry in entries}
    except OSError:
        return {}
