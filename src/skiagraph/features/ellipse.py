"""Ellipses: found in masks and in maps of probability, measured, drawn, and carried from one lattice to another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import minimize

from skiagraph.errors import InvalidInput
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Ellipse", "circumference", "fitted_ellipse", "moment_ellipse", "outline", "rasterised"]

_EDGE: Final = 1.0  # lattice steps over which the edge of the model ellipse rises


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ellipse:
    """The points p with ``(p - centre) . inverse(form) . (p - centre) = 1``; affine maps take ellipses to ellipses.

    Args:
        centre: Shape (2,).
        form: Shape (2, 2), symmetric, positive definite; its eigenvalues are the squared semi-axes.

    Raises:
        InvalidInput: Not such numbers.
    """

    centre: NDArray[np.float64]
    form: NDArray[np.float64]

    def __post_init__(self) -> None:
        centre, form = frozen(self.centre, np.float64), frozen(self.form, np.float64)
        good = (
            centre.shape == (2,)
            and form.shape == (2, 2)
            and np.isfinite(centre).all()
            and np.isfinite(form).all()
        )
        if (
            not good
            or form[0, 0] <= 0
            or np.linalg.det(form) <= 0
            or abs(form[0, 1] - form[1, 0]) > 1e-6 * form.max()
        ):
            raise InvalidInput(
                "an ellipse has a centre and a positive definite form", got=f"{centre}, {form.tolist()}"
            )
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "form", form)

    @property
    def semi_axes(self) -> tuple[float, float]:
        """(long, short), in the unit of its points."""
        short, long = np.sqrt(np.linalg.eigvalsh(self.form))
        return float(long), float(short)

    @property
    def directions(self) -> NDArray[np.float64]:
        """Unit vectors along the long and the short axis, one a row."""
        directions: NDArray[np.float64] = np.linalg.eigh(self.form)[1].T[::-1]
        return directions

    def mapped(self, linear: NDArray[np.float64], offset: NDArray[np.float64]) -> Ellipse:
        """Its image under ``p -> linear @ p + offset``."""
        form = linear @ self.form @ linear.T
        return Ellipse(centre=linear @ self.centre + offset, form=(form + form.T) / 2)

    def grown(self, by: float) -> Ellipse:
        """With `by` added to both semi-axes (negative: taken away).

        Raises:
            InvalidInput: Nothing would be left.
        """
        long, short = self.semi_axes
        if short + by <= 0:
            raise InvalidInput("an ellipse shrinks by less than its short semi-axis", got=f"{by} for {short}")
        d = self.directions
        return Ellipse(centre=self.centre, form=d.T @ np.diag([(long + by) ** 2, (short + by) ** 2]) @ d)


def circumference(long: float, short: float) -> float:
    """The perimeter of an ellipse with these semi-axes, right to 1e-5 for the eccentricities of heads.

    Source: Ramanujan, Modular equations and approximations to pi (1914), second approximation.
    """
    h = ((long - short) / (long + short)) ** 2
    return math.pi * (long + short) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))


def moment_ellipse(weights: NDArray[Any]) -> Ellipse | None:
    """The ellipse with the first and second moments of a mask.

    Args:
        weights: Shape (rows, columns), boolean or not negative.

    Returns:
        In index coordinates (row, column); None where there is no area.
    """
    w = np.asarray(weights, dtype=np.float64)
    total = w.sum()
    if not total > 0:
        return None
    rows, columns = np.arange(w.shape[0]), np.arange(w.shape[1])
    by_row, by_column = w.sum(1), w.sum(0)
    centre = np.array([by_row @ rows, by_column @ columns]) / total
    r, c = rows - centre[0], columns - centre[1]
    mixed = r @ w @ c / total
    # 1/12: the second moment that a pixel has for its own width
    form = 4 * (np.array([[by_row @ r**2, 0], [0, by_column @ c**2]]) / total + np.eye(2) / 12)
    form[0, 1] = form[1, 0] = 4 * mixed
    return Ellipse(centre=centre, form=form) if np.linalg.det(form) > 0 else None


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask, with its holes filled."""
    parts, n = ndimage.label(mask)
    if n == 0:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(parts == sizes.argmax())
    return filled


