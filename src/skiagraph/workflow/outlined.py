"""What features describe: cases with the outlines that go with them, from a data set, or from images and masks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, final

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample, Target
from skiagraph.errors import FormatError, InvalidInput, MissingInput, SkiagraphError
from skiagraph.findings import Classification, Finding, Known, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid
from skiagraph.inference.regions import brought
from skiagraph.interchange.results import read_result
from skiagraph.io import read_cases, read_dataset
from skiagraph.io.datasets.answers import LabelMap
from skiagraph.io.datasets.masks import mask_target
from skiagraph.io.formats import DICOM, format_of, is_image_name, read_image

__all__ = ["Outlined", "Wanted", "Work", "outlined", "structures", "with_references", "work_of"]

_TABLES: Final = (".csv", ".toml", ".json", ".npz")
_MASKS: Final = ("segmentation", "overlapping", "instances")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlined:
    """A case and its outlines.

    Args:
        case: The images.
        outlines: Segmentations of it; None describes the whole image.
        known: What its data set says of it, by the name of a column: group, split, class or value.
    """

    case: Case
    outlines: tuple[Segmentation, ...] | None
    known: Mapping[str, str] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be described.

    Args:
        paths: Images or folders of them; or one data set.
        mask: Of the one image; or a folder with a mask of the same name for each. None describes whole images, and of a
            data set what its masks outline.
        pixel_size: mm between (rows, columns) of every picture, as its user states it.
    """

    paths: tuple[Path, ...]
    mask: Path | None = None
    pixel_size: tuple[float, float] | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """Cases, one after the other.

    Args:
        items: Each loads when its turn comes, and yields a case, or a sentence about what could not be read.
        total: How many there are; 0 where that is not known.
        notes: How the input was understood, where that could be otherwise.
        targets: What a data set asks of its cases.
        alone: Whether it is one image, whose failure is the failure of the whole.
    """

    items: Iterator[Outlined | str]
    total: int = 0
    notes: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    alone: bool = False


def work_of(wanted: Wanted) -> Work:
    """Finds the cases of an input.

    Raises:
        MissingInput: A path that does not exist, or a folder without a file.
        FormatError: A data set that cannot be read.
        InvalidInput: Masks named beside a data set, which has its own; or one mask for several images.
    """
    for path in (*wanted.paths, *([] if wanted.mask is None else [wanted.mask])):
        if not path.exists():
            raise MissingInput(
                f"{path.name} is an image, a mask, a folder or a data set", way_out="check the path"
            )
    dataset = _dataset(wanted)
    if dataset is not None:
        return Work(
            items=_from_samples(dataset),
            total=len(dataset),
            notes=tuple(note for note in (dataset.layout, *dataset.problems) if note),
            targets=dataset.targets,
        )
    files = all(path.is_file() for path in wanted.paths)
    alone = files and len(wanted.paths) == 1
    if wanted.mask is not None and wanted.mask.is_file() and len(wanted.paths) > 1:
        raise InvalidInput(
            "one mask goes with one image",
            got=f"{len(wanted.paths)} images",
            way_out="name a folder that has a mask of the same name for each image",
        )
    return Work(items=_from_images(wanted, alone=alone), total=len(wanted.paths) if files else 0, alone=alone)


def _dataset(wanted: Wanted) -> Dataset | None:
    """The data set that a single path is, if it is one."""
    path = wanted.paths[0]
    if len(wanted.paths) > 1:
        return None
    named = path.suffix.lower() in _TABLES if path.is_file() else _has_manifest(path)
    if not named and (wanted.mask is not None or path.is_file()):
        return None
    if wanted.mask is not None:
        raise InvalidInput(
            "a data set names its own masks", got="--mask beside it", way_out="leave --mask away"
        )
    try:
        found = read_dataset(path, strict=False)
    except FormatError:
        if named:
            raise
        return None
    return found if named or any(target.kind in _MASKS for target in found.targets) else None


def _has_manifest(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("dataset.toml", "dataset.csv"))


def _from_samples(dataset: Dataset) -> Iterator[Outlined | str]:
    masked = not dataset.targets or any(target.kind in _MASKS for target in dataset.targets)
    for sample in dataset:
        yield _tried(sample.identifier, lambda sample=sample: _of_sample(sample, dataset, masked=masked))  # type: ignore[misc]


def _tried(name: str, load: Callable[[], Outlined | str]) -> Outlined | str:
    try:
        return load()
    except SkiagraphError as error:
        return f"{name}: {error}"


def _of_sample(sample: Sample, dataset: Dataset, *, masked: bool) -> Outlined | str:
    truth = sample.reference()
    outlines = tuple(finding for finding in truth if isinstance(finding, Segmentation))
    if masked and not outlines:
        return f"{sample.identifier}: it has no mask."
    known = {"group": sample.group, "split": sample.split, **_answers(truth, dataset)}
    return Outlined(case=sample.case(), outlines=outlines if masked else None, known=known)


