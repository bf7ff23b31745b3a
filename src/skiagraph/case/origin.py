"""The DICOM objects behind an image: what they say of patient and study, and which frame gave which slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.geometry import derived_frame
from skiagraph.geometry.frame import check_frame, is_frame
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Instance", "Origin", "picture_frame"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One DICOM object.

    Args:
        sop_class_uid: Its kind.
        sop_instance_uid: Itself.
        frames: NumberOfFrames; None where its kind has one picture and no such attribute.

    Raises:
        GeometryError: No UIDs.
        InvalidInput: Fewer than one frame.
    """

    sop_class_uid: str
    sop_instance_uid: str
    frames: int | None = None

    def __post_init__(self) -> None:
        check_frame(self.sop_class_uid)
        check_frame(self.sop_instance_uid)
        if self.frames is not None and self.frames < 1:
            raise InvalidInput("an object of several frames has at least one", got=str(self.frames))


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Origin:
    """Where an image came from; never shown, for it names the patient.

    Args:
        header: Attributes of patient, study, series and equipment, as the DICOM JSON model has them (PS3.18 annex F),
            by their tags.
        instances: The objects.
        frames: Shape (moments, slices, 2), one moment for what does not move and one slice for a picture: for each
            slice the index of its instance and the number of its frame, from 1; (-1, 0) where no single frame became
            this slice (it was resampled, or cut out of a mosaic).
        stored: The slope and intercept that make the values of the image of those that its files store, the same for
            all frames; None where it takes more than that, or is not known.

    Raises:
        InvalidInput: A shape that is none of these, or a frame of an instance that is not there.
    """

    header: Mapping[str, Any] = field(repr=False)
    instances: tuple[Instance, ...]
    frames: NDArray[np.int32]
    stored: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        frames = frozen(self.frames, np.int32)
        if frames.ndim != 3 or frames.shape[2] != 2 or not frames.size:
            raise InvalidInput("the frames of an origin are pairs by moment and slice", got=f"{frames.shape}")
        if frames[..., 0].min() < -1 or frames[..., 0].max() >= len(self.instances):
            raise InvalidInput("a frame of an origin names one of its instances", got="another")
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "header", MappingProxyType(dict(self.header)))

    def text(self, tag: str) -> str:
        """The first value of an attribute that is a text or UID, by its tag, e.g. ``"0020000D"``; empty where none."""
        values = self.header.get(tag, {}).get("Value", ())
        return str(values[0]) if values and isinstance(values[0], str) else ""

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID; empty where it states none that is one."""
        return self._uid("0020000D")

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID; empty where it states none that is one."""
        return self._uid("0020000E")

    def _uid(self, tag: str) -> str:
        return self.text(tag) if is_frame(self.text(tag)) else ""


def picture_frame(instance: str, corner: tuple[int, int] = (0, 0)) -> str:
    """The frame of a picture that lies nowhere in the patient: the same whenever the same object comes.

    Args:
        instance: Its SOPInstanceUID, or what else tells it from others.
        corner: The first (row, column) of it in the stored frame.
    """
    return derived_frame(f"{instance} {corner}")
