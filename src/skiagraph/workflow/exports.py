"""What was written beside a reading, and the folders that results go to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from skiagraph.errors import NotPermitted, WriteFailed

__all__ = ["Exports", "Written", "made_folder"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One file.

    Args:
        format: ``"dicom"``, ``"fhir"``, ``"pdf"``, ``"nifti"``, ``"nrrd"``, ``"csv"`` or ``"json"``.
        holds: What it holds, a few words in English.
        path: Where it lies.
    """

    format: str
    holds: str
    path: Path


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """What came of an export.

    Args:
        written: The files.
        notes: What a format could not take, and where it is instead; one sentence each.
    """

    written: tuple[Written, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, more: Exports) -> Exports:
        return Exports(
            written=self.written + more.written, notes=tuple(dict.fromkeys(self.notes + more.notes))
        )


def made_folder(folder: Path) -> Path:
    """The folder, made where it is not there.

    Raises:
        NotPermitted: It may not be made.
        WriteFailed: The disk does not take it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise NotPermitted(
            "results go to a folder in which you may write", got=folder.name, way_out="choose another --out"
        ) from error
    except OSError as error:
        raise WriteFailed(
            "results are written to a folder",
            got=error.strerror or "an error",
            way_out="choose another --out",
        ) from error
    return folder
