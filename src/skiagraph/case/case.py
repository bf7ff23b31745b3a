"""A case: named images, and what is already known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

from skiagraph.case.origin import Origin
from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.findings import Finding, Known
from skiagraph.image import Image
from skiagraph.values import checked_when_unpickled

__all__ = ["Case"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """What a model is asked about.

    Args:
        identifier: A name for people and files, never a patient's: a UID, a file's stem, a row of a manifest.
        images: By name: ``"image"`` where there is one, else ``"t1"``, ``"fixed"``, ``"current"``...
        known: Findings that hold already, by name: prompts (boxes, points), clinical facts, prior measurements;
            of a `Known`, those that are late stay late.
        uids: SOPInstanceUID or SeriesInstanceUID of an image, by its name, where it came from DICOM.
        problems: What reading the images noticed, one sentence each; empty where all was well.
        origins: The DICOM objects behind an image, by its name, where it came from such.

    Raises:
        InvalidInput: No image, an empty name, or an origin with other slices than its image.
    """

    identifier: str
    images: Mapping[str, Image]
    known: Mapping[str, Finding] = field(default_factory=dict)
    uids: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.images or not self.identifier or not all(self.images):
            raise InvalidInput(
                "a case has an identifier and at least one named image", got=f"{len(self.images)} images"
            )
        object.__setattr__(self, "known", Known(self.known))
        for name, origin in self.origins.items():
            _check_origin(self.images.get(name), origin)
        for name in ("images", "uids", "origins"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def image(self) -> Image:
        """The image, where the case has exactly one.

        Raises:
            UnknownName: Several; ask by name.
        """
        if len(self.images) != 1:
            raise UnknownName(
                "a case with one image has *the* image", got=f"{len(self.images)}: {sorted(self.images)}"
            )
        return next(iter(self.images.values()))


def _check_origin(image: Image | None, origin: Origin) -> None:
    if image is None:
        raise InvalidInput("an origin goes with an image of its case", got="another name")
    space = image.space
    moments = 1 if space.timeline is None else len(space.timeline)
    expected = (moments, space.shape[0] if space.ndim == 3 else 1)
    if origin.frames.shape[:2] != expected:
        raise InvalidInput(
            f"an origin has a frame for each slice of its image, here {expected}",
            got=str(origin.frames.shape[:2]),
        )
