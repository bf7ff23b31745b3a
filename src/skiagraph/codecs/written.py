"""Files that appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from skiagraph.errors import MissingInput, NotPermitted, SkiagraphError, WriteFailed

__all__ = ["written"]

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`, with its suffixes; renames it when the block ends well, else removes it.

    Args:
        path: Where the result shall be. A file that is there is replaced.

    Yields:
        The path to write to.

    Raises:
        NotPermitted: The operating system forbids it.
        MissingInput: The folder does not exist.
        WriteFailed: The disk is full, or another failure of the system; nothing half written is left.
    """
    target = Path(path)
    temporary = target.with_name(f".{secrets.token_hex(6)}-{target.name}"[-255:])
    try:
        yield temporary
        _flushed(temporary)
        temporary.replace(target)
    except SkiagraphError:
        raise
    except OSError as error:
        raise _explained(error, target) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _flushed(path: Path) -> None:
    """A full disk may show itself only now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(error: OSError, target: Path) -> SkiagraphError:
    name = target.name
    if error.errno in _FORBIDDEN:
        return NotPermitted(
            f"writing {name} needs a folder in which you may write", way_out="choose another folder"
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and not target.parent.is_dir():
        return MissingInput(
            f"{name} is written to a folder that exists", got=str(target.parent), way_out="make it first"
        )
    if error.errno in _FULL:
        return WriteFailed(
            f"{name} needs room on the disk and there is none left", way_out="free some and run again"
        )
    if error.errno is None:  # NumPy and others say that less was written than they had, and not why
        return WriteFailed(f"{name} could not be written whole; there may be no room on the disk")
    return WriteFailed(f"{name} could not be written", got=os.strerror(error.errno))
