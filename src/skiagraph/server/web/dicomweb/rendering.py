"""Frames as pictures that a browser shows: through the windows of their file, or through the one that is asked for."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
import PIL.Image
from fastapi import Request
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.image.window import Display, Window, seen, to_display
from skiagraph.io.dicom.enhanced import groups_of, is_enhanced
from skiagraph.io.dicom.meaning import after_modality, meant
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.scan import Header
from skiagraph.io.dicom.voi import windows
from skiagraph.server.site import Site
from skiagraph.server.web.dicomweb.accept import accepted
from skiagraph.server.web.dicomweb.frames import laid_out
from skiagraph.server.web.dicomweb.instances import Stored, count_of, header_of
from skiagraph.server.web.problems import NotAcceptable

__all__ = ["JPEG", "PNG", "Look", "look_of", "rendered", "small"]

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
_FUNCTIONS: Final = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_MOST: Final = 8192  # pixels of a side
_THUMBNAIL: Final = 128
_FORMS: Final = {JPEG: "JPEG", PNG: "PNG"}
_SIDES: Final = "a viewport is its width and height, and a part of the picture where one is asked for"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a picture is wanted.

    Args:
        media: ``image/jpeg`` or ``image/png``.
        quality: Of JPEG, 1 to 100.
        window: Center, width and function; None for that of the file.
        size: Most columns and rows that it may have; None for those of the frame.
        part: Left, top, width and height of what of it is shown; None for all.
    """

    media: str = JPEG
    quality: int = 90
    window: tuple[float, float, str] | None = None
    size: tuple[int, int] | None = None
    part: tuple[float, float, float, float] | None = None


def look_of(request: Request) -> Look:
    """How a picture is wanted (PS3.18 8.3.5, 10.4.4.1).

    Raises:
        InvalidInput: A parameter that is none of its kind.
        NotAcceptable: As neither of both formats.
    """
    said = request.query_params
    size, part = _viewport(said.get("viewport", ""))
    quality = said.get("quality", "90")
    if not quality.isascii() or not quality.isdecimal() or not 1 <= int(quality[:4]) <= 100:
        raise InvalidInput("a quality is from 1 to 100", got="another")
    return Look(
        media=_media(request),
        quality=int(quality),
        window=_window(said.get("window", "")),
        size=size,
        part=part,
    )


def small(look: Look) -> Look:
    """As a thumbnail."""
    size = look.size or (_THUMBNAIL, _THUMBNAIL)
    return Look(media=look.media, quality=look.quality, size=size)


def rendered(site: Site, stored: Stored, number: int | None, look: Look) -> bytes:
    """A frame as a picture.

    Args:
        site: The server.
        stored: The object.
        number: Of the frame, from 0; None for the one in the middle.
        look: How it is wanted.

    Raises:
        MissingInput: There is no such frame.
        NotAcceptable: It has no pixels, or none that are decoded.
    """
    header = header_of(site.files, stored)
    if header.pixels is None:
        raise NotAcceptable("what is shown has pixels", got="an object without")
    count = count_of(header)
    number = count // 2 if number is None else number
    if number >= count:
        raise MissingInput("a frame that is asked for is there", got=f"one behind the {count}")
    try:
        with laid_out(site, stored) as source, guarded(stored.name):
            pixels = stored_pixels(source, header, [number])[0]
            levels = _levels(pixels, header, groups_of(header, number) if is_enhanced(header) else None, look)
    except FormatError as error:
        raise NotAcceptable(error.rule, got=error.got) from error
    return _picture(levels, look)


def _levels(pixels: NDArray[Any], header: Header, groups: Dataset | None, look: Look) -> NDArray[np.uint8]:
    """Grey levels or colours, 0 to 255."""
    found = meant(pixels, header, groups)
    if found.channels:
        if found.values.dtype == np.uint8:
            return found.values
        most = max(1, int(header.get("BitsStored") or 8))
        return to_display(found.values, Window(low=0, high=float(2**most - 1)))
    shown = _asked(header, groups, look) or windows(header, groups)
    return seen(found.values, shown)


def _asked(header: Header, groups: Dataset | None, look: Look) -> tuple[Display, ...]:
    """The window that is asked for, over the values that pixels mean (PS3.3 C.11.2.1.2)."""
    if look.window is None:
        return ()
    center, width, function = look.window
    way = after_modality(header, groups)
    if way is None:
        return ()
    low, high = center - width / 2, center + width / 2 - (function == "LINEAR")
    if low >= high:
        high = low + 1e-6 * max(1.0, abs(low))
    low, high = sorted(way.slope * end + way.intercept for end in (low, high))
    kind: Literal["sigmoid", "linear"] = "sigmoid" if function == "SIGMOID" else "linear"
    return (Window(low=low, high=high, function=kind),)


def _picture(levels: NDArray[np.uint8], look: Look) -> bytes:
    picture = PIL.Image.fromarray(np.ascontiguousarray(levels))
    if look.part is not None:
        left, top, width, height = look.part
        box = (left, top, min(left + width, picture.width), min(top + height, picture.height))
        whole = tuple(round(one) for one in box)
        if whole[0] >= whole[2] or whole[1] >= whole[3]:
            raise InvalidInput("the part of a picture lies in it", got="another")
        picture = picture.crop((whole[0], whole[1], whole[2], whole[3]))
    if look.size is not None:
        scale = min(look.size[0] / picture.width, look.size[1] / picture.height)
        sides = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        picture = picture.resize(sides, PIL.Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    more = {"quality": look.quality} if look.media == JPEG else {}
    picture.save(buffer, _FORMS[look.media], **more)
    return buffer.getvalue()


def _media(request: Request) -> str:
    for one in accepted(request):
        if one.kind in _FORMS:
            return one.kind
        if one.kind in ("*/*", "image/*"):
            return JPEG
    raise NotAcceptable("what is shown comes as JPEG or PNG", got="an Accept without them")


def _numbers(said: str, rule: str) -> list[float]:
    words = said.split(",")
    try:
        numbers = [float(one) if one.strip() else 0.0 for one in words]
    except ValueError as error:
        raise InvalidInput(rule, got="another") from error
    if len(words) > 8 or not all(map(math.isfinite, numbers)):
        raise InvalidInput(rule, got="another")
    return numbers


def _window(said: str) -> tuple[float, float, str] | None:
    if not said:
        return None
    rule = "a window is its center, its width and its function: linear, linear-exact or sigmoid"
    *numbers, function = said.split(",")
    values = _numbers(",".join(numbers), rule)
    if len(values) != 2 or function.strip().lower() not in _FUNCTIONS:
        raise InvalidInput(rule, got="another")
    if not (abs(values[0]) < 1e12 and 0 < values[1] < 1e12):
        raise InvalidInput("the width of a window is above 0", got="another")
    return values[0], values[1], _FUNCTIONS[function.strip().lower()]


def _viewport(
    said: str,
) -> tuple[tuple[int, int] | None, tuple[float, float, float, float] | None]:
    if not said:
        return None, None
    numbers = _numbers(said, _SIDES)
    if len(numbers) not in (2, 6) or not all(1 <= one <= _MOST for one in numbers[:2]):
        raise InvalidInput(_SIDES, got="another", way_out=f"sides of 1 to {_MOST}")
    size = int(numbers[0]), int(numbers[1])
    if len(numbers) == 2:
        return size, None
    left, top, width, height = numbers[2:]
    if left < 0 or top < 0 or width < 0 or height < 0 or max(numbers[2:]) > 1e6:
        raise InvalidInput("the part of a picture lies in it, and is not mirrored", got="another")
    return size, (left, top, width or 1e6, height or 1e6)
