"""Which of many pictures are almost the same: alike after another coding, some noise or a slight crop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

__all__ = ["SIDE", "Twin", "signature", "twins"]

SIDE: Final = 64
"""Samples along each side of a signature."""

_COARSE: Final = 32
_CUTS: Final = (0.06, 0.12)  # share of the side that is cut off
_TOP: Final = 3  # candidates of an image that are looked at closely
_OTHER: Final = 7  # place of the candidate that is taken for one that is no copy
_LOOKED_AT: Final = 1000  # of such pairs
_ROWS: Final = 512  # images that are compared with all others at a time
_LIKELY: Final = 0.55  # correlation of coarse detail from which a pair is looked at closely
_SAME: Final = 0.9  # correlation of fine detail from which a pair is almost the same
_MOST: Final = 0.97  # and that is asked for where images are much alike
_ABOVE: Final = 0.04  # what a pair has to be above nearly all that are no copies
_ENOUGH: Final = 50  # pairs that are no copies from which their correlations tell something
_WORTH: Final = 0.06  # what trying all zooms may add to the correlation with few
_ZOOMS: Final = (1.0, 0.97, 0.94, 0.91, 0.88)
_FEW: Final = ((1.0, 1.0), (0.94, 0.94), (0.88, 0.88))
_ALL: Final = tuple(product(_ZOOMS, _ZOOMS))
_NOTHING: Final = 1e-6


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Two images that are almost the same.

    Args:
        first: Place of one in the list.
        second: Place of the other, behind it.
        score: Correlation of their fine detail where they fit best, -1 to 1.
    """

    first: int
    second: int
    score: float


def signature(array: NDArray[Any]) -> NDArray[np.float32]:
    """An image as small pictures of mean 0 and deviation 1.

    Args:
        array: A picture, shape (rows, columns), or a volume, shape (i, j, k). Numbers that are not finite count as 0.

    Returns:
        Shape (1, SIDE, SIDE) of a picture; (3, SIDE, SIDE) of a volume: the mean of its middle slices across each axis.
        All 0 where the image has one value.
    """
    numbers = np.nan_to_num(np.asarray(array, dtype=np.float32), posinf=0.0, neginf=0.0)
    views = [numbers] if numbers.ndim == 2 else [_middle(numbers, axis) for axis in range(3)]
    return np.stack([_standard(_resized(view, SIDE)) for view in views])