def fitted_ellipse(probability: NDArray[np.floating[Any]]) -> Ellipse | None:
    """The ellipse that gathers the most evidence: it maximises the sum of ``2 p - 1`` over its inside.

    Unlike moments it is not drawn away by what has leaked out of an outline, nor by a second object.

    Args:
        probability: Shape (rows, columns), 0 to 1.

    Returns:
        In index coordinates (row, column); None where nothing is probable.

    Source: own; the region term of Chan and Vese, Active contours without edges (2001), on an ellipse.
    """
    start = moment_ellipse(largest_component(probability >= 0.5))
    if start is None:
        return None
    evidence, step = _pooled(2.0 * np.asarray(probability, dtype=np.float64) - 1.0)
    grids = [(np.arange(n) + 0.5) * step - 0.5 for n in evidence.shape]
    rows, columns = np.meshgrid(*grids, indexing="ij")
    chosen, best = start, math.inf
    for scale in (1.0, 0.75):
        found, cost = _climb(evidence, rows, columns, _parameters(start, scale))
        if cost < best:
            chosen, best = found, cost
    return chosen


def _pooled(evidence: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Halved where the sides allow it: a quarter of the work, the same answer."""
    rows, columns = evidence.shape
    if rows % 2 or columns % 2:
        return evidence, 1
    return evidence.reshape(rows // 2, 2, columns // 2, 2).mean((1, 3)), 2


def _parameters(ellipse: Ellipse, scale: float) -> NDArray[np.float64]:
    long, short = ellipse.semi_axes
    row, column = ellipse.directions[0]
    return np.array(
        [*ellipse.centre, math.log(long * scale), math.log(short * scale), math.atan2(column, row)]
    )


def _climb(
    evidence: NDArray[np.float64],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    start: NDArray[np.float64],
) -> tuple[Ellipse, float]:
    """Quasi-Newton ascent from (row, column, log long, log short, angle); places are scaled to its size."""
    size = math.exp((start[2] + start[3]) / 2)
    unit = np.array([size, size, 1.0, 1.0, 1.0])
    steepness = size / _EDGE

    def cost(scaled: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        row, column, log_long, log_short, angle = scaled * unit
        a, b, c, s = math.exp(log_long), math.exp(log_short), math.cos(angle), math.sin(angle)
        dr, dc = rows - row, columns - column
        u, v = (c * dr + s * dc) / a, (c * dc - s * dr) / b
        radius = np.sqrt(u * u + v * v) + 1e-9
        inside = 1.0 / (1.0 + np.exp(np.clip((radius - 1.0) * steepness, -30.0, 30.0)))
        slope = evidence * inside * (1.0 - inside) * steepness / radius
        along, across = slope * u, slope * v
        gradient = -np.array(
            [
                (along * c / a - across * s / b).sum() * size,
                (along * s / a + across * c / b).sum() * size,
                (along * u).sum(),
                (across * v).sum(),
                (along * v * (-b / a) + across * u * (a / b)).sum(),
            ]
        )
        return -float((evidence * inside).sum()) / evidence.size, gradient / evidence.size

    found = minimize(cost, start / unit, jac=True, method="BFGS", options={"maxiter": 60, "gtol": 1e-6})
    row, column, log_long, log_short, angle = found.x * unit
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    form = turn @ np.diag(np.exp([2 * log_long, 2 * log_short])) @ turn.T
    return Ellipse(centre=np.array([row, column]), form=(form + form.T) / 2), float(found.fun)


def rasterised(ellipse: Ellipse, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centre lies inside, shape (rows, columns)."""
    rows = (np.arange(shape[0]) - ellipse.centre[0])[:, None]
    columns = (np.arange(shape[1]) - ellipse.centre[1])[None, :]
    q = np.linalg.inv(ellipse.form)
    inside: NDArray[np.bool_] = q[0, 0] * rows**2 + 2 * q[0, 1] * rows * columns + q[1, 1] * columns**2 <= 1.0
    return inside


def outline(ellipse: Ellipse, n: int = 128) -> NDArray[np.float64]:
    """`n` points on the ellipse, shape (n, 2), in order."""
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    long, short = ellipse.semi_axes
    unit = np.stack([long * np.cos(angles), short * np.sin(angles)], axis=1)
    return ellipse.centre + unit @ ellipse.directions
