"""How far marked places lie from where they should be, and how many were not marked at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Landmarks
from skiagraph.metrics.counted import ratio
from skiagraph.metrics.masks import diagonal
from skiagraph.task import Counts, Figures, Table, Tabular

__all__ = ["landmarks"]

_FIELDS = ("landmarks", "missed", "extra", "errors", "squared errors", "errors of found")


def landmarks(*, radii: tuple[float, ...] = (2.0, 2.5, 3.0, 4.0)) -> Tabular[Landmarks]:
    """The metric of landmarks, pooled over all landmarks of all cases; they are matched by code and moment.

    Figures: mean radial error and its root mean square in mm, the share within each radius, the mean radial error of
    those that were found, and the numbers of landmarks, of missed and of extra ones. A landmark that was missed is as
    far off as the diagonal of the space, and within no radius. Where the size of a pixel is not known, the figures in
    mm leave the case out.

    Args:
        radii: In mm.

    Raises:
        InvalidInput: A radius that is no length, or one twice.

    Source: Wang et al., A benchmark for comparison of dental radiography analysis algorithms (2016), section 3.3: mean
        radial error and successful detection rates at these radii; the rule for missed landmarks is our own.
    """
    if len(set(radii)) != len(radii) or not all(math.isfinite(r) and r > 0 for r in radii):
        raise InvalidInput("radii are lengths in mm, each once", got=str(radii))
    return Tabular(measure=partial(_measure, radii=radii), figures=_figures, undefined=_undefined)


def _measure(prediction: Landmarks, reference: Landmarks, /, *, radii: tuple[float, ...]) -> Table:
    within = tuple(f"within {r:g} mm" for r in radii)
    return Table(columns=(*_FIELDS, *within), rows=np.array([_row(prediction, reference, radii)]))


def _figures(table: Table, counts: Counts, /) -> Figures:
    sized = ~np.isnan(table["errors"])
    sums = counts[:, sized] @ table.rows[sized]
    n, lost, _, errors, squares, found = sums.T[: len(_FIELDS)]
    result = {
        "mean radial error [mm]": ratio(errors, n),
        "root mean square radial error [mm]": np.sqrt(ratio(squares, n)),
        "mean radial error of found [mm]": ratio(found, n - lost),
    }
    within = table.columns[len(_FIELDS) :]
    result |= {name: ratio(hits, n) for name, hits in zip(within, sums.T[len(_FIELDS) :], strict=True)}
    return result | {
        "landmarks": counts @ table["landmarks"],
        "missed landmarks": counts @ table["missed"],
        "extra landmarks": counts @ table["extra"],
    }


def _undefined(table: Table, /) -> Mapping[str, int]:
    without = int(np.isnan(table["errors"]).sum())
    names = ("mean radial error", "root mean square radial error", "mean radial error of found")
    return dict.fromkeys((*(f"{name} [mm]" for name in names), *table.columns[len(_FIELDS) :]), without)


def _row(prediction: Landmarks, reference: Landmarks, radii: tuple[float, ...]) -> list[float]:
    spaces = prediction.space, reference.space
    if len({(s.frame, s.unit, s.ndim) for s in spaces}) != 1:
        raise GeometryError("landmarks are compared in one frame and unit", got="two")
    found, true = _places(prediction), _places(reference)
    both = [key for key in true if key in found]
    apart = np.array([math.dist(found[key], true[key]) for key in both])
    lost = len(true) - len(both)
    if reference.space.unit != "mm":
        return [len(true), lost, len(found) - len(both)] + [math.nan] * (3 + len(radii))
    penalty = diagonal(reference.space)
    errors = np.concatenate([apart, np.full(lost, penalty)])
    hits = [float((apart <= r).sum()) for r in radii]
    sums = [float(errors.sum()), float((errors**2).sum()), float(apart.sum())]
    return [len(true), lost, len(found) - len(both), *sums, *hits]


def _places(marks: Landmarks) -> dict[tuple[Code, int | None], list[float]]:
    places = {(item.code, item.moment): item.point.tolist() for item in marks.items}
    if len(places) != len(marks.items):
        raise InvalidInput(
            "each landmark stands once in a moment",
            got=f"{len(marks.items)} marks of {len(places)} landmarks",
        )
    return places
