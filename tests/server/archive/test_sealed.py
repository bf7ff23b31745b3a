"""Encryption at rest: what was sealed comes back at any place, and any change of it shows."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted
from skiagraph.server.archive.sealed import CHUNK, HEADER, Key, SealedWriter, opened, read_key, unsealed

KEY = Key(secret=bytes(range(32)))
WHOLE = CHUNK + 16


def sealed(*parts, key=KEY):
    sink = io.BytesIO()
    writer = SealedWriter(sink, key)
    for part in parts:
        writer.write(part)
    writer.finish()
    return sink.getvalue()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_what_was_sealed_comes_back(size):
    plain = os.urandom(size)
    stream = unsealed(io.BytesIO(sealed(plain)), KEY)
    assert stream.read() == plain
    assert stream.seek(0, os.SEEK_END) == size


def test_the_sealed_bytes_tell_nothing_and_are_others_each_time():
    plain = b"DOE^JANE" * 1000
    first, second = sealed(plain), sealed(plain)
    assert b"DOE" not in first
    assert first != second
    assert len(first) == len(second) == HEADER + len(plain) + 16


@given(
    sizes=st.lists(st.integers(0, 90_000), max_size=4),
    moves=st.lists(st.tuples(st.integers(0, 250_000), st.integers(0, 140_000)), max_size=8),
)
def test_any_seek_and_read_gives_the_plain_bytes(sizes, moves):
    parts = [bytes([n + 1]) * size for n, size in enumerate(sizes)]
    plain, stream = io.BytesIO(b"".join(parts)), unsealed(io.BytesIO(sealed(*parts)), KEY)
    for place, count in moves:
        assert stream.seek(place) == plain.seek(place)
        assert stream.read(count) == plain.read(count)


@pytest.mark.parametrize(
    "place", [*range(HEADER), HEADER, HEADER + 10, HEADER + WHOLE - 1, HEADER + WHOLE, -17, -1]
)
def test_a_changed_byte_shows(place):
    data = bytearray(sealed(os.urandom(CHUNK + 100)))
    data[place] ^= 1
    with pytest.raises(FormatError, match="sealed"):
        unsealed(io.BytesIO(bytes(data)), KEY).read()


@pytest.mark.parametrize("cut", [1, 100, 116, 117, CHUNK, WHOLE + 116, HEADER + 2 * WHOLE])
def test_an_end_that_was_cut_off_shows_before_anything_is_read(cut):
    data = sealed(os.urandom(2 * CHUNK + 100))
    with pytest.raises(FormatError, match="sealed"):
        unsealed(io.BytesIO(data[:-cut]), KEY)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 2), (0, 2)])
def test_chunks_that_were_moved_show(order):
    data = sealed(os.urandom(3 * CHUNK))
    chunks = [data[HEADER + n * WHOLE : HEADER + (n + 1) * WHOLE] for n in range(3)]
    moved = data[:HEADER] + b"".join(chunks[n] for n in order)
    with pytest.raises(FormatError, match="chunk"):
        unsealed(io.BytesIO(moved), KEY).read()


def test_a_chunk_of_another_file_shows():
    one, other = sealed(os.urandom(2 * CHUNK)), sealed(os.urandom(2 * CHUNK))
    mixed = one[: HEADER + WHOLE] + other[HEADER + WHOLE :]
    with pytest.raises(FormatError, match="chunk 1"):
        unsealed(io.BytesIO(mixed), KEY)


def test_another_key_is_named_as_such():
    with pytest.raises(FormatError, match="another key"):
        unsealed(io.BytesIO(sealed(b"x")), Key(secret=bytes(32)))


def test_a_writer_that_was_not_finished_leaves_a_file_that_is_cut_off():
    sink = io.BytesIO()
    SealedWriter(sink, KEY).write(bytes(3 * CHUNK))
    with pytest.raises(FormatError):
        unsealed(sink, KEY)


def test_a_sealed_file_asks_for_a_key_and_a_plain_one_does_not(tmp_path):
    (tmp_path / "a.sealed").write_bytes(sealed(b"plain"))
    (tmp_path / "a.plain").write_bytes(b"plain")
    with opened(tmp_path / "a.sealed", KEY) as one, opened(tmp_path / "a.plain", None) as other:
        assert one.read() == other.read() == b"plain"
    with pytest.raises(FormatError, match="key"):
        opened(tmp_path / "a.sealed", None)
    with pytest.raises(MissingInput):
        opened(tmp_path / "b.plain", None)


def test_a_key_is_read_from_a_file_of_its_owner(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{bytes(range(32)).hex()}\n")
    path.chmod(0o600)
    assert read_key(path) == KEY
    assert "secret" not in repr(KEY)


@pytest.mark.parametrize(
    ("text", "mode", "error"),
    [
        ("00" * 32, 0o640, NotPermitted),
        ("00" * 32, 0o604, NotPermitted),
        ("00" * 31, 0o600, InvalidInput),
        ("zz" * 32, 0o600, InvalidInput),
        ("", 0o600, InvalidInput),
        ("00" * 33, 0o600, InvalidInput),
    ],
)
def test_a_key_that_is_none_or_that_others_may_read_is_refused(tmp_path, text, mode, error):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(error):
        read_key(path)


def test_a_key_that_is_not_there_is_missed(tmp_path):
    with pytest.raises(MissingInput, match="openssl"):
        read_key(tmp_path / "key")
