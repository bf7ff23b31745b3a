"""TIFF: pictures and stacks through tifffile; its own geometry is kept whole, that of others where a unit is stated."""

from __future__ import annotations

import dataclasses
import logging
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded, derived, pixel_problems, with_quiet_nan
from skiagraph.codecs.foreign import foreign
from skiagraph.codecs.picture import RGB, array_of
from skiagraph.codecs.place import channel_names
from skiagraph.codecs.tiff_claims import (
    SIZED,
    STATED,
    check_directories,
    check_ome,
    check_series,
    check_stated,
)
from skiagraph.codecs.written import written
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry import Grid, Plane, Space, Timeline
from skiagraph.image import Image, Quantity, pixels
from skiagraph.image.quantity import COLOUR, UNKNOWN
from skiagraph.plain import from_plain, to_plain

__all__ = ["read", "write"]

_KEY: Final = "skiagraph"  # in the JSON of ImageDescription: version, space, quantity, channels, modality
_VERSION: Final = 1
_ELSEWHERE: Final[dict[str, Any]] = {
    "is_mmstack": False,
    "is_ndtiff": False,
}  # dialects that look for other files beside
logging.getLogger("tifffile").addHandler(
    logging.NullHandler()
)  # what is odd about a tag is not told on the terminal
_MM: Final = {
    "mm": 1.0,
    "cm": 10.0,
    "um": 0.001,
    "µm": 0.001,
    "micron": 0.001,
    "\\u00B5m": 0.001,
    "inch": 25.4,
}


def read(path: Path) -> Decoded:
    """One image.

    Args:
        path: A TIFF, BigTIFF or ImageJ file; several pages of one size are frames in their order.

    Returns:
        A `Plane`, with a size where the resolution is stated per centimetre or in a unit of ImageJ; dots per inch speak
        of paper and leave it unknown. What Skiagraph wrote comes back as it was.

    Raises:
        FormatError: Damaged, truncated, or packed in a way that is not read.
    """
    rule = f"{path.name} begins like TIFF and is damaged, cut off, or packed in a way that is not read"
    check_directories(path)
    with (
        foreign(rule, also=(PIL.Image.DecompressionBombError,)),
        tifffile.TiffFile(path, _multifile=False, **_ELSEWHERE) as file,
    ):
        elsewhere = check_ome(path, file.ome_metadata or "")
        file.pages.cache = True
        series = file.series[0]
        said = check_series(path, series)
        array = _pixels(path, series)
        own = (file.shaped_metadata or ({},))[0].get(_KEY)
        decoded = _of_others(file, array, series.axes) if own is None else _own(array, own)
    return dataclasses.replace(decoded, problems=(*decoded.problems, *elsewhere, *said))


def _pixels(path: Path, series: Any) -> NDArray[Any]:
    page = series.keyframe
    simple = page.photometric in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
    if simple and (page.compression in SIZED or page.compression in STATED):
        check_stated(path, series)
        try:
            return np.asarray(series.asarray())
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
    # Pillow unpacks LZW, JPEG and fax, and knows palettes, inks and white at zero.
    with PIL.Image.open(path, formats=("TIFF",)) as picture:
        pages = []
        for one in series:
            picture.seek(one.index)
            pages.append(array_of(picture))
    return np.stack(pages) if len(pages) > 1 else pages[0]


def _own(array: NDArray[Any], own: Any) -> Decoded:
    if not isinstance(own, dict) or own.get("version") != _VERSION:
        raise FormatError(
            "the geometry in a TIFF of Skiagraph has a version that is known", got="another one"
        )
    array = with_quiet_nan(array)
    space = from_plain(Space, own["space"])
    channels = tuple(str(name) for name in own["channels"])
    quantity, modality = from_plain(Quantity, own["quantity"]), own["modality"]
    image = Image(data=array, space=space, quantity=quantity, channels=channels, modality=modality)
    return Decoded(image=image, problems=pixel_problems(array))


def _of_others(file: Any, array: NDArray[Any], axes: str) -> Decoded:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    array, channels, frames, problems = _in_our_order(array, axes)
    if len(file.series) > 1:
        problems.append(
            f"It holds {len(file.series)} pictures of different sizes, and only the first was read."
        )
    spacing, said = _spacing(file)
    timeline = Timeline(times=np.arange(frames, dtype=np.float64)) if frames > 1 else None
    rows, columns = array.shape[frames > 1 :][:2]
    step = (file.imagej_metadata or {}).get("spacing")
    if frames > 1 and axes.startswith("Z") and spacing is not None and step:
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = (
            float(step) * spacing[2],
            spacing[0],
            spacing[1],
            1.0,
        )
        return derived(
            array,
            lambda frame: Grid(shape=(frames, rows, columns), affine=affine, frame=frame),
            problems=(*problems, "It states no place in the patient: left and right are not known."),
            channels=channels,
        )
    if frames > 1:
        problems.append(f"Its {frames} pages were taken as frames in their order.")
    size = None if spacing is None else spacing[:2]
    return derived(
        array,
        lambda frame: Plane.upright(shape=(rows, columns), spacing=size, frame=frame, timeline=timeline),
        problems=(*problems, *said),
        quantity=COLOUR if channels == RGB else UNKNOWN,
        channels=channels,
    )


