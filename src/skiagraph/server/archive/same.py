"""Whether two files hold the same object, although one was sent and the other uploaded, so that their bytes differ."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian
from sqlalchemy import select

from skiagraph.codecs.foreign import quiet
from skiagraph.errors import FormatError, MissingInput
from skiagraph.io.dicom.scan import BROKEN, scan_stream
from skiagraph.server.archive.rows import Arrival
from skiagraph.server.archive.sealed import opened
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance

__all__ = ["Came", "compared", "same_object"]

Came = tuple[Path, Arrival]
"""A file in the journal, and what the index keeps of it."""

_MOST: Final = 64 * 2**20  # bytes of a file that is taken apart
_PADDING: Final = 0xFFFCFFFC


def compared(site: Site, came: Sequence[Came]) -> list[Came]:
    """Marks those whose object is there already in other bytes, or came before them.

    Args:
        site: The server.
        came: In the order in which they came.

    Raises:
        DatabaseGone: It does not answer.
    """
    uids = [arrival.described.instance["uid"] for _, arrival in came]
    with site.database.reading() as session:
        there = session.execute(select(Instance.uid, Instance.digest).where(Instance.uid.in_(uids))).all()
    first: dict[str, tuple[str, Path | None]] = {uid: (digest, None) for uid, digest in there}
    marked = []
    for path, arrival in came:
        digest, where = first.setdefault(arrival.described.instance["uid"], (arrival.digest, path))
        same = digest != arrival.digest and _is_same(site, digest, where, path)
        marked.append((path, dataclasses.replace(arrival, same_as=digest) if same else arrival))
    return marked


def _is_same(site: Site, digest: str, where: Path | None, path: Path) -> bool:
    """Whether a file of the journal holds what lies in the archive, or in the journal before it."""
    key = site.files.key
    try:
        with (
            site.files.open(digest) if where is None else opened(where, key) as first,
            opened(path, key) as other,
        ):
            return same_object(first, other)
    except (FormatError, MissingInput):
        return False


def same_object(one: BinaryIO, other: BinaryIO) -> bool:
    """Whether all elements of two files have the same values.

    How they are encoded does not count (file meta information, lengths of sequences, explicit or implicit VR), but for
    pixels, which are compared as they lie there. Of large files nothing is the same but equal bytes, which have equal
    digests and are never asked about.

    Args:
        one: A file of the archive, at its beginning.
        other: A file that came, at its beginning.
    """
    first, second = _read(one), _read(other)
    if first is None or second is None:
        return False
    with quiet():
        try:
            return bool(first == second)
        except BROKEN:
            return False


def _read(stream: BinaryIO) -> Dataset | None:
    """The elements of a file without what only its encoding asks for; None where it is too large or damaged."""
    data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        return None
    with quiet():
        try:
            if (
                scan_stream(io.BytesIO(data), "the object", lambda: len(data)).syntax
                == DeflatedExplicitVRLittleEndian
            ):
                return None  # pydicom would inflate it without bound
            found = pydicom.dcmread(io.BytesIO(data))
        except BROKEN:
            return None
    for tag in [tag for tag in found.keys() if tag.element == 0 or tag == _PADDING]:  # noqa: SIM118
        del found[tag]
    return Dataset(found)
