"""Which format a file is in, by its content; and the one door through which the codec of that format is loaded."""

from __future__ import annotations

import dataclasses
import importlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from skiagraph.codecs import Decoded
from skiagraph.errors import FormatError, InvalidInput, MissingInput, MissingPackage, NotPermitted
from skiagraph.geometry import derived_frame
from skiagraph.image import Image, pixels
from skiagraph.image.quantity import COLOUR, GREY, UNKNOWN
from skiagraph.optional import optional
from skiagraph.values import array_digest

__all__ = [
    "FORMATS",
    "Format",
    "format_of",
    "format_of_head",
    "format_of_suffix",
    "is_image_name",
    "read_image",
    "write_image",
]

_HEAD: Final = 4096  # bytes that are looked at


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format.

    Args:
        name: As people call it.
        module: Holds ``read(path) -> Decoded`` and, where the format is written, ``write(image, path)``.
        suffixes: How its files usually end.
        written: The suffixes that are written.
    """

    name: str
    module: str
    suffixes: tuple[str, ...]
    written: tuple[str, ...] = ()


DICOM: Final = Format(name="DICOM", module="skiagraph.io.dicom.file", suffixes=(".dcm", ".dicom", ".ima"))
NIFTI: Final = Format(
    name="NIfTI", module="skiagraph.codecs.nifti", suffixes=(".nii", ".nii.gz"), written=(".nii", ".nii.gz")
)
METAIMAGE: Final = Format(
    name="MetaImage", module="skiagraph.codecs.metaimage", suffixes=(".mha", ".mhd"), written=(".mha", ".mhd")
)
NRRD: Final = Format(
    name="NRRD", module="skiagraph.codecs.nrrd", suffixes=(".nrrd", ".nhdr"), written=(".nrrd",)
)
TIFF: Final = Format(
    name="TIFF", module="skiagraph.codecs.tiff", suffixes=(".tif", ".tiff"), written=(".tif", ".tiff")
)
_PICTURE: Final = "skiagraph.codecs.picture"
PNG: Final = Format(name="PNG", module=_PICTURE, suffixes=(".png",), written=(".png",))
JPEG: Final = Format(name="JPEG", module=_PICTURE, suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"))
GIF: Final = Format(name="GIF", module=_PICTURE, suffixes=(".gif",))
BMP: Final = Format(name="BMP", module=_PICTURE, suffixes=(".bmp",))
WEBP: Final = Format(name="WebP", module=_PICTURE, suffixes=(".webp",))
_VIDEO: Final = "skiagraph.codecs.video"
MP4: Final = Format(name="MP4", module=_VIDEO, suffixes=(".mp4", ".m4v", ".mov", ".qt"))
AVI: Final = Format(name="AVI", module=_VIDEO, suffixes=(".avi",))
MATROSKA: Final = Format(name="Matroska", module=_VIDEO, suffixes=(".mkv", ".webm"))
MPEG: Final = Format(name="MPEG", module=_VIDEO, suffixes=(".mpg", ".mpeg", ".ts", ".m2ts", ".vob"))
WMV: Final = Format(name="Windows Media", module=_VIDEO, suffixes=(".wmv", ".asf"))

FORMATS: Final = (
    *(DICOM, NIFTI, METAIMAGE, NRRD, TIFF, PNG, JPEG, GIF, BMP, WEBP),
    *(MP4, AVI, MATROSKA, MPEG, WMV),
)
_BEGINNINGS: Final[Mapping[bytes, Format]] = {
    b"\x89PNG\r\n\x1a\n": PNG,
    b"\xff\xd8\xff": JPEG,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
    b"NRRD000": NRRD,
    b"II*\x00": TIFF,
    b"MM\x00*": TIFF,
    b"II+\x00": TIFF,
    b"MM\x00+": TIFF,
    b"\x1a\x45\xdf\xa3": MATROSKA,
    b"\x00\x00\x01\xba": MPEG,
    b"\x00\x00\x01\xb3": MPEG,
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": WMV,
}
_STILLS: Final = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"jp2 ", b"jpx ")
_TS_PACKET: Final = 188  # bytes between the sync bytes of an MPEG transport stream
_NIFTI_MAGIC: Final = ((344, (b"n+1\x00", b"ni1\x00")), (4, (b"n+2\x00", b"ni2\x00")))
_META_KEY: Final = re.compile(
    rb"^\s*(ObjectType|ObjectSubType|NDims|Comment|Name|ID|TransformType)\s*=", re.ASCII
)
_BARE_DICOM: Final = re.compile(rb"[\x02\x08]\x00[\x00-\x20]\x00", re.ASCII)


def format_of_head(head: bytes) -> Format | None:
    """The format of a file that begins with `head`, its first 4096 bytes; None where it is none that is read."""
    if head[128:132] == b"DICM":
        return DICOM
    for beginning, found in _BEGINNINGS.items():
        if head.startswith(beginning):
            return found
    if head.startswith(b"\x1f\x8b"):
        head = _unpacked(head)
    return _by_marks(head)


def format_of(path: Path) -> Format:
    """The format that the content of a file shows, whatever its name says.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Empty, or none of the formats that are read.
    """
    head = _head(path)
    if not head:
        raise FormatError(f"{path.name} is empty", got="0 bytes", way_out="copy it again from its source")
    found = format_of_head(head)
    if found is None:
        raise FormatError(
            f"{path.name} is none of the formats that are read ({', '.join(f.name for f in FORMATS)})",
            got="text" if _is_text(head) else "unknown content",
        )
    return found


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except FileNotFoundError as error:
        raise MissingInput(f"{path.name} does not exist", way_out="check the path") from error
    except IsADirectoryError as error:
        raise FormatError(f"{path.name} is a folder where a file is needed") from error
    except PermissionError as error:
        raise NotPermitted(
            f"{path.name} may not be read by you", way_out="ask for the right to read it"
        ) from error
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read from its disk", got=type(error).__name__) from error


def _by_marks(head: bytes) -> Format | None:
    if any(head[at : at + 4] in magic for at, magic in _NIFTI_MAGIC):
        return NIFTI
    if head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00":
        return BMP
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return AVI
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide") and head[8:12] not in _STILLS:
        return MP4
    if len(head) > 2 * _TS_PACKET and all(head[n * _TS_PACKET] == 0x47 for n in range(3)):
        return MPEG
    if _META_KEY.match(head):
        return METAIMAGE
    if _BARE_DICOM.match(head):
        return DICOM
    return None


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        return b""


def _is_text(head: bytes) -> bool:
    return not any(byte < 9 or 13 < byte < 32 for byte in head)


def format_of_suffix(path: Path) -> Format | None:
    """The format that the name of a file claims, or None."""
    name = path.name.lower()
    return next((f for f in FORMATS if name.endswith(f.suffixes)), None)


def is_image_name(path: Path) -> bool:
    """Whether the name of a file claims that it holds an image."""
    return format_of_suffix(path) is not None


def read_image(path: Path) -> Decoded:
    """The image in one file, of whatever format.

    Args:
        path: The file.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Not an image, damaged, or what cannot be decoded.
    """
    found = format_of(path)
    try:
        decoded = _codec(found).read(path)
    except MissingPackage as error:
        raise FormatError(f"{path.name} is {found.name}: {error.rule}", way_out=error.way_out) from error
    if not isinstance(decoded, Decoded):
        raise TypeError(f"{found.module}.read gives a Decoded")
    claimed = format_of_suffix(path)
    if claimed is not None and claimed is not found:
        said = f"It is called {path.suffix} and is {found.name}."
        return dataclasses.replace(decoded, problems=(said, *decoded.problems))
    return decoded


def write_image(image: Image, path: Path) -> tuple[str, ...]:
    """Writes an image in the format that the suffix of `path` names, whole or not at all.

    Args:
        image: The image.
        path: Ends in .nii, .nii.gz, .mha, .mhd, .nrrd, .png, .tif or .tiff. A file that is there is replaced.

    Returns:
        What the format cannot keep, one sentence each.

    Raises:
        InvalidInput: A suffix that is not written, or an image that the format cannot hold.
        MissingInput: The folder does not exist.
        NotPermitted: It may not be written.
        WriteFailed: It could not be written; nothing was left.
    """
    name = path.name.lower()
    found = next((f for f in FORMATS if f.written and name.endswith(f.written)), None)
    if found is None:
        endings = ", ".join(suffix for f in FORMATS for suffix in f.written)
        raise InvalidInput(f"an image is written to a name that ends in {endings}", got=path.name)
    lost: tuple[str, ...] = _codec(found).write(image, path)
    return lost if found is TIFF else (*lost, *_meaning(image, found))


def _meaning(image: Image, found: Format) -> tuple[str, ...]:
    """What an image means beside its numbers and places, which only TIFF takes along."""
    named = {
        "modality": image.modality is not None,
        "quantity": image.quantity not in (UNKNOWN, GREY, COLOUR),
        "frame of reference": image.space.frame != derived_frame(array_digest(pixels(image))),
    }
    lost = [word for word, there in named.items() if there]
    return (f"{found.name} keeps no {', no '.join(lost)}.",) if lost else ()


def _codec(found: Format) -> Any:
    """The module of a format, loaded now: reading a PNG must not pay for nibabel."""
    if found.module == _VIDEO:
        return optional(found.module, package="PyAV", extra="video")
    return importlib.import_module(found.module)
