"""What files lay over the pixels of an image, made when it is asked for: overlays, and where padding is no image."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.findings import Finding, Known, Segmentation
from skiagraph.geometry import Space
from skiagraph.io.dicom.decode import Place, batches
from skiagraph.io.dicom.frame import Frame
from skiagraph.io.dicom.layout import layout_of
from skiagraph.io.dicom.masks import mask_finding
from skiagraph.io.dicom.meaning import padded, padding_of
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.overlays import overlay_code, overlay_groups, overlay_plane
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.volume import Layout

__all__ = ["laid_over"]

_PADDING: Final = Code(value="padding", scheme="99SKIAGRAPH", meaning="Filled up, no image")

Volumes = Sequence[Sequence[Frame]]
Batch = list[tuple[Frame, Place]]
Masked = Callable[[Batch], Iterator[tuple[Place, NDArray[np.bool_]]]]


def laid_over(volumes: Volumes, layout: Layout | None, space: Space) -> tuple[Known, tuple[str, ...]]:
    """Overlays and padding of an image as segmentations; nothing is unpacked before it is asked for.

    Args:
        volumes: For each moment its frames, as `decoded` takes them.
        layout: Where slices go; None for pictures. A slice that was interpolated has what one of its two has.
        space: Of the image.

    Returns:
        ``"overlay_1"`` and on, and ``"padding"`` where a padding value is stated, whether or not a pixel has it; and
        sentences about overlays that are not whole. Asking for one raises FormatError where pixels are damaged.

    Source: DICOM PS3.3 C.9.2, C.9.3 (embedded overlays are retired), C.7.5.1.1.2.
    """
    headers = {id(frame.header): frame.header for volume in volumes for frame in volume}
    late: dict[str, Callable[[], Finding]] = {}
    said: dict[str, None] = {}
    name = volumes[0][0].source.name
    for header in headers.values():
        groups, problems = overlay_groups(header)
        said |= dict.fromkeys(problems)
        for group in groups:
            overlay, code = overlay_code(header, group)
            masked = functools.partial(_overlaid, group)
            late.setdefault(
                overlay, functools.partial(_finding, (volumes, layout), space, masked, (code, name))
            )
    late = dict(sorted(late.items()))
    if any(padded(header) for header in headers.values()):
        late["padding"] = functools.partial(_finding, (volumes, layout), space, _padding, (_PADDING, name))
    return Known(late=late), tuple(said)


def _finding(
    where: tuple[Volumes, Layout | None], space: Space, masked: Masked, what: tuple[Code, str]
) -> Segmentation:
    (volumes, layout), (code, name) = where, what
    with guarded(name):
        return mask_finding(_spread(volumes, layout, masked), space, code)


def _spread(volumes: Volumes, layout: Layout | None, masked: Masked) -> NDArray[np.bool_]:
    """Masks of frames in their places: axes (moment, slice, row, column), pictures without slice."""
    shape = volumes[0][0].shape
    if layout is None:
        out = np.zeros((len(volumes), *shape), np.bool_)
        _put(out, [(frame, (n,)) for n, (frame,) in enumerate(volumes)], masked)
        return out
    out = np.zeros((len(volumes), layout.count, *shape), np.bool_)
    for n, volume in enumerate(volumes):
        given = np.zeros((len(volume), *shape), np.bool_) if layout.resampled else out[n]
        _put(given, [(frame, (k,)) for k, frame in enumerate(volume)], masked)
        if layout.resampled:
            for k, (before, weight) in enumerate(zip(layout.before, layout.weight, strict=True)):
                out[n, k] = given[before] | given[before + 1] if weight else given[before]
    return out


def _put(out: NDArray[np.bool_], jobs: Sequence[tuple[Frame, Place]], masked: Masked) -> None:
    for batch in batches(jobs):
        frames = {place: frame for frame, place in batch}
        for place, mask in masked(batch):
            (top, left), (rows, columns) = frames[place].corner, frames[place].shape
            out[place] = mask[top : top + rows, left : left + columns]


def _overlaid(group: int, batch: Batch) -> Iterator[tuple[Place, NDArray[np.bool_]]]:
    """The masks of one overlay on frames of one object."""
    header = batch[0][0].header
    groups, _ = overlay_groups(header)
    if group not in groups:
        return
    stored, at = _cells(batch, _with_all_bits(header)) if groups[group] else (None, None)
    mask = overlay_plane(header, group, stored)
    if mask is None:
        return
    several = mask.reshape(-1, *mask.shape[-2:])
    for frame, place in batch:
        n = frame.number if at is None else at[frame.number]
        yield place, several[n if len(several) > 1 else 0]


def _padding(batch: Batch) -> Iterator[tuple[Place, NDArray[np.bool_]]]:
    header = batch[0][0].header
    if not padded(header):
        return
    stored, at = _cells(batch, header)
    for frame, place in batch:
        mask = padding_of(stored[at[frame.number]], header)
        if mask is not None:
            yield place, mask


def _cells(batch: Batch, header: Dataset) -> tuple[NDArray[Any], dict[int, int]]:
    """The pixels of some frames of one object, and where each frame lies among them."""
    numbers = sorted({frame.number for frame, _ in batch})
    stored = stored_pixels(batch[0][0].source, header, numbers)
    return stored, {number: n for n, number in enumerate(numbers)}


def _with_all_bits(header: Dataset) -> Dataset:
    """The header as if all bits of a cell were its value, so that none of them is cleared."""
    found = copy.copy(header)
    found._dict = dict(header._dict)  # noqa: SLF001  (a shallow copy shares its elements)
    bits = layout_of(header, "an object").allocated
    for keyword, value in (("BitsStored", bits), ("HighBit", bits - 1), ("PixelRepresentation", 0)):
        found.add_new(keyword, "US", value)
    return found
