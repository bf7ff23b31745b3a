"""The study that an image gets that did not come from DICOM: made up from its pixels, the same at every call."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from skiagraph.case import Case, Instance, Origin
from skiagraph.geometry import derived_frame
from skiagraph.image import Image, image_digest
from skiagraph.interchange.planes import shown_planes

__all__ = ["BYTES", "COLOUR", "WORDS", "invented", "shown_channels"]

_COLOURS: Final = ("red", "green", "blue")

BYTES: Final = "1.2.840.10008.5.1.4.1.1.7.2"
WORDS: Final = "1.2.840.10008.5.1.4.1.1.7.3"
COLOUR: Final = "1.2.840.10008.5.1.4.1.1.7.4"
"""Multi-frame grayscale byte, grayscale word and true color secondary capture image storage (PS3.4 table B.5-1)."""


def invented(case: Case, name: str) -> Origin:
    """The origin of one image of a case: a study for the case, a series and one object of several frames for the image.

    Args:
        case: Its identifier, which is never a patient's, stands for the patient.
        name: Of the image. Its slices are frames in the order of `shown_planes`.
    """
    image = case.images[name]
    planes = shown_planes(image.space)
    moments, slices = planes.moments or 1, planes.shape[0]
    study = derived_frame(f"study {case.identifier} {image_digest(next(iter(case.images.values())))}")
    frames = np.zeros((moments, slices, 2), np.int32)
    frames[..., 1] = np.arange(1, moments * slices + 1).reshape(moments, slices)
    header = {
        "00080060": _element("CS", image.modality or "OT"),
        "00100020": _element("LO", case.identifier[-64:].replace("\\", "/")),
        "0020000D": _element("UI", study),
        "0020000E": _element("UI", derived_frame(f"series {study} {name}")),
    }
    instance = Instance(
        sop_class_uid=_kind(image),
        sop_instance_uid=derived_frame(f"image {study} {name} {image_digest(image)}"),
        frames=moments * slices,
    )
    return Origin(header=header, instances=(instance,), frames=frames)


def shown_channels(image: Image) -> tuple[int, ...]:
    """Which channels of an image its object shows: red, green and blue where it has these, else the first."""
    places = [image.channels.index(name) for name in _COLOURS if name in image.channels]
    return tuple(places) if len(places) == len(_COLOURS) else (0,)


def _kind(image: Image) -> str:
    if len(shown_channels(image)) == len(_COLOURS):
        return COLOUR
    return BYTES if image.data.dtype in (np.uint8, np.bool_) else WORDS


def _element(vr: str, value: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}
