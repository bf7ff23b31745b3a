"""Compressed frames: which transfer syntax needs which decoder, and what the decoders answer made equal."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from skiagraph.codecs.stated import ANY, j2k_claim, jpeg_claim, xl_claim
from skiagraph.errors import FormatError
from skiagraph.io.dicom.layout import Layout
from skiagraph.io.dicom.native import settle

__all__ = ["STILL", "VIDEO", "Still", "decoded_frame", "refusal"]

_JPEG: Final = "1.2.840.10008.1.2.4."
_UID: Final = re.compile(r"[0-9.]{1,64}")
_END: Final = b"\xff\xd9"  # of a JPEG or JPEG-LS picture
_BROKEN: Final = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A coding of still pictures.

    Args:
        decode: From the bytes of a frame and its layout to values and their Photometric Interpretation.
        claim: From the bytes to (rows, columns, samples, precision) as the coded picture states them; None where it
            states none.
        lossy: Values may lie beside the true ones, also outside of their range.
    """

    decode: Callable[[bytes, Layout], tuple[NDArray[Any], str]]
    claim: Callable[[bytes], tuple[int, int, int, int] | None]
    lossy: bool = False


def decoded_frame(coding: Still, data: bytes, layout: Layout, name: str) -> tuple[NDArray[Any], str]:
    """One frame.

    Args:
        coding: From `STILL`.
        data: Its bytes.
        layout: As the header states it.
        name: Of the file.

    Returns:
        The values, settled, shape `layout.shape`, of `layout.dtype`; and their Photometric Interpretation now.

    Raises:
        FormatError: Damaged, or another picture than the header describes.
    """
    claim = coding.claim(data)
    size = (layout.rows, layout.columns, layout.samples)
    if claim is not None and claim[:3] not in {size, (*size[:2], ANY)}:
        raise FormatError(
            f"a compressed frame of {name} is the picture that its header describes,"
            f" {layout.rows} x {layout.columns} with {layout.samples} samples",
            got=f"{claim[0]} x {claim[1]} with {claim[2]}",
            way_out="export it again",
        )
    try:
        found, photometric = coding.decode(data, layout)
    except _BROKEN as error:
        raise FormatError(
            f"a compressed frame of {name} can be decoded", got="a damaged one", way_out="export it again"
        ) from error
    small = found.dtype.kind in "iu" and found.itemsize <= layout.dtype.itemsize
    if found.shape != layout.shape or not small:
        raise FormatError(
            f"a compressed frame of {name} is the picture that its header describes",
            got=f"{found.shape} of {found.dtype}",
        )
    precision = layout.stored if claim is None else min(claim[3], 8 * found.itemsize)
    values = _signed(found, layout, precision)
    if claim is not None and precision <= layout.stored:
        return values, photometric
    values = values if values.flags.writeable else values.copy()
    if coding.lossy:
        _clip(values, layout)
    else:
        settle(values, layout)
    return values, photometric


def _clip(values: NDArray[Any], layout: Layout) -> None:
    """What lossy coding threw over the ends of the stored range goes back to them, in place."""
    half = 1 << (layout.stored - 1)
    low, high = (-half, half - 1) if layout.signed else (0, 2 * half - 1)
    np.clip(values, low, high, out=values)


def _signed(found: NDArray[Any], layout: Layout, precision: int) -> NDArray[Any]:
    """Values by the sign that the header states: most codings know none, and some state the wrong one."""
    if found.dtype.kind == layout.dtype.kind:
        return found if found.dtype == layout.dtype else found.astype(layout.dtype)
    bits = found.dtype.itemsize * 8
    if layout.signed:
        values = found.view(f"i{found.dtype.itemsize}")
        if precision < bits:
            values = (values << (bits - precision)) >> (bits - precision)
    else:
        values = found.view(f"u{found.dtype.itemsize}") & found.dtype.type(-1).view(
            f"u{found.dtype.itemsize}"
        ) >> (bits - precision)
    return np.asarray(values, dtype=layout.dtype)


def refusal(syntax: str, name: str) -> FormatError:
    """What to say of a transfer syntax that no Python package decodes."""
    if syntax in _ELSEWHERE:
        way_out = "ask the server that it names for the pixels"
    else:
        way_out = "export it without compression, or decompress it with the software that wrote it"
    stated = str(UID(syntax).name) if _UID.fullmatch(syntax) else "no transfer syntax"
    return FormatError(
        f"the pixels of {name} are packed in a way that is decoded", got=stated, way_out=way_out
    )


def _process_14_claim(data: bytes) -> tuple[int, int, int, int]:
    """As `jpeg_claim`; lossless encoders state precisions that their numbers exceed, so whole bytes count."""
    rows, columns, samples, precision = jpeg_claim(data)
    return rows, columns, samples, 8 if precision <= 8 else 16


def _no_claim(data: bytes) -> None:
    del data


# --- the decoders ----------------------------------------------------------------------------------------------------


