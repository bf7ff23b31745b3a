"""How good the fetal head model is: cross-validation, calibration, coverage, and the test split, once.

``python benchmarks/fetal_head.py`` trains what is missing in its cache (about three hours on two cores, resumable),
prints the figures of the grouped five-fold cross-validation on train + val, and judges the shipped bundle on the test
split. ``--ship DIR`` writes the bundle with the calibration found here.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fetal_head_predictions import Row, rows
from fetal_head_training import CACHE, JOBS, PLAN, dataset, ensure_trained
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from skiagraph import codes
from skiagraph.features import Ellipse, circumference, moment_ellipse, rasterised
from skiagraph.inference.finish import agreement
from skiagraph.inference.refine import carried
from skiagraph.metrics import binomial_p, wilson
from skiagraph.preprocess import network_space

PEN = (
    1.38 / 800
)  # half the width of the pen of the reference masks, as a share of the picture's width; see `pen_width`
LEAST = 0.1  # confidence from which an outline is measured
RIGHT = 0.97  # Dice from which an outline counts as right, for the calibration of confidence
MEASURED = (codes.HEAD_CIRCUMFERENCE, codes.BIPARIETAL_DIAMETER, codes.OCCIPITOFRONTAL_DIAMETER)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """One image: Dice of its outline, what was measured and what is true (circumference, short, long; mm)."""

    group: str
    dice: float
    agreement: float
    found: NDArray[np.float64]
    true: NDArray[np.float64]


def measures(ellipse: Ellipse, row: Row) -> NDArray[np.float64]:
    """Circumference, short and long diameter in mm of an outline in pixels, along the middle of the pen."""
    inner = ellipse.grown(-PEN * row.space.shape[1])
    affine = row.space.affine
    long, short = inner.mapped(affine[:-1, :-1], affine[:-1, -1]).semi_axes
    return np.array([circumference(long, short), 2 * short, 2 * long])


def judge(row: Row) -> Judged:
    """What the product's own steps make of the probabilities of one image."""
    lattice = network_space(row.space, PLAN.recipe)
    reference = moment_ellipse(row.mask)
    if reference is None:
        raise SystemExit("a reference is empty: look at the data")
    outline = carried(row.outline, lattice, row.space)
    found = rasterised(outline, row.space.shape)
    true = measures(reference, row)
    true[0] = row.circumference
    return Judged(
        group=row.group,
        dice=2 * np.count_nonzero(found & row.mask) / (np.count_nonzero(found) + np.count_nonzero(row.mask)),
        agreement=agreement(row.probability, row.outline),
        found=measures(moment_ellipse(found) or outline, row),
        true=true,
    )


def pen_width(all_rows: list[Row]) -> float:
    """Median half width of the pen, pixels: how much smaller than the masks the stated circumferences are."""
    widths = []
    for row in all_rows:
        reference = moment_ellipse(row.mask)
        if reference is not None:
            pixel = float(row.space.affine[0, 1])
            widths.append((circumference(*reference.semi_axes) - row.circumference / pixel) / (2 * np.pi))
    return float(np.median(widths))


def quantile(judged: list[Judged], measure: int, level: float = 0.95) -> float:
    """Conformal quantile of the relative error (Vovk et al. 2005): the share within which `level` of new cases fall."""
    errors = np.sort([abs(j.found[measure] - j.true[measure]) / j.found[measure] for j in judged])
    rank = int(np.ceil((len(errors) + 1) * level)) - 1
    return float(errors[min(rank, len(errors) - 1)])


def confidence_curve(judged: list[Judged]) -> dict[str, float]:
    """Logistic curve from log(1 - agreement) to the probability that Dice is at least `RIGHT` (Platt 1999)."""
    x = np.log([max(1e-6, 1 - j.agreement) for j in judged])
    y = np.array([j.dice >= RIGHT for j in judged], dtype=float)

    def loss(p: NDArray[np.float64]) -> float:
        z = p[0] + p[1] * (x - x.mean())
        return float(np.mean(np.logaddexp(0, z) - y * z) + 1e-3 * p[1] ** 2)

    a, b = minimize(loss, np.zeros(2), method="BFGS").x
    return {"intercept": float(a - b * x.mean()), "slope": float(b)}


def confidences(judged: list[Judged], curve: Mapping[str, float]) -> NDArray[np.float64]:
    """What the curve says of each image."""
    x = np.log([max(1e-6, 1 - j.agreement) for j in judged])
    return expit(curve["intercept"] + curve["slope"] * x)


