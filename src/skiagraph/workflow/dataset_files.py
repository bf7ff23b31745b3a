"""How the files of a data set differ from one another: dimensions, channels, sizes, types and ranges of numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np

from skiagraph.workflow.dataset_look import Looked, Seen

__all__ = ["mixed"]

_Found: TypeAlias = tuple[str, str, int, tuple[str, ...]]
"""Topic, sentence, how many are unlike the most, and which."""

_WIDE: Final = 10.0  # times that the range of one image may be that of another before it is said
_SAME_SIZE: Final = 1.25  # times that one spacing may be another before it is said
_MOST_KINDS: Final = 6


def mixed(looked: Sequence[Looked]) -> Iterator[_Found]:
    """What is not alike in all files.

    Args:
        looked: All samples; those that could not be read are left away.

    Yields:
        Topic, sentence, how many samples are unlike the most common kind, and their identifiers, the rarest first.
    """
    seen = [(one, image) for one in looked for image in one.images.values()]
    if not seen:
        return
    kinds: tuple[tuple[str, str, Callable[[Seen], str]], ...] = (
        (
            "dimensions",
            "have",
            lambda s: f"{len(s.shape)} dimensions" + (f" and {s.moments} frames" if s.moments > 1 else ""),
        ),
        ("channels", "have", lambda s: f"{s.channels} channel" + ("s" if s.channels > 1 else "")),
        ("number types", "are", lambda s: s.dtype),
        ("orientation", "are", lambda s: s.orientation),
        ("modality", "are", lambda s: s.modality or "of no stated modality"),
    )
    for topic, verb, of in kinds:
        yield from _by_kind(topic, verb, of, seen)
    yield from _sets_of_images(looked)
    yield from _spacings(seen)
    yield from _ranges(seen)
    yield from _blank(seen)


def _by_kind(
    topic: str, verb: str, of: Callable[[Seen], str], seen: Sequence[tuple[Looked, Seen]]
) -> Iterator[_Found]:
    members: dict[str, list[str]] = defaultdict(list)
    for one, image in seen:
        members[of(image)].append(one.sample.identifier)
    if len(members) < 2:
        return
    order = sorted(members, key=lambda kind: -len(members[kind]))
    told = ", ".join(f"{len(members[kind])} {verb} {kind}" for kind in order[:_MOST_KINDS])
    more = f", and {len(order) - _MOST_KINDS} kinds more" if len(order) > _MOST_KINDS else ""
    rest = [name for kind in reversed(order[1:]) for name in members[kind]]
    yield topic, f"Images are not alike in {topic}: {told}{more}.", len(rest), tuple(rest)


def _sets_of_images(looked: Sequence[Looked]) -> Iterator[_Found]:
    sets = Counter(tuple(sorted(one.images)) for one in looked if one.images)
    if len(sets) > 1:
        common = sets.most_common(1)[0][0]
        rest = [one.sample.identifier for one in looked if one.images and tuple(sorted(one.images)) != common]
        said = f"{len(rest)} samples have other images than {', '.join(common)}."
        yield "images of a sample", said, len(rest), tuple(rest)


def _spacings(seen: Sequence[tuple[Looked, Seen]]) -> Iterator[_Found]:
    unknown = [one.sample.identifier for one, image in seen if image.spacing is None]
    if 0 < len(unknown) < len(seen):
        said = f"{len(unknown)} of {len(seen)} images state no size in millimetres, the others do."
        yield "unknown size", said, len(unknown), tuple(unknown)
    known = [(one, image.spacing) for one, image in seen if image.spacing is not None]
    widths = Counter(len(spacing) for _, spacing in known)
    if not widths:
        return
    width = widths.most_common(1)[0][0]
    known = [(one, spacing) for one, spacing in known if len(spacing) == width]
    steps = np.array([sorted(spacing) for _, spacing in known])
    middle = np.median(steps, axis=0)
    apart = np.maximum(steps / middle, middle / steps).max(axis=1)
    rest = [known[int(i)][0].sample.identifier for i in np.argsort(-apart) if apart[i] > _SAME_SIZE]
    if rest:
        low, high = steps.min(axis=0), steps.max(axis=0)
        ranges = " and ".join(f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True))
        said = f"Sizes of pixels differ: {ranges} mm; {len(rest)} images are far from the median."
        yield "spacing", said, len(rest), tuple(rest)


def _ranges(seen: Sequence[tuple[Looked, Seen]]) -> Iterator[_Found]:
    highs = np.array([max(abs(image.low), abs(image.high)) for _, image in seen])
    told = highs[highs > 0]
    if not told.size:
        return
    middle = float(np.median(told))
    apart = np.maximum(highs / middle, middle / np.maximum(highs, 1e-30))
    if told.max() / told.min() > _WIDE:
        order = [int(i) for i in np.argsort(-apart) if highs[i] > 0 and apart[i] > np.sqrt(_WIDE)]
        said = (
            f"Ranges of values differ: the 99 % quantile of an image is {told.min():.4g} to {told.max():.4g}, in the "
            f"median {middle:.4g}. Normalise each image by itself."
        )
        yield "value ranges", said, len(order), tuple(seen[i][0].sample.identifier for i in order)
    broken = [one.sample.identifier for one, image in seen if not image.finite]
    if broken:
        yield "not finite", f"{len(broken)} images hold NaN or infinity.", len(broken), tuple(broken)


def _blank(seen: Sequence[tuple[Looked, Seen]]) -> Iterator[_Found]:
    blank = [one.sample.identifier for one, image in seen if image.low == image.high]
    if blank:
        yield (
            "blank images",
            f"{len(blank)} images have one value nearly everywhere.",
            len(blank),
            tuple(blank),
        )
