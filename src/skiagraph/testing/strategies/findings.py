"""Strategies for every kind of finding of the closed union, and for findings with their provenance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    ClassScore,
    Contour,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Finding,
    Findings,
    Heatmap,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Provenance,
    RankedItem,
    Ranking,
    Segment,
    Segmentation,
    Source,
    SpatialFinding,
    Text,
    Track,
    Tracks,
)
from skiagraph.findings.checks import field_shape
from skiagraph.geometry import Space
from skiagraph.testing.strategies.images import arrays, images
from skiagraph.testing.strategies.spaces import frames, spaces, transforms

__all__ = ["finding_tuples", "findings", "provenances", "spatial_findings"]

_CODES = st.sampled_from([codes.HEAD, codes.FETUS, codes.HEAD_CIRCUMFERENCE, codes.GESTATIONAL_AGE])
_UNITS = st.sampled_from([codes.MM, codes.ONE, codes.PERCENT, codes.PIXEL])
_FRACTION = st.floats(0.0, 1.0)
_NUMBER = st.floats(-1e6, 1e6)
_MAYBE = st.one_of(st.none(), _FRACTION)
_WORDS = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
_REASONS = st.sampled_from(
    ["wrong-content", "wrong-modality", "unknown-size", "no-outline", "poor-quality", "out-of-range"]
)


@st.composite
def segmentations(draw: st.DrawFn, space: Space) -> Segmentation:
    """Exclusive, overlapping or instances; with and without probabilities."""
    kind: Any = draw(st.sampled_from(["exclusive", "overlapping", "instances"]))
    numbers = draw(st.lists(st.integers(1, 200), max_size=3, unique=True))
    shape = field_shape(space)
    stacked = (len(numbers), *shape)
    if kind == "overlapping":
        labels = draw(arrays("bool", stacked))
    else:
        chosen = draw(arrays("uint8", shape, max_value=len(numbers)))
        labels = np.array([0, *numbers], dtype=draw(st.sampled_from(["uint8", "int32"])))[chosen]
    return Segmentation(
        space=space,
        labels=labels,
        segments=tuple(Segment(number=n, code=draw(_CODES), confidence=draw(_MAYBE)) for n in numbers),
        kind=kind,
        probabilities=draw(st.one_of(st.none(), arrays("float32", stacked, min_value=0, max_value=1))),
    )


@st.composite
def heatmaps(draw: st.DrawFn, space: Space) -> Heatmap:
    """With places that have no number."""
    dtype = draw(st.sampled_from(["float32", "float64"]))
    values = draw(arrays(dtype, field_shape(space), allow_infinity=False, allow_nan=False)).copy()
    values[draw(arrays("bool", field_shape(space)))] = np.nan
    return Heatmap(space=space, values=values, concept=draw(_CODES), unit=draw(_UNITS))


@st.composite
def displacements(draw: st.DrawFn, space: Space) -> DisplacementField:
    """With vectors of any length."""
    vectors = draw(arrays("float32", (*space.shape, space.ndim), allow_infinity=False, allow_nan=False))
    return DisplacementField(space=space, vectors=vectors, target=draw(frames()))


@st.composite
def _points(draw: st.DrawFn, n: int, ndim: int) -> NDArray[Any]:
    return np.array([[draw(_NUMBER) for _ in range(ndim)] for _ in range(n)]).reshape(n, ndim)


def _moments(space: Space) -> st.SearchStrategy[int | None]:
    return (
        st.none() if space.timeline is None else st.one_of(st.none(), st.integers(0, len(space.timeline) - 1))
    )


@st.composite
def landmarks(draw: st.DrawFn, space: Space) -> Landmarks:
    """None to three."""
    items = [
        Landmark(code=draw(_CODES), point=p, confidence=draw(_MAYBE), moment=draw(_moments(space)))
        for p in draw(_points(draw(st.integers(0, 3)), space.ndim))
    ]
    return Landmarks(space=space, items=tuple(items))


@st.composite
def boxes(draw: st.DrawFn, space: Space) -> Boxes:
    """None to three, with edges on multiples of an eighth of a voxel, also outside of the space."""
    items = []
    for _ in range(draw(st.integers(0, 3))):
        low = np.array([draw(st.integers(-40, 80)) for _ in range(space.ndim)]) / 8
        size = np.array([draw(st.integers(1, 80)) for _ in range(space.ndim)]) / 8
        moment = draw(_moments(space))
        items.append(Box(code=draw(_CODES), low=low, high=low + size, confidence=draw(_MAYBE), moment=moment))
    return Boxes(space=space, items=tuple(items))


@st.composite
def contours(draw: st.DrawFn, space: Space) -> Contours:
    """None to three lines, open and closed."""
    items = [
        Contour(
            code=draw(_CODES),
            points=draw(_points(draw(st.integers(2, 5)), space.ndim)),
            closed=draw(st.booleans()),
            confidence=draw(_MAYBE),
            moment=draw(_moments(space)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    return Contours(space=space, items=tuple(items))


@st.composite
def tracks(draw: st.DrawFn, space: Space) -> Tracks:
    """None to two; none where nothing moves."""
    frames_there = 0 if space.timeline is None else len(space.timeline)
    items = []
    for _ in range(draw(st.integers(0, 2)) if frames_there else 0):
        seen = draw(st.sets(st.integers(0, frames_there - 1), min_size=1))
        points = draw(_points(len(seen), space.ndim))
        items.append(Track(code=draw(_CODES), moments=np.array(sorted(seen)), points=points))
    return Tracks(space=space, items=tuple(items))


_SPATIAL: tuple[Callable[[Space], st.SearchStrategy[SpatialFinding]], ...] = (
    segmentations,
    heatmaps,
    displacements,
    landmarks,
    boxes,
    contours,
    tracks,
)


@st.composite
def spatial_findings(draw: st.DrawFn, *, space: Space | None = None) -> SpatialFinding:
    """Every kind of finding that lies in a space.

    Args:
        draw: From Hypothesis.
        space: Where; None for anywhere.
    """
    where: Space = draw(spaces()) if space is None else space
    kind = draw(st.sampled_from([*_SPATIAL, None]))
    if kind is None:
        how: Any = draw(st.sampled_from(["enhanced", "translated", "synthetic"]))
        return DerivedImage(image=draw(images(space=where)), kind=how)
    return draw(kind(where))


@st.composite
def _classifications(draw: st.DrawFn) -> Classification:
    known = draw(st.lists(_CODES, min_size=1, max_size=3, unique=True))
    exclusive = draw(st.booleans())
    shares = [1.0 / len(known)] * len(known) if exclusive else [draw(_FRACTION) for _ in known]
    return Classification(
        concept=draw(_CODES),
        scores=tuple(ClassScore(code=c, probability=p) for c, p in zip(known, shares, strict=True)),
        exclusive=exclusive,
        prediction_set=tuple(known[: draw(st.integers(0, len(known)))]),
        level=draw(_MAYBE),
    )


@st.composite
def _curves(draw: st.DrawFn) -> Curve:
    n = draw(st.integers(1, 6))
    at = np.arange(n, dtype=np.float64) * draw(st.floats(0.1, 3.0))
    values = draw(arrays("float64", (n,), allow_infinity=False))
    return Curve(concept=draw(_CODES), at=at, at_unit=codes.SECOND, values=values, unit=draw(_UNITS))


def _intervals() -> st.SearchStrategy[Interval]:
    ends = st.tuples(_NUMBER, _NUMBER).map(sorted)
    return st.tuples(ends, _FRACTION).map(lambda e: Interval(low=e[0][0], high=e[0][1], level=e[1]))


def _rankings() -> st.SearchStrategy[Ranking]:
    item = st.builds(RankedItem, identifier=_WORDS, score=_NUMBER)
    best_first = st.lists(item, max_size=4).map(lambda items: tuple(sorted(items, key=lambda i: -i.score)))
    return st.builds(Ranking, items=best_first)


def facts() -> st.SearchStrategy[Finding]:
    """Every kind of finding that lies in no space."""
    maybe_code: st.SearchStrategy[Code | None] = st.one_of(st.none(), _CODES)
    interval = st.one_of(st.none(), _intervals())
    vector = st.integers(1, 6).flatmap(
        lambda n: arrays("float32", (n,), allow_nan=False, allow_infinity=False)
    )
    return st.one_of(
        _classifications(),
        st.builds(
            Measurement, concept=_CODES, value=_NUMBER, unit=_UNITS, interval=interval, method=st.text()
        ),
        _curves(),
        st.builds(Text, text=_WORDS, language=st.sampled_from(["en", "zh"]), concept=maybe_code),
        st.builds(Embedding, vector=vector, model=_WORDS),
        _rankings(),
        transforms(2),
        transforms(3),
        st.builds(NotApplicable, reason=_REASONS, explanation=_WORDS, score=_MAYBE),
    )


def findings() -> st.SearchStrategy[Finding]:
    """Every kind of finding."""
    return st.one_of(spatial_findings(), facts())


def provenances() -> st.SearchStrategy[Provenance]:
    """With a time in one of several zones."""
    zones = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3, minutes=-30))])
    source = st.builds(Source, name=_WORDS, digest=st.sampled_from(["0" * 64, "f" * 64]), uid=st.none())
    return st.builds(
        Provenance,
        sources=st.lists(source, max_size=2).map(tuple),
        model=_WORDS,
        model_version=_WORDS,
        engine=_WORDS,
        created=st.datetimes(min_value=datetime(1990, 1, 1), timezones=zones),  # noqa: DTZ001 - Hypothesis adds it
        seconds=st.one_of(st.none(), st.floats(0, 1e3)),
    )


def finding_tuples() -> st.SearchStrategy[Findings]:
    """Several findings with one provenance."""
    return st.builds(Findings, items=st.lists(findings(), max_size=3).map(tuple), provenance=provenances())
