"""One DICOM file to an image: values as the Modality LUT means them, and a size only where the file states one."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

from skiagraph.codecs import Decoded, derived
from skiagraph.codecs.decoded import check_claim, native, pixel_problems, rescaled
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry import Grid, Plane, Space, Timeline, derived_frame
from skiagraph.geometry.frame import check_frame
from skiagraph.image import Image, Quantity
from skiagraph.image.quantity import COLOUR, GREY, HU, SIGNAL, UNKNOWN
from skiagraph.io.dicom.size import planar_size
from skiagraph.values import array_digest

__all__ = ["Slice", "decoded_pixels", "header_of", "place_of", "quantity_of", "read", "uid_of"]

_RGB: Final = ("red", "green", "blue")
_GREY: Final = {
    "US",
    "CR",
    "DX",
    "MG",
    "XA",
    "RF",
    "IVUS",
    "IO",
    "PX",
    "OT",
    "SC",
    "ES",
    "XC",
    "GM",
    "SM",
    "OP",
    "BUS",
}
_BROKEN: Final = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    BytesLengthException,
    InvalidDicomError,
)


@final
class Slice:
    """Where one image lies in the patient (DICOM PS3.3 C.7.6.2).

    Args:
        header: Has ImageOrientationPatient, ImagePositionPatient and PixelSpacing.

    Raises:
        FormatError: They are no directions, place and sizes.
    """

    __slots__ = ("down", "position", "right", "spacing")

    def __init__(self, header: Dataset) -> None:
        try:
            cosines = np.array([float(v) for v in header.ImageOrientationPatient]).reshape(2, 3)
            self.position = np.array([float(v) for v in header.ImagePositionPatient]).reshape(3)
            self.spacing = np.array([float(v) for v in header.PixelSpacing]).reshape(2)
        except (AttributeError, TypeError, ValueError) as error:
            raise FormatError(
                "the place of an image in the patient is stated in numbers", got="others"
            ) from error
        self.right, self.down = cosines  # the direction of a row, in which columns rise; and of a column
        lengths = np.linalg.norm(cosines, axis=1)
        numbers = np.concatenate([lengths, self.position, self.spacing])
        square = np.allclose(lengths, 1, atol=1e-2) and abs(float(self.right @ self.down)) < 1e-2
        if not (np.isfinite(numbers).all() and square and (self.spacing > 0).all()):
            raise FormatError(
                "the axes of an image are two directions at right angles", got=str(cosines.tolist())
            )

    @property
    def normal(self) -> NDArray[np.float64]:
        """The direction out of the image, of length 1."""
        across = np.cross(self.right, self.down)
        return np.asarray(across / np.linalg.norm(across))


def place_of(header: Dataset) -> Slice | None:
    """Where an image lies in the patient; None where its file does not tell.

    Raises:
        FormatError: What it tells cannot be.
    """
    needed = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing")
    return Slice(header) if all(header.get(word) for word in needed) else None


def header_of(path: Path) -> Dataset:
    """Everything but the pixels, checked to be an image of a kind that is read.

    Raises:
        FormatError: Not DICOM, no image, or a kind that is not read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, force=True, stop_before_pixels=True)
            _ = _claim(header), _thickness(header), _timeline(header, 1), header.get("SOPClassUID")
    except _BROKEN as error:
        raise FormatError(
            f"{path.name} is DICOM and is damaged or cut off", way_out="export it again"
        ) from error
    if not header or not (header.get("SOPClassUID") or header.get("Rows")):
        raise FormatError(f"{path.name} has the beginning of a DICOM file and not the rest of one")
    if not (header.get("Rows") and header.get("Columns")):
        raise FormatError(f"{path.name} is DICOM without a picture", got=_kind(header))
    if (
        "PerFrameFunctionalGroupsSequence" in header
        or "GridFrameOffsetVector" in header
        or header.get("Modality") == "NM"
    ):
        raise FormatError(
            "enhanced multi-frame, nuclear medicine and dose objects are not read yet", got=path.name
        )
    if "MOSAIC" in [str(v) for v in header.get("ImageType") or ()]:
        raise FormatError(
            "mosaics of slices are not read yet", got=path.name, way_out="convert it with dcm2niix"
        )
    return header


def _claim(header: Dataset) -> tuple[int, ...]:
    """How many numbers the file says that it holds: (frames, rows, columns, samples)."""
    words = ("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel")
    return tuple(int(header.get(word) or 1) for word in words)


def _kind(header: Dataset) -> str:
    uid = header.get("SOPClassUID") or header.get("MediaStorageSOPClassUID")
    return "an unknown kind of object" if uid is None else str(getattr(uid, "name", uid))


