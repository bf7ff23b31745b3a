"""References as a layout states them, before they are loaded: facts, label maps, masks and boxes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.case import Target
from skiagraph.errors import FormatError, GeometryError, SkiagraphError
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    ClassScore,
    Finding,
    Measurement,
    Segment,
    Segmentation,
    resample,
)
from skiagraph.geometry import Grid, Space, index_map, to_world
from skiagraph.image import Image, pixels
from skiagraph.io.formats import read_image

__all__ = ["Answer", "Fact", "LabelMap", "Marked", "Masks", "chosen", "measured"]

_NEAR: Final = 0.5  # voxels that the corners of a mask may lie from those of its image, as writers round


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A class or a number: known as soon as the table is read."""

    finding: Classification | Measurement

    def on(self, space: Space) -> Finding:  # noqa: ARG002  one way to ask all answers
        """The finding itself; it lies nowhere."""
        return self.finding


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMap:
    """A file that numbers the places of its image.

    Args:
        target: What the numbers mean.
        file: Of the shape of its image, or of its lattice turned.
        binary: Everything that is not 0 is the one label.
        members: The numbers of the file that belong to each label, by the number of the label, where labels are unions;
            empty where each number is a label.
        told: Numbers of the labels that the file outlines; empty for all. Of the others it says nothing.
    """

    target: Target
    file: Path
    binary: bool = False
    members: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    told: tuple[int, ...] = ()

    def on(self, space: Space) -> Segmentation:
        """The segmentation in the space of the image.

        Raises:
            FormatError: Another shape or place than the image has, or a number that is no label.
        """
        labels, own = _labels(self.file, space, binary=self.binary)
        target = self.target
        segments = _segments(target)
        if self.binary:
            labels = labels.astype(np.uint8) * np.uint8(segments[0].number)
        there = np.flatnonzero(np.bincount(labels.ravel())) if labels.size else np.zeros(0, int)
        if target.kind == "instances":
            segments = tuple(Segment(number=int(n), code=target.labels[0].code) for n in there if n)
            return self._placed(own, labels, segments, space)
        strangers = [int(n) for n in there if n and n not in {s.number for s in segments}]
        if strangers and not self.members:
            raise FormatError(
                f"{self.file.name} holds only labels of the data set, {sorted(s.number for s in segments)}",
                got=str(strangers[:5]),
                way_out="declare the others in a dataset.toml, or mend the file",
            )
        if self.members:
            labels = np.stack([np.isin(labels, self.members[s.number]) for s in segments])
        return _only(self._placed(own, labels, segments, space), self.told)

    def _placed(
        self, own: Space, labels: NDArray[Any], segments: tuple[Segment, ...], space: Space
    ) -> Segmentation:
        kind = self.target.kind
        return _brought(
            Segmentation(
                space=own,
                labels=labels,
                segments=segments,
                kind=kind if kind in ("overlapping", "instances") else "exclusive",
            ),
            space,
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """One file for each structure; they may share places.

    Args:
        target: Of the kind ``"overlapping"``.
        files: In the order of its labels, that of ignored places at the end; None where the structure has no file, and
            is nowhere.
        told: Numbers of the labels that the files outline; empty for all. Of the others they say nothing.
    """

    target: Target
    files: tuple[Path | None, ...]
    told: tuple[int, ...] = ()

    def on(self, space: Space) -> Segmentation:
        """The segmentation in the space of the image.

        Raises:
            FormatError: A mask of another shape or place than the image has.
        """
        shape = _shape(space)
        layers = []
        for file in self.files:
            layer, own = (
                (np.zeros(shape, np.bool_), space) if file is None else _labels(file, space, binary=True)
            )
            one = (Segment(number=1, code=self.target.labels[0].code),)  # for bringing the layer to its place
            found = Segmentation(space=own, labels=layer.astype(np.uint8), segments=one)
            layers.append(_brought(found, space).mask(1))
        segments = _segments(self.target)
        found = Segmentation(space=space, labels=np.stack(layers), segments=segments, kind="overlapping")
        return _only(found, self.told)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """Boxes, as edges along the array axes.

    Args:
        target: Of the kind ``"boxes"``.
        edges: (number of the label, low edges, high edges) of each, in indices as `Box` has them.
    """

    target: Target
    edges: tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]

    def on(self, space: Space) -> Boxes:
        """The boxes in the space of the image."""
        code = {label.number: label.code for label in self.target.labels}
        items = tuple(
            Box(code=code[number], low=np.array(low), high=np.array(high)) for number, low, high in self.edges
        )
        return Boxes(space=space, items=items)


Answer: TypeAlias = Fact | LabelMap | Masks | Marked


