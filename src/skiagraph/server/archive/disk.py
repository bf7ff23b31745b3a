"""What files need of the disk: names that last, links, and the system's refusals told as one error."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from skiagraph.errors import SkiagraphError, WriteFailed

__all__ = ["alone", "begun", "disk", "keeps_order", "named_too", "synced"]

_ORDERED: Final = frozenset({"ext4", "xfs"})
_NO_LINK: Final = frozenset(
    {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)


@contextmanager
def disk() -> Iterator[None]:
    """A block that writes to the disk; what the system then says is told as one error.

    Raises:
        WriteFailed: The disk is full or failed.
    """
    try:
        yield
    except SkiagraphError:
        raise
    except OSError as error:
        raise WriteFailed(
            "the server writes to its disk", got=error.strerror, way_out="free some room"
        ) from error


@contextmanager
def alone(lock: Path, *, wait: bool) -> Iterator[bool]:
    """A block that runs in one thread of one process at a time; a process that is killed lets go.

    Args:
        lock: A file for it; made where it is not there.
        wait: Whether to wait for the others.

    Yields:
        Whether this is the one; always, where it waited.

    Raises:
        WriteFailed: The disk is full or failed.
    """
    with disk():
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        mine = True
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            mine = False
        yield mine
    finally:
        os.close(file)


def begun(path: Path) -> BinaryIO:
    """A new file that only its owner reads, open for writing.

    Raises:
        OSError: It is there, or the disk is full or failed.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def synced(folder: Path) -> None:
    """Makes the names in a folder safe on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keeps_order(folder: Path) -> bool:
    """Whether the file system keeps sizes and names in one journal, in order; no where nobody can tell.

    There a file that is made safe takes its newest name with it, and no name is taken away before one that was given
    earlier. For others each folder is made safe by itself, as POSIX asks.
    """
    device = folder.stat().st_dev
    wanted = [f"{os.major(device)}:{os.minor(device)}"]
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    for line in lines:
        mount, _, kind = line.partition(" - ")
        if mount.split()[2:3] == wanted:
            return kind.split()[0] in _ORDERED and "data=writeback" not in kind
    return False


def named_too(source: Path, target: Path) -> None:
    """Gives a file a second name; a copy, where the file system knows no second names. Nothing, where it is there.

    Raises:
        OSError: The disk is full or failed.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with source.open("rb") as plain, begun(part) as sink:
                shutil.copyfileobj(plain, sink, 2**20)
                sink.flush()
                os.fsync(sink.fileno())
            part.rename(target)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