def _jpeg(data: bytes, layout: Layout) -> tuple[NDArray[Any], str]:
    """Lossy JPEG: luma and chroma become RGB inside the decoder, where the header says that they are."""
    if layout.samples != 3:
        return imagecodecs.jpeg8_decode(data), layout.photometric
    if layout.photometric.startswith("YBR"):
        return imagecodecs.jpeg8_decode(data, colorspace="YCBCR", outcolorspace="RGB"), "RGB"
    return imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB"), layout.photometric


def _jpeg_lossless(data: bytes, layout: Layout) -> tuple[NDArray[Any], str]:
    """JPEG process 14: samples as they are, whatever they mean."""
    if layout.samples == 3:
        return imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB"), layout.photometric
    return imagecodecs.jpeg8_decode(data), layout.photometric


def _jpeg_ls(data: bytes, layout: Layout) -> tuple[NDArray[Any], str]:
    """CharLS looks for the end of a picture without end, so one that was cut off is given an end."""
    whole = data if _END in data[-4:] else data + _END
    return imagecodecs.jpegls_decode(whole), layout.photometric


def _j2k(data: bytes, layout: Layout) -> tuple[NDArray[Any], str]:
    """The codestream itself says whether its components were mixed; the decoder parts them again."""
    found = imagecodecs.jpeg2k_decode(data, planar=False, numthreads=1)
    return found, "RGB" if layout.photometric in ("YBR_ICT", "YBR_RCT") else layout.photometric


def _ht_j2k(data: bytes, layout: Layout) -> tuple[NDArray[Any], str]:
    found = imagecodecs.htj2k_decode(data, planar=False)
    return found, "RGB" if layout.photometric in ("YBR_ICT", "YBR_RCT") else layout.photometric


def _jpeg_xl(data: bytes, layout: Layout) -> tuple[NDArray[Any], str]:
    found = np.asarray(imagecodecs.jpegxl_decode(data))
    return found, "RGB" if layout.samples == 3 else layout.photometric


def _rle(data: bytes, layout: Layout) -> tuple[NDArray[Any], str]:
    """Run length encoding (DICOM PS3.5 G): one segment for each byte of each sample, the highest first."""
    count, *offsets = struct.unpack_from("<16L", data)
    size, wide = layout.rows * layout.columns, layout.allocated // 8
    if count != layout.samples * wide or count > 15:
        raise ValueError(f"{count} segments")
    ends = [*offsets[1:count], len(data)]
    out = np.zeros((layout.samples, wide, size), dtype=np.uint8)
    for number, (begin, end) in enumerate(zip(offsets[:count], ends, strict=True)):
        segment = imagecodecs.packbits_decode(data[begin:end], out=size)
        sample, byte = divmod(number, wide)
        out[sample, wide - 1 - byte, : len(segment)] = np.frombuffer(segment, np.uint8)[:size]
    values = np.ascontiguousarray(np.moveaxis(out, 1, 2)).view(f"<u{wide}")[..., 0]
    picture = values.reshape(layout.samples, layout.rows, layout.columns)
    return (picture[0] if layout.samples == 1 else np.moveaxis(picture, 0, -1)), layout.photometric


_LOSSY = Still(decode=_jpeg, claim=jpeg_claim, lossy=True)
_LOSSLESS = Still(decode=_jpeg_lossless, claim=_process_14_claim)
_LS, _NEAR = Still(decode=_jpeg_ls, claim=jpeg_claim), Still(decode=_jpeg_ls, claim=jpeg_claim, lossy=True)
_J2K, _J2K_LOSSY = Still(decode=_j2k, claim=j2k_claim), Still(decode=_j2k, claim=j2k_claim, lossy=True)
_HT, _HT_LOSSY = Still(decode=_ht_j2k, claim=j2k_claim), Still(decode=_ht_j2k, claim=j2k_claim, lossy=True)
_XL, _XL_LOSSY = Still(decode=_jpeg_xl, claim=xl_claim), Still(decode=_jpeg_xl, claim=xl_claim, lossy=True)

STILL: Final[Mapping[str, Still]] = MappingProxyType(
    {
        "1.2.840.10008.1.2.5": Still(decode=_rle, claim=_no_claim),
        _JPEG + "50": _LOSSY,
        _JPEG + "51": _LOSSY,
        _JPEG + "53": _LOSSY,
        _JPEG + "55": _LOSSY,
        _JPEG + "57": _LOSSLESS,
        _JPEG + "70": _LOSSLESS,
        _JPEG + "80": _LS,
        _JPEG + "81": _NEAR,
        _JPEG + "90": _J2K,
        _JPEG + "91": _J2K_LOSSY,
        _JPEG + "110": _XL,
        _JPEG + "111": _XL_LOSSY,
        _JPEG + "112": _XL_LOSSY,
        _JPEG + "201": _HT,
        _JPEG + "202": _HT,
        _JPEG + "203": _HT_LOSSY,
    }
)
"""Codings of still pictures by transfer syntax (DICOM PS3.6 A)."""

VIDEO: Final = frozenset(
    f"{_JPEG}{number}{end}" for number in range(100, 109) for end in ("", ".1") if number < 107 or not end
)
"""MPEG-2, MPEG-4 and HEVC by transfer syntax; the ends in .1 are the fragmentable kinds."""

_ELSEWHERE: Final = frozenset(_JPEG + end for end in ("94", "95", "204", "205"))
