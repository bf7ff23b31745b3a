"""Requests for storage commitment, kept until they are answered: each is a file, safe before it is acknowledged."""

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

__all__ = ["COMMITMENT", "ONE", "asked", "folder_of"]

COMMITMENT: Final = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model SOP class (DICOM PS3.4 annex J)."""

ONE: Final = "1.2.840.10008.1.20.1.1"
"""The one instance that it has."""

_LONGEST: Final = 16 << 20  # bytes of a request: some hundred thousand objects


def folder_of(home: Path) -> Path:
    """Where requests wait."""
    return home / "commitments"


def asked(
    home: Path,
    peer: tuple[str, str, bool] | None,
    transfer: str,
    fields: Mapping[int, bytes],
    data: Iterator[memoryview],
) -> tuple[int, str]:
    """Keeps a request (N-ACTION); the main process answers it on an association of its own (N-EVENT-REPORT).

    Args:
        home: Of the server.
        peer: Who asks, and whether it can be called back; None for a stranger.
        transfer: UID of the transfer syntax.
        fields: The command.
        data: Its data set.

    Returns:
        The status of the answer, and why.

    Raises:
        WriteFailed: The disk is full or failed; nothing was kept.
    """
    if peer is None or not peer[2]:
        return 0x0124, "the answer goes to a peer with a port, which this is not"
    if words.uid(fields, words.REQUESTED_INSTANCE) != ONE or words.number(fields, words.ACTION) != 1:
        return 0x0112, "storage commitment has one instance, and one action"
    content = bytearray()
    for part in data:
        content += part
        if len(content) > _LONGEST:
            return 0x0213, "the request names too many objects"
    _kept(home, json.dumps({"title": peer[0], "host": peer[1], "transfer": transfer}).encode(), content)
    return 0, ""


def _kept(home: Path, first: bytes, content: bytearray) -> None:
    folder = folder_of(home)
    name = f"{secrets.token_hex(12)}.request"
    path = folder / f".{name}.part"
    try:
        with disk():
            folder.mkdir(mode=0o700, exist_ok=True)
            with begun(path) as sink:
                sink.write(first + b"\n" + content)
                sink.flush()
                os.fsync(sink.fileno())
            path.rename(folder / name)
            synced(folder)
    except WriteFailed:
        path.unlink(missing_ok=True)
        raise