def chosen(target: Target, numbers: Iterable[int], *, unknown: Sequence[int] = ()) -> Fact:
    """What the true classes are: probability 1, the others 0; those of which nothing is known are left away."""
    true = set(numbers)
    scores = tuple(
        ClassScore(code=label.code, probability=float(label.number in true))
        for label in target.labels
        if label.number not in unknown
    )
    exclusive = target.kind != "multi-label"
    return Fact(finding=Classification(concept=target.concept, scores=scores, exclusive=exclusive))


def measured(target: Target, value: float) -> Fact:
    """A number that holds."""
    if target.unit is None:
        raise GeometryError("a number has a unit", got=target.name)
    method = f"reference of the data set ({target.name})"
    return Fact(finding=Measurement(concept=target.concept, value=value, unit=target.unit, method=method))


def _segments(target: Target) -> tuple[Segment, ...]:
    """The structures of a mask, and at the end the places that are ignored."""
    told = tuple(Segment(number=label.number, code=label.code) for label in target.labels)
    return told if target.ignore is None else (*told, Segment(number=target.ignore, code=codes.IGNORE))


def _only(found: Segmentation, told: tuple[int, ...]) -> Segmentation:
    """Without the structures of which nothing is told: a reference speaks of its segments alone."""
    if not told:
        return found
    keep = [s.number in told or s.code == codes.IGNORE for s in found.segments]
    segments = tuple(s for s, kept in zip(found.segments, keep, strict=True) if kept)
    labels = (
        found.labels[keep]
        if found.kind == "overlapping"
        else np.where(np.isin(found.labels, [s.number for s in segments]), found.labels, 0)
    )
    return dataclasses.replace(found, labels=labels.astype(found.labels.dtype), segments=segments)


def _shape(space: Space) -> tuple[int, ...]:
    return (() if space.timeline is None else (len(space.timeline),)) + tuple(space.shape)


def _labels(file: Path, space: Space, *, binary: bool) -> tuple[NDArray[Any], Space]:
    """The whole numbers of a mask, and the space in which they lie: that of the image, or a turned one."""
    image = read_image(file).image
    array = np.asarray(pixels(image))
    if image.channels:
        if not binary:
            raise FormatError(
                f"{file.name} numbers its labels in one channel", got=f"{len(image.channels)} channels"
            )
        array = np.asarray(array.any(axis=-1))
    array = _whole(array, file, binary=binary)
    return array, _space_of(file, image, array.shape, space)


def _whole(array: NDArray[Any], file: Path, *, binary: bool) -> NDArray[Any]:
    if binary:
        return np.asarray(array != 0)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.rint(array)).any():
            raise FormatError(f"{file.name} numbers its labels by whole numbers", got="fractions")
    elif array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.size and (array.min() < 0 or array.max() > np.iinfo(np.uint16).max):
        raise FormatError(
            f"{file.name} numbers its labels from 0 to 65535", got=f"{array.min():g} to {array.max():g}"
        )
    return array.astype(np.uint8 if not array.size or array.max() < 256 else np.uint16)


def _space_of(file: Path, image: Image, shape: tuple[int, ...], space: Space) -> Space:
    """Where the numbers lie: in the space of the image itself where they are sampled alike."""
    own = dataclasses.replace(image.space, frame=space.frame)
    located = isinstance(own, Grid) and isinstance(space, Grid) and own.unit == space.unit == "mm"
    if shape == _shape(space):
        if not located or _apart(own, space) <= _NEAR:
            return space
        if not _turned(own, space):
            raise FormatError(
                f"{file.name} lies where its image lies",
                got=f"corners {_apart(own, space):.1f} voxels apart",
                way_out="resample the mask onto its image, or copy the header of the image",
            )
        return own
    if located and _turned(own, space):
        return own
    raise FormatError(f"{file.name} has the shape of its image, {_shape(space)}", got=str(shape))


def _apart(a: Space, b: Space) -> float:
    """The largest way between the same corners of two grids, in voxels of the second."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in b.shape])).reshape(b.ndim, -1).T.astype(float)
    step = np.linalg.norm(b.affine[:-1, :-1], axis=0).min()
    return float(np.linalg.norm(to_world(a, corners) - to_world(b, corners), axis=-1).max() / step)


def _turned(own: Space, space: Space) -> bool:
    try:
        there = index_map(own, space)
    except SkiagraphError:
        return False
    ends = there(np.array([np.zeros(own.ndim), np.array(own.shape) - 1.0]))
    low, high = ends.min(axis=0), ends.max(axis=0)
    return there.exact and bool((low == 0).all() and (high == np.array(space.shape) - 1).all())


def _brought(found: Segmentation, space: Space) -> Segmentation:
    return found if found.space is space else resample(found, space)


def numbers_of(target: Target) -> Mapping[str, int]:
    """The number of each label by its words, and by its code where that is another."""
    names = {label.code.value: label.number for label in target.labels}
    return names | {label.name: label.number for label in target.labels}
