"""Who made a DICOM object, in which series it stands and what it is about: three small values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from skiagraph.case import Signature
from skiagraph.errors import InvalidInput
from skiagraph.findings import Provenance
from skiagraph.version import __version__

__all__ = ["SKIAGRAPH", "Algorithm", "Content", "Equipment", "Series", "content_of"]


def _check_words(what: str, *words: str) -> None:
    if not all(word.strip() for word in words):
        raise InvalidInput(f"{what} is named", got="no words")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The device that made an object (DICOM PS3.3 C.7.5.1 and C.7.5.2).

    Args:
        manufacturer: Who makes it.
        model_name: What it is called.
        serial_number: Which one it is.
        software_versions: Of its software.
    """

    manufacturer: str
    model_name: str
    serial_number: str
    software_versions: str

    def __post_init__(self) -> None:
        _check_words(
            "a device", self.manufacturer, self.model_name, self.serial_number, self.software_versions
        )


SKIAGRAPH: Final = Equipment(
    manufacturer="Skiagraph", model_name="skiagraph", serial_number="1", software_versions=__version__
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The series of an object.

    Args:
        number: SeriesNumber.
        description: SeriesDescription.
    """

    number: int
    description: str

    def __post_init__(self) -> None:
        _check_words("a series", self.description)
        if not 0 <= self.number < 2**31:
            raise InvalidInput("the number of a series is a whole number from 0", got=str(self.number))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """What answered (DICOM PS3.3 10.16, algorithm identification macro).

    Args:
        name: Name of the model.
        version: Its version.
        digest: SHA-256 of its weights, hexadecimal; empty where it has none.
    """

    name: str
    version: str
    digest: str = ""

    def __post_init__(self) -> None:
        _check_words("an algorithm", self.name, self.version)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an object is about, and since when.

    Args:
        description: ContentDescription, a few words.
        created: When the findings were made, with a time zone.
        algorithm: What made them; None for a person.
        signature: Of the reader who stands for it; None while nobody does.
        number: InstanceNumber: of the objects of one series each has its own.

    Raises:
        InvalidInput: A time without a zone, no words, or a number below 1.
    """

    description: str
    created: datetime
    algorithm: Algorithm | None = None
    signature: Signature | None = None
    number: int = 1

    def __post_init__(self) -> None:
        _check_words("content", self.description)
        if self.created.tzinfo is None:
            raise InvalidInput("the time of a DICOM object has a time zone", got="none")
        if not 1 <= self.number < 2**31:
            raise InvalidInput("the objects of a series are numbered from 1", got=str(self.number))

    @property
    def verified(self) -> bool:
        """Whether a reader has signed."""
        return self.signature is not None


def content_of(
    provenance: Provenance, description: str, *, signature: Signature | None = None, number: int = 1
) -> Content:
    """The content value of findings with a provenance."""
    algorithm = Algorithm(
        name=provenance.model, version=provenance.model_version, digest=provenance.model_digest
    )
    return Content(
        description=description,
        created=provenance.created,
        algorithm=algorithm,
        signature=signature,
        number=number,
    )
