"""Frames to numbers: their meaning is known from headers, and pixels are decoded straight into one array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError, SkiagraphError
from skiagraph.image import Quantity
from skiagraph.image.quantity import HU
from skiagraph.io.dicom.beside import uptakes
from skiagraph.io.dicom.frame import Frame
from skiagraph.io.dicom.meaning import Meant, linear, meant
from skiagraph.io.dicom.parallel import Job, read_into
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.quick import bytes_of, number_of, text_of
from skiagraph.io.dicom.source import Source
from skiagraph.io.dicom.volume import Layout
from skiagraph.values import array_digest

__all__ = ["Meaning", "Place", "SamePixels", "batches", "decoded", "meaning_of"]

_AT_ONCE: Final = (
    64 * 2**20
)  # bytes of stored pixels of one object that are decoded before they are put in place
# All that the meaning of a stored value can depend on; sequences among them are never taken for equal.
_TELLING: Final = (
    *("SOPClassUID", "Modality", "Manufacturer", "ImageType", "Units", "CountsSource", "PixelPresentation"),
    *(
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
    ),
    *(
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
        "ModalityLUTSequence",
        "RealWorldValueMappingSequence",
    ),
    *(
        "PixelIntensityRelationship",
        "PixelIntensityRelationshipSign",
        "DoseGridScaling",
        "DoseUnits",
        "DoseType",
    ),
    *("SmallestImagePixelValue", "LargestImagePixelValue", "PresentationLUTShape", "SUVType"),
    *("RedPaletteColorLookupTableData", "RedPaletteColorLookupTableDescriptor"),
    *(
        "SegmentedRedPaletteColorLookupTableData",
        "AcquisitionContrast",
        "ComplexImageComponent",
        "MultienergyCTAcquisition",
    ),
)
_LOWEST: Final = -(2**15)
Place = tuple[int, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the numbers of some frames will be.

    Args:
        quantity: What they measure.
        channels: Names of their channels; empty where there is one number a place.
        dtype: The smallest type that holds every value which a stored one can mean; of attenuation in signed 16 bits,
            int16 also where an intercept leads below its end (`lowest`).
        factors: What values are multiplied with at last, by the identity of the header; empty where they are not.
        problems: What was noticed, one sentence each.
        lowest: Values below this become it, for nothing attenuates so little and only padding lies there; None where
            all values fit.
    """

    quantity: Quantity
    channels: tuple[str, ...]
    dtype: np.dtype[Any]
    factors: Mapping[int, float]
    problems: tuple[str, ...]
    lowest: int | None = None


def meaning_of(frames: tuple[Frame, ...]) -> Meaning:
    """The meaning of the values of frames that share an image, from their headers alone; PET becomes uptake.

    Raises:
        FormatError: No meaning, or several that do not go into one image.
    """
    found: dict[tuple[Quantity, tuple[str, ...]], str] = {}
    types: set[np.dtype[Any]] = set()
    problems: dict[str, None] = {}
    seen: set[object] = set()
    short = True
    for frame in frames:
        said = bytes_of(frame.header, _TELLING) if frame.groups is None else None
        key = (id(frame.header), id(frame.groups)) if said is None else said
        if key in seen:
            continue
        seen.add(key)
        ends = meant(_ends(frame.header), frame.header, frame.groups)
        found.setdefault((ends.quantity, ends.channels), frame.source.name)
        types.add(ends.values.dtype)
        short = short and _short(ends, frame)
        problems |= dict.fromkeys(ends.problems)
    if len(found) != 1:
        names = " and ".join(f"{quantity.name} in {name}" for (quantity, _), name in list(found.items())[:2])
        raise FormatError("the images of one stack measure one thing", got=names or "nothing")
    quantity, channels = next(iter(found))
    factors, uptake, said = uptakes(frames)
    if any(factor != 1.0 for factor in factors.values()):
        quantity, types = uptake, types | {np.dtype(np.float32)}
    else:
        factors = {}
    dtype = np.result_type(*types)
    short = short and dtype == np.int32
    return Meaning(
        quantity=quantity,
        channels=channels,
        dtype=np.dtype(np.int16) if short else dtype,
        factors=factors,
        problems=(*problems, *said),
        lowest=_LOWEST if short else None,
    )


def _short(ends: Meant, frame: Frame) -> bool:
    """Whether attenuation of 16 signed bits fits into them again, but for what lies below -32768 HU."""
    line = linear(frame.header, frame.groups)
    if ends.quantity != HU or line is None or _ends(frame.header).dtype.itemsize > 2:
        return False
    return line.slope == 1 and _LOWEST <= line.intercept <= 0 and bool(ends.values.max() <= -1 - _LOWEST)


def _ends(header: Dataset) -> NDArray[Any]:
    """One row of the least and the greatest stored value, of the type that stored pixels have."""
    samples = int(number_of(header.get("SamplesPerPixel")) or 1)
    allocated = int(number_of(header.get("BitsAllocated")) or 8)
    keyword = getattr(getattr(header, "pixels", None), "keyword", "PixelData")
    if keyword != "PixelData":
        return np.array([[0.0, 1.0]], np.float32 if keyword == "FloatPixelData" else np.float64)
    bits = min(max(int(number_of(header.get("BitsStored")) or allocated), 1), max(allocated, 1))
    size = next((n for n in (8, 16, 32, 64) if allocated <= n), 64)
    if text_of(header.get("PixelRepresentation")) == "1":
        ends = np.array([[-(1 << (bits - 1)), (1 << (bits - 1)) - 1]], f"i{size // 8}")
    else:
        ends = np.array([[0, (1 << bits) - 1]], f"u{size // 8}")
    return np.repeat(ends[..., None], samples, axis=-1) if samples > 1 else ends


