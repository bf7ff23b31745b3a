"""A DICOM Segmentation object, ours or of others, to a segmentation in a space of its own."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

from skiagraph.errors import FormatError, SkiagraphError
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Space
from skiagraph.interchange.frames import Frames, frames_of
from skiagraph.interchange.lattice import Lattice, lattice_of
from skiagraph.interchange.planes import Planes, from_frames
from skiagraph.interchange.remainder import remembered
from skiagraph.interchange.seg.bits import check_pixels, stored_frames
from skiagraph.interchange.seg.rest import corrected, exact, labels_by_fractions, smallest_type
from skiagraph.interchange.seg.segments import segments_of
from skiagraph.interchange.spaces import sources_of, space_of

__all__ = ["read_segmentation"]

_KINDS: Final = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_DAMAGE: Final = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_SPARSEST: Final = 1000  # times the pixels that an object stores, that its whole matrix may have


def read_segmentation(ds: Dataset) -> Segmentation:
    """The segmentation that an object holds: bits, fractions or labels; frames in any order; empty ones left out.

    What lies in the patient comes on a Grid from the first to the last slice of which there is a frame; ours say all
    slices. What does not comes on a Plane in the frame of the picture that it was made of, as that is read. Fractions
    that are probabilities come as probabilities, and labels follow from them: each segment where it is more likely than
    not, or the most likely one where segments do not overlap.

    Args:
        ds: The object, with its file meta information.

    Raises:
        FormatError: Another kind of object, one without frames, slices that lie unevenly, or damage.
    """
    with _guarded():
        if str(ds.get("SOPClassUID", "")) not in _KINDS:
            raise FormatError(
                "a segmentation is read from a DICOM Segmentation object",
                got=str(ds.get("SOPClassUID", "none")),
            )
        check_pixels(ds)
        rest = remembered(ds)
        frames = frames_of(ds)
        lattice = lattice_of(frames, sources_of(ds), rest)
        canvas = _canvas(ds, frames, lattice)
        found = segments_of(ds.SegmentSequence, rest)
        space, planes = space_of(ds, rest, frames, lattice, canvas)
        return _segmentation(
            _Read(ds=ds, rest=rest, frames=frames, lattice=lattice, canvas=canvas), found, space, planes
        )


@contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except SkiagraphError:
        raise
    except _DAMAGE as error:
        raise FormatError(
            "a segmentation object holds what the standard asks for", got=type(error).__name__
        ) from error


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """An object and what was found out of it; `canvas` is (rows, columns) of the whole picture."""

    ds: Dataset
    rest: dict[str, Any]
    frames: Frames
    lattice: Lattice
    canvas: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Moments, slices, rows, columns."""
        return (self.lattice.moments or 1, self.lattice.slices, *self.canvas)

    def pictures(self) -> Iterator[tuple[int, tuple[Any, ...], NDArray[Any]]]:
        """SegmentNumber of each frame, where it goes in an array of `shape`, and its pixels."""
        corners = self.frames.tiles
        for n, picture in enumerate(stored_frames(self.ds)):
            top, left = (0, 0) if corners is None else (int(v) for v in corners[n])
            kept = picture[: self.canvas[0] - top, : self.canvas[1] - left]
            rows, columns = slice(top, top + kept.shape[0]), slice(left, left + kept.shape[1])
            at = (int(self.lattice.moment[n]), int(self.lattice.slice[n]), rows, columns)
            yield int(self.frames.segments[n]), at, kept


def _segmentation(read: _Read, found: dict[int, Segment], space: Space, planes: Planes) -> Segmentation:
    segments, numbers = tuple(found.values()), [s.number for s in found.values()]
    stated = str(read.ds.get("SegmentsOverlap", ""))
    kind = str(read.ds.get("SegmentationType", ""))
    chances = labels = None
    if kind == "FRACTIONAL":
        overlapping = stated != "NO" and not (stated == "" and len(numbers) == 1)
        chances, labels = _fractions(read, found, planes, "overlapping" if overlapping else "exclusive")
    elif kind == "LABELMAP":
        labels, overlapping = from_frames(_label_map(read, found), planes), False
    elif kind == "BINARY":
        flat = None if stated == "YES" else _exclusive(read, found)
        overlapping = flat is None
        labels = _stacked(_overlapping(read, found), planes) if flat is None else from_frames(flat, planes)
    else:
        raise FormatError("a segmentation is binary, fractional or a label map", got=f"{kind[:16]!r}")
    if not overlapping and labels is not None:
        labels = labels.astype(read.rest.get("type", smallest_type(numbers)), copy=False)
    instances = read.rest.get("kind") == "instances"
    return Segmentation(
        space=space,
        labels=labels,
        segments=segments,
        kind="overlapping" if overlapping else "instances" if instances else "exclusive",
        probabilities=chances,
    )


