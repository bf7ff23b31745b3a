"""Slices to a lattice: sorted by place, tilt kept as shear, gaps refused or filled, uneven steps made even."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Timeline
from skiagraph.io.dicom.frame import Frame, Slice
from skiagraph.io.dicom.quick import number_of

__all__ = ["Layout", "laid_out", "thickness_of"]

_EVEN: Final = 0.01  # mm by which a slice may lie off its even place without a word
_ROUNDED: Final = (
    0.06,
    0.05,
)  # mm, and part of a step: by what a file that rounds places to 0.1 mm may be off
_ALIKE: Final = 0.02  # part of a step by which steps that are meant to be equal may differ
_GAP: Final = 1.9  # steps from which a distance has room for a missing slice
_ON: Final = 1e-4  # of a step: so near to a slice its values are taken as they are
_RUN: Final = 3  # equal wide steps in a row are a coarser part of the scan, fewer are missing slices
_FINEST: Final = 0.25  # of the usual step: the finest step that uneven slices are brought to
_BESIDE: Final = 0.1  # mm, or a fiftieth of a step: by how much a slice may lie beside the line of the others


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Where the slices of a volume go.

    Args:
        step: Shape (3,), mm from one slice of the volume to the next.
        count: Slices of the volume.
        first: The place of slice 0.
        before: Shape (count,), for each slice of the volume the index of the last given slice at or before it.
        weight: Shape (count,), how much of the next given slice it takes, 0 to 1; all 0 where nothing is resampled.
        problems: What was noticed, one sentence each.
    """

    step: NDArray[np.float64]
    count: int
    first: Slice
    before: NDArray[np.intp]
    weight: NDArray[np.float64]
    problems: tuple[str, ...] = ()

    @property
    def resampled(self) -> bool:
        """Whether values are interpolated between slices."""
        return bool(self.weight.any())

    def grid(self, shape: tuple[int, int], frame: str, timeline: Timeline | None) -> Grid:
        """The lattice of slices with `shape` (rows, columns)."""
        affine = np.eye(4)
        affine[:3, 0] = self.step
        affine[:3, 1] = self.first.down * self.first.spacing[0]
        affine[:3, 2] = self.first.right * self.first.spacing[1]
        affine[:3, 3] = self.first.position
        return Grid(shape=(self.count, *shape), affine=affine, frame=frame, timeline=timeline)


def thickness_of(frame: Frame) -> float | None:
    """How thick a slice by itself is, mm: the stated distance between slices, or the slice thickness."""
    for value in (
        frame.header.get("SpacingBetweenSlices"),
        frame.facts.get("slice_thickness"),
        frame.header.get("SliceThickness"),
    ):
        found = number_of(value)
        if found is not None and abs(found) > 0:
            return abs(found)
    return None


def laid_out(frames: Sequence[Frame], *, whole: str, fill_gaps: bool) -> Layout | None:
    """The lattice of slices that lie at places of their own.

    Args:
        frames: In the order of their places along the normal, each with a place.
        whole: What they are part of, for messages.
        fill_gaps: Resample across missing slices instead of refusing them.

    Returns:
        None for one slice of unknown thickness.

    Raises:
        FormatError: A gap (its place is named), or slices that do not lie on one line.
    """
    places = [frame.place for frame in frames if frame.place is not None]
    if len(places) == 1:
        thick = thickness_of(frames[0])
        return None if thick is None else _straight(places, places[0].normal * thick, ())
    normal = places[0].normal
    positions = np.array([place.position for place in places])
    along = (positions - positions[0]) @ normal
    line = (positions[-1] - positions[0]) / along[-1]
    _check_line(positions, along, line, whole)
    steps = np.diff(along)
    usual = float(np.median(steps))
    even = along[-1] / (len(places) - 1)
    if float(np.abs(along - np.arange(len(places)) * even).max()) <= _EVEN:
        return _straight(places, line * even, ())
    even, start = (float(v) for v in np.polyfit(np.arange(len(places)), along, 1))
    off = float(np.abs(along - start - np.arange(len(places)) * even).max())
    if off <= min(_ROUNDED[0], _ROUNDED[1] * even):
        said = (
            f"Its slices lie up to {off:.3f} mm off even steps of {even:.3f} mm; they were left as they are."
        )
        places[0] = places[0].moved(0, 0, line * start)
        return _straight(places, line * even, (said,))
    gaps = _gaps(steps, usual)
    if gaps and not fill_gaps:
        raise _gap_error(frames, along, steps, gaps, whole)
    return _resampled(places, along, line, usual if gaps else _fine(steps, usual), gaps)


