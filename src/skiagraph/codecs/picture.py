"""PNG, JPEG, GIF, BMP and WebP through Pillow: pictures whose size in the patient no file states."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray
from PIL import WebPImagePlugin

from skiagraph.codecs.decoded import Decoded, check_claim, derived
from skiagraph.codecs.foreign import BROKEN
from skiagraph.codecs.written import written
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry import Plane
from skiagraph.image import Image, pixels
from skiagraph.image.quantity import COLOUR, GREY

__all__ = ["RGB", "array_of", "read", "write"]

RGB: Final = ("red", "green", "blue")
_SMALL: Final = 2**26  # bytes of a picture that may be packed as tightly as it likes: an empty one is
_COLOURFUL: Final = frozenset({"RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"})
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", WebPImagePlugin.WebPImageFile.format)


def read(path: Path) -> Decoded:
    """One picture. Resolution marks (PNG pHYs, JPEG dpi) speak of paper, not of a patient: its size stays unknown.

    Args:
        path: A PNG (8 or 16 bit), JPEG, GIF, BMP or WebP file.

    Returns:
        A grey picture (row, column), or a colour one (row, column, red green blue), as an eye would see it: turned
        by its EXIF orientation, CMYK and palettes converted to RGB, transparency dropped with a stated problem.

    Raises:
        FormatError: Damaged, truncated, or so large that it may be a decompression bomb.
    """
    try:
        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always")
            with PIL.Image.open(io.BytesIO(path.read_bytes()), formats=_FORMATS) as file:
                _refuse_bomb(path, noticed)
                _check_claim(path, file)
                array, problems = _decoded(path, file)
            said = tuple(f"{str(w.message).rstrip('.')}." for w in noticed)
    except PIL.Image.DecompressionBombError as error:
        raise _bomb(path) from error
    except FormatError:
        raise
    except BROKEN as error:
        raise FormatError(
            f"{path.name} begins like a picture and is damaged or cut off",
            way_out="copy it again from its source",
        ) from error
    return derived(
        array,
        lambda frame: Plane.upright(shape=(array.shape[0], array.shape[1]), spacing=None, frame=frame),
        problems=(*problems, *said),
        quantity=COLOUR if array.ndim == 3 else GREY,
        channels=RGB if array.ndim == 3 else (),
    )


def _bomb(path: Path) -> FormatError:
    return FormatError(
        f"a picture has at most {PIL.Image.MAX_IMAGE_PIXELS or 0} pixels, for more may be a decompression bomb",
        got=f"more in {path.name}",
        way_out="cut it, or convert it to TIFF",
    )


def _refuse_bomb(path: Path, noticed: list[warnings.WarningMessage]) -> None:
    if any(issubclass(w.category, PIL.Image.DecompressionBombWarning) for w in noticed):
        raise _bomb(path)


def _check_claim(path: Path, file: PIL.Image.Image) -> None:
    """What a picture needs while it is decoded is several times its pixels, so small files may claim little.

    Raises:
        FormatError: More pixels than any packing of its file could honestly give, beyond those of an empty picture.
    """
    colours = 3 if file.mode in _COLOURFUL else 1
    wide = 4 if file.mode in ("I", "F") else 2 if file.mode.startswith("I;") else 1
    if file.width * file.height * colours * wide > _SMALL:
        check_claim(path, (file.height, file.width, colours), wide)


def _decoded(path: Path, file: PIL.Image.Image) -> tuple[NDArray[Any], tuple[str, ...]]:
    problems = []
    frames = int(getattr(file, "n_frames", 1))
    if frames > 1:
        problems.append(f"It holds {frames} pictures, and only the first was read.")
    if _is_deep_colour(path):
        problems.append("Its colours have 16 bits and were read with 8.")
    if file.format in ("JPEG", "MPO") and file.mode == "CMYK":
        problems.append("Its CMYK colours were converted to RGB without a colour profile.")
        if "adobe" not in file.info:
            problems.append(
                "It carries no Adobe mark; its inks were taken as inverted, as Adobe stores them."
            )
    file.load()
    PIL.ImageOps.exif_transpose(file, in_place=True)
    if file.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in file.info:
        problems.append("It has an alpha channel, which was dropped.")
    return array_of(file), tuple(problems)


def array_of(picture: PIL.Image.Image) -> NDArray[Any]:
    """The numbers of a picture, (row, column) or (row, column, red green blue); transparency is dropped."""
    mode = picture.mode
    if mode in ("I;16", "I;16L", "I;16B", "I;16N", "L", "F"):
        return np.asarray(picture)
    if mode == "I":
        wide = np.asarray(picture)
        return wide.astype(np.uint16) if wide.min() >= 0 and wide.max() <= 65535 else wide
    if mode == "1":
        return np.asarray(picture.convert("L"))
    if mode in ("LA", "La"):
        return np.asarray(picture)[..., 0]
    if mode in ("P", "PA"):
        return _from_palette(picture)
    if mode in ("RGBA", "RGBa"):
        return np.asarray(picture)[..., :3]
    return np.asarray(picture.convert("RGB"))


def _from_palette(picture: PIL.Image.Image) -> NDArray[Any]:
    """Colours of a palette; grey where all colours in it that are used are grey."""
    colours = np.asarray(picture.convert("RGBA"))[..., :3]
    grey = bool((colours[..., :1] == colours).all())
    return np.ascontiguousarray(colours[..., 0]) if grey else np.ascontiguousarray(colours)


def _is_deep_colour(path: Path) -> bool:
    """PNG with 16 bits and colour or alpha (colour type 2, 4 or 6 of the PNG specification, section 11.2.1)."""
    with path.open("rb") as stream:
        head = stream.read(26)
    return head[:4] == b"\x89PNG" and len(head) == 26 and head[24] == 16 and head[25] in (2, 4, 6)


def write(image: Image, path: Path) -> tuple[str, ...]:
    """A PNG of 8 or 16 bits.

    Args:
        image: A still picture: whole numbers of 8 or 16 bits without sign, or boolean (written as 0 and 255); grey, or
            three channels of 8 bits.
        path: Ends in ``.png``.

    Returns:
        What PNG cannot keep, one sentence each.

    Raises:
        InvalidInput: Not such a picture.
        WriteFailed: It could not be written; nothing was left.
    """
    array = pixels(image)
    if not isinstance(image.space, Plane) or image.space.timeline is not None:
        raise InvalidInput(
            "PNG holds one still picture", got=f"axes {', '.join(image.axes)}", way_out="write NIfTI"
        )
    lost = []
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
        lost.append("PNG holds no truth values: true became 255.")
    fits = array.dtype == np.uint8 and len(image.channels) in (0, 3)
    if not fits and not (array.dtype == np.uint16 and not image.channels):
        raise InvalidInput(
            "PNG holds grey of 8 or 16 bits or colour of 8",
            got=f"{array.dtype} with {max(len(image.channels), 1)} channels",
            way_out="write TIFF, NIfTI or MetaImage",
        )
    if image.space.unit == "mm":
        lost.append("PNG states no size in the patient: the pixel size is lost.")
    with written(path) as temporary:
        PIL.Image.fromarray(np.ascontiguousarray(array)).save(temporary, format="PNG")
    return tuple(lost)
