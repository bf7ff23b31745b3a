"""What MetaImage and NRRD share: pixels through SimpleITK, and sizes that only count where they are stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded, derived
from skiagraph.codecs.place import channel_names, is_placeless, placed
from skiagraph.errors import FormatError
from skiagraph.geometry import Timeline

__all__ = ["MM_OF_UNIT", "data_file", "read_itk"]

MM_OF_UNIT: Final = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "µm": 0.001, "micron": 0.001}
_SCALARS: Final = 1
_LONGEST: Final = 1024  # characters of a path


def data_file(path: Path, name: str) -> Path:
    """The file beside `path` that holds its pixels.

    Raises:
        FormatError: It is missing, or the name leads out of the folder.
    """
    folder = path.parent.resolve()
    if "\0" in name or len(name) > _LONGEST:
        raise FormatError(f"{path.name} names the file that holds its pixels", got="no name of a file")
    target = (folder / name).resolve()
    if not target.is_relative_to(folder):
        raise FormatError(
            f"the pixels of {path.name} lie beside it or below it", got="a name that leads elsewhere"
        )
    if not target.is_file():
        raise FormatError(
            f"{path.name} is a header whose pixels lie in another file, which is missing", got=Path(name).name
        )
    return target


def read_itk(path: Path, driver: str, *, scale: float | None, problems: tuple[str, ...] = ()) -> Decoded:
    """The image that SimpleITK reads.

    Args:
        path: The file.
        driver: ITK's name of the format.
        scale: mm in one unit of the file's spacing; None where the file states no spacing.
        problems: What was noticed so far.

    Raises:
        FormatError: SimpleITK cannot read it, or an image of more than four axes.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO(driver)
    reader.SetFileName(str(path))
    try:
        file = reader.Execute()
    except RuntimeError as error:
        raise FormatError(
            f"{path.name} begins like {driver.removesuffix('ImageIO')} and is damaged, cut off or of a kind not read"
        ) from error
    ndim = file.GetDimension()
    if not 2 <= ndim <= 4:
        raise FormatError(
            "an image has two or three axes in space, and time", got=f"{ndim} axes in {path.name}"
        )
    array = sitk.GetArrayFromImage(file)
    names = channel_names(file.GetNumberOfComponentsPerPixel())
    if file.GetNumberOfComponentsPerPixel() == _SCALARS and array.ndim > ndim:
        array = array[..., 0]
    return _placed(file, array, names, scale, problems)


def _placed(
    file: Any, array: NDArray[Any], names: tuple[str, ...], scale: float | None, problems: tuple[str, ...]
) -> Decoded:
    ndim = file.GetDimension()
    affine, unit = _affine(file, scale)
    frames = array.shape[0] if ndim == 4 else 1
    timeline = Timeline(times=np.arange(frames, dtype=np.float64)) if frames > 1 else None
    if ndim == 4 and timeline is None:
        array = array[0]
    first = timeline is not None
    flat = ndim == 2 or (array.shape[first] == 1 and is_placeless(affine))
    if flat and ndim > 2:
        array = array[:, 0] if first else array[0]
    shape = array.shape[first : array.ndim - bool(names)]
    place, turned = placed(shape, affine, unit=unit, flat=flat, timeline=timeline)
    said = () if scale is not None else ("It states no size in millimetres.",)
    return derived(array, place, problems=(*problems, *said, *turned), channels=names)


def _affine(file: Any, scale: float | None) -> tuple[NDArray[np.float64], Literal["mm", "pixel"]]:
    """4x4, LPS, from index (i, j, k, 1)."""
    ndim = file.GetDimension()
    direction = np.array(file.GetDirection()).reshape(ndim, ndim)
    space = min(ndim, 3)
    affine = np.eye(4)
    affine[:space, :space] = direction[:space, :space] * np.array(file.GetSpacing())[:space]
    affine[:space, 3] = np.array(file.GetOrigin())[:space]
    affine[:3] *= 1.0 if scale is None else scale
    if space == 2:
        affine[2, 2] = 1.0
    return affine, "pixel" if scale is None else "mm"
