"""Where findings came from: which inputs, which model, which software, which precision, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import final

from skiagraph.errors import InvalidInput

__all__ = ["Provenance", "Source"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One input, without anything that names a patient.

    Args:
        name: Name of the image in its case.
        digest: SHA-256 of the image, hexadecimal.
        uid: SOPInstanceUID or SeriesInstanceUID where the input was DICOM.
    """

    name: str
    digest: str
    uid: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where findings came from.

    Args:
        sources: The inputs.
        model: Name of the model.
        model_version: Its version.
        model_digest: SHA-256 of its weights, hexadecimal; empty where it has none.
        software: Version of Skiagraph.
        engine: The inference engine with its version, e.g. ``"openvino 2026.4"``.
        precision: Numbers that the engine computed with, e.g. ``"fp32"``.
        created: When, with a time zone.
        seconds: How long reading took, s.

    Raises:
        InvalidInput: A time without a zone.
    """

    sources: tuple[Source, ...]
    model: str
    model_version: str
    model_digest: str = ""
    software: str = ""
    engine: str = ""
    precision: str = ""
    created: datetime
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.created.tzinfo is None:
            raise InvalidInput("the time of a provenance has a time zone", got="none")
