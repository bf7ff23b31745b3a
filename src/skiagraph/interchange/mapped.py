"""Numbers at every place to and from Parametric Maps: exactly, with what they measure and in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codecs.foreign import foreign
from skiagraph.codes import Code
from skiagraph.errors import NoDicomHome
from skiagraph.geometry import Space, spacing_of
from skiagraph.image import Display, Window
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import decimal, place_in_frame, sealed
from skiagraph.interchange.groups import UNSPECIFIED, per_frame, put_groups
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.pixels import Pixels, pixel_tail, put_shape
from skiagraph.interchange.places import Placed
from skiagraph.interchange.planes import as_frames
from skiagraph.interchange.real_values import (
    concept_of,
    group_of,
    key_of,
    mapping_of,
    real_values,
    unit_of,
)
from skiagraph.interchange.references import referenced_series
from skiagraph.interchange.remainder import remember, remembered
from skiagraph.interchange.spaces import laid, space_rest
from skiagraph.interchange.windows import put_windows, whole_range, windows_from, windows_rest
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Numbers", "map_object", "numbers_in", "plain_pixels"]

_QUANTITY: Final = Code(value="246205007", scheme="SCT", meaning="Quantity")
_SOMEWHERE: Final = Code(value="123037004", scheme="SCT", meaning="Body structure")
_REAL: Final = {4: ("FloatPixelData", 32, "Float"), 8: ("DoubleFloatPixelData", 64, "DoubleFloat")}
_TYPE: Final = ("DERIVED", "PRIMARY", "VOLUME", "QUANTITY")
_EXACT: Final = 2**53  # whole numbers up to which a float64 holds them all


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """Numbers at every place.

    Args:
        space: Where they lie.
        values: Axes (time, spatial...); NaN where there is none.
        name: What they measure, in words.
        unit: UCUM code.
        concept: What they measure, as a code; None where there is none.
        windows: How they ask to be shown.
    """

    space: Space
    values: NDArray[Any]
    name: str
    unit: Code
    concept: Code | None = None
    windows: tuple[Display, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Storage:
    """How numbers are stored: ``values = stored + intercept``."""

    keyword: Pixels
    dtype: np.dtype[Any]
    intercept: int = 0

    def __call__(self, frame: NDArray[Any]) -> NDArray[Any]:
        if not self.intercept:
            return frame.astype(self.dtype)
        return (frame.astype(np.int64) - self.intercept).astype(self.dtype)


def _storage(values: NDArray[Any]) -> _Storage:
    if values.dtype.kind == "f":
        if values.dtype.itemsize > 8:
            raise NoDicomHome("numbers in DICOM have at most 64 bits", got=str(values.dtype))
        if values.dtype.itemsize == 8:
            return _Storage(keyword="DoubleFloatPixelData", dtype=np.dtype(np.float64))
        return _Storage(keyword="FloatPixelData", dtype=np.dtype(np.float32))
    low, high = int(values.min()), int(values.max())
    if high - low < 2**16:
        shift = 0 if low >= 0 and high < 2**16 else low
        return _Storage(keyword="PixelData", dtype=np.dtype(np.uint16), intercept=shift)
    if max(abs(low), abs(high)) > _EXACT:
        raise NoDicomHome("whole numbers in DICOM have at most 53 bits here", got=str(values.dtype))
    return _Storage(keyword="DoubleFloatPixelData", dtype=np.dtype(np.float64))


def map_object(ds: Dataset, placed: Placed, numbers: Numbers, rest: Mapping[str, Any]) -> DicomObject:
    """The Parametric Map of some numbers.

    A picture has no place in the patient: plane position and orientation are asked for only where the frame of
    reference is one of the patient (A.75.5), so its own is stated and its frames are told apart by their number.

    Args:
        ds: Its beginning.
        placed: Where they lie.
        numbers: They.
        rest: What more is remembered.

    Raises:
        NoDicomHome: Numbers that no element holds exactly.

    Source: DICOM PS3.3 A.75, C.8.32; C.7.6.24 and C.7.6.25 (NaN is allowed, and stated as padding).
    """
    values = numbers.values
    storage = _storage(values)
    ds.ImageType, ds.ContentQualification = list(_TYPE), "RESEARCH"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BurnedInAnnotation, ds.LossyImageCompression, ds.PresentationLUTShape = "NO", "00", "IDENTITY"
    ds.RecognizableVisualFeatures, ds.AcquisitionContextSequence = "NO", []
    _put_stored(ds, storage, values)
    place_in_frame(ds, numbers.space.frame)
    put_shape(ds, placed.planes)
    put_groups(ds, numbers.space, placed, _shared(ds, numbers, storage), UNSPECIFIED)
    ds.ReferencedSeriesSequence = referenced_series(placed.origin)
    more = space_rest(numbers.space, placed.planes)
    shown = ds.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence[0]
    more |= windows_rest(shown, numbers.windows, 1.0, storage.intercept)
    if values.dtype.name != _natural(storage):
        more["dtype"] = values.dtype.name
    remember(ds, {**rest, **more})
    groups = per_frame(ds, placed, numbers.space.timeline, UNSPECIFIED)
    return sealed(ds, pixel_tail(storage.keyword, as_frames(values, placed.planes), storage, groups))


def _natural(storage: _Storage) -> str:
    """The type in which numbers come back where nothing else is said."""
    if storage.keyword == "PixelData":
        return "float32" if storage.intercept else "uint16"
    return storage.dtype.name


def _put_stored(ds: Dataset, storage: _Storage, values: NDArray[Any]) -> None:
    if storage.keyword == "PixelData":
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        return
    _, ds.BitsAllocated, kind = _REAL[storage.dtype.itemsize]
    if values.dtype.kind == "f" and np.isnan(values).any():
        for word in ("Value", "RangeLimit"):
            setattr(ds, f"{kind}PixelPadding{word}", float("nan"))


def _shared(ds: Dataset, numbers: Numbers, storage: _Storage) -> Dataset:
    """Groups that all frames of a map have beside those of their place; a picture too has one of its size (A.75.5)."""
    shared, kind, same, shown, anatomy = (Dataset() for _ in range(5))
    kind.FrameType = ds.ImageType
    same.RescaleIntercept, same.RescaleSlope, same.RescaleType = 0, 1, "US"
    windows = [w for w in numbers.windows if isinstance(w, Window)] or [whole_range(numbers.values)]
    put_windows(shown, windows, 1.0, storage.intercept)
    # A side that frames state is not stated of the series too (DICOM PS3.3 C.7.3.1).
    side = str(ds.get("Laterality") or "U")
    ds.pop("Laterality", None)
    anatomy.FrameLaterality, anatomy.AnatomicRegionSequence = side, [coded(_SOMEWHERE)]
    size, known = Dataset(), spacing_of(numbers.space)
    if known is not None:
        size.PixelSpacing = [decimal(v) for v in known[-2:]]
    shared.PixelMeasuresSequence = [size]
    shared.ParametricMapFrameTypeSequence = [kind]
    shared.PixelValueTransformationSequence = [same]
    shared.FrameVOILUTSequence = [shown]
    shared.FrameAnatomySequence = [anatomy]
    shared.RealWorldValueMappingSequence = [_mapping(numbers, storage)]
    return shared


def _mapping(numbers: Numbers, storage: _Storage) -> Dataset:
    """Of stored values to real ones (DICOM PS3.3 C.7.6.16.2.11)."""
    ds = Dataset()
    ds.LUTExplanation, ds.LUTLabel = numbers.name[:64], "MAP"
    ds.RealWorldValueSlope, ds.RealWorldValueIntercept = 1.0, float(storage.intercept)
    ds.MeasurementUnitsCodeSequence = [coded(numbers.unit)]
    values = numbers.values
    if storage.keyword == "PixelData":
        ends = int(values.min()) - storage.intercept, int(values.max()) - storage.intercept
        for element, end in (((0x00409216), ends[0]), ((0x00409211), ends[1])):
            ds.add_new(element, "US", end)
    else:
        known = values if values.dtype.kind != "f" else values[~np.isnan(values)]
        ends_ = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        ds.DoubleFloatRealWorldValueFirstValueMapped, ds.DoubleFloatRealWorldValueLastValueMapped = ends_
    if numbers.concept is not None:
        said = Dataset()
        said.ValueType, said.ConceptNameCodeSequence = "CODE", [coded(_QUANTITY)]
        said.ConceptCodeSequence = [coded(numbers.concept)]
        ds.QuantityDefinitionSequence = [said]
    return ds


def plain_pixels(ds: Dataset) -> NDArray[Any]:
    """What an object stores, shape (frames, rows, columns[, samples]).

    Raises:
        FormatError: It cannot be decoded.
    """
    with foreign("the pixels of a DICOM object are as its header says", way_out="export it again"):
        pixels = ds.pixel_array
    samples = int(ds.get("SamplesPerPixel") or 1)
    return np.asarray(pixels).reshape(
        -1, int(ds.Rows), int(ds.Columns), *(() if samples == 1 else (samples,))
    )


def numbers_in(ds: Dataset) -> tuple[Numbers, ...]:
    """All the numbers in a Parametric Map: one for each mapping that its frames have.

    Raises:
        FormatError: Frames without a mapping, or that make up no lattice.
    """
    rest, stored = remembered(ds), plain_pixels(ds)
    parts: dict[tuple[str, ...], list[int]] = {}
    for n in range(len(stored)):
        parts.setdefault(key_of(mapping_of(ds, n)), []).append(n)
    return tuple(_part(ds, rest, stored, np.array(chosen)) for chosen in parts.values())


def _part(ds: Dataset, rest: Mapping[str, Any], stored: NDArray[Any], chosen: NDArray[Any]) -> Numbers:
    item = mapping_of(ds, int(chosen[0]))
    lattice = laid(ds, rest, chosen)
    values = lattice.field(real_values(ds, rest, stored))
    slope, intercept = (
        float(item.get("RealWorldValueSlope") or 1.0),
        float(item.get("RealWorldValueIntercept") or 0),
    )
    shown = group_of(ds, int(chosen[0]), "FrameVOILUTSequence") or Dataset()
    return Numbers(
        space=lattice.space,
        values=np.ascontiguousarray(values),
        name=str(item.get("LUTExplanation") or item.get("LUTLabel") or "real world value"),
        unit=unit_of(item),
        concept=concept_of(item),
        windows=windows_from(shown, rest, slope, intercept),
    )
