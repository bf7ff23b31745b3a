"""What headers say beside the numbers of an image: side and view, drawings and shutters, uptake, further pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding
from skiagraph.geometry import Plane, Space, Timeline
from skiagraph.image import Image, Lazy, Quantity
from skiagraph.image.quantity import UNKNOWN
from skiagraph.io.dicom.attributes import word
from skiagraph.io.dicom.doppler import velocity
from skiagraph.io.dicom.frame import Frame
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.quick import text_of
from skiagraph.io.dicom.shutters import shutter_findings
from skiagraph.io.dicom.subtraction import subtracted
from skiagraph.io.dicom.suv import Uptake, body_weight, instant
from skiagraph.io.dicom.ultrasound import region_findings, regions
from skiagraph.io.dicom.views import view_findings

__all__ = ["Beside", "beside", "uptakes"]

VELOCITY: Final = Quantity(
    name="velocity", unit=Code(value="cm/s", scheme="UCUM", meaning="centimetre per second")
)
ABSORPTION: Final = Quantity(name="logarithm of subtracted attenuation", unit=None)
_PROJECTIONS: Final = frozenset({"XA", "RF"})


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """What goes with an image.

    Args:
        known: Findings by name.
        images: Further pictures of the same object by name, e.g. ``"velocity"``.
        problems: What was noticed, one sentence each.
    """

    known: Mapping[str, Finding] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", MappingProxyType(dict(self.known)))
        object.__setattr__(self, "images", MappingProxyType(dict(self.images)))


def beside(frames: tuple[Frame, ...], space: Space) -> Beside:
    """What the headers of an image say beside it.

    Args:
        frames: All of the image, in its order.
        space: Of the image.
    """
    first = frames[0]
    known: dict[str, Finding] = dict(view_findings(first.header, first.groups))
    flat = isinstance(space, Plane)
    if len({frame.source for frame in frames}) > 1 or (not flat and len(frames) > 1):
        return Beside(known=known)
    whole = len(frames) == int(first.header.get("NumberOfFrames") or 1)
    said: tuple[str, ...] = ()
    if whole:
        try:
            known |= shutter_findings(first.header, space, first.groups)
            known |= region_findings(regions(first.header), space) if flat else {}
        except InvalidInput as error:
            said = (f"What is laid over its pixels does not fit them: {error}",)
    images, more = _further(frames, space) if whole and isinstance(space, Plane) else ({}, ())
    return Beside(known=known, images=images, problems=(*said, *more))


def _further(frames: tuple[Frame, ...], space: Plane) -> tuple[dict[str, Image], tuple[str, ...]]:
    """Pictures that are computed from the stored pixels of the same object."""
    modality = text_of(frames[0].header.get("Modality"))
    if modality == "US" and frames[0].header.get("SequenceOfUltrasoundRegions"):
        return _velocity(frames, space)
    if modality in _PROJECTIONS and frames[0].header.get("MaskSubtractionSequence"):
        return _subtraction(frames, space)
    return {}, ()


def _stored(frames: tuple[Frame, ...]) -> NDArray[Any]:
    return stored_pixels(frames[0].source, frames[0].header, [frame.number for frame in frames])


def _velocity(frames: tuple[Frame, ...], space: Plane) -> tuple[dict[str, Image], tuple[str, ...]]:
    header = frames[0].header
    samples = int(header.get("SamplesPerPixel") or 1)
    empty = np.zeros((*space.shape, *((samples,) if samples > 1 else ())), np.uint8)
    found, said = velocity(empty, header)
    if found is None:
        return {}, said
    shape = (*((len(frames),) if space.timeline is not None else ()), *space.shape)

    def load() -> NDArray[Any]:
        with guarded(frames[0].source.name):
            values, _ = velocity(_stored(frames), header)
        return np.asarray(values).reshape(shape)

    data = Lazy(load, shape=shape, dtype=np.float32)
    return {"velocity": Image(data=data, space=space, quantity=VELOCITY, modality="US")}, said


def _subtraction(frames: tuple[Frame, ...], space: Plane) -> tuple[dict[str, Image], tuple[str, ...]]:
    """Which frames there will be is told by a picture of one pixel."""
    header = frames[0].header
    found = subtracted(np.ones((len(frames), 1, 1), np.uint16), header)
    if found is None:
        return {}, ()
    timeline = _of_frames(space.timeline, found.frames) if len(found.frames) > 1 else None
    plane = Plane(
        shape=space.shape, affine=space.affine, frame=space.frame, unit=space.unit, timeline=timeline
    )
    shape = (*((len(found.frames),) if timeline is not None else ()), *space.shape)

    def load() -> NDArray[Any]:
        with guarded(frames[0].source.name):
            done = subtracted(_stored(frames), header)
        return np.empty(0) if done is None else done.values.reshape(shape)

    data = Lazy(load, shape=shape, dtype=np.float32)
    image = Image(data=data, space=plane, quantity=ABSORPTION, modality=word(header, "Modality") or None)
    return {"subtracted": image}, found.problems


def _of_frames(timeline: Timeline | None, frames: tuple[int, ...]) -> Timeline:
    chosen = list(frames)
    if timeline is None:
        return Timeline(times=np.array(chosen, dtype=np.float64))
    conditions = {name: values[chosen] for name, values in timeline.conditions.items()}
    return Timeline(times=timeline.times[chosen], unit=timeline.unit, conditions=conditions)


def uptakes(frames: tuple[Frame, ...]) -> tuple[dict[int, float], Quantity, tuple[str, ...]]:
    """Factors from the values of a PET to standardized uptake values, by the identity of their headers.

    Returns:
        No factors for what is no PET or lacks them in one of its images; the quantity after them; how they came about,
        or why there are none.
    """
    if text_of(frames[0].header.get("Modality")) != "PT":
        return {}, UNKNOWN, ()
    begun = min((t for t in (_acquired(frame) for frame in frames) if t is not None), default=None)
    found: dict[int, Uptake] = {}
    for frame in frames:
        if id(frame.header) not in found:
            found[id(frame.header)] = body_weight(frame.header, begun)
    factors = {key: uptake.factor for key, uptake in found.items() if uptake.factor is not None}
    said = tuple(dict.fromkeys(uptake.explanation for uptake in found.values()))
    if len(factors) < len(found):
        return {}, UNKNOWN, said[:1]
    return factors, next(iter(found.values())).quantity, said[:1]


def _acquired(frame: Frame) -> datetime | None:
    moment = instant(word(frame.header, "AcquisitionDateTime"))
    if moment is not None:
        return moment
    date, time = word(frame.header, "AcquisitionDate"), word(frame.header, "AcquisitionTime")
    return instant(date + time) if date and time else None
