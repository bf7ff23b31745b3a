"""The journal of what comes in: taken is taken, and what is not taken leaves nothing."""

import errno
import os
import subprocess
import sys

import pytest

from skiagraph.errors import MissingInput, WriteFailed
from skiagraph.server.archive import intake as room
from skiagraph.server.archive.intake import Intake
from skiagraph.server.archive.sealed import Key, opened

KEY = Key(secret=bytes(32))


@pytest.fixture(params=[None, KEY], ids=["plain", "sealed"])
def key(request):
    return request.param


@pytest.fixture
def intake(tmp_path, key):
    return Intake(tmp_path, key)


def read(path, key):
    with opened(path, key) as stream:
        return stream.read()


def names(intake):
    return sorted(path.name for path in intake.folder.iterdir())


def test_what_is_taken_waits_in_the_order_in_which_it_came(intake, key):
    for number in range(5):
        intake.take([b"part ", memoryview(str(number).encode())])
    assert [read(path, key) for path in intake.pending()] == [f"part {n}".encode() for n in range(5)]
    assert names(intake) == [path.name for path in intake.pending()]


def test_a_name_states_the_length_on_the_disk(intake):
    intake.take([b"x" * 1000])
    (path,) = intake.pending()
    assert path.name.split(".")[0].split("-")[2] == str(path.stat().st_size)


def test_only_the_owner_reads_them(intake):
    intake.take([b"x"])
    assert intake.folder.stat().st_mode & 0o077 == 0
    assert intake.pending()[0].stat().st_mode & 0o077 == 0


def test_a_sender_that_fails_leaves_nothing_and_its_error_is_raised_on(intake):
    def parts():
        yield b"half"
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        intake.take(parts())
    assert names(intake) == []


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_leaves_nothing(intake, monkeypatch, call):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if call == "fsync" else ("pathlib.Path.rename", fail)))
    with pytest.raises(WriteFailed, match="No space left"):
        intake.take([b"x" * 100_000])
    assert names(intake) == []


def test_where_names_are_not_kept_in_order_the_folder_is_made_safe_too(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(room, "keeps_order", lambda _: False)
    monkeypatch.setattr(room, "synced", synced.append)
    intake = Intake(tmp_path)
    intake.take([b"x"])
    assert synced == [intake.folder]


def test_a_whole_file_of_a_dead_process_is_adopted_and_a_broken_one_goes(intake, key):
    intake.take([b"whole"])
    (path,) = intake.pending()
    whole = path.rename(f"{path}.new")
    broken = whole.with_name(f"0-0-99{path.suffix}.new")
    broken.write_bytes(b"cut")
    fresh = whole.with_name(f"0-1-3{path.suffix}.new")
    fresh.write_bytes(b"abc")
    part = whole.with_name(".x.part")
    part.write_bytes(b"cut")
    for old in (whole, broken, part):
        os.utime(old, (0, 0))
    intake.recover()
    assert names(intake) == sorted([path.name, fresh.name])
    assert read(path, key) == b"whole"


def test_folders_of_uploads_that_nobody_looks_at_any_more_go(intake):
    old, new = intake.upload_folder(), intake.upload_folder()
    (old / "file").write_bytes(b"x")
    os.utime(old, (0, 0))
    intake.recover()
    assert (old.exists(), new.exists()) == (False, True)


def test_a_home_on_a_file_where_a_folder_should_be_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteFailed):
        Intake(tmp_path / "file")


def test_a_file_that_is_gone_is_missed(tmp_path):
    with pytest.raises(MissingInput):
        opened(tmp_path / "gone.plain", None)


def test_receivers_load_little():
    program = (
        "import sys; import skiagraph.server.archive.intake;"
        "print([m for m in ('numpy', 'pydicom', 'sqlalchemy', 'fastapi', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_disk_that_takes_no_more_leaves_nothing(tmp_path, key):
    program = """
import resource, sys
from pathlib import Path
from skiagraph.errors import WriteFailed
from skiagraph.server.archive.files import Files
from skiagraph.server.archive.intake import Intake
from skiagraph.server.archive.sealed import Key
home, key = Path(sys.argv[1]), Key(secret=bytes(32)) if sys.argv[2] == "True" else None
intake, files = Intake(home, key), Files(home, key)
before = {path for path in home.rglob("*") if path.is_file()}
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
for attempt in (lambda: intake.take(bytes(100_000) for _ in range(9)), lambda: files.put(bytes(900_000))):
    try:
        attempt()
    except WriteFailed:
        continue
    sys.exit("taken")
sys.exit({path for path in home.rglob("*") if path.is_file()} != before)
"""
    arguments = [sys.executable, "-c", program, str(tmp_path), str(key is not None)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_how_long_the_oldest_waits_is_known(intake):
    assert intake.waits() == 0.0
    intake.take([b"x"])
    assert 0.0 < intake.waits() < 60.0
    (path,) = intake.pending()
    path.rename(path.with_name(f"{0:016x}-0-1{path.suffix}"))
    assert intake.waits() > 1e9
