"""A file, folder or archive to a study: everything readable becomes a case, everything else is named."""

from __future__ import annotations

import dataclasses
import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

from skiagraph.case import Case, Study
from skiagraph.codecs import Decoded, with_pixel_size
from skiagraph.errors import FormatError, MissingInput, NotPermitted, SkiagraphError
from skiagraph.geometry import Plane, spacing_of
from skiagraph.image import Image
from skiagraph.io.dicom.source import Source
from skiagraph.io.formats import DICOM, format_of, is_image_name, read_image
from skiagraph.io.sources import Found, gather, read_source
from skiagraph.task import names, registered

__all__ = ["Advance", "read_case", "read_cases", "read_study"]

_Sizes = Mapping[str, tuple[float, float]]
Advance = Callable[[int, int], None]
Headers = Callable[[Any], None]
_Dicom = Callable[[list["Found"], "_StatedSizes"], Iterator[Case | str]]
_OURS: Final = "files"  # the name under which `read_study` is registered
_PARTS: Final = (".raw", ".zraw")  # belong to a header that is read by itself


def read_study(
    path: Path | str,
    *,
    pixel_size: tuple[float, float] | None = None,
    pixel_sizes: _Sizes | None = None,
    fill_gaps: bool = False,
    watch: Advance | None = None,
) -> Study:
    """Everything in a file, folder or zip archive.

    Args:
        path: A file, a zip archive, a DICOMDIR, or a folder that is searched with its folders and archives.
        pixel_size: mm between (rows, columns) of every picture, as its user states it.
        pixel_sizes: The same by file name (as `read_pixel_sizes` gives it); goes before `pixel_size`.
        fill_gaps: Resample a DICOM series across missing slices, from the true places of the others, instead of
            refusing it.
        watch: Told how many files were looked at, and of how many.

    Returns:
        The study: cases in the order of their paths (DICOM after other files), and what could not be read.

    Raises:
        MissingInput: No such path, or a folder without a file.
        NotPermitted: It may not be read.
        FormatError: One file that cannot be read; or a folder in which nothing can.
        InvalidInput: A pixel size that is none.
    """
    path = Path(path)
    cases: list[Case] = []
    problems: list[str] = []
    for item in read_cases(
        path, pixel_size=pixel_size, pixel_sizes=pixel_sizes, fill_gaps=fill_gaps, watch=watch
    ):
        if isinstance(item, Case):
            cases.append(item)
        else:
            problems.append(item)
    if not cases:
        raise FormatError(
            f"{path.name} holds an image that can be read", got=" ".join(problems[:3]).rstrip(".") or "none"
        )
    return Study(identifier=path.resolve().name, cases=tuple(cases), problems=tuple(problems))


def read_case(
    path: Path | str,
    *,
    pixel_size: tuple[float, float] | None = None,
    pixel_sizes: _Sizes | None = None,
    fill_gaps: bool = False,
    watch: Advance | None = None,
) -> Case:
    """The one case in a file or folder.

    Args:
        path: A file, or a folder or archive that holds one image or one series.
        pixel_size: As for `read_study`.
        pixel_sizes: As for `read_study`.
        fill_gaps: As for `read_study`.
        watch: As for `read_study`.

    Raises:
        MissingInput: No such path, or a folder without a file.
        NotPermitted: It may not be read.
        FormatError: Nothing that can be read, or more than one case.
        InvalidInput: A pixel size that is none.
    """
    study = read_study(path, pixel_size=pixel_size, pixel_sizes=pixel_sizes, fill_gaps=fill_gaps, watch=watch)
    if len(study.cases) != 1:
        raise FormatError(
            f"{Path(path).name} holds one case",
            got=str(len(study.cases)),
            way_out="name one file, or the folder of one series",
        )
    case = study.cases[0]
    return dataclasses.replace(case, problems=(*case.problems, *study.problems))


def read_cases(
    path: Path | str,
    *,
    pixel_size: tuple[float, float] | None = None,
    pixel_sizes: _Sizes | None = None,
    fill_gaps: bool = False,
    watch: Advance | None = None,
    headers: Headers | None = None,
) -> Iterator[Case | str]:
    """As `read_study`, one case after the other, so that a large folder needs the memory of one.

    Args:
        path: As for `read_study`.
        pixel_size: As for `read_study`.
        pixel_sizes: As for `read_study`.
        fill_gaps: As for `read_study`.
        watch: As for `read_study`.
        headers: Told the header of each DICOM object, all of them before the first case that is made of them.

    Yields:
        A case, or a sentence about what could not be read. Pixels of DICOM images are decoded when they are first read.

    Raises:
        MissingInput: No such path, or a folder without a file.
        NotPermitted: It may not be read.
        FormatError: One file that cannot be read.
        InvalidInput: A pixel size that is none.
    """
    path = Path(path)
    sizes = _StatedSizes(pixel_size, pixel_sizes or {})
    gathered = gather(path, watch=watch)
    single = not path.is_dir() and [f.source for f in gathered.files] == [Source(path=path)]
    if single:
        yield from _one_file(
            gathered.files[0], sizes, partial(_dicom_cases, fill_gaps=fill_gaps, headers=headers)
        )
        return
    if not gathered.files and not gathered.problems:
        raise MissingInput(
            f"{path.name} holds files",
            got="an empty folder" if path.is_dir() else "none",
            way_out="check the path",
        )
    yield from gathered.problems
    dicom = partial(_dicom_cases, fill_gaps=fill_gaps, watch=watch, headers=headers)
    yield from _many_files(gathered.files, sizes, dicom)