def _exclusive(read: _Read, found: dict[int, Segment]) -> NDArray[Any] | None:
    """Labels, (moments, slices, rows, columns); None where segments overlap."""
    labels = np.zeros(read.shape, smallest_type([s.number for s in found.values()]))
    for number, at, mask in read.pictures():
        if not mask.any():
            continue
        if number not in found:
            if not read.rest.get("empty"):
                raise FormatError("each frame is of a segment that is described", got=f"segment {number}")
            continue
        part = labels[at]
        if np.logical_and(part, mask).any():
            return None
        np.copyto(part, part.dtype.type(found[number].number), where=mask)
    return labels


def _overlapping(read: _Read, found: dict[int, Segment]) -> NDArray[np.bool_]:
    """Masks, (segments, moments, slices, rows, columns)."""
    index = {number: k for k, number in enumerate(found)}
    masks = np.zeros((len(found), *read.shape), np.bool_)
    for number, at, mask in read.pictures():
        if number in index:
            masks[(index[number], *at)] |= mask
    return masks


def _fractions(
    read: _Read, found: dict[int, Segment], planes: Planes, kind: str
) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    """Probabilities, where the object holds such, and the labels that follow."""
    index = {number: k for k, number in enumerate(found)}
    stored = np.zeros((len(found), *read.shape), np.uint8)
    for number, at, picture in read.pictures():
        if number in index:
            stored[(index[number], *at)] = picture
    whole = int(read.ds.MaximumFractionalValue)
    own = _stacked(stored, planes)
    numbers = [s.number for s in found.values()]
    if len(own):
        slabs = [labels_by_fractions(own[:, n], numbers, whole, kind) for n in range(own.shape[1])]
        labels = corrected(np.stack(slabs, axis=1 if kind == "overlapping" else 0), read.rest)
    else:
        labels = np.zeros(own.shape if kind == "overlapping" else own.shape[1:], np.bool_)
    if str(read.ds.get("SegmentationFractionalType", "")) != "PROBABILITY":
        return None, labels
    chances = np.minimum(own / np.float32(whole), 1)
    return exact(chances.astype(read.rest.get("fractions", "<f4"), copy=False), read.rest), labels


def _label_map(read: _Read, found: dict[int, Segment]) -> NDArray[Any]:
    """Labels, (moments, slices, rows, columns); what is padding or the background is 0."""
    top = max([0, *found])
    names = np.zeros(65536, smallest_type([s.number for s in found.values()]))
    for number, segment in found.items():
        names[number] = segment.number
    known = names > 0
    known[[0, int(read.ds.get("PixelPaddingValue", 0))]] = True
    labels = np.zeros(read.shape, names.dtype)
    for _, at, picture in read.pictures():
        if not known[picture].all():
            raise FormatError("each label is of a segment that is described", got=f"one beside 1 to {top}")
        labels[at] = names[picture]
    return labels


def _stacked(stack: NDArray[Any], planes: Planes) -> NDArray[Any]:
    """Fields of the lattice, one a segment, of their frames."""
    if not len(stack):
        empty = np.zeros(stack.shape[1:], np.bool_)
        return np.zeros((0, *from_frames(empty, planes).shape), stack.dtype)
    return np.stack([from_frames(layer, planes) for layer in stack])


def _canvas(ds: Dataset, frames: Frames, lattice: Lattice) -> tuple[int, int]:
    rows, columns = int(ds.Rows), int(ds.Columns)
    if frames.tiles is None:
        taken = np.stack([frames.segments, lattice.moment, lattice.slice], axis=1)
        if len(np.unique(taken, axis=0)) != len(taken):
            raise FormatError("a segment has one frame at a place and moment", got="several")
        return rows, columns
    whole = int(ds.TotalPixelMatrixRows), int(ds.TotalPixelMatrixColumns)
    if min(*whole, int(frames.tiles.min()) + 1) < 1 or (frames.tiles >= whole).any():
        raise FormatError("tiles lie in their matrix", got="one beside it")
    if whole[0] * whole[1] > _SPARSEST * rows * columns * len(frames.tiles):
        raise FormatError("a matrix is about as large as its tiles are many", got=f"{whole[0]} by {whole[1]}")
    return whole
