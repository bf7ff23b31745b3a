"""Stability: how well a feature tells cases apart when their outlines are drawn a little otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import f as f_distribution

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.task import Estimate

__all__ = ["Perturbation", "intraclass", "perturbed", "stability"]

_ROUNDING: Final = 1e-24  # of the mean square: mean squares below it are rounding


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """How far masks are changed. Lengths are in samples of the finest axis.

    Args:
        move: The largest shift along each axis.
        resize: The largest share by which a mask grows or shrinks, in area or volume.
        roughen: Standard deviation of the place of the outline.
        smooth: Over what length the outline moves together.

    Raises:
        InvalidInput: A number that is negative or not finite, a share of 1 or more, or nothing smooth.
    """

    move: float = 1.0
    resize: float = 0.15
    roughen: float = 0.5
    smooth: float = 3.0

    def __post_init__(self) -> None:
        numbers = (self.move, self.resize, self.roughen, self.smooth)
        if not all(0 <= n < math.inf for n in numbers) or self.resize >= 1 or self.smooth == 0:
            raise InvalidInput(
                "a perturbation moves, resizes by less than the whole, and roughens over some length",
                got=str(numbers),
            )


_USUAL: Final = Perturbation()


def perturbed(
    mask: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    n: int = 10,
    how: Perturbation = _USUAL,
    spacing: tuple[float, ...] | None = None,
) -> Iterator[NDArray[np.bool_]]:
    """Masks as others might have drawn them: moved, grown or shrunk, and with an outline that wavers.

    Args:
        mask: Of a picture or a volume. One that fills it stays as it is, because no outline is seen.
        rng: Draws shift, size and outline of each.
        n: How many.
        how: How far they are changed.
        spacing: Size of a sample along each axis, in any unit, so that a mask changes by the same length along all
            axes; None where it is not known.

    Yields:
        Masks of the same shape; a small one may become empty.

    Raises:
        InvalidInput: An empty mask.

    Source: Zwanenburg et al., Assessing robustness of radiomic features by image perturbation, Scientific Reports 9
        (2019) 614: translation, volume adaptation and contour randomisation in a chain. There contours are drawn along
        superpixels, here by a smooth random field on the distance to the outline.
    """
    if not mask.any():
        raise InvalidInput("a mask that is perturbed has an outline", got="an empty mask")
    sizes = np.asarray(spacing or (1.0,) * mask.ndim)
    sizes = sizes / sizes.min()
    box = _reach(mask, sizes, how)
    near = mask[box]
    distance = None if mask.all() else _distance(near, sizes)
    for _ in range(n):
        shift = rng.uniform(-how.move, how.move, mask.ndim) / sizes
        share = 1 + rng.uniform(-how.resize, how.resize)
        waver = rng.standard_normal(near.shape)
        changed = mask.copy()
        if distance is not None:
            moved = ndimage.shift(distance, shift, order=1, mode="nearest")
            field = ndimage.gaussian_filter(waver, how.smooth / sizes, mode="wrap")
            field *= how.roughen / (field.std() or 1.0)
            changed[box] = moved + field > _level(distance, share * mask.sum())
        yield changed


def _reach(mask: NDArray[np.bool_], sizes: NDArray[np.float64], how: Perturbation) -> tuple[slice, ...]:
    """The box in which a mask changes: beyond it a shift, growth and five deviations of the outline do not reach."""
    places = np.nonzero(mask)
    ends = np.array([(p.min(), p.max() + 1) for p in places])
    thickness = float((np.ptp(ends, axis=1) * sizes).min())
    room = np.ceil((how.move + how.resize * thickness + 5 * how.roughen) / sizes).astype(int) + 2
    return tuple(
        slice(max(int(low - r), 0), int(high + r)) for (low, high), r in zip(ends, room, strict=True)
    )


def _distance(mask: NDArray[np.bool_], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance to the outline, which lies between samples: positive inside, negative outside."""
    inside: NDArray[np.float64] = ndimage.distance_transform_edt(mask, sampling=sizes) - 0.5
    outside: NDArray[np.float64] = ndimage.distance_transform_edt(~mask, sampling=sizes) - 0.5
    return np.where(mask, inside, -outside)


def _level(distance: NDArray[np.float64], wanted: float) -> float:
    """The distance above which lie as nearly as can be so many samples; 0 for as many as in the mask."""
    levels, counts = np.unique(distance, return_counts=True)
    above = counts[::-1].cumsum()[::-1]
    chosen = int(np.abs(above - wanted).argmin())
    below = levels[chosen - 1] if chosen else levels[0] - 1.0
    return float((levels[chosen] + below) / 2)


