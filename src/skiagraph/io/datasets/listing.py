"""What a layout says of a data set before anything is decoded: its samples, its targets, and what was left out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from skiagraph.case import Dataset, Sample, Target
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput, MissingInput, SkiagraphError
from skiagraph.findings import Classification, Measurement
from skiagraph.io.datasets.answers import Answer, Fact, LabelMap, Masks
from skiagraph.io.datasets.source import Loader, Pixels
from skiagraph.io.formats import is_image_name

__all__ = ["Ask", "Entry", "Listing", "Notes", "existing", "images_in", "listing_of", "number_in"]

_FEW: Final = 10  # samples below which nothing can be learnt or judged
_SAID: Final = 20  # sentences of one kind that are kept


@final
class Notes:
    """What does not hold: the first stops a strict reading, otherwise all are kept as sentences.

    Args:
        strict: Whether to stop.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.problems: list[str] = []

    def __call__(self, error: SkiagraphError) -> None:
        """Raises the error, or keeps its sentence."""
        if self._strict:
            raise error
        self.problems.append(str(error))

    def say(self, sentence: str) -> None:
        """Keeps what is worth knowing and is no error."""
        self.problems.append(sentence)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How a data set is to be read.

    Args:
        notes: Told what does not hold.
        structures: What the numbers of masks mean, where the caller says so; None leaves it to the files.
        target: The name of the reference that is wanted, where a layout offers several.
    """

    notes: Notes
    structures: Mapping[int, Code] | None = None
    target: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One sample as its layout describes it.

    Args:
        identifier: Unique in the data set.
        images: Where its pixels come from, by name.
        answers: Its references.
        group: The patient; empty where the layout does not tell.
        split: Of the data set.
        weight: How much it counts.
        attributes: For subgroups.
    """

    identifier: str
    images: tuple[tuple[str, Pixels], ...]
    answers: tuple[Answer, ...] = ()
    group: str = ""
    split: str = "train"
    weight: float = 1.0
    attributes: Mapping[str, str] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listing:
    """A data set that was not checked for groups that stand in two splits.

    Args:
        name: Of the data set.
        layout: One sentence: how the files were understood.
        samples: In a stable order.
        targets: What the references answer.
        licence: Terms of use, where the files state them.
        problems: What was left out or had to be supposed.
    """

    name: str
    layout: str
    samples: tuple[Sample, ...] = field(repr=False)
    targets: tuple[Target, ...] = ()
    licence: str = ""
    problems: tuple[str, ...] = ()

    def dataset(self) -> Dataset:
        """The data set.

        Raises:
            InvalidInput: A group in two splits.
        """
        return Dataset(
            name=self.name,
            samples=self.samples,
            licence=self.licence,
            targets=self.targets,
            layout=self.layout,
            problems=self.problems,
        )


def listing_of(
    layout: str, entries: Sequence[Entry], targets: Sequence[Target], ask: Ask, *, name: str
) -> Listing:
    """Entries as samples, with what is to be said of all of them.

    Args:
        layout: What was recognised, a sentence without its end.
        entries: In a stable order.
        targets: What the references answer.
        ask: How it was asked.
        name: Of the data set.

    Raises:
        FormatError: Not one sample.
    """
    if not entries:
        said = ask.notes.problems[0].rstrip(".") if ask.notes.problems else None
        raise FormatError(f"the data set {name} has samples that can be used", got="none", way_out=said)
    own = sum(not entry.group for entry in entries)
    grouped = (
        "each image is its own group, for nothing says which belong to one patient"
        if own == len(entries)
        else f"{len({e.group for e in entries if e.group})} groups"
        + (f", and {own} images that are groups of their own" if own else "")
    )
    samples = tuple(_sample(entry) for entry in entries)
    _say_what_is_thin(samples, targets, ask.notes)
    return Listing(
        name=name,
        layout=f"{layout}; {grouped}.",
        samples=samples,
        targets=tuple(targets),
        problems=_shortened(ask.notes.problems),
    )


def _shortened(problems: Iterable[str]) -> tuple[str, ...]:
    said = tuple(dict.fromkeys(problems))
    if len(said) <= _SAID:
        return said
    return (*said[:_SAID], f"And {len(said) - _SAID} more of this kind.")


def _sample(entry: Entry) -> Sample:
    loader = Loader(identifier=entry.identifier, images=entry.images, answers=entry.answers)
    return Sample(
        identifier=entry.identifier,
        group=entry.group or entry.identifier,
        split=entry.split,
        case=loader.case,
        reference=loader.reference,
        stratum=_stratum(entry.answers),
        weight=entry.weight,
        attributes=dict(entry.attributes),
        files=tuple(dict.fromkeys((*(source.path for _, source in entry.images), *_files(entry.answers)))),
        told=repr(loader),
    )


def _files(answers: Iterable[Answer]) -> list[Path]:
    found: list[Path] = []
    for answer in answers:
        match answer:
            case LabelMap():
                found.append(answer.file)
            case Masks():
                found += [file for file in answer.files if file is not None]
            case _:
                pass
    return found


def _stratum(answers: Iterable[Answer]) -> float:
    for answer in answers:
        match answer:
            case Fact(finding=Measurement() as number):
                return number.value
            case Fact(finding=Classification() as classes):
                return float(sum(n * score.probability for n, score in enumerate(classes.scores)))
            case _:
                pass
    return 0.0


def _say_what_is_thin(samples: Sequence[Sample], targets: Sequence[Target], notes: Notes) -> None:
    if len(samples) < _FEW:
        notes.say(f"The data set has {len(samples)} samples in all: too few to learn from and to judge on.")
    for target in targets:
        if target.kind in ("multi-class", "ordinal") and len(target.labels) == 1:
            notes.say(f"All samples have one class for {target.name}: there is nothing to tell apart.")


def existing(folder: Path, name: str, where: str) -> Path:
    """The file that a line names.

    Raises:
        MissingInput: There is none.
    """
    path = folder / name
    if not path.exists():
        raise MissingInput(f"a manifest names files that exist ({where})", got=name)
    return path


def images_in(folder: Path) -> list[Path]:
    """The files of a folder and its folders whose names claim an image, sorted; hidden ones are left alone."""
    return sorted(
        path
        for path in folder.rglob("*")
        if is_image_name(path)
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def number_in(text: str, what: str, where: str) -> float:
    """A finite number.

    Raises:
        InvalidInput: Something else.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"{what} is a number ({where})", got=repr(text[:40]))
    return value
