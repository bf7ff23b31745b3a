"""Small charts as SVG, told apart by dashes and shapes and not by colour alone, with titles, units and axes."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.values import frozen

__all__ = ["Axis", "Band", "Bars", "Chart", "Dots", "Layer", "Line", "Rule", "drawn"]

_DASHES: Final = ("", "7 4", "2 3", "9 3 2 3", "14 4", "4 2 1 2")
_INKS: Final = ("#0b5d6b", "#14212b", "#a04b00", "#4c5b66", "#6a3d9a", "#2f7d32")
_WIDTH: Final = 440.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 14.0, 32.0, 46.0
_ROW: Final = 17.0  # height of a line of the legend


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a chart.

    Args:
        title: What it shows, with its unit in brackets.
        low: Where it begins.
        high: Where it ends.
        names: Words at 0, 1, 2... in place of numbers.

    Raises:
        InvalidInput: It does not rise, or is not finite.
    """

    title: str
    low: float
    high: float
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InvalidInput("an axis rises between finite ends", got=f"{self.low} to {self.high}")

    @staticmethod
    def around(title: str, values: NDArray[np.float64], *, least: float = 0.0) -> Axis:
        """An axis on which all finite values lie, with some room.

        Args:
            title: What it shows.
            values: Any shape.
            least: Span that it has at least.
        """
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        span = max(high - low, least, 1e-9 * max(abs(low), abs(high)), 1e-12)
        middle = (low + high) / 2
        return Axis(title=title, low=middle - 0.55 * span, high=middle + 0.55 * span)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A line through points; NaN parts it.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        name: In the legend; empty for none.
        style: Which dash and ink, from 0.
        thin: For what stands in the background, such as a diagonal.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    name: str = ""
    style: int = 0
    thin: bool = False

    def __post_init__(self) -> None:
        _freeze(self, "x", "y")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dots:
    """Points that are not joined.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        name: In the legend; empty for none.
        style: Which shape and ink, from 0: circle, square, triangle, cross.
        low: Lower ends of upright bars of error, shape (n,); None for none.
        high: Upper ends.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    name: str = ""
    style: int = 0
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        _freeze(self, "x", "y")
        if self.low is not None and self.high is not None:
            _freeze(self, "low", "high")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """A grey area between two lines: `low` and `high` over `x`, each of shape (n,)."""

    x: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    name: str = ""

    def __post_init__(self) -> None:
        _freeze(self, "x", "low", "high")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Bars that stand on the lower edge: each from `start` to `end` along x, `height` high; shape (n,) each."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    height: NDArray[np.float64]
    name: str = ""

    def __post_init__(self) -> None:
        _freeze(self, "start", "end", "height")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A straight line across the chart at one height, with words at its end.

    Args:
        at: Where on the y axis.
        words: What it means.
        style: Which dash, from 0.
    """

    at: float
    words: str = ""
    style: int = 1


