"""What a report is about: the images of its case as DICOM objects, and the pictures that pixel coordinates refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
)
from numpy.typing import NDArray

from skiagraph.case import Case, Instance, Origin
from skiagraph.errors import NoDicomHome
from skiagraph.geometry import Space, to_index
from skiagraph.interchange.identity import Content
from skiagraph.interchange.invented import invented
from skiagraph.interchange.places import image_of, origin_of

__all__ = ["Picture", "Subject", "subject_of"]

_WHOLE_SLIDE: Final = "1.2.840.10008.5.1.4.1.1.77.1.6"
_FEW: Final = 64  # objects up to which a group names all of its sources; the image library names them always


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """An image of the case, in whose pixels something is drawn.

    Args:
        space: Its lattice: index (row, column), or (slice, row, column).
        origin: The objects behind it; each of its slices is a frame.
        tiled: ``"VOLUME"`` where pixels are counted over all of its tiles (DICOM PS3.3 C.18.6.1.2); else None.
    """

    space: Space
    origin: Origin
    tiled: str | None = None

    def pixels(self, world: NDArray[np.float64]) -> tuple[NDArray[np.float32], int]:
        """Places as (column, row) with (0, 0) at the outer corner of the first pixel, and the slice next to them.

        Args:
            world: Shape (n, ndim).

        Source: DICOM PS3.3 C.18.6.1.2.
        """
        index = to_index(self.space, world)
        number = 0
        if self.space.ndim == 3:
            middle = float(np.rint(np.median(index[:, 0])))
            number = int(np.clip(middle, 0, self.space.shape[0] - 1))
        return (index[:, -1:-3:-1] + 0.5).astype(np.float32), number

    def references(self, moment: int | None, number: int) -> list[SourceImageForRegion]:
        """The frames that show one slice in one moment; in all of them where the moment is None."""
        moments = range(self.origin.frames.shape[0]) if moment is None else (moment,)
        found: dict[int, list[int]] = {}
        for m in moments:
            index, frame = (int(n) for n in self.origin.frames[m, number])
            found.setdefault(index, []).append(frame)
        return [
            SourceImageForRegion(*_named(self.origin.instances[index]), _frames(self.origin, index, frames))
            for index, frames in found.items()
        ]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """The case of a report.

    Args:
        case: Itself.
        origins: The objects behind each of its images, by name.
        content: What made the findings.
    """

    case: Case
    origins: dict[str, Origin]
    content: Content

    @property
    def first(self) -> Origin:
        """The objects behind the first image: patient and study of the report."""
        return next(iter(self.origins.values()))

    def algorithm(self) -> AlgorithmIdentification | None:
        """TID 4019; None where a person made the findings."""
        made_by = self.content.algorithm
        if made_by is None:
            return None
        parameters = [f"SHA-256 of the weights: {made_by.digest}"] if made_by.digest else None
        return AlgorithmIdentification(made_by.name, made_by.version, parameters)

    def sources(self) -> list[SourceImageForMeasurementGroup] | None:
        """All images; None where they are many."""
        objects = [instance for origin in self.origins.values() for instance in origin.instances]
        if len(objects) > _FEW:
            return None
        return [SourceImageForMeasurementGroup(*_named(instance)) for instance in objects]

    def image_of(self, space: Space) -> str:
        """See `skiagraph.interchange.places.image_of`."""
        return image_of(space, self.case)

    def picture_of(self, space: Space) -> Picture:
        """The image in whose pixels the marks of a space that has no place in the patient are drawn.

        Raises:
            NoDicomHome: None of the case.
        """
        name = self.image_of(space)
        there = self.case.images[name].space
        if (there.frame, there.ndim, there.unit) != (space.frame, space.ndim, space.unit):
            raise NoDicomHome(
                "marks on a picture go with that picture",
                got="a case with other pictures",
                way_out="add the image to the case, or write the marks as JSON",
            )
        origin = self.origins[name]
        if (origin.frames[..., 0] >= 0).all():
            return Picture(space=there, origin=origin)
        if len(origin.instances) == 1 and origin.instances[0].sop_class_uid == _WHOLE_SLIDE:
            whole = replace(origin.instances[0], frames=None)
            frames = np.array([[[0, 1]]], np.int32)
            slide = Origin(header=origin.header, instances=(whole,), frames=frames)
            return Picture(space=there, origin=slide, tiled="VOLUME")
        return Picture(space=there, origin=invented(self.case, name))


def subject_of(case: Case, content: Content) -> Subject:
    """A case as the subject of a report.

    Raises:
        NoDicomHome: An image that did not come from DICOM and cannot be one.
    """
    found = {name: origin_of(case, name) for name in case.images}
    origins = {name: origin if origin.instances else invented(case, name) for name, origin in found.items()}
    return Subject(case=case, origins=origins, content=content)


def _named(instance: Instance) -> tuple[str, str]:
    return instance.sop_class_uid, instance.sop_instance_uid


def _frames(origin: Origin, index: int, frames: Sequence[int]) -> list[int] | None:
    """None where the object has one picture, or all of its frames are meant."""
    count = origin.instances[index].frames
    if count is None or (count > 1 and len(set(frames)) == count):
        return None
    return list(frames)
