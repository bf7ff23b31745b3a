"""What rules look at in DICOM files that are not in the archive: for trying rules without a server."""

from __future__ import annotations

from pathlib import Path

from skiagraph.errors import FormatError, MissingInput
from skiagraph.server.archive.headers import describe
from skiagraph.server.routing import Described, SeriesFacts

__all__ = ["described_files"]


def described_files(path: Path) -> Described:
    """The study in a DICOM file, or in the files of a folder.

    Args:
        path: Files that are no DICOM are left aside.

    Raises:
        MissingInput: No such path.
        FormatError: No DICOM, or several studies.
    """
    if not path.exists():
        raise MissingInput("a study is a DICOM file or a folder of such", got=path.name)
    found: dict[str, str] = {}
    series: dict[str, SeriesFacts] = {}
    for file in [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file()):
        try:
            with file.open("rb") as stream:
                told = describe(stream, file.stat().st_size)
        except FormatError:
            continue
        found[told.study["uid"]] = told.study["description"]
        one = told.series
        series[one["uid"]] = SeriesFacts(
            uid=one["uid"],
            modality=one["modality"],
            body_part=one["body_part"],
            description=one["description"],
            station=one["station"],
        )
    if len(found) != 1:
        raise FormatError(
            "rules are tried on one DICOM study", got=f"{len(found)}", way_out="name its folder"
        )
    ((uid, description),) = found.items()
    return Described(uid=uid, description=description, series=tuple(series.values()))
