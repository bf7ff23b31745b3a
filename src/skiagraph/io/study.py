"""A file or a folder to a study: everything readable becomes a case, everything else is named."""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final

from skiagraph.case import Case, Study
from skiagraph.codecs import Decoded, with_pixel_size
from skiagraph.errors import FormatError, MissingInput, NotPermitted
from skiagraph.geometry import Plane, spacing_of
from skiagraph.io.formats import DICOM, format_of, is_image_name, read_image
from skiagraph.task import names, registered

__all__ = ["read_case", "read_cases", "read_study"]

_Sizes = Mapping[str, tuple[float, float]]
_OURS: Final = "files"  # the name under which `read_study` is registered
_PARTS: Final = (".raw", ".zraw")  # belong to a header that is read by itself


def read_study(
    path: Path | str, *, pixel_size: tuple[float, float] | None = None, pixel_sizes: _Sizes | None = None
) -> Study:
    """Everything in a file or folder.

    Args:
        path: A file, or a folder that is searched with its folders.
        pixel_size: mm between (rows, columns) of every picture, as its user states it.
        pixel_sizes: The same by file name (as `read_pixel_sizes` gives it); goes before `pixel_size`.

    Returns:
        The study: cases in the order of their paths (DICOM series after single files), and what could not be read.

    Raises:
        MissingInput: No such path, or a folder without a file.
        NotPermitted: It may not be read.
        FormatError: One file that cannot be read; or a folder in which nothing can.
        InvalidInput: A pixel size that is none.
    """
    path = Path(path)
    cases: list[Case] = []
    problems: list[str] = []
    for item in read_cases(path, pixel_size=pixel_size, pixel_sizes=pixel_sizes):
        if isinstance(item, Case):
            cases.append(item)
        else:
            problems.append(item)
    if not cases:
        raise FormatError(
            f"{path.name} holds an image that can be read", got=" ".join(problems[:3]) or "none"
        )
    return Study(identifier=path.resolve().name, cases=tuple(cases), problems=tuple(problems))


def read_case(
    path: Path | str, *, pixel_size: tuple[float, float] | None = None, pixel_sizes: _Sizes | None = None
) -> Case:
    """The one case in a file or folder.

    Args:
        path: A file, or a folder that holds one image or one series.
        pixel_size: As for `read_study`.
        pixel_sizes: As for `read_study`.

    Raises:
        MissingInput: No such path, or a folder without a file.
        NotPermitted: It may not be read.
        FormatError: Nothing that can be read, or more than one case.
        InvalidInput: A pixel size that is none.
    """
    study = read_study(path, pixel_size=pixel_size, pixel_sizes=pixel_sizes)
    if len(study.cases) != 1:
        raise FormatError(
            f"{Path(path).name} holds one case", got=str(len(study.cases)), way_out="name one file of it"
        )
    case = study.cases[0]
    return dataclasses.replace(case, problems=(*case.problems, *study.problems))


def read_cases(
    path: Path | str, *, pixel_size: tuple[float, float] | None = None, pixel_sizes: _Sizes | None = None
) -> Iterator[Case | str]:
    """As `read_study`, one case after the other, so that a large folder needs the memory of one.

    Yields:
        A case, or a sentence about what could not be read.

    Raises:
        MissingInput: No such path, or a folder without a file.
        NotPermitted: It may not be read.
        FormatError: One file that cannot be read.
        InvalidInput: A pixel size that is none.
    """
    path = Path(path)
    sizes = _StatedSizes(pixel_size, pixel_sizes or {})
    if path.is_dir():
        yield from _folder(path, sizes)
        return
    try:
        format_of(path)
    except FormatError:
        others = _read_by_others(path)
        if others is None:
            raise
        yield from others
        return
    yield _case(_stem(path.name), read_image(path), sizes.of(path, path.name))


def _read_by_others(path: Path) -> Iterator[Case | str] | None:
    """What a reader of another installed package makes of a file whose format is not one of ours; None if none can."""
    for name in names("readers"):
        if name == _OURS:
            continue
        try:
            study = registered("readers", name)(path)
        except FormatError:
            continue
        return chain(study.cases, study.problems)
    return None


