"""The image of a case that did not come from DICOM, as the DICOM object that findings on it refer to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.image import Image, pixels, to_display
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import begun
from skiagraph.interchange.identity import SKIAGRAPH, Content, Series
from skiagraph.interchange.invented import COLOUR, invented, shown_channels
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.pixels import pixel_tail
from skiagraph.interchange.places import Placed
from skiagraph.interchange.planes import as_frames, shown_planes
from skiagraph.interchange.secondary import put_capture, put_frames, put_stored
from skiagraph.interchange.windows import HUGE, put_windows, whole_range

__all__ = ["source_object"]

_ARBITRARY: Final = Code(value="[arb'U]", scheme="UCUM", meaning="arbitrary unit")
_RATIO: Final = Code(value="{ratio}", scheme="UCUM", meaning="ratio")
_NO_UNIT: Final = frozenset({"1", "{no units}"})  # units that readers take to say that nothing is mapped
_LEVELS: Final = 2**16 - 2  # of a word, zero left aside for what is no number
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES: Final = ("SeriesDate", "SeriesTime", "InstanceCreationDate", "InstanceCreationTime")
_SAID: Final = "Copy of a file that was not DICOM, made by software for reference and display."


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Storage:
    """How values are stored: ``value = slope * stored + intercept``; 0 is padding where `padded`."""

    dtype: np.dtype[Any]
    slope: float = 1.0
    intercept: float = 0.0
    padded: bool = False

    def __call__(self, frame: NDArray[Any]) -> NDArray[Any]:
        if (self.slope, self.intercept) == (1.0, 0.0):
            return frame.astype(self.dtype)
        if frame.dtype.kind != "f" and self.slope == 1.0:
            return (frame.astype(np.int64) - int(self.intercept)).astype(self.dtype)
        most = int(np.iinfo(self.dtype).max)
        ends = self.intercept + self.slope * int(self.padded), self.intercept + self.slope * most
        level = np.rint((np.clip(frame.astype(np.float64), *ends) - self.intercept) / self.slope)
        return np.asarray(np.nan_to_num(level.clip(0, most), nan=0.0).astype(self.dtype))


def source_object(case: Case, name: str) -> DicomObject:
    """The image of a case as a multi-frame secondary capture, with the UIDs that `invented` gives it.

    Booleans, bytes and unsigned words are stored as they are; other whole numbers are shifted where 16 bits hold them;
    the rest is brought to 16 bits between its least and greatest value: a copy for display and reference, the exact
    numbers stay in the file that they came from. What stored values mean stands in a real world value mapping, since
    the rescale of a multi-frame secondary capture is the identity. Of channels that are not red, green and blue the
    first is shown. The file states no time, so that the time of the content is the beginning of 1970.

    Args:
        case: It.
        name: Of the image. Where its rows and columns do not stand at right angles, the object has no place in the
            patient.

    Source: DICOM PS3.3 A.8.3 to A.8.5, C.8.6.3 (rescale), C.7.6.16.2.11 (real world values).
    """
    image, origin = case.images[name], invented(case, name)
    planes = shown_planes(image.space)
    where = Placed(name=name, origin=origin, planes=planes, aligned=True)
    instance = origin.instances[0]
    content = Content(description=name, created=_BEGINNING)
    number = 1 + list(case.images).index(name)
    series = Series(number=number, description=name)
    ds = begun(instance.sop_class_uid, image.modality or "OT", origin, SKIAGRAPH, series, content)
    _put_identity(ds, origin.series_uid, instance.sop_instance_uid)
    put_capture(ds, ["DERIVED", "SECONDARY"], burned_in=False)
    ds.DerivationDescription = _SAID
    values = _values(image)
    colour = instance.sop_class_uid == COLOUR
    storage = _Storage(dtype=np.dtype(np.uint8)) if colour else _storage(values)
    groups = put_frames(ds, image.space, where, None)
    put_stored(ds, storage.dtype, 3 if colour else 0)
    if not colour:
        _put_meaning(ds, image, values, storage)
    return DicomObject(header=ds, tail=pixel_tail("PixelData", as_frames(values, planes), storage, groups))


def _put_identity(ds: Dataset, series: str, instance: str) -> None:
    """UIDs that others refer to; no times, for the file states none, but the one that functional groups must have."""
    ds.SeriesInstanceUID, ds.SOPInstanceUID = UID(series), UID(instance)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    for keyword in _TIMES:
        delattr(ds, keyword)


def _values(image: Image) -> NDArray[Any]:
    """Axes (time, spatial...), with red, green and blue bytes where it is a picture in colour."""
    values, chosen = pixels(image), shown_channels(image)
    if not image.channels:
        return values
    if len(chosen) == 1:
        return np.asarray(values[..., chosen[0]])
    coloured = values[..., list(chosen)]
    return coloured if coloured.dtype == np.uint8 else to_display(coloured, whole_range(coloured))


def _storage(values: NDArray[Any]) -> _Storage:
    if values.dtype in (np.bool_, np.uint8):
        return _Storage(dtype=np.dtype(np.uint8))
    word = np.dtype(np.uint16)
    if values.dtype.kind in "iu":
        least, most = int(values.min()), int(values.max())
        if least >= 0 and most < 2**16:
            return _Storage(dtype=word)
        if most - least < 2**16:
            return _Storage(dtype=word, intercept=float(least))
    finite = np.isfinite(values)
    known = values[finite]
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    low, high = (min(max(end, -HUGE), HUGE) for end in ends)
    slope = (high - low) / _LEVELS if high > low else 1.0
    return _Storage(dtype=word, slope=slope, intercept=low - slope, padded=not bool(finite.all()))


def _put_meaning(ds: Dataset, image: Image, values: NDArray[Any], storage: _Storage) -> None:
    """What stored values mean, and how they are shown."""
    if storage.padded:
        ds.add_new(0x00280120, "US", 0)
    windows = image.windows or (() if storage.dtype == np.uint8 else (whole_range(values),))
    put_windows(ds, windows, storage.slope, storage.intercept)
    plain = (storage.slope, storage.intercept) == (1.0, 0.0)
    if plain and image.quantity.unit is None:
        return
    unit = image.quantity.unit or _ARBITRARY
    item = Dataset()
    item.LUTExplanation, item.LUTLabel = image.quantity.name[:64], "VALUES"
    item.RealWorldValueSlope, item.RealWorldValueIntercept = storage.slope, storage.intercept
    item.MeasurementUnitsCodeSequence = [coded(_RATIO if unit.value in _NO_UNIT else unit)]
    item.add_new(0x00409216, "US", 1 if storage.padded else 0)
    item.add_new(0x00409211, "US", int(np.iinfo(storage.dtype).max))
    holder = ds.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in ds else ds
    holder.RealWorldValueMappingSequence = [item]