def intraclass(table: NDArray[Any], *, confidence: float = 0.95) -> Mapping[str, Estimate]:
    """Intraclass correlations of single measurements, with intervals by the F distribution.

    Args:
        table: Shape (cases, measurements of each). A case with a number that is not finite is left out.
        confidence: Of the intervals.

    Returns:
        ``"icc(1,1)"``: measurements of a case are exchangeable, as drawn masks are; ``"icc(2,1)"``: columns are raters,
        taken from many, and agreement counts; ``"icc(3,1)"``: columns are these raters, and consistency counts. NaN
        with fewer than two cases or columns, and where all numbers are the same.

    Raises:
        InvalidInput: No table, or a confidence that is not between 0 and 1.

    Source: Shrout and Fleiss, Intraclass correlations: uses in assessing rater reliability, Psychological Bulletin 86
        (1979) 420-428; the interval of ICC(2,1) is that of its page 424, after Satterthwaite.
    """
    whole = np.asarray(table, dtype=np.float64)
    if whole.ndim != 2 or not 0 < confidence < 1:
        raise InvalidInput(
            "correlations are of a table of cases and measurements, with a confidence between 0 and 1",
            got=f"the shape {whole.shape} and {confidence}",
        )
    good = np.isfinite(whole).all(axis=1)
    x = whole[good]
    n, k = x.shape
    blank = Estimate(value=math.nan, low=math.nan, high=math.nan, n=n, excluded=int((~good).sum()))
    found = dict.fromkeys(("icc(1,1)", "icc(2,1)", "icc(3,1)"), blank)
    if n > 1 and k > 1 and np.ptp(x) > 0:
        bms, jms, ems = _mean_squares(x)
        wms = (jms + (n - 1) * ems) / n
        quantile = (1 + confidence) / 2
        limits = {
            "icc(1,1)": _consistency(bms, wms, n, k, n * (k - 1), quantile),
            "icc(2,1)": _agreement((bms, jms, ems), n, k, quantile),
            "icc(3,1)": _consistency(bms, ems, n, k, (n - 1) * (k - 1), quantile),
        }
        found = {
            name: replace(blank, value=value, low=low, high=high)
            for name, (value, low, high) in limits.items()
        }
    return MappingProxyType(found)


def _mean_squares(x: NDArray[np.float64]) -> tuple[float, float, float]:
    """Between cases, between columns, and what is left."""
    n, k = x.shape
    x = x - x.mean()
    rows, columns = x.mean(axis=1), x.mean(axis=0)
    left = x - rows[:, None] - columns
    squares = (
        k * (rows**2).sum() / (n - 1),
        n * (columns**2).sum() / (k - 1),
        (left**2).sum() / ((n - 1) * (k - 1)),
    )
    zero = _ROUNDING * sum(squares)
    bms, jms, ems = (float(s) if s > zero else 0.0 for s in squares)
    return bms, jms, ems


def _consistency(
    bms: float, error: float, n: int, k: int, df: int, quantile: float
) -> tuple[float, float, float]:
    """ICC(1,1) or ICC(3,1), by the mean square that counts as error: value, low, high."""

    def correlation(ratio: float) -> float:
        return (ratio - 1) / (ratio + k - 1)

    if error == 0:
        return (1.0, 1.0, 1.0) if bms else (math.nan, math.nan, math.nan)
    ratio = bms / error
    low = ratio / f_distribution.ppf(quantile, n - 1, df)
    high = ratio * f_distribution.ppf(quantile, df, n - 1)
    return correlation(ratio), float(correlation(low)), float(correlation(high))


def _agreement(
    squares: tuple[float, float, float], n: int, k: int, quantile: float
) -> tuple[float, float, float]:
    """ICC(2,1): value, low, high."""
    bms, jms, ems = squares
    icc = (bms - ems) / (bms + (k - 1) * ems + k * (jms - ems) / n)
    if ems == 0 in (bms, jms):
        return icc, icc, icc
    rest = (n * (1 + (k - 1) * icc) - k * icc) * ems
    df = (k - 1) * (n - 1) * (k * icc * jms + rest) ** 2 / ((n - 1) * (k * icc * jms) ** 2 + rest**2)
    lower, upper = f_distribution.ppf(quantile, n - 1, df), f_distribution.ppf(quantile, df, n - 1)
    spread = k * jms + (k * n - k - n) * ems
    low = n * (bms - lower * ems) / (lower * spread + n * bms)
    high = n * (upper * bms - ems) / (spread + n * upper * bms)
    return icc, float(low), float(high)


def stability(
    describe: Callable[[Region], Iterable[Feature]],
    regions: Iterable[Region],
    rng: np.random.Generator,
    *,
    n: int = 10,
    how: Perturbation = _USUAL,
) -> Mapping[str, Mapping[str, Estimate]]:
    """Intraclass correlations of features over cases, each with masks as others might have drawn them.

    Args:
        describe: A family or a set of features.
        regions: One of each case.
        rng: Draws the masks.
        n: Masks of each case.
        how: How far they are changed.

    Returns:
        By the key of each feature, what `intraclass` says. A case is left out of a feature that one of its masks lacks.

    Raises:
        InvalidInput: An empty mask.

    Source: Zwanenburg et al. (2019), who call a feature robust where its ICC(1,1) is 0.90 or more.
    """
    cases = []
    for region in regions:
        masks = perturbed(region.mask, rng, n=n, how=how, spacing=region.spacing)
        cases.append([{f.key: f.value for f in describe(replace(region, mask=mask))} for mask in masks])
    keys = dict.fromkeys(key for case in cases for row in case for key in row)
    return MappingProxyType(
        {
            key: intraclass(np.array([[row.get(key, math.nan) for row in case] for case in cases]))
            for key in keys
        }
    )
