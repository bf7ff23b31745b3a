"""NIfTI-1 and NIfTI-2 through nibabel. The only place where RAS is spoken: what leaves here is LPS."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded, check_claim, derived, native, rescaled
from skiagraph.codecs.foreign import foreign
from skiagraph.codecs.place import (
    channel_names,
    file_affine,
    is_placeless,
    placed,
    plain_pixels,
    regular_step,
)
from skiagraph.codecs.written import written
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry import Grid, Timeline
from skiagraph.image import Image

__all__ = ["read", "write"]

_RAS_TO_LPS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM: Final = {"mm": 1.0, "meter": 1000.0, "micron": 0.001}
_SECONDS: Final = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_COLOUR: Final = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
_SCANNER, _ALIGNED = 1, 2  # sform and qform codes
_OWN: Final = (HeaderDataError, ImageFileError, WrapStructError)
_FARTHEST: Final = 1e9  # mm, or whatever the unit is: nothing in a patient lies farther away


def read(path: Path) -> Decoded:
    """One image. Arrays come as (time, k, j, i, channel): index order of the file reversed, so that memory is in order.

    Args:
        path: A .nii or .nii.gz file.

    Returns:
        A `Grid`; a `Plane` for two axes, and for one slice that has no place in the patient. The unit is the pixel
        where the file states neither a unit nor a place. Slopes are applied.

    Raises:
        FormatError: Damaged, truncated, complex numbers, or pixels in a file of their own (.hdr with .img).
    """
    rule = f"{path.name} begins like NIfTI and is damaged or cut off"
    with foreign(rule, way_out="copy it again from its source", also=_OWN):
        with _opened(path) as stream:
            version = nib.Nifti2Image if _is_second(stream) else nib.Nifti1Image
            file = version.from_stream(stream)
            check_claim(path, file.shape, file.header.get_data_dtype().itemsize)
            stored = np.asarray(file.dataobj.get_unscaled())
        return _decoded(file, stored)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield io.BufferedReader(stream)
        else:
            yield raw


def _is_second(stream: IO[bytes]) -> bool:
    head = stream.read(348)
    stream.seek(0)
    if head[344:348] == b"ni1\x00" or head[4:8] == b"ni2\x00":
        raise FormatError(
            "a NIfTI file holds its pixels", got="a header alone", way_out="join .hdr and .img to .nii"
        )
    return head[4:7] == b"n+2"


def _decoded(file: Any, stored: NDArray[Any]) -> Decoded:
    header, problems = file.header, []
    if stored.dtype.fields is not None:
        if len(stored.dtype.fields) == 4:
            problems.append("It has an alpha channel, which was dropped.")
        stored = np.stack([stored[name] for name in ("R", "G", "B")], axis=-1)
        colour = True
    else:
        slope, intercept = file.dataobj.slope, file.dataobj.inter
        stored, colour = rescaled(native(stored), float(slope), float(intercept)), False
    array, flat = _in_our_order(stored, header, colour=colour)
    affine, unit, said = _affine(header)
    names = channel_names(array.shape[-1])
    array = array if names else array[..., 0]
    timeline = _timeline(header, array.shape[0])
    array = array if timeline is not None else array[0]
    shape = array.shape[(timeline is not None) : array.ndim - bool(names)]
    place, turned = placed(shape, affine, unit=unit, flat=flat, timeline=timeline)
    return derived(array, place, problems=(*problems, *said, *turned), channels=names)


def _in_our_order(stored: NDArray[Any], header: Any, *, colour: bool) -> tuple[NDArray[Any], bool]:
    """Axes (time, [k,] j, i, channel), all of them; and whether it is a picture."""
    spatial = stored.ndim - colour
    if spatial > 5 and any(n > 1 for n in stored.shape[5:spatial]):
        raise FormatError("an image has three axes, time and channels", got=f"NIfTI of {spatial} axes")
    missing = 4 - spatial
    if colour:
        sizes = (*stored.shape[:spatial], *(1,) * missing) if missing > 0 else stored.shape[:spatial]
        full = stored.reshape((*sizes[:4], 3), order="A")
    else:
        sizes = (*stored.shape, *(1,) * (5 - stored.ndim))
        full = stored.reshape(sizes[:5], order="F")
    flat = spatial <= 2 or (full.shape[2] == 1 and not _has_place(header))
    ours = np.moveaxis(full.T, 0, -1)
    return (ours[:, 0] if flat else ours), flat


def _has_place(header: Any) -> bool:
    """Whether one slice lies somewhere in a patient; a picture that was given an affine of sizes does not."""
    codes = int(header["sform_code"]), int(header["qform_code"])
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    if max(codes) <= 0 or is_placeless(affine):
        return False
    affine[:2, 3] = 0.0
    return _SCANNER in codes or not is_placeless(affine)


def _affine(header: Any) -> tuple[NDArray[np.float64], Literal["mm", "pixel"], tuple[str, ...]]:
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    space_unit = _units(header)[0]
    scale = _MM.get(space_unit)
    if sform <= 0 and qform <= 0:
        sizes = [abs(float(z)) or 1.0 for z in (*header.get_zooms()[:3], 1.0, 1.0)[:3]]
        if scale is None:
            return np.eye(4), "pixel", ("It states no size in millimetres.",)
        said = (
            ()
            if header["dim"][0] == 2
            else ("It states no place in the patient: left and right are not known.",)
        )
        return np.diag([*(s * scale for s in sizes), 1.0]), "mm", said
    problems = []
    if scale is None:
        problems.append("It states a place and no unit; millimetres were taken, as NIfTI programs do.")
    if sform > 0 and qform > 0 and not np.allclose(header.get_sform(), header.get_qform(), atol=1e-2):
        problems.append("Its two affines (sform and qform) differ; the sform was taken.")
    stated = np.asarray(header.get_best_affine(), dtype=np.float64)
    if not np.abs(stated).max() < _FARTHEST:
        raise FormatError("a place in the patient is stated by numbers of its size", got="others")
    affine = _RAS_TO_LPS @ stated
    affine[:3] *= scale or 1.0
    return affine, "mm", tuple(problems)


def _units(header: Any) -> tuple[str, str]:
    try:
        space, time = header.get_xyzt_units()
    except KeyError:
        return "unknown", "unknown"
    return str(space), str(time)


def _timeline(header: Any, frames: int) -> Timeline | None:
    if frames == 1:
        return None
    step, unit = float(header["pixdim"][4]), _SECONDS.get(_units(header)[1])
    if unit is None or not (np.isfinite(step) and step > 0):
        return Timeline(times=np.arange(frames, dtype=np.float64))
    start = float(header["toffset"]) if np.isfinite(header["toffset"]) else 0.0
    times = (start + step * np.arange(frames, dtype=np.float64)) * unit
    return Timeline(times=times, unit="s")


def write(image: Image, path: Path) -> tuple[str, ...]:
    """A NIfTI-1 file, packed where `path` ends in .gz; the same image always gives the same bytes.

    Args:
        image: Any image with even times.
        path: Ends in .nii or .nii.gz.

    Returns:
        What NIfTI cannot keep, one sentence each.

    Raises:
        InvalidInput: Uneven times, or an axis longer than 32,767.
        WriteFailed: It could not be written; nothing was left.
    """
    array, lost = plain_pixels(image)
    if max(array.shape) > np.iinfo(np.int16).max:
        raise InvalidInput(
            "an axis of NIfTI-1 has at most 32767 steps", got=str(array.shape), way_out="write NRRD"
        )
    ordered = _in_file_order(array, image)
    file = nib.Nifti1Image(ordered, None, dtype=ordered.dtype)
    _set_place(file.header, image)
    if image.channels and image.channels not in (channel_names(3), channel_names(len(image.channels))):
        lost = (*lost, "NIfTI keeps no names of channels.")
    with written(path) as temporary, temporary.open("wb") as raw:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
                file.to_stream(packed)
        else:
            file.to_stream(raw)
    return lost


def _in_file_order(array: NDArray[Any], image: Image) -> NDArray[Any]:
    """Axes (i, j[, k][, time][, channel]); colour as one structured number a pixel."""
    colour = image.channels == channel_names(3) and array.dtype == np.uint8
    if colour:
        array = np.ascontiguousarray(array).view(_COLOUR)[..., 0]
    vector = bool(image.channels) and not colour
    if image.space.timeline is None and vector:
        array = array[None]
    if image.space.ndim == 2 and (vector or image.space.timeline is not None):
        array = np.expand_dims(array, 1)
    return np.moveaxis(array, -1, 0).T if vector else array.T


def _set_place(header: Any, image: Image) -> None:
    space, timeline = image.space, image.space.timeline
    in_mm = space.unit == "mm"
    seconds = timeline is not None and timeline.unit == "s"
    affine = _RAS_TO_LPS @ file_affine(space)
    header.set_data_dtype(header.get_data_dtype())
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    ndim = int(header["dim"][0])
    step = [] if timeline is None else [regular_step(timeline)]
    header.set_zooms([*sizes[: min(ndim, 3)], *step, *(1.0,) * 5][:ndim])
    if in_mm:
        code = _SCANNER if isinstance(space, Grid) else _ALIGNED
        header.set_sform(affine, code=code)
        cosines = affine[:3, :3] / sizes
        if np.allclose(cosines.T @ cosines, np.eye(3), atol=1e-5):
            header.set_qform(affine, code=code)
    if seconds and timeline is not None:
        header["toffset"] = timeline.times[0]
    if image.channels and header.get_data_dtype().fields is None:
        header.set_intent("vector")
    header.set_xyzt_units("mm" if in_mm else "unknown", "sec" if seconds else "unknown")