def _straight(places: list[Slice], step: NDArray[np.float64], problems: tuple[str, ...]) -> Layout:
    n = len(places)
    return Layout(
        step=step, count=n, first=places[0], before=np.arange(n), weight=np.zeros(n), problems=problems
    )


def _check_line(
    positions: NDArray[np.float64], along: NDArray[np.float64], line: NDArray[np.float64], whole: str
) -> None:
    off = np.linalg.norm(positions - positions[0] - along[:, None] * line, axis=1)
    if float(off.max()) > max(_BESIDE, _ALIKE * float(np.median(np.diff(along)))):
        raise FormatError(
            f"the slices of {whole} lie on one line",
            got=f"slice {int(off.argmax()) + 1} of {len(positions)}, {off.max():.2f} mm beside it",
            way_out="put its parts into folders of their own",
        )


def _gaps(steps: NDArray[np.float64], usual: float) -> list[int]:
    """Where slices are missing: wide steps that do not go on as a coarser part of the scan."""
    wide = steps >= _GAP * usual
    found, n = [], 0
    while n < len(steps):
        end = n
        while end < len(steps) and wide[end] and abs(steps[end] - steps[n]) <= _EVEN + _ALIKE * steps[n]:
            end += 1
        if wide[n]:
            found += list(range(n, end)) if end - n < _RUN else []
        n = max(end, n + 1)
    return found


def _fine(steps: NDArray[np.float64], usual: float) -> float:
    finest = float(steps.min())
    return finest if finest >= _FINEST * usual else usual


def _gap_error(
    frames: Sequence[Frame],
    along: NDArray[np.float64],
    steps: NDArray[np.float64],
    gaps: list[int],
    whole: str,
) -> FormatError:
    n = max(gaps, key=lambda gap: float(steps[gap]))
    place = frames[0].place
    start = 0.0 if place is None else float(place.position @ place.normal)
    more = "" if len(gaps) == 1 else f", the widest of {len(gaps)} gaps"
    return FormatError(
        f"the slices of {whole} lie {float(np.median(steps)):.3f} mm apart",
        got=f"{steps[n]:.3f} mm between slices {n + 1} and {n + 2} of {len(frames)} "
        f"({start + along[n]:.2f} to {start + along[n + 1]:.2f} mm along their normal){more}",
        way_out="export the missing slices, or resample across the gap with --fill-gaps (fill_gaps=True)",
    )


def _resampled(
    places: list[Slice], along: NDArray[np.float64], line: NDArray[np.float64], step: float, gaps: list[int]
) -> Layout:
    """Even steps from the first slice to the last, each slice interpolated between the two that it lies between."""
    count = round(float(along[-1]) / step) + 1
    even = float(along[-1]) / (count - 1)
    wanted = np.arange(count) * even
    before = np.clip(np.searchsorted(along, wanted + _EVEN / 10, side="right") - 1, 0, len(along) - 2)
    weight = np.clip((wanted - along[before]) / (along[before + 1] - along[before]), 0.0, 1.0)
    weight[weight < _ON] = 0.0
    if gaps:
        wide = ", ".join(f"{n + 1} and {n + 2}" for n in gaps[:3])
        said = (
            f"Slices are missing between slices {wide}; the volume was resampled across the gap from the true places, "
            f"every {even:.3f} mm."
        )
    else:
        steps = np.diff(along)
        said = (
            f"Its slices lie unevenly, {steps.min():.3f} to {steps.max():.3f} mm apart; they were resampled from their "
            f"true places, every {even:.3f} mm."
        )
    return Layout(
        step=line * even, count=count, first=places[0], before=before, weight=weight, problems=(said,)
    )