def _answers(truth: Sequence[Finding], dataset: Dataset) -> dict[str, str]:
    """Class or value of each question of the data set that has one."""
    found = {}
    for target in dataset.targets:
        for finding in truth:
            if isinstance(finding, Measurement) and finding.concept == target.concept:
                found[target.name] = repr(finding.value)
            elif isinstance(finding, Classification) and finding.concept == target.concept:
                true = [s.code.meaning or s.code.value for s in finding.scores if s.probability > 0.5]
                found[target.name] = "|".join(true)
    return found


def _from_images(wanted: Wanted, *, alone: bool) -> Iterator[Outlined | str]:
    seen = 0
    for path in wanted.paths:
        for case in _cases(path, wanted.pixel_size, alone=alone):
            if isinstance(case, str):
                yield case
                continue
            seen += 1
            if seen > 1 and wanted.mask is not None and wanted.mask.is_file():
                raise InvalidInput(
                    "one mask goes with one image",
                    got="several images",
                    way_out="name a folder that has a mask of the same name for each image",
                )
            if alone:
                yield _with_mask(case, wanted.mask)
            else:
                yield _tried(case.identifier, lambda case=case: _with_mask(case, wanted.mask))  # type: ignore[misc]


def _cases(path: Path, pixel_size: tuple[float, float] | None, *, alone: bool) -> Iterator[Case | str]:
    try:
        yield from read_cases(path, pixel_size=pixel_size)
    except FormatError as error:
        if alone:
            raise
        yield str(error)


def _with_mask(case: Case, mask: Path | None) -> Outlined:
    outlines = None if mask is None else _outlines(_mask_of(case, mask), case)
    return Outlined(case=case, outlines=outlines)


def _mask_of(case: Case, mask: Path) -> Path:
    """The mask of a case: the file itself, or the one of its name in a folder."""
    if not mask.is_dir():
        return mask
    same = [file for file in sorted(mask.iterdir()) if _stem(file) == case.identifier and file.is_file()]
    if len(same) != 1:
        raise InvalidInput(
            "a folder of masks has one of the name of each image",
            got=f"{len(same)} masks of this name" if same else f"no mask of this name in {mask.name}",
        )
    return same[0]


def outlined(case: Case, mask: Path) -> Case:
    """The case with the outlines of its mask among what is known, in the space of its image.

    Args:
        case: The images.
        mask: Label map, DICOM segmentation or structure set; or a folder with one of the name of the case.

    Raises:
        InvalidInput: Not one mask of this name, or one that lies beside the image.
        FormatError: A file without outlines, or of another size than the image.
        FrameMismatch: Outlines of another patient or frame.
    """
    return _known(case, _outlines(_mask_of(case, mask), case))


def with_references(dataset: Dataset, *, each: bool = False) -> Dataset:
    """The data set with the outlines of its references as what is known of its cases.

    Args:
        dataset: Whose references hold outlines.
        each: Whether they are for a model that answers each structure or object by itself; a case of several then
            cannot be judged, for its reference has one answer, and loading it raises `InvalidInput`.
    """

    def load(sample: Sample) -> Case:
        outlines = [f for f in sample.reference() if isinstance(f, Segmentation)]
        if each and sum(len(list(structures(one))) for one in outlines) > 1:
            raise InvalidInput(
                "a model that answers each object is judged on cases of one object",
                got="several",
                way_out="cut them into an image each",
            )
        return _known(sample.case(), outlines)

    samples = (dataclasses.replace(one, case=partial(load, one)) for one in dataset)
    return dataclasses.replace(dataset, samples=tuple(samples))


def _known(case: Case, outlines: Sequence[Segmentation]) -> Case:
    space = next(iter(case.images.values())).space
    given = {f"outline {n}": brought(one, space) for n, one in enumerate(outlines, 1)}
    return dataclasses.replace(case, known=Known(case.known).with_others(given))


def _stem(file: Path) -> str:
    name = file.name[: -len(".gz")] if file.name.lower().endswith(".nii.gz") else file.name
    return Path(name).stem if is_image_name(file) else name


def _outlines(mask: Path, case: Case) -> tuple[Segmentation, ...]:
    """What a file outlines, in its own space or in that of the image."""
    if format_of(mask) is DICOM:
        result = read_result(mask, [case])
        found = (
            () if result is None else tuple(f for f in result.report.findings if isinstance(f, Segmentation))
        )
        if not found:
            raise FormatError(
                f"{mask.name} outlines structures",
                got="a DICOM object without a segmentation",
                way_out="name a DICOM segmentation, a structure set, or a label map",
            )
        return found
    space = next(iter(case.images.values())).space
    own = dataclasses.replace(read_image(mask).image.space, frame=space.frame)
    target, binary = mask_target("mask", [mask])
    elsewhere = isinstance(own, Grid) and isinstance(space, Grid) and own.unit == space.unit == "mm"
    onto = own if elsewhere and own.shape != space.shape else space
    return (LabelMap(target=target, file=mask, binary=binary).on(onto),)


def structures(outline: Segmentation) -> Iterator[Segment]:
    """Each structure and object, without what is to be ignored."""
    return (segment for segment in outline.segments if segment.code != codes.IGNORE)
