"""One DICOM file to one image, for callers that want no more."""

from __future__ import annotations

from pathlib import Path

from skiagraph.codecs import Decoded
from skiagraph.errors import FormatError
from skiagraph.io.dicom.series import read_files
from skiagraph.io.dicom.source import Source

__all__ = ["read"]


def read(path: Path) -> Decoded:
    """The image in one file.

    Args:
        path: A DICOM file.

    Returns:
        A `Grid` where the file states a place in the patient; otherwise a `Plane`, with the size that it states. Pixels
        are decoded when they are first read.

    Raises:
        FormatError: No picture, damaged, of a kind that is not read, or several images.
    """
    cases, said = [], []
    for item in read_files([Source(path=path)]):
        if isinstance(item, str):
            said.append(item)
        else:
            cases.append(item[1])
    if len(cases) != 1 or len(cases[0].images) != 1:
        raise one_image_error(path.name, said, sum(len(case.images) for case in cases))
    case = cases[0]
    return Decoded(image=case.image, problems=(*said, *case.problems), uid=case.uids.get("image"))


def one_image_error(name: str, said: list[str], count: int) -> FormatError:
    """Why a file is not one image: the only sentence about it, or how many it holds."""
    if count == 0 and len(said) == 1:
        return FormatError(said[0].rstrip("."))
    return FormatError(
        f"{name} holds one image", got=str(count), way_out="read it with read_study, which names each"
    )
