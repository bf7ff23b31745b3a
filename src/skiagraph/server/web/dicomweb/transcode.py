"""Objects in explicit VR little endian, whatever they are stored in; their frames one by one, in little memory."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from skiagraph.errors import FormatError
from skiagraph.io.dicom.compressed import STILL
from skiagraph.io.dicom.layout import Layout, layout_of
from skiagraph.io.dicom.objects import guarded
from skiagraph.io.dicom.scan import Header
from skiagraph.server.site import Site
from skiagraph.server.web.dicomweb.accept import FLAT
from skiagraph.server.web.dicomweb.frames import unpacked
from skiagraph.server.web.dicomweb.instances import Stored, header_of
from skiagraph.server.web.problems import NotAcceptable

__all__ = ["check_transcodable", "transcoded"]

_MOST: Final = 2**32 - 2  # bytes of one element
_MOST_FLAT: Final = 2**30  # bytes of an object that is turned in memory


def check_transcodable(stored: Stored) -> None:
    """That there is a decoder.

    Raises:
        NotAcceptable: There is none, or the object is too large.
    """
    if stored.syntax not in STILL and stored.syntax not in FLAT:
        raise NotAcceptable(
            "objects go out in explicit VR little endian where their pixels can be decoded",
            got="a transfer syntax for which there is no decoder",
            way_out="ask for transfer-syntax=*",
        )
    if stored.syntax in FLAT and stored.size > _MOST_FLAT:
        raise NotAcceptable("objects of this size go out as they are stored", got="another transfer syntax")


def transcoded(site: Site, stored: Stored) -> Iterator[bytes]:
    """The file of an object in explicit VR little endian.

    Args:
        site: The server.
        stored: An object that `check_transcodable` let through.

    Raises:
        MissingInput: Its file is gone.
        NotAcceptable: It is damaged, or its pixels cannot be decoded, or are too large for this transfer syntax.
    """
    try:
        yield from _made(site, stored)
    except FormatError as error:
        raise NotAcceptable(error.rule, got=error.got, way_out="ask for transfer-syntax=*") from error


def _made(site: Site, stored: Stored) -> Iterator[bytes]:
    header = header_of(site.files, stored)
    if stored.syntax in FLAT or header.pixels is None:
        yield _turned(site, stored)
        return
    layout = layout_of(header, stored.name, header.pixels.keyword)
    bits = layout.rows * layout.columns * layout.samples * layout.allocated  # chroma is not shared any more
    frame = (bits + 7) // 8
    size = layout.frames * frame
    if size > _MOST or (layout.allocated == 1 and bits % 8):
        raise NotAcceptable("pixels of this size go out as they are stored", got="another transfer syntax")
    yield _head(site, stored, header, layout)
    vr = b"OW" if layout.allocated > 8 else b"OB"
    yield struct.pack("<HH2sxxL", 0x7FE0, 0x0010, vr, size + size % 2)
    with unpacked(site, stored, header) as decode:
        for number in range(layout.frames):
            data = decode(number)
            if len(data) != frame:
                raise FormatError("a frame is as large as its header says", got="another size")
            yield data
    if size % 2:
        yield b"\0"


def _turned(site: Site, stored: Stored) -> bytes:
    """An object without coded pixels, all in memory."""
    with site.files.open(stored.digest) as stream, guarded(stored.name):
        ds = pydicom.dcmread(stream)
        if not ds.original_encoding[1] and "PixelData" in ds and ds["PixelData"].VR == "OW":
            unit = max(2, int(ds.BitsAllocated) // 8)
            ds.PixelData = np.frombuffer(ds.PixelData, f"u{unit}").byteswap().tobytes()
        return _written(ds)


def _head(site: Site, stored: Stored, header: Header, layout: Layout) -> bytes:
    """All before the pixels, which says what the decoded ones are."""
    with site.files.open(stored.digest) as stream, guarded(stored.name):
        ds = pydicom.dcmread(stream, stop_before_pixels=True)
        for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if keyword in ds:
                delattr(ds, keyword)
        if layout.samples == 3:
            ds.PlanarConfiguration = 0
            if str(header.get("PhotometricInterpretation")) not in ("RGB", "PALETTE COLOR"):
                ds.PhotometricInterpretation = "RGB"
        return _written(ds)


def _written(ds: Dataset) -> bytes:
    for _ in ds.iterall():
        pass  # each element is converted, for some files are implicit although they say that they are not
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return buffer.getvalue()