def _middle(volume: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    n = volume.shape[axis]
    width = max(1, n // 10)
    start = (n - width) // 2
    return np.asarray(volume.take(range(start, start + width), axis=axis).mean(axis=axis), dtype=np.float32)


def _resized(view: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Means over areas where there are more samples, lines between them where there are fewer."""
    for axis in (0, 1):
        view = _along(view, axis, side)
    return view


def _along(view: NDArray[np.float32], axis: int, side: int) -> NDArray[np.float32]:
    n = view.shape[axis]
    moved = np.moveaxis(view, axis, 0)
    if n <= side:
        at = np.clip((np.arange(side) + 0.5) * n / side - 0.5, 0, n - 1)
        low = np.minimum(at.astype(int), max(n - 2, 0))
        share = (at - low)[:, None].astype(np.float32)
        moved = moved[low] * (1 - share) + moved[np.minimum(low + 1, n - 1)] * share
    else:
        edges = np.arange(side + 1) * n / side
        total = np.concatenate([np.zeros((1, moved.shape[1])), np.cumsum(moved, axis=0, dtype=np.float64)])
        low = np.minimum(edges.astype(int), n - 1)
        upto = total[low] + (edges - low)[:, None] * moved[low]
        moved = np.diff(upto, axis=0) * side / n
    return np.asarray(np.moveaxis(moved, 0, axis), dtype=np.float32)


def _standard(view: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = float(view.std())
    if spread < _NOTHING * max(1.0, float(np.abs(view).max(initial=0.0))):
        return np.zeros_like(view)
    return np.asarray((view - view.mean()) / spread, dtype=np.float32)


def twins(
    signatures: Sequence[NDArray[np.float32]], watch: Callable[[int, int], None] | None = None
) -> tuple[Twin, ...]:
    """Pairs of images that are almost the same.

    Each image is compared as a whole, and cropped by 6 and 12 % at the middle and the corners, with each other one, by
    the correlation of coarse detail (32 samples a side, without what varies slowly). The best three candidates of each
    are laid upon each other with a zoom down to 88 % along either axis and any shift, and compared by the correlation
    of fine detail (64 samples). A pair counts from 0.9; and from more, up to 0.97, where images of the set are so much
    alike that the eighth candidates of images, which are seldom copies, come near it.

    Turned and mirrored copies are not looked for.

    Args:
        signatures: Of `signature`, those of pictures and volumes apart.
        watch: Told how many images were compared, and of how many.

    Returns:
        The most alike first.

    Source: own.
    """
    n = len(signatures)
    if n < 2:
        return ()
    stack = np.stack(list(signatures))
    pairs, others = _candidates(stack)
    fine = _FineDetail(stack)
    quick: dict[tuple[int, int], float] = {}
    for done, pair in enumerate(pairs):
        quick[pair] = fine.quick(*pair)
        if watch is not None and not done % 100:
            watch(round(n * done / len(pairs)), n)
    least = _SAME
    if len(others) >= _ENOUGH:
        known = [fine.quick(*pair) for pair in others[:: max(1, len(others) // _LOOKED_AT)]]
        least = float(np.clip(np.quantile(known, 0.99) + _ABOVE, _SAME, _MOST))
    found = [
        Twin(first=i, second=j, score=fine.score(i, j)) for (i, j), s in quick.items() if s >= least - _WORTH
    ]
    return tuple(sorted((t for t in found if t.score >= least), key=lambda t: (-t.score, t.first, t.second)))


def _candidates(stack: NDArray[np.float32]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs that may be the same; and pairs that look alike and are seldom copies, for others are nearer."""
    n = len(stack)
    crops = list(_crops())
    whole = _coarse(stack, *crops[0])
    near: dict[tuple[int, int], None] = {}
    others: list[tuple[int, int]] = []
    for start in range(0, n, _ROWS):
        block = stack[start : start + _ROWS]
        best = np.full((len(block), n), -1.0, dtype=np.float32)
        for rows, columns in crops:
            np.maximum(best, _coarse(block, rows, columns) @ whole.T, out=best)
        best[np.arange(len(block)), np.arange(start, start + len(block))] = -1.0
        for row, columns in enumerate(_largest(best)):
            pairs = [
                (min(start + row, int(c)), max(start + row, int(c)))
                for c in columns
                if best[row, c] >= _LIKELY
            ]
            near |= dict.fromkeys(pairs[:_TOP])
            others += pairs[_OTHER : _OTHER + 1]
    return sorted(near), others


def _largest(best: NDArray[np.float32]) -> NDArray[np.intp]:
    """The columns of the largest values of each row, the largest first."""
    width = min(_OTHER + 1, best.shape[1] - 1)
    top = np.argpartition(-best, width, axis=1)[:, :width]
    return np.take_along_axis(top, np.argsort(-np.take_along_axis(best, top, axis=1), axis=1), axis=1)


def _crops() -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Matrices that take the rows and the columns of what stays after a crop, the whole first."""
    yield _taken(0.0, 0.0), _taken(0.0, 0.0)
    for cut in _CUTS:
        for row, column in ((0.5, 0.5), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
            yield _taken(cut, row), _taken(cut, column)


def _taken(cut: float, place: float) -> NDArray[np.float32]:
    """Means of what stays of a line after a crop, shape (coarse, SIDE); `place` 0 keeps its start, 1 its end."""
    edges = SIDE * cut * place + SIDE * (1 - cut) * np.arange(_COARSE + 1) / _COARSE
    upto = np.clip(edges[:, None] - np.arange(SIDE)[None, :], 0, 1)
    return np.asarray(np.diff(upto, axis=0) * _COARSE / (SIDE * (1 - cut)), dtype=np.float32)


def _coarse(
    stack: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Unit vectors of the coarse detail of what stays after a crop, shape (images, numbers)."""
    small = rows @ stack @ columns.T
    vectors = (small - ndimage.gaussian_filter(small, (0, 0, 3.0, 3.0), mode="nearest")).reshape(
        len(stack), -1
    )
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _NOTHING))


@final
class _FineDetail:
    """Correlation of fine detail under zoom and shift."""

    def __init__(self, stack: NDArray[np.float32]) -> None:
        self._stack = stack
        edge = np.hanning(SIDE + 2)[1:-1] ** 0.5
        self._window = (edge[:, None] * edge[None, :]).astype(np.float32)
        self._zooms = {zoom: _lines(zoom) for zoom in _ZOOMS}

    def quick(self, i: int, j: int) -> float:
        """The best correlation of two images, either zoomed a little or much into the other."""
        return self._best(i, j, _FEW)

    def score(self, i: int, j: int) -> float:
        """The best correlation of two images, either zoomed into the other, the same or not along both axes."""
        return self._best(i, j, _ALL)

    def _detail(self, n: int) -> NDArray[np.float32]:
        view = self._stack[n]
        return np.asarray(
            view - ndimage.gaussian_filter(view, (0, 6.0, 6.0), mode="nearest"), dtype=np.float32
        )

    def _best(self, i: int, j: int, zooms: Sequence[tuple[float, float]]) -> float:
        """The highest correlation over zooms and over shifts of up to an eighth of the side, the mean over views."""
        a, b = self._detail(i), self._detail(j)
        rows, columns = (np.stack([self._zooms[pair[axis]] for pair in zooms])[:, None] for axis in (0, 1))
        found = [
            _correlations(self._spectra(rows @ seen @ columns.swapaxes(-1, -2)), self._spectra(whole[None]))
            for seen, whole in ((a, b), (b, a))
        ]
        near = np.concatenate(found)
        return float(near.max(axis=(-2, -1)).mean(axis=-1).max())

    def _spectra(self, detail: NDArray[Any]) -> NDArray[np.complex64]:
        seen = detail * self._window
        size = np.linalg.norm(seen, axis=(-2, -1), keepdims=True)
        return np.asarray(fft.rfft2(seen / np.maximum(size, _NOTHING)), dtype=np.complex64)


def _lines(zoom: float) -> NDArray[np.float32]:
    """The matrix that shows the middle share `zoom` of a line over all of it, between samples along a line."""
    middle = (SIDE - 1) / 2
    at = middle + zoom * (np.arange(SIDE) - middle)
    low = np.minimum(at.astype(int), SIDE - 2)
    share = (at - low).astype(np.float32)
    matrix = np.zeros((SIDE, SIDE), dtype=np.float32)
    matrix[np.arange(SIDE), low], matrix[np.arange(SIDE), low + 1] = 1 - share, share
    return matrix


def _correlations(a: NDArray[np.complex64], b: NDArray[np.complex64]) -> NDArray[np.float32]:
    """By shift, as far as an eighth of the side."""
    reach = SIDE // 8
    found = fft.irfft2(a * np.conj(b), s=(SIDE, SIDE))
    near = np.concatenate([found[..., :reach, :], found[..., -reach:, :]], axis=-2)
    return np.concatenate([near[..., :reach], near[..., -reach:]], axis=-1)