def bootstrap(values: NDArray[np.float64], groups: list[str], resamples: int = 4000) -> tuple[float, float]:
    """95 % interval of a mean, resampling groups."""
    rng = np.random.default_rng(1)
    names, index = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index)
    drawn = rng.integers(len(names), size=(resamples, len(names)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def cross_validation(data: Path) -> tuple[list[list[Judged]], dict[str, float]]:
    """The folds, judged, and the figures over all of them; calibration of a fold comes from the other folds."""
    by_job = {job: rows(job, data) for job in JOBS if job != "all"}
    folds = [[judge(row) for row in part] for part in by_job.values()]
    sure, covered = [], []
    for k, fold in enumerate(folds):
        others = [j for other, part in enumerate(folds) if other != k for j in part]
        curve = confidence_curve(others)
        q = quantile(answered(others, curve), 0)
        sure += list(confidences(fold, curve))
        covered += [abs(j.found[0] - j.true[0]) <= q * j.found[0] for j in fold]
    figures: dict[str, float] = {"pen, pixels": pen_width([row for part in by_job.values() for row in part])}
    everything = [j for fold in folds for j in fold]
    figures |= _figures(everything, np.array(sure), np.array(covered))
    for k, fold in enumerate(folds):
        figures[f"fold {k} dice, all"] = float(np.mean([j.dice for j in fold]))
        figures[f"fold {k} HC mean absolute error, mm, all"] = float(np.abs(errors(fold)).mean())
    return folds, figures


def answered(judged: list[Judged], curve: Mapping[str, float]) -> list[Judged]:
    """Those whose outline is sure enough to be measured."""
    return [j for j, c in zip(judged, confidences(judged, curve), strict=True) if c >= LEAST]


def errors(judged: list[Judged]) -> NDArray[np.float64]:
    """Found minus true circumference, mm."""
    return np.array([j.found[0] - j.true[0] for j in judged])


def _figures(judged: list[Judged], sure: NDArray[np.float64], covered: NDArray[np.bool_]) -> dict[str, float]:
    kept = sure >= LEAST
    some = [j for j, k in zip(judged, kept, strict=True) if k]
    dice, error = np.array([j.dice for j in some]), errors(some)
    hits, n = int(covered[kept].sum()), int(kept.sum())
    low, high = wilson(hits, n)
    right = np.array([j.dice >= RIGHT for j in judged])
    groups = [j.group for j in some]
    return {
        "images": len(judged),
        "refused as too unsure": len(judged) - n,
        "n": n,
        **_with_interval("dice", dice, groups),
        "worst dice": float(dice.min()),
        "dice, all": float(np.mean([j.dice for j in judged])),
        **_with_interval("HC mean absolute error, mm", abs(error), groups),
        "HC mean absolute error, mm, all": float(np.abs(errors(judged)).mean()),
        "HC bias, mm": float(error.mean()),
        "HC spread, mm": float(error.std()),
        "HC worst error, mm": float(abs(error).max()),
        "interval coverage": hits / n,
        "interval coverage low": low,
        "interval coverage high": high,
        "interval binomial p": binomial_p(hits, n, 0.95),
        "outlines right, all": float(right.mean()),
        "mean confidence, all": float(sure.mean()),
        "confidence Brier score, all": float(np.mean((sure - right) ** 2)),
        "Brier score of the base rate, all": float(right.mean() * (1 - right.mean())),
    }


def _with_interval(name: str, values: NDArray[np.float64], groups: list[str]) -> dict[str, float]:
    low, high = bootstrap(values, groups)
    return {name: float(values.mean()), f"{name} low": low, f"{name} high": high}


def show(title: str, figures: Mapping[str, float]) -> None:
    """Prints figures, one a line."""
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name:<40} {value:.4g}")


def main() -> None:
    """Trains what is missing, measures, and ships where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("SKIAGRAPH_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="the data pack")
    parser.add_argument("--ship", type=Path, help="write the bundle to this folder")
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    ensure_trained(arguments.data)
    folds, figures = cross_validation(arguments.data)
    show("cross-validation (train + val, grouped, five folds)", figures)
    if arguments.ship:
        from fetal_head_bundle import ship

        judged = [j for fold in folds for j in fold]
        curve = confidence_curve(judged)
        kept = answered(judged, curve)
        calibration = {
            "inset": PEN,
            "relative error": {c.value: round(quantile(kept, i), 5) for i, c in enumerate(MEASURED)},
            "confidence": curve,
            "least confidence": LEAST,
        }
        ship(arguments.ship, calibration, figures)
    from fetal_head_bundle import on_test

    tested = on_test(dataset(arguments.data))
    show("test split, once, through the shipped bundle (gate, OpenVINO fp32)", tested)
    results = Path(__file__).parent / "results" / "fetal_head.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps({"cross-validation": figures, "test": tested}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
