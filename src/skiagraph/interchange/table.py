"""Facts and marks as one tidy table: a row for each number, class, word or point, the same columns for all kinds."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, assert_never

import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs import written
from skiagraph.codes import Code
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    Contour,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Finding,
    Heatmap,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Ranking,
    Segmentation,
    Text,
    Tracks,
    Transform,
)
from skiagraph.geometry import Space, to_world

__all__ = ["COLUMNS", "rows", "write_table"]

COLUMNS: Final = (
    *("finding", "kind", "item", "point"),
    *("scheme", "code", "meaning", "value", "unit", "low", "high", "level", "probability"),
    *("answer_scheme", "answer_code", "answer", "in_set", "text", "language"),
    *("at", "at_unit", "moment", "closed", "x", "y", "z", "world_unit", "frame"),
)
Row = dict[str, Any]


def rows(finding: Finding) -> Iterator[Row]:  # noqa: C901 (one branch a kind of finding)
    """The rows of one finding, without its number; none for fields and transforms, which are no tables.

    Args:
        finding: Any of the closed union.
    """
    match finding:
        case Measurement():
            yield _measurement(finding)
        case Classification():
            yield from _classification(finding)
        case Text():
            concept = {} if finding.concept is None else _coded(finding.concept)
            yield {**concept, "text": finding.text, "language": finding.language}
        case NotApplicable():
            concept = {} if finding.concept is None else _coded(finding.concept)
            yield {**concept, "value": finding.score, "answer": finding.reason, "text": finding.explanation}
        case Landmarks() | Boxes() | Contours() | Tracks():
            yield from _marks(finding)
        case Curve():
            yield from _curve(finding)
        case Embedding():
            for n, value in enumerate(finding.vector.tolist()):
                yield {"point": n, "value": value, "text": finding.model}
        case Ranking():
            for n, item in enumerate(finding.items):
                yield {"item": n, "value": item.score, "text": item.identifier}
        case Segmentation() | Heatmap() | DerivedImage() | DisplacementField() | Transform():
            return
        case _:
            assert_never(finding)


def write_table(findings: Iterable[Finding], path: Path) -> None:
    """CSV (RFC 4180, UTF-8) with the names of the columns in its first row; numbers as exact as they are.

    Args:
        findings: In their order; the column ``finding`` counts them from 0.
        path: Ends in .csv.

    Raises:
        WriteFailed: The disk does not take it.
    """
    with written(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, restval="")
        table.writeheader()
        for n, finding in enumerate(findings):
            about = {"finding": n, "kind": type(finding).__name__}
            table.writerows({**about, **row} for row in rows(finding))


def _coded(code: Code, prefix: str = "") -> Row:
    if prefix:
        return {f"{prefix}_scheme": code.scheme, f"{prefix}_code": code.value, prefix: code.meaning}
    return {"scheme": code.scheme, "code": code.value, "meaning": code.meaning}


def _measurement(m: Measurement) -> Row:
    row = {**_coded(m.concept), "value": m.value, "unit": m.unit.value, "text": m.method}
    if m.interval is not None:
        row |= {"low": m.interval.low, "high": m.interval.high, "level": m.interval.level}
    return row


def _classification(c: Classification) -> Iterator[Row]:
    for n, score in enumerate(c.scores):
        inside = int(score.code in c.prediction_set) if c.prediction_set else None
        yield {
            **_coded(c.concept),
            **_coded(score.code, "answer"),
            "item": n,
            "probability": score.probability,
            "level": c.level,
            "in_set": inside,
        }


def _curve(c: Curve) -> Iterator[Row]:
    for n, (at, value) in enumerate(zip(c.at.tolist(), c.values.tolist(), strict=True)):
        known = None if np.isnan(value) else value
        about = {**_coded(c.concept), "unit": c.unit.value, "at_unit": c.at_unit.value}
        yield {**about, "point": n, "at": at, "value": known}


def _marks(marks: Landmarks | Boxes | Contours | Tracks) -> Iterator[Row]:
    """Places in the world; of a box its two corners, where the lowest and the highest index lie."""
    where = {"world_unit": marks.space.unit, "frame": marks.space.frame}
    if isinstance(marks, Tracks):
        for n, track in enumerate(marks.items):
            for p, (moment, place) in enumerate(zip(track.moments.tolist(), track.points, strict=True)):
                yield {
                    **_coded(track.code),
                    **where,
                    "item": n,
                    "point": p,
                    "moment": moment,
                    **_place(place),
                }
        return
    items: Sequence[Landmark | Box | Contour] = marks.items
    for n, mark in enumerate(items):
        about = {"item": n, "probability": mark.confidence, "moment": mark.moment}
        for p, place in enumerate(_places(mark, marks.space)):
            yield {**_coded(mark.code), **where, **about, "point": p, **_shape(mark), **_place(place)}


def _places(mark: Landmark | Box | Contour, space: Space) -> NDArray[np.float64]:
    if isinstance(mark, Landmark):
        return mark.point[None]
    if isinstance(mark, Contour):
        return mark.points
    return to_world(space, np.stack([mark.low, mark.high]))


def _shape(mark: Landmark | Box | Contour) -> Row:
    return {"closed": int(mark.closed)} if isinstance(mark, Contour) else {}


def _place(point: NDArray[np.float64]) -> Row:
    return dict(zip("xyz", point.tolist(), strict=False))
