"""The files of the archive: under their digests, whole or not there."""

import errno
import hashlib
import os

import pytest

from skiagraph.errors import FormatError, InvalidInput, MissingInput, WriteFailed
from skiagraph.server.archive import disk
from skiagraph.server.archive.files import Files
from skiagraph.server.archive.intake import Intake
from skiagraph.server.archive.sealed import Key

KEY = Key(secret=bytes(32))


@pytest.fixture(params=[None, KEY], ids=["plain", "sealed"])
def files(request, tmp_path):
    return Files(tmp_path, request.param)


def everything(folder):
    return sorted(
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and "key-check" not in path.name
    )


def test_bytes_come_back_by_their_digest(files):
    data = os.urandom(200_000)
    digest = files.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert files.has(digest)
    with files.open(digest) as stream:
        stream.seek(100_000)
        assert stream.read() == data[100_000:]
    files.verify(digest)
    assert list(files.digests()) == [digest]


def test_the_same_bytes_lie_there_once(files, tmp_path):
    (tmp_path / "copy").write_bytes(b"abc")
    assert files.put(b"abc") == files.add(tmp_path / "copy") == files.put(bytearray(b"abc"))
    assert len(everything(files.folder)) == 1


def test_only_the_owner_reads_them(files):
    files.put(b"abc")
    (path,) = everything(files.folder)
    assert (files.folder / path).stat().st_mode & 0o077 == 0
    assert files.folder.stat().st_mode & 0o077 == 0


def test_what_was_encrypted_is_not_readable_on_the_disk(tmp_path):
    Files(tmp_path, KEY).put(b"DOE^JANE")
    assert not any(b"DOE" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_files_are_laid_out_plain_for_readers(files, tmp_path):
    digests = [files.put(text) for text in (b"one", b"two")]
    laid = files.lay_out(digests, tmp_path / "out")
    assert [path.read_bytes() for path in laid] == [b"one", b"two"]
    assert files.lay_out(digests, tmp_path / "out") == laid
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in laid}


def test_a_plain_file_that_is_laid_out_costs_no_room(tmp_path):
    files = Files(tmp_path)
    (path,) = files.lay_out([files.put(b"one")], tmp_path / "out")
    assert path.stat().st_nlink == 2


def test_where_there_are_no_links_a_copy_is_made(files, tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", none)
    (path,) = files.lay_out([files.put(b"one")], tmp_path / "out")
    assert path.read_bytes() == b"one"


def test_a_file_of_the_intake_gets_its_name_without_being_written_again(tmp_path):
    for key in (None, KEY):
        home = tmp_path / str(key is None)
        intake, files = Intake(home, key), Files(home, key)
        intake.take([b"abc"])
        (path,) = intake.pending()
        digest = hashlib.sha256(b"abc").hexdigest()
        files.link(path, digest)
        files.link(path, digest)
        assert path.stat().st_nlink == 2
        with files.open(digest) as stream:
            assert stream.read() == b"abc"


def test_what_is_not_kept_is_missed(files):
    digest = hashlib.sha256(b"never").hexdigest()
    for ask in (files.open, files.verify):
        with pytest.raises(MissingInput):
            ask(digest)
    files.remove(digest)


@pytest.mark.parametrize("digest", ["", "ab", "../../etc/passwd", "A" * 64, "g" * 64, "/" * 64, "." * 64])
def test_a_digest_never_leads_elsewhere(files, digest):
    for ask in (files.open, files.has, files.remove):
        with pytest.raises(InvalidInput):
            ask(digest)


def test_a_change_on_the_disk_is_found(files):
    digest = files.put(b"abc" * 1000)
    (path,) = (files.folder / one for one in everything(files.folder))
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(FormatError):
        files.verify(digest)


def test_files_from_before_the_key_are_read(tmp_path):
    digest = Files(tmp_path).put(b"before")
    later = Files(tmp_path, KEY)
    assert later.put(b"before") == digest
    with later.open(digest) as stream, later.open(later.put(b"after")) as other:
        assert (stream.read(), other.read()) == (b"before", b"after")


@pytest.mark.parametrize("key", [None, Key(secret=b"1" * 32)])
def test_an_encrypted_archive_is_not_opened_without_its_key(tmp_path, key):
    Files(tmp_path, KEY)
    with pytest.raises(InvalidInput, match="encryption_key"):
        Files(tmp_path, key)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_nothing(files, monkeypatch, call):
    before = everything(files.folder)
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_):
        raise full

    if call == "write":
        begun = disk.begun

        def narrow(path):
            sink = begun(path)
            return type(
                "Full", (), {"write": fail, "__enter__": lambda s: s, "__exit__": lambda *_: sink.close()}
            )()

        monkeypatch.setattr("skiagraph.server.archive.files.begun", narrow)
    elif call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(WriteFailed, match="No space left"):
        files.put(os.urandom(100_000))
    assert everything(files.folder) == before


def test_what_a_dead_process_left_goes(files):
    old, new = files.folder / ".a.part", files.folder / ".b.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    files.recover()
    assert (old.exists(), new.exists()) == (False, True)