def decoded(volumes: Sequence[Sequence[Frame]], layout: Layout | None, meaning: Meaning) -> NDArray[Any]:
    """The values of an image.

    Args:
        volumes: For each moment its frames; one frame each where `layout` is None.
        layout: Where slices go; None for pictures.
        meaning: Of all of them.

    Returns:
        Axes (moment, slice, row, column[, channel]), without the slice axis for pictures, of `resampled_type`.

    Raises:
        FormatError: Pixels that are damaged or that no installed decoder reads; the message names the file.
    """
    rows, columns = volumes[0][0].shape
    cell = (rows, columns, *((len(meaning.channels),) if meaning.channels else ()))
    if layout is None:
        flat = np.empty((len(volumes), *cell), meaning.dtype)
        _fill(flat, [(frame, (n,)) for n, (frame,) in enumerate(volumes)], meaning)
        return flat
    out = np.empty((len(volumes), layout.count, *cell), resampled_type(meaning, layout))
    if not layout.resampled:
        _fill(out, [(f, (n, k)) for n, volume in enumerate(volumes) for k, f in enumerate(volume)], meaning)
        return out
    for n, volume in enumerate(volumes):
        given = np.empty((len(volume), *cell), meaning.dtype)
        _fill(given, [(frame, (k,)) for k, frame in enumerate(volume)], meaning)
        for k, (before, weight) in enumerate(zip(layout.before, layout.weight, strict=True)):
            out[n, k] = given[before]
            if weight:
                out[n, k] += (given[before + 1].astype(out.dtype) - out[n, k]) * out.dtype.type(weight)
    return out


def resampled_type(meaning: Meaning, layout: Layout) -> np.dtype[Any]:
    """The type of the values: as read, or floating point where they are interpolated."""
    if not layout.resampled:
        return meaning.dtype
    narrow = meaning.dtype.itemsize <= 2 or meaning.dtype == np.float32
    return np.dtype(np.float32 if narrow else np.float64)


def _fill(out: NDArray[Any], jobs: Sequence[tuple[Frame, Place]], meaning: Meaning) -> None:
    """Each frame into its place of `out`, the plain ones in threads; the pixels of one object are decoded together."""
    straight = [_straight(out, frame, place, meaning) for frame, place in jobs]
    read_into(out, [job for job in straight if job is not None])
    for job in straight if meaning.lowest is not None else ():
        if job is not None:
            _unwrap(out[job.place], int(job.intercept))
    for batch in batches([jobs[n] for n, job in enumerate(straight) if job is None]):
        first = batch[0][0]
        numbers = sorted({frame.number for frame, _ in batch})
        try:
            stored = stored_pixels(first.source, first.header, numbers)
            at = {number: n for n, number in enumerate(numbers)}
            for frame, place in batch:
                (top, left), (rows, columns) = frame.corner, frame.shape
                part = stored[at[frame.number], top : top + rows, left : left + columns]
                values = meant(part, frame.header, frame.groups).values
                values = values if meaning.lowest is None else np.maximum(values, meaning.lowest)
                out[place] = values * meaning.factors[id(frame.header)] if meaning.factors else values
        except SkiagraphError:
            raise
        except (IndexError, ValueError) as error:
            raise FormatError(
                f"the pixels of {first.source.name} are as large as its header says", got="others"
            ) from error


def _unwrap(cells: NDArray[Any], intercept: int) -> None:
    """Sums that fell below -32768 stand at the other end of 16 bits, above all that did not; they become -32768."""
    most = -1 - _LOWEST + intercept
    if cells.max() > most:
        cells[cells > most] = _LOWEST


def _straight(out: NDArray[Any], frame: Frame, place: Place, meaning: Meaning) -> Job | None:
    """How to read a frame straight into its place; None where its meaning is more than a slope and an intercept."""
    line = None if meaning.factors or meaning.channels or frame.tiled else linear(frame.header, frame.groups)
    if line is None or (
        out.dtype.kind in "iu" and not (line.slope.is_integer() and line.intercept.is_integer())
    ):
        return None
    return Job(
        source=frame.source,
        header=frame.header,
        number=frame.number,
        place=place,
        slope=line.slope,
        intercept=line.intercept,
    )


def batches(jobs: Sequence[tuple[Frame, Place]]) -> Iterator[list[tuple[Frame, Place]]]:
    """Frames of one object together, as many as are decoded at once."""
    by_source: dict[object, list[tuple[Frame, Place]]] = {}
    for job in jobs:
        by_source.setdefault(job[0].source, []).append(job)
    for members in by_source.values():
        header = members[0][0].header
        size = int(header.Rows) * int(header.Columns) * int(header.get("SamplesPerPixel") or 1) * 2
        many = max(1, _AT_ONCE // size) if not members[0][0].tiled else len(members)
        for start in range(0, len(members), many):
            yield members[start : start + many]


@final
class SamePixels:
    """Whether two frames have the same stored pixels, by their digests: each frame is decoded once.

    Tiles are compared by the whole mosaic that they are cut from. Broken pixels are like no others.
    """

    __slots__ = ("_digests",)

    def __init__(self) -> None:
        self._digests: dict[tuple[Source, int], str | None] = {}

    def __call__(self, a: Frame, b: Frame) -> bool:
        """The answer, for frames of one stack."""
        one, other = self._digest(a), self._digest(b)
        return one is not None and (one, a.corner) == (other, b.corner)

    def _digest(self, frame: Frame) -> str | None:
        key = frame.source, frame.number
        if key not in self._digests:
            try:
                self._digests[key] = array_digest(stored_pixels(frame.source, frame.header, [frame.number]))
            except FormatError:
                self._digests[key] = None
        return self._digests[key]
