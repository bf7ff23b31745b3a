"""An outline as a sum of turning arrows: Fourier descriptors, elliptic Fourier descriptors, and the way back."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.shape.outline import enclosed, outline_of, resampled
from skiagraph.features.shape.terms import Term, described

__all__ = ["elliptic_fourier", "fourier_descriptors", "rebuilt"]

_POINTS: Final = 512
_ERRORS: Final = (1, 2, 4, 8, 16)
_ROUND: Final = 0.01  # an ellipse whose axes differ by less points nowhere


def rebuilt(contour: NDArray[np.float64], harmonics: int) -> NDArray[np.float64]:
    """The contour from its Fourier coefficients k = -harmonics .. harmonics alone.

    With one harmonic it is an ellipse; the more, the finer what comes back.

    Args:
        contour: Shape (n, 2), closed (the last point is the first again), of any unit.
        harmonics: 0 (the mean alone) or more; from 256 on all.

    Returns:
        Shape (513, 2), closed, at equal distances along the contour that came.

    Raises:
        InvalidInput: No closed contour of 3 points or more, or fewer harmonics than none.
    """
    points = np.asarray(contour, dtype=np.float64)
    if (
        points.ndim != 2
        or points.shape[1] != 2
        or len(points) < 4
        or not np.array_equal(points[0], points[-1])
    ):
        raise InvalidInput("a contour is a closed list of places", got=f"the shape {points.shape}")
    if harmonics < 0:
        raise InvalidInput("a contour is rebuilt from 0 harmonics or more", got=str(harmonics))
    spectrum, turns = _spectrum(resampled(points, _POINTS))
    curve = np.fft.ifft(np.where(np.abs(turns) <= harmonics, spectrum, 0)) * _POINTS
    curve = np.append(curve, curve[0])
    return np.stack([curve.imag, curve.real], axis=1)


def fourier_descriptors(region: Region, *, harmonics: int = 8) -> tuple[Feature, ...]:
    """Magnitudes of the Fourier coefficients of the outline, and how much of it a few of them leave out.

    The outline z = column + i row, at 512 equal distances, has coefficients Z(k); |Z(k)| / |Z(1)| for k = -1 and
    k = +-2 .. +-harmonics neither place, size, rotation nor starting point changes. ``error K`` is the root mean
    square distance between outline and the contour rebuilt from k = -K .. K, relative to that of the outline from its
    mean. ``fourier factor`` is 1 - sum(|Z(k)| / |k|) / sum(|Z(k)|) over k other than 0: the rougher, the larger.

    Args:
        region: Of a picture.
        harmonics: Up to which magnitudes are given, 1 to 255.

    Raises:
        InvalidInput: Another number of harmonics.

    Source: Zahn and Roskies, Fourier descriptors for plane closed curves (1972); Persoon and Fu, Shape discrimination
        using Fourier descriptors (1977); the factor: Shen, Rangayyan and Desautels (1994).
    """
    if not 1 <= harmonics < _POINTS // 2:
        raise InvalidInput(f"Fourier descriptors have 1 to {_POINTS // 2 - 1} harmonics", got=str(harmonics))
    orders = [-1] + [sign * k for k in range(2, harmonics + 1) for sign in (1, -1)]
    names = {k: f"magnitude {'minus' if k < 0 else 'plus'} {abs(k)}" for k in orders}
    terms = [Term(name) for name in names.values()]
    terms += [Term(f"error {k}") for k in _ERRORS] + [Term("fourier factor")]
    outline = outline_of(region)
    found: dict[str, float] | str
    if isinstance(outline, str):
        found = outline
    else:
        spectrum, turns = _spectrum(outline.points)
        sizes = np.abs(spectrum)
        found = {name: sizes[k] / sizes[1] for k, name in names.items()}
        sizes, turns = sizes[1:], np.abs(turns[1:])
        for k in _ERRORS:
            found[f"error {k}"] = math.sqrt((sizes[turns > k] ** 2).sum() / (sizes**2).sum())
        found["fourier factor"] = 1 - (sizes / turns).sum() / sizes.sum()
    return described("fourier descriptors", terms, found, known=region.spacing is not None)


def elliptic_fourier(region: Region, *, harmonics: int = 8) -> tuple[Feature, ...]:
    """Elliptic Fourier coefficients a, b, c, d of the outline, which neither place, size, rotation nor start changes.

    Normalised by the ellipse of the first harmonic: its long axis lies along the first coordinate, has semi-axis 1,
    and the curve starts at its end; a 1, b 1 and c 1 are then 1, 0 and 0, and are left out. Of its two ends the one
    is taken that makes the largest coefficient of the even harmonics positive. Where the ellipse is a circle to one
    part in a hundred, there is no long axis, and no value.

    Args:
        region: Of a picture.
        harmonics: 1 to 255.

    Raises:
        InvalidInput: Another number of harmonics.

    Source: Kuhl and Giardina, Elliptic Fourier features of a closed contour (1982).
    """
    if not 1 <= harmonics < _POINTS // 2:
        raise InvalidInput(f"elliptic descriptors have 1 to {_POINTS // 2 - 1} harmonics", got=str(harmonics))
    terms = [Term("d 1")] + [Term(f"{c} {n}") for n in range(2, harmonics + 1) for c in "abcd"]
    outline = outline_of(region)
    found: dict[str, float] | str = outline if isinstance(outline, str) else {}
    if not isinstance(outline, str):
        kept = _normalised(_elliptic(outline.points[::-1, ::-1], harmonics))
        found = (
            "the outline is as round as a circle, and has no long axis"
            if kept is None
            else {f"{c} {n + 1}": kept[n][i] for n in range(harmonics) for i, c in enumerate("abcd")}
        )
    return described("elliptic fourier", terms, found, known=region.spacing is not None)


def _spectrum(points: NDArray[np.float64]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Coefficients of column + i row, turned so that k = 1 goes with the curve, and their orders k."""
    turned = points if enclosed(points)[0] <= 0 else np.roll(points[::-1], 1, axis=0)
    turns: NDArray[np.float64] = np.fft.fftfreq(len(points), 1 / len(points)).astype(np.float64)
    return np.fft.fft(turned[:, 1] + 1j * turned[:, 0]) / len(points), turns


