"""Any tree of folders, zip archive or DICOMDIR to the list of places where the bytes of images lie."""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, final

from skiagraph.codecs import Decoded
from skiagraph.errors import FormatError, MissingInput, NotPermitted, SkiagraphError
from skiagraph.image import Lazy, pixels
from skiagraph.io.archive import archive_members, is_archive, unpacked
from skiagraph.io.dicom.source import Source
from skiagraph.io.formats import DICOM, Format, format_of_head, read_image

__all__ = ["Found", "Gathered", "as_file", "gather", "holds_files", "read_source"]

_HEAD: Final = 4096  # bytes that are looked at
_DIRECTORY: Final = b"1.2.840.10008.1.3.10"  # Media Storage Directory Storage, in the head of a DICOMDIR
Advance = Callable[[int, int], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file.

    Args:
        source: Where it lies.
        name: Its path from where the search began, through the archive that holds it, with slashes.
        format: What its content shows; None where it is no image that is read, and for an empty file.
    """

    source: Source
    name: str
    format: Format | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All files of a search.

    Args:
        files: In the order of their names.
        problems: Folders, archives and directories that could not be read, one sentence each.
    """

    files: tuple[Found, ...]
    problems: tuple[str, ...] = ()


def gather(path: Path | str, *, watch: Advance | None = None) -> Gathered:
    """Every file in a folder and its folders, in a zip archive, or that a DICOMDIR names.

    Args:
        path: A folder, a zip archive, a DICOMDIR or any other file. Archives and DICOMDIRs inside of a folder are
            followed; hidden files, and archives inside of archives, are left alone (the latter are named).
        watch: Told how many of the files were looked at, and of how many.

    Returns:
        The files, each once.

    Raises:
        MissingInput: No such path.
        NotPermitted: The one file that was named may not be read.
        FormatError: The one archive or DICOMDIR that was named is damaged.
    """
    path = Path(path)
    search = _Search(watch or _silent)
    if path.is_dir():
        search.folder(path)
    else:
        search.one(path)
    return Gathered(
        files=tuple(sorted(search.found.values(), key=lambda found: found.name)),
        problems=tuple(search.problems),
    )


def holds_files(path: Path) -> bool:
    """Whether a path stands for many files: a folder, a zip archive or a DICOMDIR."""
    if path.is_dir():
        return True
    try:
        head = _head(Source(path=path))
    except SkiagraphError:
        return False
    return is_archive(head) or _is_directory(head)


@contextmanager
def as_file(source: Source) -> Iterator[Path]:
    """The source as a file: itself, or a copy of the member of an archive that is removed when the block ends.

    Raises:
        FormatError: The member is damaged.
        WriteFailed: There is no room for the copy.
    """
    if not source.member:
        yield source.path
        return
    with unpacked(source.path, source.member) as path:
        yield path


def read_source(source: Source) -> Decoded:
    """The image in a file or member of another format than DICOM.

    Pixels that would be decoded later are decoded at once where the file is a copy that will be gone by then.

    Raises:
        FormatError: Not an image, damaged, or what cannot be decoded.
        MissingInput: No such file.
        NotPermitted: It may not be read.
    """
    with as_file(source) as path:
        decoded = read_image(path)
        if source.member and isinstance(decoded.image.data, Lazy):
            image = dataclasses.replace(decoded.image, data=pixels(decoded.image))
            return dataclasses.replace(decoded, image=image)
        return decoded


def _silent(done: int, total: int) -> None:
    pass


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in parts)


@final
class _Search:
    """What was found so far."""

    def __init__(self, watch: Advance) -> None:
        self.found: dict[Source, Found] = {}
        self.problems: list[str] = []
        self._watch = watch

    def one(self, path: Path) -> None:
        source = Source(path=path)
        head = _head(source)
        if is_archive(head):
            self._archive(path, "")
        elif _is_directory(head):
            self._directory(source, follow=True)
        else:
            self.found[source] = Found(source=source, name=path.name, format=format_of_head(head))

    def folder(self, folder: Path) -> None:
        paths = self._walked(folder)
        for number, path in enumerate(paths, 1):
            with self._noting():
                source, name = Source(path=path), path.relative_to(folder).as_posix()
                head = _head(source)
                if is_archive(head) and archive_members(path).members:
                    self._archive(path, f"{name}/")
                elif _is_directory(head):
                    self._directory(source, follow=False)
                else:
                    self.found[source] = Found(source=source, name=name, format=format_of_head(head))
            self._watch(number, len(paths))

    def _walked(self, folder: Path) -> list[Path]:
        def note(error: OSError) -> None:
            self.problems.append(f"The folder {Path(str(error.filename)).name} may not be read.")

        return sorted(
            Path(root, name)
            for root, _, names in os.walk(folder, onerror=note)
            for name in names
            if not _is_hidden(Path(root, name).relative_to(folder).as_posix())
        )

    def _archive(self, path: Path, prefix: str) -> None:
        listing = archive_members(path)
        self.problems += listing.problems
        inner = []
        names = [name for name in listing.members if not _is_hidden(name)]
        for number, name in enumerate(names, 1):
            with self._noting():
                source = Source(path=path, member=name)
                head = _head(source)
                if is_archive(head):
                    inner.append(source.name)
                elif _is_directory(head):
                    self._directory(source, follow=False)
                else:
                    self.found[source] = Found(source=source, name=prefix + name, format=format_of_head(head))
            self._watch(number, len(names))
        if inner:
            self.problems.append(
                f"{path.name} holds {len(inner)} archives inside of it, the first of them {inner[0]}; "
                "unpack it and name the folder."
            )

    def _directory(self, source: Source, *, follow: bool) -> None:
        # Loaded now, so that a folder of PNGs does not pay for pydicom.
        listed = importlib.import_module("skiagraph.io.dicom.directory").read_directory(source)
        self.problems += listed.problems
        if follow:
            root = source.path.parent
            for place in listed.sources:
                name = place.path.relative_to(root).as_posix()
                self.found[place] = Found(source=place, name=name, format=DICOM)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """In a folder or an archive a file that cannot be read is named, and the others are read."""
        try:
            yield
        except (FormatError, MissingInput, NotPermitted) as error:
            self.problems.append(str(error))


def _head(source: Source) -> bytes:
    try:
        with source.open() as stream:
            return stream.read(_HEAD)
    except SkiagraphError:
        raise
    except OSError as error:
        raise FormatError(f"{source.name} cannot be read from its disk", got=type(error).__name__) from error


def _is_directory(head: bytes) -> bool:
    at = head.find(_DIRECTORY, 132, 1024) if head[128:132] == b"DICM" else -1
    return at > 0 and not head[at + len(_DIRECTORY) : at + len(_DIRECTORY) + 1].isdigit()
