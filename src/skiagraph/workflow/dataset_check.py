"""What spoils results before anything is learnt: leakage, doubtful labels, imbalance, mixed files, empty masks."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np

from skiagraph.case import Target
from skiagraph.features.likeness import twins
from skiagraph.features.neighbours import doubts
from skiagraph.io.datasets import Listing
from skiagraph.workflow.dataset_files import mixed
from skiagraph.workflow.dataset_look import Looked, Watch, look_at

__all__ = ["DatasetCheck", "Pair", "Remark", "Weight", "checked_dataset", "plain"]

Weight: TypeAlias = Literal["stops", "spoils", "note"]

_SHOWN: Final = 20  # rows or pairs that are named
_UNEVEN: Final = 3.0  # times that the largest class has the samples of the smallest
_FEW: Final = 10


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two samples that are the same or almost: identifiers, splits, and how alike they are, 1 for identical."""

    first: str
    second: str
    splits: tuple[str, str]
    score: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that was found.

    Args:
        topic: A stable word for programs.
        weight: ``"stops"`` (nothing can be learnt or judged), ``"spoils"`` (figures would be wrong), or ``"note"``.
        sentence: What a person should know.
        count: How many samples or pairs.
        rows: The worst of them, by identifier, or the sentence of each.
        pairs: The worst pairs.
    """

    topic: str
    weight: Weight
    sentence: str
    count: int
    rows: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DatasetCheck:
    """All that was found.

    Args:
        name: Of the data set.
        layout: How its files were understood.
        samples: How many.
        splits: How many of each split.
        labels: By target and label, how many samples of each split have it.
        remarks: The gravest first.
    """

    name: str
    layout: str
    samples: int
    splits: Mapping[str, int]
    labels: Mapping[str, Mapping[str, Mapping[str, int]]]
    remarks: tuple[Remark, ...]


def checked_dataset(
    listing: Listing, *, watch: Callable[[str, int, int], None] | None = None
) -> DatasetCheck:
    """Looks at every image and reference of a data set.

    Args:
        listing: Of `skiagraph.io.datasets.listed_dataset`; groups in two splits are found, not refused.
        watch: Told what is being done, how much of it, and of how much.

    Returns:
        What was found. Nothing is changed.
    """

    def told(what: str) -> Watch:
        return lambda done, total: None if watch is None else watch(what, done, total)

    looked = look_at(listing.samples, listing.targets, told("looking"))
    pairs = (*_identical(looked), *_alike(looked, told("comparing")))
    remarks = [
        *_unusable(looked, listing),
        *_groups(looked),
        *_leaks(looked, pairs),
        *_contradictions(looked, pairs, listing.targets),
        *(remark for target in listing.targets for remark in _of_labels(looked, target)),
        *(remark for target in listing.targets for remark in _of_masks(looked, target)),
        *(
            Remark(topic=topic, weight="note", sentence=said, count=count, rows=rows[:_SHOWN])
            for topic, said, count, rows in mixed(looked)
        ),
    ]
    grave: dict[Weight, int] = {"stops": 0, "spoils": 1, "note": 2}
    return DatasetCheck(
        name=listing.name,
        layout=listing.layout,
        samples=len(looked),
        splits=dict(Counter(one.sample.split for one in looked)),
        labels={target.name: _table(looked, target) for target in listing.targets if target.labels},
        remarks=tuple(sorted(remarks, key=lambda remark: grave[remark.weight])),
    )


def _rows(looked: Sequence[Looked]) -> tuple[str, ...]:
    return tuple(one.sample.identifier for one in looked[:_SHOWN])


def _unusable(looked: Sequence[Looked], listing: Listing) -> Iterator[Remark]:
    unreadable = [one for one in looked if one.unreadable]
    wrong = [one for one in looked if one.wrong]
    if unreadable:
        said = f"{len(unreadable)} of {len(looked)} images cannot be read."
        yield Remark(
            topic="unreadable",
            weight="stops" if len(unreadable) == len(looked) else "spoils",
            sentence=said,
            count=len(unreadable),
            rows=tuple(f"{one.sample.identifier}: {one.unreadable}" for one in unreadable[:_SHOWN]),
        )
    if wrong:
        yield Remark(
            topic="reference",
            weight="stops" if len(wrong) + len(unreadable) == len(looked) else "spoils",
            sentence=f"{len(wrong)} references do not fit their images or their list of labels.",
            count=len(wrong),
            rows=tuple(f"{one.sample.identifier}: {one.wrong}" for one in wrong[:_SHOWN]),
        )
    if listing.problems:
        said = "What was left out or had to be supposed while the files were listed."
        rows = listing.problems[:_SHOWN]
        yield Remark(topic="listing", weight="note", sentence=said, count=len(listing.problems), rows=rows)
    if len(looked) < _FEW:
        said = f"There are {len(looked)} samples in all: too few to learn from and to judge on."
        yield Remark(topic="few samples", weight="stops", sentence=said, count=len(looked))
    beyond = [one for one in looked if one.outside]
    if beyond:
        said = f"{sum(one.outside for one in beyond)} boxes reach beyond their images."
        yield Remark(topic="boxes", weight="note", sentence=said, count=len(beyond), rows=_rows(beyond))


def _groups(looked: Sequence[Looked]) -> Iterator[Remark]:
    splits: dict[str, set[str]] = defaultdict(set)
    for one in looked:
        splits[one.sample.group].add(one.sample.split)
    torn = {group for group, where in splits.items() if len(where) > 1}
    if torn:
        rows = [one for one in looked if one.sample.group in torn]
        said = f"{len(torn)} groups stand in two splits: what is learnt of a patient is judged on the same patient."
        yield Remark(topic="groups", weight="spoils", sentence=said, count=len(torn), rows=_rows(rows))
    if len(looked) > 1 and all(one.sample.group == one.sample.identifier for one in looked):
        said = (
            "Each image is its own group. Where several are of one patient, say so (a column group, or a pattern of "
            "names in dataset.toml), or figures will be too good."
        )
        yield Remark(topic="no groups", weight="note", sentence=said, count=len(looked))


def _identical(looked: Sequence[Looked]) -> Iterator[tuple[int, int, float]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(looked):
        if one.digest:
            places[one.digest].append(place)
    for same in places.values():
        yield from (
            (first, second, 1.0) for n, first in enumerate(same) for second in same[n + 1 : n + 1 + _SHOWN]
        )


def _alike(looked: Sequence[Looked], watch: Watch) -> list[tuple[int, int, float]]:
    """Pairs that are almost the same and not identical; pictures and volumes apart, blank images left away."""
    found: list[tuple[int, int, float]] = []
    for views in (1, 3):
        places = [
            place
            for place, one in enumerate(looked)
            if one.signature is not None and len(one.signature) == views and one.signature.any()
        ]
        signatures = [sign for place in places if (sign := looked[place].signature) is not None]
        for twin in twins(signatures, watch):
            first, second = places[twin.first], places[twin.second]
            if looked[first].digest != looked[second].digest:
                found.append((first, second, min(twin.score, 0.9999)))
    return found


def _leaks(looked: Sequence[Looked], pairs: Sequence[tuple[int, int, float]]) -> Iterator[Remark]:
    for topic, same in (("identical images", True), ("near-identical images", False)):
        here = [pair for pair in pairs if (pair[2] == 1.0) == same]
        across = [p for p in here if looked[p[0]].sample.split != looked[p[1]].sample.split]
        within = [
            p for p in here if p not in set(across) and looked[p[0]].sample.group != looked[p[1]].sample.group
        ]
        words = "identical" if same else "almost the same"
        if across:
            ends = Counter(
                tuple(sorted((looked[a].sample.split, looked[b].sample.split))) for a, b, _ in across
            )
            where = ", ".join(f"{n} in {a} and {b}" for (a, b), n in ends.items())
            said = f"{len(across)} pairs of images in two splits are {words} ({where})."
            yield _of_pairs(topic, "spoils", said, across, looked)
        if within:
            said = f"{len(within)} pairs of images of one split are {words}, in different groups: folds may part them."
            yield _of_pairs(f"{topic} in a split", "spoils" if same else "note", said, within, looked)


def _of_pairs(
    topic: str, weight: Weight, said: str, pairs: Sequence[tuple[int, int, float]], looked: Sequence[Looked]
) -> Remark:
    worst = sorted(pairs, key=lambda pair: -pair[2])[:_SHOWN]
    return Remark(
        topic=topic,
        weight=weight,
        sentence=said,
        count=len(pairs),
        pairs=tuple(
            Pair(
                first=looked[a].sample.identifier,
                second=looked[b].sample.identifier,
                splits=(looked[a].sample.split, looked[b].sample.split),
                score=round(score, 4),
            )
            for a, b, score in worst
        ),
    )


def _contradictions(
    looked: Sequence[Looked], pairs: Sequence[tuple[int, int, float]], targets: Sequence[Target]
) -> Iterator[Remark]:
    for target in targets:
        name = target.name
        wrong = [
            pair
            for pair in pairs
            if all(name in looked[n].classes for n in pair[:2])
            and looked[pair[0]].classes[name] != looked[pair[1]].classes[name]
        ]
        if wrong:
            said = f"{len(wrong)} pairs of images that are the same or almost have two labels for {name}."
            yield _of_pairs("contradicting labels", "spoils", said, wrong, looked)


def _table(looked: Sequence[Looked], target: Target) -> Mapping[str, Mapping[str, int]]:
    """By label, how many samples of each split have it."""
    table: dict[str, dict[str, int]] = {
        label.name: dict.fromkeys(dict.fromkeys(o.sample.split for o in looked), 0) for label in target.labels
    }
    for one in looked:
        there = one.classes.get(target.name) or {
            n for n, size in one.sizes.get(target.name, {}).items() if size
        }
        for label in target.labels:
            if label.number in there:
                table[label.name][one.sample.split] += 1
    return table


def _of_labels(looked: Sequence[Looked], target: Target) -> Iterator[Remark]:
    if not target.labels:
        return
    table = _table(looked, target)
    totals = {word: sum(by_split.values()) for word, by_split in table.items()}
    absent = [
        f"{word}: none in {s}" for word, by in table.items() for s, n in by.items() if not n and totals[word]
    ]
    if absent:
        said = (
            f"Some labels of {target.name} have no sample in a split: they cannot be learnt or judged there."
        )
        yield Remark(
            topic="label without samples",
            weight="spoils",
            sentence=said,
            count=len(absent),
            rows=tuple(absent[:_SHOWN]),
        )
    never = [word for word, n in totals.items() if not n]
    if never:
        said = f"{len(never)} labels of {target.name} have no sample at all."
        yield Remark(
            topic="unused label", weight="note", sentence=said, count=len(never), rows=tuple(never[:_SHOWN])
        )
    if target.kind not in ("multi-class", "ordinal"):
        return
    used = {word: n for word, n in totals.items() if n}
    if len(used) == 1:
        said = f"All samples have one class for {target.name}: there is nothing to tell apart."
        yield Remark(topic="one class", weight="stops", sentence=said, count=sum(used.values()))
    elif used and max(used.values()) > _UNEVEN * min(used.values()):
        yield _uneven(used, target)
    yield from _doubtful(looked, target)


def _uneven(used: Mapping[str, int], target: Target) -> Remark:
    word, most = max(used.items(), key=lambda item: item[1])
    rare, least = min(used.items(), key=lambda item: item[1])
    share = most / sum(used.values())
    said = (
        f"The classes of {target.name} are uneven: {most} {word}, {least} {rare}. Saying {word} always is right in "
        f"{share:.0%}; accuracy below that is worth nothing, so look at balanced accuracy."
    )
    return Remark(topic="imbalance", weight="note", sentence=said, count=most - least)


def _doubtful(looked: Sequence[Looked], target: Target) -> Iterator[Remark]:
    known = [one for one in looked if one.features is not None and len(one.classes.get(target.name, ())) == 1]
    widths = Counter(len(one.features) for one in known if one.features is not None)
    if not widths:
        return
    width = widths.most_common(1)[0][0]
    known = [one for one in known if one.features is not None and len(one.features) == width]
    features = np.stack([one.features for one in known if one.features is not None])
    found = doubts(features, [next(iter(one.classes[target.name])) for one in known])
    if found.suspects:
        word = {label.number: label.name for label in target.labels}
        rows = tuple(
            f"{known[i].sample.identifier}: {word[next(iter(known[i].classes[target.name]))]}, "
            f"while {votes} of 11 neighbours are {word[other]}"
            for i, other, votes in found.suspects[:_SHOWN]
        )
        said = (
            f"{len(found.suspects)} images look like those of another class of {target.name}: worth a second look, no "
            f"more. It is told by plain pixels, which are right in {found.accuracy:.0%} of each class."
        )
        yield Remark(
            topic="label suspects", weight="note", sentence=said, count=len(found.suspects), rows=rows
        )


def _of_masks(looked: Sequence[Looked], target: Target) -> Iterator[Remark]:
    here = [one for one in looked if target.name in one.sizes]
    empty = [one for one in here if not any(one.sizes[target.name].values())]
    if not empty:
        return
    what = "boxes" if target.kind == "boxes" else "masks"
    every = len(empty) == len(here)
    said = (
        f"All {what} of {target.name} are empty."
        if every
        else f"{len(empty)} of {len(here)} {what} of {target.name} are empty."
    )
    yield Remark(
        topic="empty masks",
        weight="stops" if every else "note",
        sentence=said,
        count=len(empty),
        rows=_rows(empty),
    )


def plain(check: DatasetCheck) -> Mapping[str, object]:
    """The check as plain data for JSON."""
    return dataclasses.asdict(check)
