"""The moments of a stack to an image: a lattice in the patient, or a picture with the size that its file states."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

import numpy as np

from skiagraph.case import Origin, picture_frame
from skiagraph.errors import FormatError
from skiagraph.findings import Finding, Known
from skiagraph.geometry import Plane, Space
from skiagraph.image import Image, Lazy
from skiagraph.image.quantity import LABEL
from skiagraph.io.dicom.beside import beside
from skiagraph.io.dicom.decode import Meaning, decoded, meaning_of, resampled_type
from skiagraph.io.dicom.frame import Frame, uid_of
from skiagraph.io.dicom.laid_over import laid_over
from skiagraph.io.dicom.moments import Moments
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.origin import origin_of
from skiagraph.io.dicom.planar import planar_size
from skiagraph.io.dicom.quick import text_of
from skiagraph.io.dicom.voi import windows
from skiagraph.io.dicom.volume import Layout, laid_out

__all__ = ["Pictured", "pictured"]

_NEAR = 0.01  # mm by which the places of one moment may differ from those of another


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictured:
    """An image, and what its header says beside it.

    Args:
        image: The image; its pixels are decoded when they are first read.
        further: Other pictures of the same object, by name.
        known: Findings that the header states, by name.
        problems: What was noticed, one sentence each.
        origin: The objects behind the image; None where one does not say what it is.
    """

    image: Image
    further: Mapping[str, Image] = field(default_factory=dict)
    known: Mapping[str, Finding] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    origin: Origin | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "further", MappingProxyType(dict(self.further)))
        object.__setattr__(self, "known", Known(self.known))

    def noticing(self, sentence: str) -> Pictured:
        """The same with one more sentence."""
        return dataclasses.replace(self, problems=(sentence, *self.problems))


def pictured(moments: Moments, *, whole: str, fill_gaps: bool, projected: bool) -> Pictured:
    """The image of some moments.

    Args:
        moments: Frames with a place each, or without one.
        whole: What they are part of, for messages.
        fill_gaps: Resample across missing slices instead of refusing them.
        projected: The image is a projection, which lies nowhere in the patient.

    Raises:
        FormatError: Slices that make no lattice, or values of no single meaning.
    """
    first = moments.volumes[0][0]
    layout = None
    if first.place is not None and not projected:
        layout = laid_out(moments.volumes[0], whole=whole, fill_gaps=fill_gaps)
        _check_still(moments, whole)
    frames = tuple(frame for volume in moments.volumes for frame in volume)
    meaning = meaning_of(frames)
    if layout is not None and layout.resampled and meaning.quantity == LABEL:
        raise FormatError(
            f"the slices of the labels in {whole} lie evenly, for between two labels there is no third",
            got="slices that are missing or lie unevenly",
            way_out="export it with its empty slices",
        )
    space, said = _picture_space(first, moments) if layout is None else (_grid(first, layout, moments), ())
    image = Image(
        data=_lazy(moments, layout, meaning, space, whole),
        space=space,
        quantity=meaning.quantity,
        channels=meaning.channels,
        modality=text_of(first.header.get("Modality")) or None,
        windows=() if meaning.factors else windows(first.header, first.groups),
    )
    noticed = () if layout is None else layout.problems
    more = beside(frames, space)
    known, drawn = laid_over(moments.volumes, layout, space)
    problems = (*moments.problems, *noticed, *meaning.problems, *said, *drawn, *more.problems)
    return Pictured(
        image=image,
        further=more.images,
        known=known.with_others(more.known),
        problems=problems,
        origin=origin_of(moments.volumes, layout),
    )


def _grid(first: Frame, layout: Layout, moments: Moments) -> Space:
    frame = first.parts.get("frame_of_reference")
    uid = frame if isinstance(frame, str) else _derived(first, "SeriesInstanceUID")
    return layout.grid(first.shape, uid, moments.timeline)


def _derived(first: Frame, keyword: str) -> str:
    """A frame for what states none: the same whenever the same object comes."""
    return picture_frame(uid_of(first.header, keyword) or first.source.name, first.corner)


def _picture_space(first: Frame, moments: Moments) -> tuple[Space, tuple[str, ...]]:
    size, said = planar_size(first.header, first.groups)
    uid = _derived(first, "SOPInstanceUID")
    return Plane.upright(shape=first.shape, spacing=size, frame=uid, timeline=moments.timeline), said


def _lazy(moments: Moments, layout: Layout | None, meaning: Meaning, space: Space, whole: str) -> Lazy:
    moving = () if space.timeline is None else (len(moments.volumes),)
    channels = (len(meaning.channels),) if meaning.channels else ()
    dtype = meaning.dtype if layout is None else resampled_type(meaning, layout)

    def load() -> np.ndarray:
        with guarded(whole):
            array = decoded(moments.volumes, layout, meaning)
        return array if moving else array[0]

    return Lazy(load, shape=(*moving, *space.shape, *channels), dtype=dtype)


def _check_still(moments: Moments, whole: str) -> None:
    """Each moment has its slices where the first has them."""
    base = np.array([f.place.position for f in moments.volumes[0] if f.place is not None])
    for n, volume in enumerate(moments.volumes[1:], 2):
        there = np.array([f.place.position for f in volume if f.place is not None])
        off = np.linalg.norm(there - base, axis=1)
        if float(off.max()) > max(_NEAR, 0.0):
            raise FormatError(
                f"the moments of {whole} lie at the same places",
                got=f"slice {int(off.argmax()) + 1} of moment {n}, {off.max():.2f} mm beside that of the first",
                way_out="put each moment into a folder of its own",
            )
