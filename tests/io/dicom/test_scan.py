"""The header pass: what pydicom reads is read alike; no file hangs it, fills the memory, or raises other errors."""

import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from skiagraph.errors import FormatError, SkiagraphError
from skiagraph.io.dicom.scan import scan, scan_many
from skiagraph.io.dicom.source import Source

SHIPPED = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm"))
REFUSED = {"no_meta.dcm": "no DICOM file", "rtplan_truncated.dcm": "cut off"}
PICTURE = np.arange(48, dtype=np.uint16).reshape(6, 8)


def source(path):
    return Source(path=Path(path))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_headers_are_those_that_pydicom_reads(path):
    if path.name in REFUSED:
        with pytest.raises(FormatError, match=REFUSED[path.name]):
            scan(source(path))
        return
    theirs = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    ours = scan(source(path))
    assert str(ours) == str(theirs)
    assert str(ours.file_meta) == str(getattr(theirs, "file_meta", ours.file_meta))
    assert ours.get("Rows") == theirs.get("Rows")
    assert ours.get("ImagePositionPatient") == theirs.get("ImagePositionPatient")


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_coding_of_headers_gives_one_header_and_the_place_of_the_pixels(dicom, syntax):
    path = dicom(PICTURE, StudyDescription="Kopf", ImagePositionPatient=[1.5, 2, 3])
    ds = pydicom.dcmread(path)
    inner = Dataset()
    inner.CodeValue = "1"
    ds.AnatomicRegionSequence = [inner]
    ds["AnatomicRegionSequence"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(path, enforce_file_format=True)
    header = scan(source(path))
    assert header.syntax == syntax
    assert header.StudyDescription == "Kopf"
    assert list(header.ImagePositionPatient) == [1.5, 2, 3]
    assert header.AnatomicRegionSequence[0].CodeValue == "1"
    assert header.pixels.keyword == "PixelData"
    assert header.pixels.length == PICTURE.nbytes
    raw = path.read_bytes()
    if header.pixels.inflated is not None:
        raw = zlib.decompress(raw[header.pixels.inflated :], -zlib.MAX_WBITS)
    assert raw[header.pixels.offset :][: PICTURE.nbytes] == ds.PixelData


def test_equal_values_of_two_headers_are_equal_and_names_stay_apart(dicom):
    first, second = (
        scan(source(dicom(PICTURE, f"{n}.dcm", PatientName=f"Name^{n}", SliceThickness=n))) for n in (1, 2)
    )
    assert (first.PatientName, second.PatientName) == ("Name^1", "Name^2")
    assert (first.SliceThickness, second.SliceThickness) == (1, 2)
    assert first.get("Rows") == second.get("Rows") == 6
    assert first.get("NoSuchWord", 5) == 5
    assert first.get("EchoTime") is None


def test_a_broken_file_among_many_is_an_error_in_its_place(dicom, tmp_path):
    good, bad = dicom(PICTURE), tmp_path / "bad.dcm"
    bad.write_bytes(good.read_bytes().partition(b"SECRET-ID")[0])
    found = list(scan_many([source(good), source(bad), source(good)]))
    assert [isinstance(one, FormatError) for one in found] == [False, True, False]


def explicit(tag, vr, length):
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, vr, 0, length)


ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
HOSTILE = {
    "a length beyond the file": explicit(0x00091010, b"OB", 0xFFFFFFF0),
    "a sequence that never ends": explicit(0x00091010, b"SQ", 0xFFFFFFFF) + ITEM,
    "sequences in sequences": (explicit(0x00091010, b"SQ", 0xFFFFFFFF) + ITEM) * 20_000,
    "an unknown VR": struct.pack("<HH2sH", 9, 0x1010, b"??", 4) + b"\xff" * 9,
    "unknown elements of undefined length": (explicit(0x00091010, b"UN", 0xFFFFFFFF) + ITEM) * 5_000,
    "nothing but ones": b"\xff" * 5000,
    "half an element": explicit(0x00091010, b"OB", 4)[:-2],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_neither_hang_nor_fill_the_memory(dicom, name):
    path = dicom(PICTURE)
    whole = path.read_bytes()
    at = whole.index(struct.pack("<HH", 0x0010, 0x0010))
    path.write_bytes(whole[:at] + HOSTILE[name])
    begun = time.process_time()
    tracemalloc.start()
    said = ""
    try:
        scan(source(path))
    except FormatError as error:
        said = str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "ecret" not in said
    assert time.process_time() - begun < 5
    assert peak < 50 * 2**20


def test_a_deflated_bomb_is_refused(dicom, tmp_path):
    path = dicom(PICTURE)
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)
    head = path.read_bytes()[: scan(source(path)).pixels.inflated]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(explicit(0x00091010, b"OB", 2**30))
    bomb += b"".join(packer.compress(b"\0" * 2**20) for _ in range(400)) + packer.flush()
    path.write_bytes(head + bomb)
    with pytest.raises(FormatError, match="is at most 16 MiB long"):
        scan(source(path))


@given(st.data())
def test_mutated_headers_raise_nothing_but_ours(tmp_path_factory, data):
    path = data.draw(st.sampled_from([p for p in SHIPPED if p.stat().st_size < 20_000]))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    target = tmp_path_factory.mktemp("mutated") / "x.dcm"
    target.write_bytes(raw)
    try:
        header = scan(Source(path=target))
    except SkiagraphError:
        return
    assert header.pixels is None or header.pixels.offset <= len(raw)
