"""Fetal heads made from real ones: changed so that they must still pass, and taken out so that they must not."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Grey = NDArray[Any]
Mask = NDArray[np.bool_]


def _resized(picture: Grey, factor: float) -> Grey:
    rows, columns = picture.shape
    size = (round(columns * factor), round(rows * factor))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def _smaller_in_frame(picture: Grey) -> Grey:
    small, frame = _resized(picture, 0.7), np.zeros_like(picture)
    y, x = ((a - b) // 2 for a, b in zip(frame.shape, small.shape, strict=True))
    frame[y : y + small.shape[0], x : x + small.shape[1]] = small
    return frame


def _cut(picture: Grey) -> Grey:
    rows, columns = picture.shape
    return picture[rows // 9 : -rows // 9, columns // 9 : -columns // 9]


def _jpeg(picture: Grey) -> Grey:
    kept = io.BytesIO()
    Image.fromarray(picture).save(kept, "JPEG", quality=30)
    return np.asarray(Image.open(io.BytesIO(kept.getvalue())))


def _gamma(power: float) -> Callable[[Grey], Grey]:
    return lambda picture: (255 * (picture / 255.0) ** power).astype(np.uint8)


def _turned(degrees: float) -> Callable[[Grey], Grey]:
    return lambda picture: np.asarray(Image.fromarray(picture).rotate(degrees, Image.Resampling.BILINEAR))


def _bordered(level: int) -> Callable[[Grey], Grey]:
    return lambda picture: np.pad(picture, ((20, 40), (50, 30)), constant_values=level)


CHANGES: dict[str, Callable[[Grey], Grey]] = {
    "half the size": lambda picture: picture,
    "left to right": lambda picture: picture[:, ::-1],
    "upside down": lambda picture: picture[::-1],
    "turned by 20": _turned(20),
    "turned by -20": _turned(-20),
    "smaller in its frame": _smaller_in_frame,
    "larger in its frame": _cut,
    "gamma 0.7": _gamma(0.7),
    "gamma 1.4": _gamma(1.4),
    "black border": _bordered(0),
    "white border": _bordered(255),
    "JPEG of quality 30": _jpeg,
}


def changed(picture: Grey, rng: Generator) -> dict[str, Grey]:
    """Four of the changes, drawn by chance, on a copy of half the size."""
    half = _resized(picture, 0.5)
    return {name: CHANGES[name](half) for name in rng.choice(list(CHANGES), 4, replace=False)}


def without_head(picture: Grey, mask: Mask, rng: Generator) -> dict[str, Grey]:
    """Three of the ways to take the head out, drawn by chance, on a copy of half the size."""
    half = _resized(picture, 0.5).astype(np.float64)
    inside = np.asarray(_resized(mask.astype(np.uint8) * 255, 0.5)) > 0
    wide = ndimage.binary_dilation(inside, iterations=7)
    result = {}
    for name in rng.choice(list(REMOVALS), 3, replace=False):
        made = REMOVALS[name](half, wide, rng)
        if made is not None:
            result[str(name)] = np.clip(made, 0, 255).astype(np.uint8)
    return result


def _around(half: Grey, wide: Mask) -> Grey:
    """The tissue around the head, blurred over it."""
    return ndimage.gaussian_filter(half * ~wide, 20) / (ndimage.gaussian_filter((~wide) * 1.0, 20) + 1e-3)


def _softly(half: Grey, wide: Mask, fill: Grey) -> Grey:
    soft = ndimage.gaussian_filter(wide * 1.0, 3)
    return half * (1 - soft) + fill * soft


def _blur(half: Grey, wide: Mask, rng: Generator) -> Grey:
    del rng
    return _softly(half, wide, _around(half, wide))


def _speckle(half: Grey, wide: Mask, rng: Generator) -> Grey:
    coarse = rng.rayleigh(1.0, tuple(side // 4 + 1 for side in half.shape))
    speckle = ndimage.gaussian_filter(np.kron(coarse, np.ones((4, 4)))[: half.shape[0], : half.shape[1]], 1.5)
    return _softly(half, wide, _around(half, wide) * speckle / speckle.mean())


def _texture(half: Grey, wide: Mask, rng: Generator) -> Grey:
    """Tiles from elsewhere in the frame, blended over the head."""
    rows, columns, tile = *half.shape, 24
    places = [(y, x) for y in range(0, rows - tile, 8) for x in range(0, columns - tile, 8)]
    free = [
        (y, x)
        for y, x in places
        if not wide[y : y + tile, x : x + tile].any() and half[y : y + tile, x : x + tile].mean() > 8
    ]
    if not free:
        return _blur(half, wide, rng)
    window = np.outer(*[np.hanning(tile + 2)[1:-1]] * 2)
    total, weight = np.zeros(half.shape), np.full(half.shape, 1e-6)
    for y, x in places:
        if wide[y : y + tile, x : x + tile].any():
            v, u = free[rng.integers(len(free))]
            total[y : y + tile, x : x + tile] += half[v : v + tile, u : u + tile] * window
            weight[y : y + tile, x : x + tile] += window
    return _softly(half, wide, np.where(weight > 1e-3, total / weight, _around(half, wide)))


def _level(half: Grey, wide: Mask) -> float:
    seen = half[~wide & (half > 8)]
    return float(seen.mean()) if seen.size else 30.0


def _noise(half: Grey, wide: Mask, rng: Generator) -> Grey:
    return np.where(wide, rng.rayleigh(_level(half, wide) / 1.25, half.shape), half)


def _black(half: Grey, wide: Mask, rng: Generator) -> Grey:
    del rng
    return np.where(wide, 0.0, half)


def _even(half: Grey, wide: Mask, rng: Generator) -> Grey:
    del rng
    return np.where(wide, _level(half, wide), half)


def _stretch(half: Grey, wide: Mask, rng: Generator) -> Grey:
    """The rows above or below the head, stretched over it."""
    del rng
    rows = np.flatnonzero(wide.any(1))
    first, last, n = rows[0], rows[-1], half.shape[0]
    strip = half[: max(first, 10)] if first > n - last else half[min(last, n - 10) :]
    result, start = half.copy(), max(first - 15, 0)
    over = min(last + 15, n) - start
    sampled = np.linspace(0, len(strip) - 1, over)
    result[start : start + over] = ndimage.map_coordinates(
        strip, np.meshgrid(sampled, np.arange(half.shape[1]), indexing="ij"), order=1
    )
    return result


def _beside(half: Grey, wide: Mask, rng: Generator) -> Grey | None:
    """The largest part of the frame beside the head; None where it is small or dark."""
    del rng
    rows, columns = (np.flatnonzero(wide.any(axis)) for axis in (1, 0))
    parts = [half[: rows[0]], half[rows[-1] :], half[:, : columns[0]], half[:, columns[-1] :]]
    good = [part for part in parts if min(part.shape) > 50 and (part > 12).mean() > 0.5]
    return max(good, key=lambda part: part.size, default=None)


def _shuffled(half: Grey, wide: Mask, rng: Generator) -> Grey:
    """The same picture as tiles in another order, each turned over by chance."""
    del wide
    down, right = int(rng.integers(3, 5)), int(rng.integers(4, 7))
    height, width = half.shape[0] // down, half.shape[1] // right
    tiles = [
        half[y * height : (y + 1) * height, x * width : (x + 1) * width]
        for y in range(down)
        for x in range(right)
    ]
    order = rng.permutation(len(tiles))
    mixed = [tiles[k][:: rng.choice([-1, 1]), :: rng.choice([-1, 1])] for k in order]
    return np.vstack([np.hstack(mixed[k * right : (k + 1) * right]) for k in range(down)])


REMOVALS: dict[str, Callable[[Grey, Mask, Generator], Grey | None]] = {
    "painted over, blur": _blur,
    "painted over, speckle": _speckle,
    "painted over, texture": _texture,
    "painted over, noise": _noise,
    "painted over, black": _black,
    "painted over, grey": _even,
    "painted over, stretch": _stretch,
    "beside the head": _beside,
    "shuffled": _shuffled,
}
