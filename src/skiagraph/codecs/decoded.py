"""What every codec answers: an image and what was noticed, with a frame that depends on the pixels alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import FormatError, GeometryError, InvalidInput
from skiagraph.geometry import Plane, Space, derived_frame
from skiagraph.image import Image
from skiagraph.values import array_digest

__all__ = [
    "Decoded",
    "check_claim",
    "derived",
    "native",
    "pixel_problems",
    "rescaled",
    "with_pixel_size",
    "with_quiet_nan",
]

_MOST_BYTES: Final = 8 * 2**30  # decoded; more than any single examination that one machine reads at once
_BEST_PACKING: Final = 1100  # deflate packs a byte at most 1032 times


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """One image from one file.

    Args:
        image: The image.
        problems: What was noticed, one sentence each.
        uid: SOPInstanceUID or SeriesInstanceUID, where the file is DICOM.
    """

    image: Image
    problems: tuple[str, ...] = ()
    uid: str | None = None


def check_claim(path: Path, shape: tuple[int, ...], itemsize: int) -> None:
    """Refuses a header that claims more numbers than its file can hold, before memory is asked for.

    Args:
        path: The file, for its size and its name.
        shape: What the header claims.
        itemsize: Bytes a number.

    Raises:
        FormatError: No numbers, more than 8 GiB, or more than any packing of the file could give.
    """
    claimed = math.prod(int(n) for n in shape) * itemsize
    if any(n < 1 for n in shape) or not shape:
        raise FormatError(
            f"an image has at least one pixel along each axis, and {path.name} has not", got=str(shape)
        )
    if claimed > _MOST_BYTES or claimed > _BEST_PACKING * max(path.stat().st_size, 1):
        raise FormatError(
            f"{path.name} claims more pixels than a file of its size can honestly hold, or than are read at once",
            got=f"{claimed / 2**20:.0f} MiB claimed by {path.stat().st_size} bytes",
        )


def native(array: NDArray[Any]) -> NDArray[Any]:
    """The array in the byte order of this machine, so that equal numbers have equal digests."""
    return np.asarray(array, dtype=array.dtype.newbyteorder("="))


def with_quiet_nan(array: NDArray[Any]) -> NDArray[Any]:
    """The array with each NaN as NumPy makes it: signalling ones warn wherever they are converted.

    Args:
        array: Of any type; changed in place where it may be, copied where not.
    """
    wrong = np.isnan(array) if array.dtype.kind == "f" else np.zeros(1, dtype=bool)
    if wrong.any():
        array = array if array.flags.writeable else array.copy()
        array[wrong] = np.nan
    return array


def rescaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Real values of stored ones: ``slope * stored + intercept``.

    Returns:
        Whole numbers stay whole where slope and intercept are (in the smallest signed type from int16 that holds them);
        otherwise float32 for stored values of at most 16 bits, float64 for wider ones.
    """
    if slope == 1 and intercept == 0:
        return stored
    if stored.dtype.kind in "iu" and float(slope).is_integer() and float(intercept).is_integer():
        ends = [int(slope) * int(end(stored)) + int(intercept) for end in (np.min, np.max)]
        for whole in (np.int16, np.int32, np.int64):
            limits = np.iinfo(whole)
            if min(ends) >= limits.min and max(ends) <= limits.max and np.can_cast(stored.dtype, np.int64):
                wide = stored.astype(np.int64) * int(slope) + int(intercept)
                return wide.astype(whole)
    real = np.float32 if stored.dtype.itemsize <= 2 else np.float64
    return (stored.astype(np.float64) * slope + intercept).astype(real)


def pixel_problems(array: NDArray[Any]) -> tuple[str, ...]:
    """What is wrong with the numbers themselves: NaN and infinity, counted."""
    if array.dtype.kind != "f" or bool(np.isfinite(array).all()):
        return ()
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    return (f"{nan} pixels are not a number and {infinite} are infinite, of {array.size}.",)


def derived(
    array: NDArray[Any], place: Callable[[str], Space], *, problems: tuple[str, ...] = (), **fields: Any
) -> Decoded:
    """The image of a file that states no frame of reference.

    Args:
        array: The pixels; axes as `Image.axes`.
        place: From a frame to the space of the image.
        problems: What was noticed so far.
        fields: The other fields of `Image`.

    Returns:
        The image. Its frame depends on its pixels alone: the same picture has the same frame whatever file it is in.

    Raises:
        FormatError: Pixels that are no real numbers, or a geometry that does not hold.
    """
    pixels = with_quiet_nan(native(array))
    if pixels.dtype.kind == "f" and pixels.dtype.itemsize not in (2, 4, 8):
        pixels = pixels.astype(np.float64)
    try:
        space = place(derived_frame(array_digest(pixels)))
        image = Image(data=pixels, space=space, **fields)
    except InvalidInput as error:
        raise FormatError(f"a file holds an image that can be: {error.rule}", got=error.got) from error
    return Decoded(image=image, problems=(*problems, *pixel_problems(pixels)))


def with_pixel_size(image: Image, pixel_size: tuple[float, float]) -> Image:
    """The picture with the size that its user states, in place of what its file says or does not say.

    Args:
        image: A picture (its space is a `Plane`).
        pixel_size: mm between (rows, columns).

    Raises:
        InvalidInput: Not two positive, finite numbers.
        GeometryError: A volume; its size has three numbers and comes from its file.
    """
    sizes = tuple(pixel_size)
    if len(sizes) != 2 or not all(math.isfinite(s) and s > 0 for s in sizes):
        raise InvalidInput(
            "a pixel size is two positive numbers, mm between rows and columns", got=str(pixel_size)
        )
    plane = image.space
    if not isinstance(plane, Plane):
        raise GeometryError(
            "a pixel size is given to pictures", got="a volume", way_out="its size comes from its file"
        )
    old = np.linalg.norm(plane.affine[:-1, :-1], axis=0)
    if plane.unit == "mm" and np.allclose(old, pixel_size, rtol=1e-9):
        return image
    ratio = np.array(pixel_size) / old
    along = np.abs(plane.affine[:-1, :-1] / old).argmax(axis=1)  # which array axis runs along x, and along y
    scale = np.diag([*ratio[along], 1.0])
    space = dataclasses.replace(plane, affine=scale @ plane.affine, unit="mm")
    return dataclasses.replace(image, space=space)
