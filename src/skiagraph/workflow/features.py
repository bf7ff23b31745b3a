"""Features of cases: one row a case and structure, and how steady each feature is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Target
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, SkiagraphError, UnknownName
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region, region_of
from skiagraph.features.sets import FeatureSet, levels_from
from skiagraph.features.stability import Perturbation, intraclass, perturbed
from skiagraph.findings import Segmentation
from skiagraph.image import Image, image_digest
from skiagraph.inference.embedding import FAMILY, Embedder
from skiagraph.inference.regions import WHOLE, brought, named
from skiagraph.preprocess.grey import grey
from skiagraph.task import Estimate, Watch
from skiagraph.values import array_digest
from skiagraph.workflow.outlined import Outlined, Work, structures

__all__ = ["Row", "Settings", "Sheet", "described", "regions"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How cases are described.

    Args:
        features: Which.
        bins: Number of grey levels of texture; 32 where neither this nor `width` is given.
        width: Size of a grey level, in the unit of the numbers.
        label: Name or number of the one structure that is described; empty for each.
        shakes: How often each mask is shaken to see how steady the features are, at least twice; 0 for never.
        seed: Of the shaking.
        embedding: Adds the embedding of each case, of its whole image; None adds none.

    Raises:
        InvalidInput: Shaken once, or grey levels both by number and by width, or out of range.
    """

    features: FeatureSet
    bins: int | None = None
    width: float | None = None
    label: str = ""
    shakes: int = 0
    seed: int = 1
    embedding: Embedder | None = None

    def __post_init__(self) -> None:
        levels_from(self.bins, self.width)
        if self.shakes < 0 or self.shakes == 1:
            raise InvalidInput("masks are shaken twice or more, or never", got=str(self.shakes))

    @property
    def levels(self) -> Mapping[str, Any]:
        """As keywords of a `FeatureSet`."""
        return {"bins": self.bins, "width": self.width}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One structure of one image.

    Args:
        case: Identifier of the case.
        image: Name of the image within it.
        structure: What was described.
        kind: The same without the number of an object.
        code: Of the structure; None of a whole image.
        axes: 2 of a picture, 3 of a volume.
        modality: DICOM Modality of the image; None where its file does not tell.
        sized: Whether the size of a sample in mm is known.
        known: What a data set says of the case.
        features: In their order.
        left_out: Families that do not fit, each with the reason.
        digests: SHA-256 of the image (with its place) and of the mask.
        again: The values after each shake, by key.
    """

    case: str
    image: str
    structure: str
    kind: str
    code: Code | None
    axes: int
    modality: str | None
    sized: bool
    known: Mapping[str, str]
    features: tuple[Feature, ...]
    left_out: Mapping[str, str]
    digests: tuple[str, str]
    again: tuple[Mapping[str, float], ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """All rows, and what was said on the way.

    Args:
        rows: One a case, image and structure.
        settings: How they were made.
        notes: What could not be described or had to be supposed, one sentence each.
        steady: How steady each feature is, by structure and key; empty where that was not asked.
        targets: What the data set asks of its cases.
    """

    rows: tuple[Row, ...]
    settings: Settings
    notes: tuple[str, ...] = ()
    steady: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()

    @property
    def columns(self) -> Mapping[str, Feature]:
        """The features by key, each as the first row that has it tells it."""
        found: dict[str, Feature] = {}
        for row in self.rows:
            for one in row.features:
                found.setdefault(one.key, one)
        return found

    @property
    def known(self) -> tuple[str, ...]:
        """What the data set says of cases: the names of these columns."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.known))


def described(work: Work, settings: Settings, watch: Watch) -> Sheet:
    """Describes every case.

    Args:
        work: The cases.
        settings: How.
        watch: Told after each case.

    Raises:
        InvalidInput: Not one could be described; or one image that cannot; or stability of fewer than two cases, or of
            images without a mask.
        UnknownName: No case has the structure that was asked for.
    """
    rows: list[Row] = []
    notes = list(work.notes)
    missed: set[str] = set()
    for n, item in enumerate(work.items, 1):
        if isinstance(item, str):
            notes.append(item)
        else:
            _one(item, settings, rows, notes, missed, alone=work.alone)
        watch(n, work.total, {})
    if not rows and settings.label and missed:
        raise UnknownName(
            "a structure is asked for by its name or number",
            got=settings.label,
            way_out=f"there are {', '.join(sorted(missed)[:12])}",
        )
    if not rows:
        raise InvalidInput(
            "features describe at least one case", got=(notes[-1] if notes else "none").rstrip(".")
        )
    notes += _mixed_units(rows)
    steady = _steady(rows, settings.shakes) if settings.shakes else {}
    return Sheet(
        rows=tuple(rows),
        settings=settings,
        notes=tuple(dict.fromkeys(notes)),
        steady=steady,
        targets=work.targets,
    )


def regions(work: Work, label: str) -> Iterator[tuple[str, Region]]:
    """What `described` describes, one after the other: the name of each structure, and its region.

    Args:
        work: The cases; those that cannot be read are passed over, for `described` names them.
        label: Name or number of the one structure; empty for each.

    Raises:
        SkiagraphError: The one image that there is cannot be described.
    """
    for item in work.items:
        if isinstance(item, str):
            continue
        for image in item.case.images.values():
            still = grey(image)
            for part in _masks(item, still, label, set()):
                yield f"{item.case.identifier}: {part.structure}", region_of(still, part.mask)