def _in_our_order(array: NDArray[Any], axes: str) -> tuple[NDArray[Any], tuple[str, ...], int, list[str]]:
    """Pixels as ([frame,] row, column[, channel]), the channels, the number of frames, and what was noticed."""
    problems = []
    names = list(axes) if len(axes) == array.ndim else ["Q", "Y", "X", "S"][4 - array.ndim :]
    if len(axes) != array.ndim and array.shape[-1] != 3:
        names = ["Q", "Y", "X"][3 - array.ndim :]
    at = next((n for n, name in enumerate(names) if name in "SC"), None)
    channels: tuple[str, ...] = ()
    if at is not None:
        array = np.moveaxis(array, at, -1)
        del names[at]
        if array.shape[-1] in (2, 4) and axes[at] == "S":
            array = array[..., : array.shape[-1] - 1]
            problems.append("It has an alpha channel, which was dropped.")
        channels = channel_names(array.shape[-1])
        array = array if channels else array[..., 0]
    extra = len(names) - 2
    if extra < 0 or names[-2:] != ["Y", "X"]:
        raise FormatError("a TIFF holds rows and columns", got=f"axes {axes}")
    frames = int(np.prod(array.shape[:extra], dtype=np.int64))
    if extra > 1:
        problems.append(f"Its axes {axes} were taken as one row of frames.")
    return (
        array.reshape((*((frames,) if frames > 1 else ()), *array.shape[extra:])),
        channels,
        frames,
        problems,
    )


def _spacing(file: Any) -> tuple[tuple[float, float, float] | None, tuple[str, ...]]:
    """Millimetres between rows, between columns, and in one unit of the file; None where they are not known."""
    tags = file.pages[0].tags
    density = [_ratio(tags.get(name)) for name in ("YResolution", "XResolution")]
    if not all(density):
        return None, ()
    unit = tags.get("ResolutionUnit")
    if file.imagej_metadata is not None:
        mm = _MM.get(str(file.imagej_metadata.get("unit", "")))
    elif unit is not None and unit.value == 3:
        mm = 10.0
    elif unit is not None and unit.value == 2:
        return None, ("Its dots per inch speak of paper; its size in the patient is not known.",)
    else:
        mm = None
    return (None, ()) if mm is None else ((mm / density[0], mm / density[1], mm), ())


def _ratio(tag: Any) -> float:
    if tag is None:
        return 0.0
    over, under = tag.value
    return float(over) / float(under) if under else 0.0


def write(image: Image, path: Path) -> tuple[str, ...]:
    """A TIFF file that keeps type, quantity, modality, channels, times and geometry, frame included.

    Args:
        image: Any image.
        path: Ends in .tif or .tiff.

    Returns:
        Nothing is lost: an empty tuple.

    Raises:
        InvalidInput: A kind of number that TIFF does not know.
        WriteFailed: It could not be written; nothing was left.
    """
    array, space = pixels(image), image.space
    axes = (
        ("T" if space.timeline else "")
        + ("ZYX" if space.ndim == 3 else "YX")
        + ("S" if image.channels else "")
    )
    own = {
        "version": _VERSION,
        "space": to_plain(space),
        "quantity": to_plain(image.quantity),
        "channels": list(image.channels),
        "modality": image.modality,
    }
    options: dict[str, Any] = {"photometric": "rgb" if len(image.channels) == 3 else "minisblack"}
    if len(image.channels) > 1:
        options["planarconfig"] = "contig"
    if isinstance(space, Plane) and space.unit == "mm":
        rows, columns = np.linalg.norm(space.affine[:2, :2], axis=0)
        options |= {"resolution": (10.0 / columns, 10.0 / rows), "resolutionunit": "CENTIMETER"}
    with written(path) as temporary, temporary.open("wb") as stream:
        try:
            tifffile.imwrite(
                stream, np.ascontiguousarray(array), metadata={"axes": axes, _KEY: own}, **options
            )
        except (ValueError, TypeError, KeyError, struct.error) as error:
            raise InvalidInput("TIFF holds numbers of 8 to 64 bits", got=str(array.dtype)) from error
    return ()
