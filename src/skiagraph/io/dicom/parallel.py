"""Many frames at once: read or decoded in threads, and rescaled, straight into the array that they are parts of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.io.dicom.layout import Layout, layout_of
from skiagraph.io.dicom.native import fill, settle
from skiagraph.io.dicom.pixels import place_of_pixels, stored_pixels
from skiagraph.io.dicom.source import Source

__all__ = ["Job", "read_into"]

_LITTLE: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
_AT_ONCE: Final = 4 * 2**20  # bytes of one object that one thread holds beside the array
_MOST_WORKERS: Final = 8


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """A frame and its place in the array.

    Args:
        source: Where its object lies.
        header: Of the object, as `scan` gave it.
        number: Which frame of it, from 0.
        place: Index of the array, of as many numbers as the frame has axes less.
        slope: What a stored value is multiplied with.
        intercept: What is added then.
    """

    source: Source
    header: Dataset
    number: int = 0
    place: tuple[int, ...] = (0,)
    slope: float = 1.0
    intercept: float = 0.0


def read_into(out: NDArray[Any], jobs: Sequence[Job], *, workers: int | None = None) -> None:
    """Fills an array with ``slope * stored + intercept``; beside it a few MiB a thread are needed.

    Uncompressed values of the array's own size are read into it without a copy. The decoders let other threads run.

    Args:
        out: Any shape; its type holds every value that the jobs can give, as the caller knows from the headers.
        jobs: Frames of the shape ``out[place]``, in any order, no place twice.
        workers: Threads; None takes one for each processor, at most 8.

    Raises:
        FormatError: Pixels that are damaged, of another shape, or packed in a way that is not decoded. The rest of the
            array is then undefined.
    """
    count = min(workers or os.cpu_count() or 1, _MOST_WORKERS)
    batches = list(_batches(jobs, count))
    if count == 1 or len(batches) == 1:
        for batch in batches:
            _read(out, batch)
        return
    with ThreadPoolExecutor(count) as threads:
        running = [threads.submit(_read, out, batch) for batch in batches]
        try:
            for one in running:
                one.result()
        finally:
            for one in running:
                one.cancel()


def _batches(jobs: Sequence[Job], count: int) -> Iterator[list[Job]]:
    """The jobs of one object together, in parts that neither fill the memory nor leave a thread without work."""
    by_source: dict[Source, list[Job]] = {}
    for job in jobs:
        by_source.setdefault(job.source, []).append(job)
    for members in by_source.values():
        layout = _layout(members[0])
        many = max(1, min(-(-len(members) // count), _AT_ONCE * 8 // max(1, layout.bits)))
        for start in range(0, len(members), many):
            yield members[start : start + many]


def _layout(job: Job) -> Layout:
    return layout_of(job.header, job.source.name, place_of_pixels(job.source, job.header)[0].keyword)


def _read(out: NDArray[Any], batch: list[Job]) -> None:
    source, header = batch[0].source, batch[0].header
    place, syntax = place_of_pixels(source, header)
    layout = layout_of(header, source.name, place.keyword)
    for job in batch:
        if out[job.place].shape != layout.shape:
            raise FormatError(
                f"the pixels of {source.name} are as large as those beside them, {out[job.place].shape}",
                got=str(layout.shape),
            )
    plain = syntax in _LITTLE and place.length is not None and layout.samples == 1 and layout.allocated > 1
    if not plain or not _same_cells(out, layout):
        numbers = sorted({job.number for job in batch})
        stored = dict(zip(numbers, stored_pixels(source, header, numbers), strict=True))
        for job in batch:
            _put(out[job.place], stored[job.number], job)
        return
    size = layout.bits // 8
    with source.open() as stream:
        for job in batch:
            if not 0 <= job.number < layout.frames:
                raise FormatError(f"{source.name} has {layout.frames} frames", got=f"frame {job.number + 1}")
            stream.seek(place.offset + job.number * size)
            target = out[job.place]
            cells = target.view(layout.dtype)
            fill(stream, cells, source.name)
            settle(cells, layout)
            _rescale(target, job)


def _same_cells(out: NDArray[Any], layout: Layout) -> bool:
    """Whether stored values can be read where the meant ones will stand: whole numbers of one size, row after row."""
    whole = out.dtype.kind in "iu" and layout.dtype.kind in "iu"
    return whole and out.itemsize == layout.dtype.itemsize and out.flags.c_contiguous


def _rescale(target: NDArray[Any], job: Job) -> None:
    """In place; the result fits although a step on the way may wrap, for whole numbers wrap back."""
    if job.slope != 1:
        np.multiply(target, _wrapped(job.slope, target.dtype), out=target)
    if job.intercept:
        np.add(target, _wrapped(job.intercept, target.dtype), out=target)


def _wrapped(value: float, dtype: np.dtype[Any]) -> Any:
    return np.array(int(value)).astype(np.int64).astype(dtype)[()]


def _put(target: NDArray[Any], stored: NDArray[Any], job: Job) -> None:
    if target.dtype.kind in "iu" and stored.dtype.kind in "iu":
        target[...] = stored
        _rescale(target, job)
    elif job.slope == 1 and not job.intercept:
        target[...] = stored
    else:
        target[...] = stored.astype(np.float64) * job.slope + job.intercept
