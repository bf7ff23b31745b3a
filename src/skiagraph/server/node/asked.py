"""Storage commitment, asked of us or reported to us: each message is a file, safe before it is acknowledged."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from skiagraph.errors import WriteFailed
from skiagraph.server.archive.disk import begun, disk, synced
from skiagraph.server.node import command as words

__all__ = ["COMMITMENT", "ONE", "REPORT", "REQUEST", "folder_of", "kept"]

COMMITMENT: Final = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model SOP class (DICOM PS3.4 annex J)."""

ONE: Final = "1.2.840.10008.1.20.1.1"
"""The one instance that it has."""

REQUEST, REPORT = ".request", ".report"
"""Suffixes of files: what others ask of us, and what they answer us."""

_LONGEST: Final = 16 << 20  # bytes of a request: some hundred thousand objects


def folder_of(home: Path) -> Path:
    """Where messages wait until the main process sees to them."""
    return home / "commitments"


def kept(
    home: Path,
    peer: tuple[str, str, bool] | None,
    transfer: str,
    fields: Mapping[int, bytes],
    data: Iterator[memoryview],
) -> tuple[int, str]:
    """Keeps a request (N-ACTION), which the main process answers on an association of its own; or a report of others.

    Args:
        home: Of the server.
        peer: Who says it, and whether it can be called back; None for a stranger.
        transfer: UID of the transfer syntax.
        fields: The command.
        data: Its data set.

    Returns:
        The status of the answer, and why.

    Raises:
        WriteFailed: The disk is full or failed; nothing was kept.
    """
    report = words.number(fields, words.FIELD) == words.N_EVENT
    if peer is None or not (report or peer[2]):
        return 0x0124, "the answer goes to a peer with a port, which this is not"
    about = words.uid(fields, words.AFFECTED_INSTANCE if report else words.REQUESTED_INSTANCE)
    kinds = (1, 2) if report else (1,)
    if about != ONE or words.number(fields, words.EVENT if report else words.ACTION) not in kinds:
        return 0x0112, "storage commitment has one instance, and one action"
    content = bytearray()
    for part in data:
        content += part
        if len(content) > _LONGEST:
            return 0x0213, "the message names too many objects"
    first = json.dumps({"title": peer[0], "host": peer[1], "transfer": transfer}).encode()
    _written(folder_of(home), REPORT if report else REQUEST, first + b"\n" + content)
    return 0, ""


def _written(folder: Path, suffix: str, content: bytes | bytearray) -> None:
    name = f"{secrets.token_hex(12)}{suffix}"
    path = folder / f".{name}.part"
    try:
        with disk():
            folder.mkdir(mode=0o700, exist_ok=True)
            with begun(path) as sink:
                sink.write(content)
                sink.flush()
                os.fsync(sink.fileno())
            path.rename(folder / name)
            synced(folder)
    except WriteFailed:
        path.unlink(missing_ok=True)
        raise