class _StatedSizes:
    """What the user says about pixel sizes, and which of it found its file."""

    def __init__(self, one: tuple[float, float] | None, many: _Sizes) -> None:
        self._one, self._many = one, many
        self._used: set[str] = set()

    def of(self, path: Path, relative: str) -> tuple[float, float] | None:
        for key in (relative, path.name, _stem(relative), _stem(path.name)):
            if key in self._many:
                self._used.add(key)
                return self._many[key]
        return self._one

    def unused(self) -> list[str]:
        return sorted(set(self._many) - self._used)


def _folder(folder: Path, sizes: _StatedSizes) -> Iterator[Case | str]:
    problems: list[str] = []
    files = _files(folder, problems)
    if not files and not problems:
        raise MissingInput(
            f"the folder {folder.name} holds files", got="an empty folder", way_out="check the path"
        )
    yield from problems
    relative = {file: file.relative_to(folder).as_posix() for file in files}
    stems = Counter(_stem(name) for name in relative.values())
    dicom: list[Path] = []
    passed_over: list[str] = []
    for file, name in relative.items():
        try:
            found = format_of(file)
            if found is DICOM:
                dicom.append(file)
                continue
            identifier = _stem(name) if stems[_stem(name)] == 1 else name
            yield _case(identifier, read_image(file), sizes.of(file, name))
        except (FormatError, NotPermitted, MissingInput) as error:
            others = _read_by_others(file) if isinstance(error, FormatError) else None
            if others is not None:
                yield from others
            elif is_image_name(file) or not isinstance(error, FormatError):
                yield str(error)
            elif file.suffix.lower() not in _PARTS:
                passed_over.append(name)
    yield from _dicom_cases(dicom, relative, sizes)
    if passed_over:
        more = ", ..." if len(passed_over) > 3 else ""
        yield f"Other files hold no image that is read here ({len(passed_over)}): {', '.join(passed_over[:3])}{more}."
    if sizes.unused():
        yield f"Pixel sizes were given for files that are not here: {', '.join(sizes.unused()[:5])}."


def _files(folder: Path, problems: list[str]) -> list[Path]:
    """All files below a folder, sorted; hidden ones are left alone."""

    def note(error: OSError) -> None:
        problems.append(f"The folder {Path(str(error.filename)).name} may not be read.")

    found = [
        Path(root, name)
        for root, _, names in os.walk(folder, onerror=note)
        for name in names
        if not any(part.startswith(".") for part in (*Path(root).relative_to(folder).parts, name))
    ]
    return sorted(found)


def _dicom_cases(
    paths: list[Path], relative: Mapping[Path, str], sizes: _StatedSizes
) -> Iterator[Case | str]:
    if not paths:
        return
    # Loaded now, so that a folder of PNGs does not pay for pydicom.
    for item in importlib.import_module("skiagraph.io.dicom.series").read_files(paths):
        if isinstance(item, str):
            yield item
            continue
        path, decoded = item
        identifier = decoded.uid if path is None else _stem(relative[path])
        yield _case(identifier, decoded, None if path is None else sizes.of(path, relative[path]))


def _case(identifier: str, decoded: Decoded, pixel_size: tuple[float, float] | None) -> Case:
    image, problems = decoded.image, decoded.problems
    if pixel_size is not None:
        if isinstance(image.space, Plane):
            old = spacing_of(image.space)
            image = with_pixel_size(image, pixel_size)
            new = spacing_of(image.space)
            if old is None:
                problems = (*problems, f"The file states no pixel size; {_mm(new)} were given by the user.")
            elif new != old:
                problems = (
                    *problems,
                    f"The file states {_mm(old)}; the {_mm(new)} that were given are used instead.",
                )
        else:
            problems = (
                *problems,
                "A pixel size was given and left aside: a volume takes its size from its file.",
            )
    uids = {} if decoded.uid is None else {"image": decoded.uid}
    return Case(identifier=identifier, images={"image": image}, uids=uids, problems=problems)


def _mm(spacing: tuple[float, ...] | None) -> str:
    return " x ".join(f"{s:.6g}" for s in spacing or ()) + " mm"


def _stem(name: str) -> str:
    """The name without its suffix; both of .nii.gz."""
    low = name.lower()
    if low.endswith(".nii.gz"):
        return name[: -len(".nii.gz")]
    path = Path(name)
    return path.with_suffix("").as_posix() if is_image_name(path) else name