def decoded_pixels(path: Path, header: Dataset) -> tuple[NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    """The values of a file: axes ([frame,] row, column[, channel]), names of the channels, and what was noticed.

    Colours become RGB, MONOCHROME1 is inverted so that high is bright, and rescale or Modality LUT is applied.

    Raises:
        FormatError: Cut off, or packed in a way for which no decoder is installed.
    """
    check_claim(path, _claim(header), max(1, int(header.get("BitsAllocated", 8)) // 8))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored = native(pixel_array(pydicom.dcmread(path, force=True)))
            return _meant(stored, header)
    except _BROKEN as error:
        syntax = getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID")
        packed = syntax is not None and bool(getattr(syntax, "is_compressed", False))
        raise FormatError(
            f"the pixels of {path.name} are cut off, damaged or packed in a way that no installed decoder reads",
            got=str(getattr(syntax, "name", "no transfer syntax")),
            way_out="export it without compression" if packed else "export it again",
        ) from error


def _meant(stored: NDArray[Any], header: Dataset) -> tuple[NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    samples = int(header.get("SamplesPerPixel", 1))
    if header.get("PhotometricInterpretation") == "PALETTE COLOR":
        coloured = apply_color_lut(stored, header)[..., :3]
        return _eight_bits(coloured), _RGB, ()
    if samples == 3:
        return stored, _RGB, ()
    if samples != 1:
        raise ValueError(f"{samples} samples a pixel")
    bits = int(header.get("BitsStored", stored.dtype.itemsize * 8))
    if stored.dtype.kind == "u" and bits < stored.dtype.itemsize * 8:
        stored = stored & stored.dtype.type((1 << bits) - 1)
    if header.get("PhotometricInterpretation") == "MONOCHROME1" and stored.dtype.kind in "iu":
        stored = ~stored if stored.dtype.kind == "i" else stored.dtype.type((1 << bits) - 1) - stored
    if header.get("ModalityLUTSequence"):
        return native(np.asarray(apply_modality_lut(stored, header))), (), ()
    slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
    if slope is None or intercept is None:
        return stored, (), ()
    if float(slope) == 0:
        return stored, (), ("Its rescale slope is zero and was left aside.",)
    return rescaled(stored, float(slope), float(intercept)), (), ()


def _eight_bits(coloured: NDArray[Any]) -> NDArray[Any]:
    """A palette of 16 bits, as most are, repeats or scales 8; colours are read with 8."""
    return coloured if coloured.dtype == np.uint8 else (coloured >> 8).astype(np.uint8)


def quantity_of(header: Dataset, channels: tuple[str, ...]) -> Quantity:
    """What the values mean, where modality and rescale type tell (DICOM PS3.3 C.11.1.1.2)."""
    modality, kind = header.get("Modality"), header.get("RescaleType")
    if channels:
        return COLOUR
    if modality == "CT" and header.get("RescaleSlope") is not None and kind in (None, "", "HU"):
        return HU
    if modality == "MR":
        return SIGNAL
    return GREY if modality in _GREY and kind in (None, "", "US") else UNKNOWN


def uid_of(header: Dataset, keyword: str) -> str | None:
    """A UID that is one, or None."""
    value = header.get(keyword)
    try:
        check_frame(str(value))
    except InvalidInput:
        return None
    return str(value)


def read(path: Path) -> Decoded:
    """One image from one file.

    Args:
        path: A DICOM file.

    Returns:
        A `Grid` of one slice where the file states a place in the patient and a thickness; otherwise a `Plane`, with
        the size that calibrated ultrasound regions or the pixel spacing state, and a `Timeline` for several frames.

    Raises:
        FormatError: No picture, damaged, or of a kind that is not read.
    """
    header = header_of(path)
    array, channels, problems = decoded_pixels(path, header)
    frames = int(header.get("NumberOfFrames") or 1)
    if frames == 1 and array.ndim == 3 + bool(channels):
        array = array[0]
    common: dict[str, Any] = {
        "quantity": quantity_of(header, channels),
        "channels": channels,
        "modality": _modality(header),
    }
    uid, where = uid_of(header, "SOPInstanceUID"), place_of(header)
    step = None if where is None or frames > 1 else _thickness(header)
    if where is not None and step is not None:
        frame = uid_of(header, "FrameOfReferenceUID") or derived_frame(array_digest(array))
        image = Image(data=array[None], space=_one_slice(header, where, step, frame), **common)
        return Decoded(image=image, problems=(*problems, *pixel_problems(array)), uid=uid)
    size, said = planar_size(header)
    timeline = None if frames == 1 else _timeline(header, frames)
    shape = int(header.Rows), int(header.Columns)

    def place(frame: str) -> Space:
        return Plane.upright(shape=shape, spacing=size, frame=frame, timeline=timeline)

    found = derived(array, place, problems=(*problems, *said), **common)
    return Decoded(image=found.image, problems=found.problems, uid=uid)


def _modality(header: Dataset) -> str | None:
    value = header.get("Modality")
    return str(value) if value else None


def _thickness(header: Dataset) -> float | None:
    for word in ("SpacingBetweenSlices", "SliceThickness"):
        value = header.get(word)
        if value is not None and np.isfinite(float(value)) and float(value) > 0:
            return float(value)
    return None


def _one_slice(header: Dataset, where: Slice, step: float, frame: str) -> Grid:
    affine = np.eye(4)
    affine[:3, 0] = where.normal * step
    affine[:3, 1], affine[:3, 2] = where.down * where.spacing[0], where.right * where.spacing[1]
    affine[:3, 3] = where.position
    return Grid(shape=(1, int(header.Rows), int(header.Columns)), affine=affine, frame=frame)


def _timeline(header: Dataset, frames: int) -> Timeline:
    """Times of a cine (DICOM PS3.3 C.7.6.5): FrameTimeVector or FrameTime, in ms; else the order alone."""
    steps = [float(v) for v in np.atleast_1d(header.get("FrameTimeVector") or [])]
    if len(steps) == frames and all(s > 0 for s in steps[1:]):
        return Timeline(times=np.cumsum([0.0, *steps[1:]]) / 1000.0, unit="s")
    step = header.get("FrameTime")
    if step is not None and float(step) > 0:
        return Timeline(times=np.arange(frames, dtype=np.float64) * (float(step) / 1000.0), unit="s")
    return Timeline(times=np.arange(frames, dtype=np.float64))
