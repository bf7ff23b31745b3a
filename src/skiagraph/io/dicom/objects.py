"""One DICOM object to its frames, whatever kind it is of; objects that are no image are refused with their kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.codecs.foreign import foreign
from skiagraph.errors import FormatError
from skiagraph.io.dicom.claims import check_claims
from skiagraph.io.dicom.enhanced import enhanced_frames, is_enhanced
from skiagraph.io.dicom.frame import Frame
from skiagraph.io.dicom.mosaic import is_mosaic, mosaic_frames
from skiagraph.io.dicom.multiframe import classic_frames
from skiagraph.io.dicom.quick import has, numbers_at, text_at
from skiagraph.io.dicom.scan import BROKEN
from skiagraph.io.dicom.source import Source

__all__ = ["frames_of", "guarded", "kind_of"]

_UID: Final = re.compile(r"[0-9.]{3,64}")
_MOST_FRAMES: Final = 1_000_000


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Values are converted when they are first looked at: what pydicom then raises becomes an error of ours.

    Its warnings about odd values are kept quiet: what matters of them shows in what is read.

    Args:
        name: What is being read, for the message.

    Raises:
        FormatError: A value that is not what its type says.
    """
    with foreign(f"{name} is DICOM and is damaged or cut off", way_out="export it again", also=BROKEN):
        yield


def kind_of(header: Dataset) -> str:
    """The kind of an object in words, by its SOP class."""
    meta = getattr(header, "file_meta", Dataset())
    uid = text_at(header, "SOPClassUID") or text_at(meta, "MediaStorageSOPClassUID")
    return UID(uid).name if _UID.fullmatch(uid) else "an unknown kind of object"


def frames_of(source: Source, header: Dataset) -> tuple[Frame, ...]:
    """The frames of one object, one or more.

    Args:
        source: Where it lies, for messages and for its pixels.
        header: All of it but its pixels.

    Raises:
        FormatError: No image, its pixels are not there, or a header that contradicts itself.
    """
    with guarded(source.name):
        try:
            _check_image(source, header)
            check_claims(source, header, getattr(header, "pixels", None))
            if is_enhanced(header):
                return enhanced_frames(source, header)
            return mosaic_frames(source, header) if is_mosaic(header) else classic_frames(source, header)
        except FormatError as error:
            if source.name in error.rule:
                raise
            raise FormatError(f"{source.name}: {error.rule}", got=error.got, way_out=error.way_out) from error


def _check_image(source: Source, header: Dataset) -> None:
    sized = all((numbers_at(header, word) or (0.0,))[0] >= 1 for word in ("Rows", "Columns"))
    if not header or not (has(header, "SOPClassUID") or sized):
        raise FormatError(f"{source.name} has the beginning of a DICOM file and not the rest of one")
    if not sized:
        raise FormatError(f"{source.name} is DICOM without a picture", got=kind_of(header))
    count = numbers_at(header, "NumberOfFrames")
    if count and not 0 <= count[0] <= _MOST_FRAMES:
        raise FormatError(
            f"{source.name} claims less than no frame, or more than are read", got=f"{count[0]:.0f}"
        )