def _elliptic(points: NDArray[np.float64], harmonics: int) -> NDArray[np.float64]:
    """The coefficients of a polygon, shape (harmonics, 2, 2): rows of x and y, columns of cosine and sine."""
    steps = np.roll(points, -1, axis=0) - points
    lengths = np.hypot(*steps.T)
    ends = np.cumsum(lengths)
    phase = 2 * np.pi * np.arange(1, harmonics + 1)[:, None] * np.concatenate([[0.0], ends]) / ends[-1]
    waves = np.stack([np.diff(np.cos(phase), axis=1), np.diff(np.sin(phase), axis=1)], axis=1)
    scale = ends[-1] / (2 * np.pi**2 * np.arange(1, harmonics + 1) ** 2)
    found: NDArray[np.float64] = np.einsum("n,pi,nwp->niw", scale, steps / lengths[:, None], waves)
    return found


def _normalised(coefficients: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Shape (harmonics, 4); None where the first harmonic is a circle."""
    (a, b), (c, d) = coefficients[0]
    start = math.atan2(2 * (a * b + c * d), a * a + c * c - b * b - d * d) / 2
    long, short = np.linalg.svd(coefficients[0], compute_uv=False)
    if short > (1 - _ROUND) * long:
        return None
    orders = np.arange(1, len(coefficients) + 1)
    cosine, sine = np.cos(orders * start), np.sin(orders * start)
    shift = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
    begun = coefficients @ shift
    x, y = begun[0, :, 0] / long
    turned = np.array([[x, y], [-y, x]]) @ begun / long
    kept: NDArray[np.float64] = turned.reshape(-1, 4)
    even = kept[1::2].ravel()
    if even.size and even[np.abs(even).argmax()] < 0:
        kept[1::2] *= -1
    return kept
