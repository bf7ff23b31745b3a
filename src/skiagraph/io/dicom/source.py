"""Where the bytes of one DICOM object lie: a file, or a member of a zip archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, final

from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted
from skiagraph.io.archive import member_size, open_member

__all__ = ["Source"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One object's bytes.

    Args:
        path: The file, or the zip archive.
        member: The name inside the archive; empty for a file by itself.

    Raises:
        InvalidInput: No path.
    """

    path: Path
    member: str = ""

    def __post_init__(self) -> None:
        if not self.path.name:
            raise InvalidInput("a source names a file", got=repr(str(self.path)))

    @property
    def name(self) -> str:
        """The name of the file for messages; no folder, no patient."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    @property
    def size(self) -> int:
        """Its length in bytes, unpacked.

        Raises:
            MissingInput: It is not there.
            FormatError: An archive that cannot be read.
        """
        if not self.member:
            try:
                return self.path.stat().st_size
            except FileNotFoundError as error:
                raise MissingInput(f"{self.name} does not exist", way_out="check the path") from error
        return member_size(self.path, self.member)

    def open(self) -> BinaryIO:
        """The bytes, from their beginning, as a stream that can be sought; to be closed by the caller.

        Raises:
            MissingInput: It is not there.
            NotPermitted: It may not be read.
            FormatError: It cannot be read from its disk or its archive.
        """
        if self.member:
            return open_member(self.path, self.member)
        try:
            return self.path.open("rb")
        except FileNotFoundError as error:
            raise MissingInput(f"{self.name} does not exist", way_out="check the path") from error
        except PermissionError as error:
            raise NotPermitted(
                f"{self.name} may not be read by you", way_out="ask for the right to read it"
            ) from error
        except IsADirectoryError as error:
            raise FormatError(f"{self.name} is a folder where a file is needed") from error
        except OSError as error:
            raise FormatError(
                f"{self.name} cannot be read from its disk", got=type(error).__name__
            ) from error
