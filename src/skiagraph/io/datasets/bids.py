"""BIDS: sub-*/ses-*/anat, participants.tsv, and masks in derivatives."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from skiagraph.case import Target
from skiagraph.errors import FormatError, NotPermitted, SkiagraphError
from skiagraph.io.datasets.answers import Answer, LabelMap
from skiagraph.io.datasets.guess import guessed
from skiagraph.io.datasets.listing import Ask, Entry, Listing, images_in, listing_of
from skiagraph.io.datasets.masks import mask_target
from skiagraph.io.datasets.questions import Question, Row, asked
from skiagraph.io.datasets.source import ImageFile
from skiagraph.io.datasets.words import ATTRIBUTES, split_word

__all__ = ["found", "listed"]

_NAME: Final = re.compile(
    r"(?P<subject>sub-[A-Za-z0-9]+)(?:_(?P<session>ses-[A-Za-z0-9]+))?(?P<more>(?:_[A-Za-z0-9]+-[A-Za-z0-9]+)*)"
    r"_(?P<suffix>[A-Za-z0-9]+)\.(?:nii\.gz|nii|png|tiff?|jpe?g)"
)
_MASKS: Final = ("dseg", "mask", "seg", "lesion", "roi")
_PARTICIPANTS: Final = "participants.tsv"
_OPEN: Final = frozenset({"n/a", "na", "nan", ""})


def found(path: Path) -> Path | None:
    """The folder, where it holds folders of subjects."""
    return path if path.is_dir() and any(p.is_dir() for p in path.glob("sub-*")) else None


def listed(folder: Path, ask: Ask) -> Listing:
    """The samples of a folder: one a session, with its images by suffix (``t1w``, ``flair``), grouped by subject.

    Args:
        folder: Masks are files that end in dseg, mask, seg, lesion or roi, beside the images or in derivatives. Columns
            of participants.tsv are attributes, or classes and numbers where there are no masks.
        ask: How it is asked.

    Raises:
        FormatError: Nothing that can be used.

    Source: Brain Imaging Data Structure 1.9, sections on file names, participants and derivatives.
    """
    images: dict[tuple[str, str], dict[str, Path]] = {}
    masks: dict[tuple[str, str], Path] = {}
    several = 0
    for path in images_in(folder):
        match = _NAME.fullmatch(path.name)
        if match is None or not _is_anatomy(path, folder):
            continue
        key = (match["subject"], match["session"] or "")
        if match["suffix"].lower() in _MASKS:
            several += key in masks
            masks.setdefault(key, path)
        elif "derivatives" not in path.relative_to(folder).parts:
            images.setdefault(key, {})[f"{match['suffix'].lower()}{match['more']}"] = path
    if several:
        ask.notes.say(f"{several} further masks of a session were left aside; the first by name is taken.")
    people = _participants(folder, ask)
    questions = _questions(images, masks, people, ask)
    entries = []
    for key, files in sorted(images.items()):
        try:
            entries.append(_entry(key, files, masks.get(key), people.get(key[0], {}), questions))
        except SkiagraphError as error:
            ask.notes(error)
    if len({frozenset(files) for files in images.values()}) > 1:
        ask.notes.say("Not all sessions have the same images.")
    if not questions:
        ask.notes.say("No masks and no classes were found; the images have no reference.")
    names = sorted({name for files in images.values() for name in files})
    said = f"{len(entries)} sessions of {len({k[0] for k in images})} subjects with {', '.join(names) or 'no images'}"
    return listing_of(said, entries, _targets(questions), ask, name=folder.resolve().name)


def _is_anatomy(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return not {"func", "dwi", "fmap", "eeg", "meg", "beh", "perf"} & set(parts)


def _participants(folder: Path, ask: Ask) -> dict[str, Row]:
    """The lines of participants.tsv, by subject; what is not available is empty."""
    path = folder / _PARTICIPANTS
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t", restkey="", restval=""))
    except PermissionError as error:
        ask.notes(NotPermitted(f"{path.name} may not be read by you"))
        raise FormatError(f"{path.name} can be read") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise FormatError(f"{path.name} is a table with tabs in UTF-8", got="something else") from error
    told = [{k: "" if v.strip().lower() in _OPEN else v.strip() for k, v in row.items() if k} for row in rows]
    return {row["participant_id"]: row for row in told if row.get("participant_id")}


class _Masked:
    """The question that masks answer."""

    def __init__(self, files: Iterable[Path], ask: Ask) -> None:
        self.target, self.binary = mask_target("mask", list(files), ask.structures)

    def answer(self, file: Path) -> LabelMap:
        return LabelMap(target=self.target, file=file, binary=self.binary)


def _questions(
    images: Mapping[tuple[str, str], dict[str, Path]],
    masks: Mapping[tuple[str, str], Path],
    people: Mapping[str, Row],
    ask: Ask,
) -> list[_Masked | Question]:
    if masks:
        return [_Masked([masks[key] for key in sorted(images) if key in masks], ask)]
    rows = [row for subject, row in people.items() if any(key[0] == subject for key in images)]
    if not rows:
        return []
    known = {"participant_id", "split", *(c for c in rows[0] if c.lower() in ATTRIBUTES)}
    renamed = [
        {("class" if k in ("group", "dx", "diagnosis") else k): v for k, v in row.items()} for row in rows
    ]
    guess = guessed(renamed, taken=known, is_file=lambda _: False)
    return [asked(wanted, renamed, lambda cell, _: Path(cell), ask) for wanted in guess.targets]


def _targets(questions: Iterable[_Masked | Question]) -> list[Target]:
    return [question.target for question in questions]


def _entry(
    key: tuple[str, str],
    files: Mapping[str, Path],
    mask: Path | None,
    person: Row,
    questions: list[_Masked | Question],
) -> Entry:
    subject, session = key
    answers: list[Answer | None] = []
    row = {("class" if k in ("group", "dx", "diagnosis") else k): v for k, v in person.items()}
    for question in questions:
        if isinstance(question, _Masked):
            answers.append(question.answer(mask) if mask is not None else None)
        else:
            answers.append(question.answer(row, f"{_PARTICIPANTS}, {subject}", lambda cell, _: Path(cell)))
    if questions and all(answer is None for answer in answers):
        raise FormatError(
            f"each session has a reference ({subject} {session})".replace(" )", ")"), got="none"
        )
    one = len(files) == 1
    return Entry(
        identifier=f"{subject}/{session}" if session else subject,
        images=tuple(("image" if one else n, ImageFile(path=p)) for n, p in sorted(files.items())),
        answers=tuple(answer for answer in answers if answer is not None),
        group=subject,
        split=split_word(person.get("split", "")) or person.get("split", "") or "train",
        attributes={k: v for k, v in person.items() if k.lower() in ATTRIBUTES and v},
    )
