"""Whether two files hold the same object: encoding does not count, values do."""

import io
import struct
import zlib

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from skiagraph.server.archive.same import same_object


def same(one, other):
    answers = {same_object(io.BytesIO(a), io.BytesIO(b)) for a, b in ((one, other), (other, one))}
    assert len(answers) == 1
    return answers.pop()


def written(data, change, *, implicit=False):
    ds, buffer = dcmread(io.BytesIO(data)), io.BytesIO()
    change(ds)
    if implicit:
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    ds.save_as(buffer, implicit_vr=implicit)
    return buffer.getvalue()


def with_sequence(ds, *, undefined=False):
    item = Dataset()
    item.CodeValue = "1"
    ds.ProcedureCodeSequence = [item]
    ds["ProcedureCodeSequence"].is_undefined_length = undefined


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: None,
        lambda ds: setattr(ds.file_meta, "ImplementationVersionName", "OTHER"),
        lambda ds: setattr(ds, "preamble", b"II*\0" + bytes(124)),
        lambda ds: ds.add_new(0xFFFCFFFC, "OB", bytes(100)),
        lambda ds: ds.add_new(0x00100000, "UL", 1234),
    ],
)
def test_how_a_file_is_encoded_does_not_count(made, change):
    assert same(made(1), written(made(1), change))


def test_implicit_and_explicit_say_the_same(made):
    assert same(made(1), written(made(1), lambda ds: None, implicit=True))


def test_lengths_of_sequences_do_not_count(made):
    one = written(made(1), with_sequence)
    other = written(made(1), lambda ds: with_sequence(ds, undefined=True))
    assert one != other
    assert same(one, other)


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: setattr(ds, "PatientName", "Roe"),
        lambda ds: delattr(ds, "PatientID"),
        lambda ds: setattr(ds, "StudyDescription", "more"),
        lambda ds: setattr(ds, "PixelData", bytes(128)),
        with_sequence,
    ],
)
def test_values_count(made, change):
    assert not same(made(1), written(made(1), change))


@pytest.mark.parametrize("data", [b"", b"hello", bytes(128) + b"DICM", bytes(128) + b"DICM" + b"\xff" * 50])
def test_what_is_damaged_is_not_the_same(made, data):
    assert not same(made(1), data)


def test_a_deflated_bomb_is_not_inflated(made):
    ds, buffer = dcmread(io.BytesIO(made(1))), io.BytesIO()
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(buffer)
    head = buffer.getvalue()
    meta = 132 + 12 + struct.unpack_from("<L", head, 140)[0]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    plain = zlib.decompress(head[meta:], -zlib.MAX_WBITS)
    bomb = head[:meta] + packer.compress(plain) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(64))
    assert not same(bomb + packer.flush(), made(1))
