"""Drawn pictures that show no fetal head: noise, gradients, text, empty frames, and rings of other kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

Grey = NDArray[Any]


def _size(rng: Generator) -> tuple[int, int]:
    return int(rng.integers(120, 500)), int(rng.integers(120, 640))


def _as_grey(levels: Grey) -> Grey:
    return np.clip(levels, 0, 255).astype(np.uint8)


def _cloud(rng: Generator) -> Grey:
    """Noise with a spectrum like that of photographs."""
    rows, columns = _size(rng)
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)) + 1e-3
    spectrum = np.fft.fft2(rng.normal(size=(rows, columns))) / frequency ** rng.uniform(0.7, 1.6)
    field = np.fft.ifft2(spectrum).real
    return _as_grey(128 + rng.uniform(30, 70) * (field - field.mean()) / field.std())


def _gradient(rng: Generator) -> Grey:
    rows, columns = _size(rng)
    y, x = np.linspace(0, 1, rows)[:, None], np.linspace(0, 1, columns)
    a, b, c = rng.uniform(-1, 1, 3)
    field = a * x + b * y + abs(c) * np.hypot(x - rng.random(), y - rng.random())
    return _as_grey(255 * (field - field.min()) / np.ptp(field))


def _text(rng: Generator) -> Grey:
    rows, columns = _size(rng)
    paper, ink = (0, 230) if rng.random() < 0.4 else (245, 20)
    page, size = Image.new("L", (columns, rows), paper), int(rng.integers(10, 28))
    font, pen, letters = (
        ImageFont.load_default(size=size),
        ImageDraw.Draw(page),
        np.array(list("abcdefghijklmnopqrstuvwxyz")),
    )
    for y in range(8, rows - size, int(size * 1.3)):
        words = ("".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(columns // size // 2))
        pen.text((10, y), " ".join(words), fill=ink, font=font)
    return np.asarray(page)


def _smooth(rng: Generator) -> Grey:
    field = ndimage.gaussian_filter(rng.normal(size=_size(rng)), rng.uniform(1, 20))
    return _as_grey(128 + 50 * field / field.std())


def _smooth_speckle(rng: Generator) -> Grey:
    field = ndimage.gaussian_filter(rng.rayleigh(1, _size(rng)), rng.uniform(0.8, 3))
    return _as_grey(60 * field / field.mean())


def _sector(rng: Generator, rows: int, columns: int) -> NDArray[np.bool_]:
    y, x = np.arange(rows)[:, None], np.arange(columns) - columns / 2
    apex = -rng.uniform(25, 150)
    radius, angle = np.hypot(x, y - apex), np.arctan2(x, y - apex)
    near = radius > -apex + rng.uniform(3, 20)
    return near & (radius < rows - apex - 3) & (np.abs(angle) < rng.uniform(0.5, 0.8))


def _empty_frame(rng: Generator) -> Grey:
    """A sector of layered speckle, in half of the cases with a dark cyst, and no head."""
    rows, columns = 270, 400
    speckle = np.hypot(*ndimage.gaussian_filter(rng.normal(size=(2, rows, columns)), (0, 0.8, 1.3)))
    field = ndimage.gaussian_filter(
        rng.normal(size=(rows, columns)), (rng.uniform(5, 20), rng.uniform(20, 60))
    )
    tissue = np.exp(0.5 * 30 * field)
    levels = 60 * speckle / speckle.mean() * tissue / tissue.mean()
    if rng.random() < 0.5:
        y, x = np.mgrid[:rows, :columns]
        across, down = rng.uniform(30, 100), rng.uniform(20, 65)
        inside = ((x - rng.uniform(125, 275)) / across) ** 2 + ((y - rng.uniform(100, 200)) / down) ** 2 < 1
        levels = np.where(inside, levels * 0.15, levels)
    return _as_grey(levels * _sector(rng, rows, columns))


def _bare_sector(rng: Generator) -> Grey:
    """The frame of a probe in air: a bright face, and nothing below."""
    rows, columns = 270, 400
    depth = np.arange(rows)[:, None]
    levels = 200 * np.exp(-depth / rng.uniform(5, 25)) + rng.rayleigh(rng.uniform(1, 10), (rows, columns))
    return _as_grey(levels * _sector(rng, rows, columns))


def _head_ct(rng: Generator) -> Grey:
    """An even ring, flat within and black outside."""
    side = 320
    y, x = np.mgrid[:side, :side] - side / 2
    short = rng.uniform(80, 112)
    long, turn = short * rng.uniform(1.1, 1.3), rng.uniform(-0.2, 0.2) + np.pi / 2 * rng.integers(2)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    off = (np.hypot(u / long, v / short) - 1) * short
    levels = np.where(off < 0, rng.uniform(60, 110), 0) + np.where(np.abs(off) < rng.uniform(4, 8), 150, 0)
    levels = levels + np.where((off > 6) & (off < 16), rng.uniform(30, 70), 0)
    levels = levels - np.where(np.hypot((np.abs(u) - 12) / 22, (np.abs(v) - 12) / 11) < 1, 25, 0)
    return _as_grey(ndimage.gaussian_filter(levels, 1.0) + rng.normal(0, rng.uniform(2, 10), (side, side)))


def _rings(rng: Generator) -> Grey:
    """Discs and circles on an even ground."""
    rows, columns = 270, 400
    y, x = np.mgrid[:rows, :columns]
    levels, filled = np.full((rows, columns), rng.uniform(0, 120)), rng.random() < 0.5
    for _ in range(int(rng.integers(1, 6))):
        size = rng.uniform(25, 110)
        r = np.hypot(
            (x - rng.uniform(0, columns)) / size / rng.uniform(1, 1.4), (y - rng.uniform(0, rows)) / size
        )
        shown = r < 1 if filled else np.abs(r - 1) * size < rng.uniform(1.5, 6)
        levels = levels + rng.uniform(-80 if filled else 40, 120) * shown
    return _as_grey(levels)


DRAWINGS: dict[str, tuple[int, Callable[[Generator], Grey]]] = {
    "one grey level": (6, lambda rng: np.full(_size(rng), int(rng.integers(256)), dtype=np.uint8)),
    "white noise": (20, lambda rng: _as_grey(rng.uniform(0, 255, _size(rng)))),
    "Gaussian noise": (20, lambda rng: _as_grey(128 + 40 * rng.normal(size=_size(rng)))),
    "speckle": (20, lambda rng: _as_grey(40 * rng.rayleigh(1, _size(rng)))),
    "smooth speckle": (20, _smooth_speckle),
    "smooth noise": (20, _smooth),
    "noise like photographs": (40, _cloud),
    "gradient": (25, _gradient),
    "text": (25, _text),
    "empty frame": (30, _empty_frame),
    "probe in air": (20, _bare_sector),
    "drawn head CT": (30, _head_ct),
    "drawn rings": (30, _rings),
}
"""By name: how many, and how one is drawn."""
