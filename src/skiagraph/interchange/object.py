"""A finished DICOM object: a header, and what follows it; written as a stream, so that large ones need no memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.filewriter import dcmwrite

from skiagraph.case import Instance, Origin
from skiagraph.codecs import written
from skiagraph.values import checked_when_unpickled

__all__ = ["DicomObject", "Tail", "as_origin", "dataset_of", "encoded", "save"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tail:
    """The last elements of an object, already encoded in explicit little endian.

    Args:
        chunks: Gives the bytes, piece by piece, the same at every call. Their tags follow all of the header.
        digest: Of what the bytes say, hexadecimal.
    """

    chunks: Callable[[], Iterable[bytes]]
    digest: str


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DicomObject:
    """One DICOM object, complete; it names the patient, so it is never shown.

    Args:
        header: All of it, or all of it before `tail`, with its file meta information.
        tail: What follows; None where the header is all.
    """

    header: Dataset
    tail: Tail | None = None

    def __repr__(self) -> str:
        return f"DicomObject({self.header.Modality} {self.sop_instance_uid})"

    @property
    def sop_class_uid(self) -> str:
        """Its kind."""
        return str(self.header.SOPClassUID)

    @property
    def sop_instance_uid(self) -> str:
        """Itself."""
        return str(self.header.SOPInstanceUID)


def chunks(thing: DicomObject) -> Iterator[bytes]:
    """The bytes of its file (DICOM PS3.10), piece by piece."""
    buffer = io.BytesIO()
    dcmwrite(buffer, thing.header, enforce_file_format=True)
    yield buffer.getvalue()
    if thing.tail is not None:
        yield from thing.tail.chunks()


def encoded(thing: DicomObject) -> bytes:
    """The bytes of its file."""
    return b"".join(chunks(thing))


def save(thing: DicomObject, path: Path) -> None:
    """Writes its file, whole or not at all.

    Raises:
        NotPermitted: It may not be written there.
        WriteFailed: The disk does not take it.
    """
    with written(path) as temporary, temporary.open("wb") as stream:
        for piece in chunks(thing):
            stream.write(piece)


def dataset_of(thing: DicomObject) -> FileDataset:
    """The object as pydicom reads it."""
    return pydicom.dcmread(io.BytesIO(encoded(thing)))


def as_origin(thing: DicomObject) -> Origin:
    """The object as that to which others refer."""
    header = thing.header
    frames = int(header.NumberOfFrames) if "NumberOfFrames" in header else None
    instance = Instance(
        sop_class_uid=thing.sop_class_uid, sop_instance_uid=thing.sop_instance_uid, frames=frames
    )
    places = {"0020000D": header.StudyInstanceUID, "0020000E": header.SeriesInstanceUID}
    return Origin(
        header={tag: {"vr": "UI", "Value": [str(uid)]} for tag, uid in places.items()},
        instances=(instance,),
        frames=np.array([[[-1, 0]]], np.int32),
    )


def digest_of(header: Dataset, tail: Tail | None) -> str:
    """SHA-256 of what an object says, hexadecimal."""
    buffer = io.BytesIO()
    implicit = header.file_meta.TransferSyntaxUID.is_implicit_VR
    dcmwrite(buffer, header, enforce_file_format=False, implicit_vr=implicit, little_endian=True)
    total = hashlib.sha256(buffer.getvalue())
    if tail is not None:
        total.update(tail.digest.encode())
    return total.hexdigest()
