"""Frames of reference: the names of the worlds in which places are comparable."""

from __future__ import annotations

import hashlib
import re
import uuid

from skiagraph.errors import GeometryError

__all__ = ["check_frame", "derived_frame", "is_frame", "new_frame"]

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def is_frame(text: str) -> bool:
    """Whether a text is a DICOM UID (PS3.5 section 9.1)."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def check_frame(frame: str) -> None:
    """Refuses a frame that is not a DICOM UID (PS3.5 section 9.1).

    Raises:
        GeometryError: Not a UID, or longer than 64 characters.
    """
    if not is_frame(frame):
        raise GeometryError(
            "a frame of reference is a DICOM UID of at most 64 characters", got=repr(frame[:80])
        )


def derived_frame(digest: str) -> str:
    """A frame for an image that states none, the same whenever the same digest comes.

    Args:
        digest: Anything that identifies the image, e.g. its SHA-256 in hexadecimal.

    Returns:
        A UID under 2.25 (DICOM PS3.5 section B.2).
    """
    number = int.from_bytes(hashlib.sha256(digest.encode()).digest()[:16], "big")
    return f"2.25.{uuid.UUID(int=number, version=4).int}"


def new_frame() -> str:
    """A frame that no other image has (a random UID under 2.25)."""
    return f"2.25.{uuid.uuid4().int}"
