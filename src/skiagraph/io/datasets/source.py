"""Where the pixels of a sample come from: files by name, or one item of an array in an npz archive."""

from __future__ import annotations

import functools
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Case
from skiagraph.codecs import derived
from skiagraph.errors import FormatError, MissingInput, NotPermitted
from skiagraph.findings import Finding
from skiagraph.geometry import Grid, Plane, Space
from skiagraph.image.quantity import COLOUR, GREY
from skiagraph.io.datasets.answers import Answer, Fact
from skiagraph.io.study import read_case
from skiagraph.values import frozen

__all__ = ["ArrayItem", "ImageFile", "Loader", "Pixels", "array_of", "arrays_of"]

_RGB: Final = ("red", "green", "blue")
_MOST_BYTES: Final = 16 * 2**30  # of one array of an archive


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """A file, or the folder of a series; with mm between (rows, columns) where a table states them."""

    path: Path
    pixel_size: tuple[float, float] | None = None

    def case(self, identifier: str) -> Case:  # noqa: ARG002  one way to ask all sources
        """What the file holds; its name is that of the file."""
        return read_case(self.path, pixel_size=self.pixel_size)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayItem:
    """One of the pictures or volumes of an array."""

    path: Path
    key: str
    index: int

    def case(self, identifier: str) -> Case:
        """A picture (rows, columns), one with colours (rows, columns, 3), or a volume (i, j, k), of unknown size."""
        item = array_of(self.path, self.key)[self.index]
        colour = item.ndim > 2 and item.shape[-1] == 3
        if item.ndim - colour not in (2, 3):
            raise FormatError(
                f"{self.path.name} holds pictures or volumes", got=f"shape {item.shape} in {self.key}"
            )
        decoded = derived(
            item,
            functools.partial(_unplaced, item.shape[: item.ndim - colour]),
            quantity=COLOUR if colour else GREY,
            channels=_RGB if colour else (),
        )
        return Case(identifier=identifier, images={"image": decoded.image}, problems=decoded.problems)


def _unplaced(shape: tuple[int, ...], frame: str) -> Space:
    if len(shape) == 2:
        return Plane.upright(shape=(shape[0], shape[1]), spacing=None, frame=frame)
    i, j, k = shape
    return Grid(shape=(i, j, k), affine=np.eye(4), frame=frame, unit="pixel")


Pixels: TypeAlias = ImageFile | ArrayItem


def arrays_of(path: Path) -> tuple[str, ...]:
    """The names of the arrays in an npz archive.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Not such an archive, or arrays larger than 16 GiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except FileNotFoundError as error:
        raise MissingInput(f"{path.name} does not exist", way_out="check the path") from error
    except PermissionError as error:
        raise NotPermitted(f"{path.name} may not be read by you") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise FormatError(f"{path.name} is an archive of arrays", got="damage or something else") from error
    if any(part.file_size > _MOST_BYTES for part in parts):
        raise FormatError(f"an array of {path.name} has at most 16 GiB", got="more")
    return tuple(part.filename.removesuffix(".npy") for part in parts if part.filename.endswith(".npy"))


def array_of(path: Path, key: str) -> NDArray[Any]:
    """One array of an npz archive, read-only and kept in memory for the next sample.

    Raises:
        FormatError: Damaged, missing, or an array of other things than numbers.
    """
    try:
        stamp = path.stat()
    except OSError as error:
        raise MissingInput(f"{path.name} does not exist", way_out="check the path") from error
    return _loaded(path, key, stamp.st_mtime_ns, stamp.st_size)


@functools.lru_cache(maxsize=8)
def _loaded(path: Path, key: str, changed: int, size: int) -> NDArray[Any]:  # noqa: ARG001  part of the key
    try:
        with np.load(path, allow_pickle=False) as archive:
            array = archive[key]
    except (KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise FormatError(f"{path.name} holds a whole array {key}", got="none, or damage") from error
    if array.dtype.kind not in "biuf":
        raise FormatError(f"the arrays of {path.name} hold numbers", got=f"{array.dtype} in {key}")
    return frozen(array)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Loads the case and the reference of one sample; may be sent to another process."""

    identifier: str
    images: tuple[tuple[str, Pixels], ...]
    answers: tuple[Answer, ...]

    def case(self) -> Case:
        """The case: named by its file where it has one image, else by its sample."""
        if len(self.images) == 1 and self.images[0][0] == "image":
            return self.images[0][1].case(self.identifier)
        parts = {name: source.case(self.identifier) for name, source in self.images}
        return Case(
            identifier=self.identifier,
            images={name: part.image for name, part in parts.items()},
            uids={name: uid for name, part in parts.items() for uid in part.uids.values()},
            problems=tuple(f"{name}: {said}" for name, part in parts.items() for said in part.problems),
            origins={name: origin for name, part in parts.items() for origin in part.origins.values()},
        )

    def reference(self) -> tuple[Finding, ...]:
        """What is held to be true; spatial answers lie in the space of the first image."""
        if all(isinstance(answer, Fact) for answer in self.answers):
            return tuple(answer.finding for answer in self.answers if isinstance(answer, Fact))
        images = self.case().images
        space = next(iter(images.values())).space
        return tuple(answer.on(space) for answer in self.answers)