Layer: TypeAlias = Line | Dots | Band | Bars | Rule


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart.

    Args:
        title: What is seen, in words.
        x: The axis to the right.
        y: The axis upwards.
        layers: What is drawn, the lowest first.
        height: Of the plot, in units of which the whole chart is 440 wide.
    """

    title: str
    x: Axis
    y: Axis
    layers: tuple[Layer, ...]
    height: float = 270.0


def _freeze(of: object, *names: str) -> None:
    shapes = set()
    for name in names:
        array = frozen(getattr(of, name), np.float64)
        shapes.add(array.shape)
        object.__setattr__(of, name, array)
    if len(shapes) != 1 or any(len(shape) != 1 for shape in shapes):
        raise InvalidInput("the points of a chart have one number on each axis", got=str(sorted(shapes)))


@final
class _Frame:
    """Where numbers lie on the paper."""

    def __init__(self, chart: Chart) -> None:
        self.x, self.y = chart.x, chart.y
        self.width, self.height = _WIDTH - _LEFT - _RIGHT, chart.height

    def across(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(_LEFT + (values - self.x.low) / (self.x.high - self.x.low) * self.width)

    def up(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        share = (values - self.y.low) / (self.y.high - self.y.low)
        return np.asarray(_TOP + (1 - share) * self.height)

    def places(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
        return list(zip(self.across(x).tolist(), self.up(y).tolist(), strict=True))


def drawn(chart: Chart) -> str:
    """The chart as an SVG element that needs nothing else; its title is also told to those who cannot see it."""
    frame = _Frame(chart)
    named = [layer for layer in chart.layers if not isinstance(layer, Rule) and layer.name]
    rows = -(-len(named) // 2) if max((len(n.name) for n in named), default=0) <= 24 else len(named)
    total = _TOP + chart.height + _BOTTOM + rows * _ROW
    clip = f"c{zlib.crc32(repr((chart.title, chart.height)).encode()):08x}"
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH:g} {total:g}" role="img" aria-label="{escape(chart.title)}">',
        f'<clipPath id="{clip}">{_box(_LEFT, _TOP - 4, frame.width, chart.height + 8)}</clipPath>',
        f'<text x="{_LEFT:g}" y="18" class="title">{escape(chart.title)}</text>',
        _axes(frame),
        f'<g clip-path="url(#{clip})">',
        *(_layer(layer, frame) for layer in chart.layers),
        "</g>",
        *(_words_of(layer, frame) for layer in chart.layers if isinstance(layer, Rule) and layer.words),
        *(_legend(layer, n, rows, total) for n, layer in enumerate(named)),
        "</svg>",
    ]
    return "".join(parts)


def _ticks(axis: Axis, most: int) -> list[tuple[float, str]]:
    if axis.names:
        return [(float(n), name) for n, name in enumerate(axis.names)]
    rough = (axis.high - axis.low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    large = max(abs(axis.low), abs(axis.high)) >= 1e5
    return [
        (n * step, (f"{n * step:.3g}" if large else f"{n * step + 0.0:.{decimals}f}").replace("-", "−"))
        for n in range(first, last + 1)
    ]


def _axes(frame: _Frame) -> str:
    bottom, right = _TOP + frame.height, _LEFT + frame.width
    parts = []
    for at, words in _ticks(frame.y, 6):
        y = float(frame.up(np.array(at)))
        parts.append(f'<path class="grid" d="M{_LEFT:g} {y:.1f}H{right:g}"/>')
        parts.append(f'<text x="{_LEFT - 6:g}" y="{y + 4:.1f}" class="end">{escape(words)}</text>')
    for at, words in _ticks(frame.x, 6):
        x = float(frame.across(np.array(at)))
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP:g}V{bottom:g}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16:g}" class="mid">{escape(words)}</text>')
    middle = _TOP + frame.height / 2
    parts += [
        f'<path class="axis" d="M{_LEFT:g} {_TOP:g}V{bottom:g}H{right:g}"/>',
        f'<text x="{_LEFT + frame.width / 2:g}" y="{bottom + 35:g}" class="mid">{escape(frame.x.title)}</text>',
        f'<text class="mid" transform="translate(14 {middle:g})rotate(-90)">{escape(frame.y.title)}</text>',
    ]
    return "".join(parts)


def _layer(layer: Layer, frame: _Frame) -> str:
    if isinstance(layer, Line):
        return _line(layer, frame)
    if isinstance(layer, Dots):
        return _dots(layer, frame)
    if isinstance(layer, Rule):
        y, right = float(frame.up(np.array(layer.at))), _LEFT + frame.width
        dash = _DASHES[layer.style % len(_DASHES)]
        return f'<path class="rule" d="M{_LEFT:g} {y:.1f}H{right:g}" stroke-dasharray="{dash}"/>'
    if isinstance(layer, Band):
        there = frame.places(layer.x, layer.high)
        back = frame.places(layer.x, layer.low)[::-1]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in there + back if math.isfinite(x + y))
        return f'<polygon class="band" points="{points}"/>'
    bottom, parts = float(frame.up(np.array(frame.y.low))), []
    for start, end, top in zip(
        frame.across(layer.start), frame.across(layer.end), frame.up(layer.height), strict=True
    ):
        size = f'width="{end - start:.1f}" height="{max(bottom - top, 0):.1f}"'
        parts.append(f'<rect class="column" x="{start:.1f}" y="{top:.1f}" {size}/>')
    return "".join(parts)


def _line(line: Line, frame: _Frame) -> str:
    path, pen = [], "M"
    for x, y in frame.places(line.x, line.y):
        if math.isfinite(x + y):
            path.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        else:
            pen = "M"
    return f'<path {_stroke(line)} d="{"".join(path)}"/>'


def _stroke(line: Line) -> str:
    if line.thin:
        return 'class="rule" stroke-dasharray="3 3"'
    ink, dash = _INKS[line.style % len(_INKS)], _DASHES[line.style % len(_DASHES)]
    return f'class="line" stroke="{ink}" stroke-dasharray="{dash}"'


def _dots(dots: Dots, frame: _Frame) -> str:
    ink, parts = _INKS[dots.style % len(_INKS)], []
    size = 4.0 if len(dots.x) <= 60 else 3.0 if len(dots.x) <= 400 else 2.2
    for x, y in frame.places(dots.x, dots.y):
        if math.isfinite(x + y):
            parts.append(_shape(x, y, dots.style, size))
    if dots.low is not None and dots.high is not None:
        ends = zip(frame.across(dots.x), frame.up(dots.low), frame.up(dots.high), strict=True)
        parts += [
            f'<path class="whisker" d="M{x:.1f} {a:.1f}V{b:.1f}"/>'
            for x, a, b in ends
            if math.isfinite(a + b)
        ]
    return f'<g class="dots" stroke="{ink}" fill="{ink}">{"".join(parts)}</g>'


def _shape(x: float, y: float, style: int, size: float) -> str:
    d = 2 * size
    match style % 4:
        case 0:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}"/>'
        case 1:
            return _box(x - 0.9 * size, y - 0.9 * size, 0.9 * d, 0.9 * d)
        case 2:
            return f'<path d="M{x:.1f} {y - 1.2 * size:.1f}l{size:g} {d:g}h{-d:g}z"/>'
        case _:
            return f'<path d="M{x - size:.1f} {y - size:.1f}l{d:g} {d:g}m0 {-d:g}l{-d:g} {d:g}"/>'


def _box(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _words_of(rule: Rule, frame: _Frame) -> str:
    y = float(frame.up(np.array(rule.at)))
    return (
        f'<text x="{_LEFT + frame.width - 4:g}" y="{y - 4:.1f}" class="end note">{escape(rule.words)}</text>'
    )


def _legend(layer: Layer, n: int, rows: int, total: float) -> str:
    if isinstance(layer, Rule):
        return ""
    column, row = divmod(n, rows)
    x, y = _LEFT + column * 190, total - (rows - row) * _ROW + 8
    if isinstance(layer, Line):
        sample = f'<path {_stroke(layer)} d="M{x:g} {y - 4:g}h26"/>'
    elif isinstance(layer, Dots):
        ink = _INKS[layer.style % len(_INKS)]
        sample = f'<g class="dots" stroke="{ink}" fill="{ink}">{_shape(x + 13, y - 4, layer.style, 4.0)}</g>'
    else:
        kind = "band" if isinstance(layer, Band) else "column"
        sample = f'<rect class="{kind}" x="{x:g}" y="{y - 9:g}" width="26" height="10"/>'
    return f'{sample}<text x="{x + 33:g}" y="{y:g}">{escape(layer.name)}</text>'
