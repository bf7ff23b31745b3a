"""What every reader owes: the same study each time, and one clear sentence for a file that is no image."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skiagraph.case import Study
from skiagraph.errors import ContractError, FormatError, MissingInput, SkiagraphError
from skiagraph.image import pixels
from skiagraph.testing.digest import case_digest

__all__ = ["check_reader"]


def check_reader(reader: Callable[[Path], Any], path: Path) -> None:
    """Reads a good file or folder, and then some that are not.

    Args:
        reader: Any function from a path to a study.
        path: What it reads well. For a file, an empty and a renamed one with its suffix are tried as well.

    Raises:
        ContractError: The first promise that is broken.
    """
    study = reader(path)
    if not isinstance(study, Study) or not study.cases:
        raise ContractError("a reader gives a study with at least one case", got=type(study).__name__)
    for case in study.cases:
        for name, image in case.images.items():
            if pixels(image).shape != image.data.shape:
                raise ContractError(
                    "pixels have the shape that was promised", got=f"another for image {name!r}"
                )
    if [case_digest(c) for c in reader(path).cases] != [case_digest(c) for c in study.cases]:
        raise ContractError("a reader gives the same study each time", got="two different ones")
    with tempfile.TemporaryDirectory() as folder:
        _check_refused(reader, Path(folder) / f"missing{path.suffix}", MissingInput)
        if path.is_file():
            suffixes = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
            for name, content in (("empty", b""), ("renamed", b"This is a letter and no image.\n" * 40)):
                file = Path(folder) / f"{name}{suffixes}"
                file.write_bytes(content)
                _check_refused(reader, file, FormatError)


def _check_refused(reader: Callable[[Path], Any], path: Path, kind: type[SkiagraphError]) -> None:
    rule = f"a reader refuses {path.name} with a {kind.__name__}"
    try:
        study = reader(path)
    except kind:
        return
    except Exception as error:
        raise ContractError(rule, got=type(error).__name__) from error
    raise ContractError(rule, got=f"a {type(study).__name__}")