def _one_file(found: Found, sizes: _StatedSizes, dicom: _Dicom) -> Iterator[Case | str]:
    path = found.source.path
    try:
        format_of(path)
    except FormatError:
        others = _read_by_others(path)
        if others is None:
            raise
        yield from others
        return
    if found.format is not DICOM:
        yield _case(_stem(path.name), read_image(path), sizes.of(path.name))
        return
    items = list(dicom([found], sizes))
    if len(items) == 1 and isinstance(items[0], str):
        raise FormatError(items[0].rstrip("."))
    yield from items


def _many_files(files: tuple[Found, ...], sizes: _StatedSizes, read_dicom: _Dicom) -> Iterator[Case | str]:
    stems = Counter(_stem(found.name) for found in files)
    dicom = [found for found in files if found.format is DICOM]
    passed_over: list[str] = []
    for found in files:
        if found.format is DICOM:
            continue
        identifier = _stem(found.name) if stems[_stem(found.name)] == 1 else found.name
        try:
            yield _case(identifier, read_source(found.source), sizes.of(found.name))
        except (FormatError, NotPermitted, MissingInput) as error:
            others = _read_by_others(found.source.path) if _is_foreign(found, error) else None
            if others is not None:
                yield from others
            elif is_image_name(Path(found.name)) or not isinstance(error, FormatError):
                yield str(error)
            elif Path(found.name).suffix.lower() not in _PARTS:
                passed_over.append(found.name)
    yield from read_dicom(dicom, sizes)
    if passed_over:
        more = ", ..." if len(passed_over) > 3 else ""
        yield f"Other files hold no image that is read here ({len(passed_over)}): {', '.join(passed_over[:3])}{more}."
    if sizes.unused():
        yield f"Pixel sizes were given for files that are not here: {', '.join(sizes.unused()[:5])}."


def _is_foreign(found: Found, error: SkiagraphError) -> bool:
    return isinstance(error, FormatError) and not found.source.member


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

    def of(self, name: str) -> tuple[float, float] | None:
        base = Path(name).name
        for key in (name, base, _stem(name), _stem(base)):
            if key in self._many:
                self._used.add(key)
                return self._many[key]
        return self._one

    def unused(self) -> list[str]:
        return sorted(set(self._many) - self._used)


def _dicom_cases(
    files: list[Found],
    sizes: _StatedSizes,
    *,
    fill_gaps: bool,
    watch: Advance | None = None,
    headers: Headers | None,
) -> Iterator[Case | str]:
    if not files:
        return
    by_source = {found.source: found.name for found in files}
    stems = Counter(_stem(name) for name in by_source.values())
    # Loaded now, so that a folder of PNGs does not pay for pydicom.
    read_files = importlib.import_module("skiagraph.io.dicom.series").read_files
    for item in read_files(list(by_source), fill_gaps=fill_gaps, watch=watch, headers=headers):
        if isinstance(item, str):
            yield item
            continue
        source, case = item
        if source is None:
            yield _sized(case, None)
            continue
        name = by_source[source]
        identifier = _stem(name) if stems[_stem(name)] == 1 else name
        yield _sized(dataclasses.replace(case, identifier=identifier), sizes.of(name))


def _case(identifier: str, decoded: Decoded, pixel_size: tuple[float, float] | None) -> Case:
    uids = {} if decoded.uid is None else {"image": decoded.uid}
    case = Case(identifier=identifier, images={"image": decoded.image}, uids=uids, problems=decoded.problems)
    return _sized(case, pixel_size)


def _sized(case: Case, pixel_size: tuple[float, float] | None) -> Case:
    """The case with the pixel size that its user states, and what that contradicts."""
    if pixel_size is None:
        return case
    images: dict[str, Image] = {}
    said: dict[str, None] = {}
    for name, image in case.images.items():
        if not isinstance(image.space, Plane):
            images[name] = image
            said["A pixel size was given and left aside: a volume takes its size from its file."] = None
            continue
        images[name] = with_pixel_size(image, pixel_size)
        old, new = spacing_of(image.space), spacing_of(images[name].space)
        if old is None:
            said[f"The file states no pixel size; {_mm(new)} were given by the user."] = None
        elif new != old:
            said[f"The file states {_mm(old)}; the {_mm(new)} that were given are used instead."] = None
    return dataclasses.replace(case, images=images, problems=(*case.problems, *said))


def _mm(spacing: tuple[float, ...] | None) -> str:
    return " x ".join(f"{s:.6g}" for s in spacing or ()) + " mm"


def _stem(name: str) -> str:
    """The name without its suffix; both of .nii.gz."""
    low = name.lower()
    if low.endswith(".nii.gz"):
        return name[: -len(".nii.gz")]
    path = Path(name)
    return path.with_suffix("").as_posix() if is_image_name(path) else name