def _one(
    item: Outlined,
    settings: Settings,
    rows: list[Row],
    notes: list[str],
    missed: set[str],
    *,
    alone: bool,
) -> None:
    """Adds the rows of a case, or why there are none."""
    if settings.shakes and item.outlines is None:
        raise InvalidInput(
            "stability shakes an outline", got="images without a mask", way_out="name masks, or leave it away"
        )
    there: set[str] = set()
    before = len(rows)
    try:
        place = () if settings.embedding is None else settings.embedding.features(item.case)
        for name, image in item.case.images.items():
            still = grey(image)
            for part in _masks(item, still, settings.label, there):
                row = _row(item, (name, still), part, settings, len(rows))
                rows.append(dataclasses.replace(row, features=(*row.features, *place)))
    except SkiagraphError as error:
        if alone:
            raise
        notes.append(f"{item.case.identifier}: {error}")
        return
    if len(rows) == before:
        missed |= there
        what = f"no structure {settings.label}" if settings.label else "its mask is empty of structures"
        notes.append(f"{item.case.identifier}: {what}.")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """One structure of an image: its names as a `Row` has them, and where it is."""

    structure: str
    kind: str
    code: Code | None
    mask: NDArray[np.bool_]


def _masks(item: Outlined, image: Image, label: str, there: set[str]) -> Iterator[_Part]:
    """Each structure that is asked for; `there` gets the names of all."""
    if item.outlines is None:
        whole = np.ones(image.space.shape, dtype=np.bool_)
        yield _Part(structure=WHOLE, kind=WHOLE, code=None, mask=whole)
        return
    for outline in item.outlines:
        known = [(segment, named(outline, segment)) for segment in structures(outline)]
        there.update(f"{name} ({segment.number})" for segment, name in known)
        chosen = [(segment, name) for segment, name in known if _is(label, segment.number, name)]
        if not chosen:
            continue
        placed = brought(outline, image.space)
        for segment, name in chosen:
            kind, mask = segment.code.meaning or segment.code.value, _mask(placed, segment.number)
            yield _Part(structure=name, kind=kind, code=segment.code, mask=mask)


def _is(label: str, number: int, name: str) -> bool:
    asked = label.strip().casefold()
    return not asked or asked == name.casefold() or asked == str(number)


def _mask(outline: Segmentation, number: int) -> NDArray[np.bool_]:
    """Of one structure; nowhere, where bringing it to the image left nothing of it."""
    if any(segment.number == number for segment in outline.segments):
        return outline.mask(number)
    return np.zeros(outline.space.shape, dtype=np.bool_)


def _row(
    item: Outlined,
    image: tuple[str, Image],
    part: _Part,
    settings: Settings,
    number: int,
) -> Row:
    region = region_of(image[1], part.mask)
    features = settings.features(region, **settings.levels)
    rng = np.random.default_rng([settings.seed, number])
    count = settings.shakes if region.mask.any() else 0
    masks = perturbed(region.mask, rng, n=count, how=Perturbation(), spacing=region.spacing) if count else ()
    again = tuple(
        {
            one.key: one.value
            for one in settings.features(dataclasses.replace(region, mask=mask), **settings.levels)
        }
        for mask in masks
    )
    return Row(
        case=item.case.identifier,
        image=image[0],
        structure=part.structure,
        kind=part.kind,
        code=part.code,
        axes=region.ndim,
        modality=image[1].modality,
        sized=region.spacing is not None,
        known=item.known,
        features=features,
        left_out=settings.features.left_out(region.ndim),
        digests=(image_digest(image[1]), array_digest(region.mask)),
        again=again,
    )


def _mixed_units(rows: Sequence[Row]) -> Iterator[str]:
    """A sentence where the same column is in unlike units, as where some images know their size and some do not."""
    units: dict[str, set[str]] = {}
    for row in rows:
        for one in row.features:
            units.setdefault(one.key, set()).add(one.unit or "no unit")
    unlike = {key: found for key, found in units.items() if len(found) > 1}
    if unlike:
        key, found = next(iter(unlike.items()))
        yield (
            f"{len(unlike)} columns are in unlike units, such as {key} in {' and '.join(sorted(found))}: "
            "state the size of a pixel, or describe these images apart."
        )


def _steady(rows: Sequence[Row], shakes: int) -> dict[str, dict[str, Estimate]]:
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    if max(len(same) for same in by_kind.values()) < 2:
        raise InvalidInput(
            "stability compares the spread between cases with that of shaken masks, so it needs two cases or more",
            got="one",
            way_out="describe more cases, or leave --stability away",
        )
    found: dict[str, dict[str, Estimate]] = {}
    for kind, same in by_kind.items():
        keys = dict.fromkeys(one.key for row in same for one in row.features if one.family != FAMILY)
        found[kind] = {key: intraclass(_measured(same, key, shakes))["icc(1,1)"] for key in keys}
    return found


def _measured(rows: Sequence[Row], key: str, shakes: int) -> NDArray[np.float64]:
    """Values of one feature on shaken masks, shape (cases, shakes); NaN where there is none."""
    return np.array(
        [[one.get(key, math.nan) for one in row.again] or [math.nan] * shakes for row in rows],
        dtype=np.float64,
    )
