"""What findings put on each picture of an image: tinted masks, coloured heat, lines, boxes and points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, assert_never, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import GeometryError
from skiagraph.findings import (
    Boxes,
    Contours,
    DerivedImage,
    DisplacementField,
    Heatmap,
    Landmarks,
    Segmentation,
    SpatialFinding,
    Tracks,
    resample,
)
from skiagraph.geometry import Space, to_index
from skiagraph.interchange.planes import Planes, as_frames, in_frames, shown_planes

__all__ = ["Heat", "Key", "Labels", "Layers", "Line", "layers_of"]

At = tuple[int, int]
_KINDS: Final = {
    DerivedImage: "derived image",
    DisplacementField: "displacement field",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of the legend.

    Args:
        words: What it is.
        tone: Number of its colour, from 0.
    """

    words: str
    tone: int


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """Structures that do not overlap, on every frame.

    Args:
        frames: Labels, shape (moments, slices, rows, columns).
        tones: By label the number of its colour.
    """

    frames: NDArray[Any]
    tones: Mapping[int, int]

    def masks(self, at: At) -> Iterator[tuple[NDArray[np.bool_], int]]:
        """Of each structure on one frame its mask, (rows, columns), and the number of its colour."""
        frame = self.frames[at]
        for label in np.unique(frame).tolist():
            if label in self.tones:
                yield frame == label, self.tones[label]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heat:
    """Heat on every frame.

    Args:
        frames: Shape (moments, slices, rows, columns); NaN where there is none.
        low: Shown darkest.
        high: Shown brightest.
        words: What it is, and in which unit.
    """

    frames: NDArray[Any]
    low: float
    high: float
    words: str


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A line, or one point, on one frame.

    Args:
        points: Shape (n, 2), (row, column) in pixels, whole numbers at their centres.
        closed: Whether the last point joins the first.
        tone: Number of its colour.
    """

    points: NDArray[np.float64]
    closed: bool
    tone: int


@final
@dataclass(slots=True, kw_only=True, eq=False)
class Layers:
    """What is drawn.

    Args:
        planes: The frames of the image.
        labels: Structures, those that overlap apart.
        heats: Each over all frames.
        lines: By moment and slice.
        keys: The legend, one entry a code.
        undrawn: What is not drawn, in words.
    """

    planes: Planes
    labels: list[Labels] = field(default_factory=list)
    heats: list[Heat] = field(default_factory=list)
    lines: dict[At, list[Line]] = field(default_factory=dict)
    keys: dict[Code, Key] = field(default_factory=dict)
    undrawn: list[str] = field(default_factory=list)

    def tone(self, code: Code) -> int:
        """The colour of a code, which is put into the legend."""
        words = code.meaning or code.value
        return self.keys.setdefault(code, Key(words=words, tone=len(self.keys))).tone

    def held(self) -> list[At]:
        """Moments and slices that hold anything, in order."""
        shape = self.planes.moments or 1, self.planes.shape[0]
        there = np.zeros(shape, np.bool_)
        for labels in self.labels:
            there |= labels.frames.any(axis=(2, 3))
        for heat in self.heats:
            middle = (heat.low + heat.high) / 2
            there |= np.array([[bool((frame > middle).any()) for frame in moment] for moment in heat.frames])
        for at in self.lines:
            there[at] = True
        return [(int(m), int(s)) for m, s in np.argwhere(there)]


def layers_of(space: Space, findings: Sequence[SpatialFinding]) -> Layers:
    """What is drawn of some findings over an image; what lies elsewhere is named in `undrawn`.

    Args:
        space: Of the image.
        findings: In any spaces.
    """
    layers = Layers(planes=shown_planes(space))
    for finding in findings:
        try:
            there = finding if finding.space == space else resample(finding, space)
        except GeometryError:
            layers.undrawn.append("a finding that lies elsewhere")
            continue
        if there.space.timeline != space.timeline:
            layers.undrawn.append("a finding of another moment")
            continue
        _add(layers, there)
    return layers


def _add(layers: Layers, finding: SpatialFinding) -> None:
    match finding:
        case Segmentation():
            _add_labels(layers, finding)
        case Heatmap():
            _add_heat(layers, finding)
        case Contours() | Landmarks() | Tracks() | Boxes():
            _add_marks(layers, finding)
        case DisplacementField() | DerivedImage():
            layers.undrawn.append(_KINDS[type(finding)])
        case _:
            assert_never(finding)


def _add_labels(layers: Layers, finding: Segmentation) -> None:
    tones = {segment.number: layers.tone(segment.code) for segment in finding.segments}
    if finding.kind != "overlapping":
        layers.labels.append(Labels(frames=as_frames(finding.labels, layers.planes), tones=tones))
        return
    for mask, tone in zip(finding.labels, tones.values(), strict=True):
        layers.labels.append(Labels(frames=as_frames(mask, layers.planes), tones={True: tone}))


def _add_marks(layers: Layers, finding: Contours | Landmarks | Tracks | Boxes) -> None:
    match finding:
        case Contours():
            for contour in finding.items:
                path = _Path(closed=contour.closed, code=contour.code)
                path.add(layers, to_index(finding.space, contour.points), contour.moment)
        case Landmarks():
            for mark in finding.items:
                path = _Path(closed=False, code=mark.code)
                path.add(layers, to_index(finding.space, mark.point[None]), mark.moment)
        case Tracks():
            for track in finding.items:
                for moment, point in zip(track.moments, track.points, strict=True):
                    path = _Path(closed=False, code=track.code)
                    path.add(layers, to_index(finding.space, point[None]), int(moment))
        case Boxes():
            for box in finding.items:
                _add_box(layers, (box.low, box.high), box.code, box.moment)


def _add_heat(layers: Layers, finding: Heatmap) -> None:
    known = finding.values[np.isfinite(finding.values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    words = finding.concept.meaning or finding.concept.value
    unit = "" if finding.unit.value == "1" else f" {finding.unit.value}"
    layers.heats.append(
        Heat(
            frames=as_frames(finding.values, layers.planes),
            low=low,
            high=high if high > low else low + max(1.0, abs(low) * 1e-6),
            words=f"{words} {low:.3g} to {high:.3g}{unit}",
        )
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """A line through indices of the array, which is drawn piece by piece in the slices that it goes through."""

    closed: bool
    code: Code

    def add(self, layers: Layers, indices: NDArray[np.float64], moment: int | None) -> None:
        places = in_frames(indices, layers.planes)
        tone = layers.tone(self.code)
        slices = np.rint(places[:, 0]).astype(int)
        flat = bool((slices == slices[0]).all())
        for number, run in _runs(slices):
            if 0 <= number < layers.planes.shape[0]:
                line = Line(points=places[run, 1:], closed=self.closed and flat, tone=tone)
                for at in _moments(layers.planes, moment):
                    layers.lines.setdefault((at, number), []).append(line)


def _runs(slices: NDArray[np.int_]) -> Iterator[tuple[int, slice]]:
    """Stretches of a line that stay in one slice."""
    start = 0
    for n in range(1, len(slices) + 1):
        if n == len(slices) or slices[n] != slices[start]:
            yield int(slices[start]), slice(start, n)
            start = n


def _moments(planes: Planes, moment: int | None) -> Sequence[int]:
    return range(planes.moments or 1) if moment is None else (moment,)


def _add_box(
    layers: Layers, ends: tuple[NDArray[np.float64], NDArray[np.float64]], code: Code, moment: int | None
) -> None:
    both = in_frames(np.stack(ends), layers.planes)
    (first, top, left), (last, bottom, right) = both.min(axis=0), both.max(axis=0)
    corners = np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
    line = Line(points=corners, closed=True, tone=layers.tone(code))
    flat = layers.planes.axes[0] < 0
    for number in range(layers.planes.shape[0]):
        if flat or first <= number <= last:
            for at in _moments(layers.planes, moment):
                layers.lines.setdefault((at, number), []).append(line)
