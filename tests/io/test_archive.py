"""Archives, discs and trees of folders: every file found once, nothing unpacked that need not be, no bomb opened."""

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.errors import FormatError, MissingInput, NotPermitted, SkiagraphError
from skiagraph.image import pixels
from skiagraph.io import archive, read_image
from skiagraph.io.archive import archive_members, member_size, open_member, unpacked
from skiagraph.io.dicom.source import Source
from skiagraph.io.formats import DICOM, PNG
from skiagraph.io.sources import as_file, gather

PIXEL = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
)


def packed(path, files, *, way=zipfile.ZIP_DEFLATED):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", way) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return path


def names(found):
    return [file.name for file in found.files]


@pytest.mark.parametrize(
    "way", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_members_are_read_where_they_lie_and_can_be_sought(tmp_path, way):
    content = np.random.default_rng(1).bytes(300_000) + bytes(300_000)
    path = packed(tmp_path / "a.zip", {"deep/er/one.bin": content, "two": b"2"}, way=way)
    assert archive_members(path).members == ("deep/er/one.bin", "two")
    assert member_size(path, "deep/er/one.bin") == len(content)
    with open_member(path, "deep/er/one.bin") as stream:
        assert stream.read(4) == content[:4]
        stream.seek(299_990)
        assert stream.read(20) == content[299_990:300_010]
        stream.seek(7)
        assert stream.read() == content[7:]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip"]


def test_the_directory_of_an_archive_is_read_once_for_thousands_of_members(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.zip", {f"{n:04d}": b"x" for n in range(3000)})
    opened = []
    real = zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda *a, **k: opened.append(1) or real(*a, **k))
    assert len(gather(path).files) == 3000
    assert len(opened) == 1


def test_an_archive_that_was_replaced_is_looked_at_again(tmp_path):
    path = packed(tmp_path / "a.zip", {"one": b"1"})
    assert archive_members(path).members == ("one",)
    packed(path, {"other": b"22"})
    assert archive_members(path).members == ("other",)


def test_a_bomb_is_known_by_what_it_claims(tmp_path):
    path = packed(tmp_path / "a.zip", {f"{n}": bytes(1000) for n in range(4)})
    content = bytearray(path.read_bytes())
    at = 0
    while (at := content.find(b"PK\x01\x02", at + 1)) > 0:
        content[at + 24 : at + 28] = (300 * 2**20).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="1200 MiB"):
        archive_members(path)


def test_a_bomb_whose_members_share_their_bytes_is_refused(tmp_path):
    path = packed(tmp_path / "a.zip", {"one": np.random.default_rng(1).bytes(9000)}, way=zipfile.ZIP_STORED)
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[start:end]
    entries = b"".join(entry.replace(b"one", b"%03d" % n) for n in range(50))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 50, 50, len(entries), start, 0)
    path.write_bytes(content[:start] + entries + tail)
    with pytest.raises(FormatError, match="honestly"):
        archive_members(path)


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_said(tmp_path):
    path = packed(tmp_path / "a.zip", {"one": bytes(10_000_000)})
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + at
        content[place : place + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    assert member_size(path, "one") == 1000
    with pytest.raises(FormatError, match="larger than its archive says"), open_member(path, "one") as stream:
        stream.read()


def test_encrypted_members_are_named_and_the_others_are_read(tmp_path):
    path = packed(tmp_path / "a.zip", {"open.png": PIXEL, "locked.png": PIXEL})
    content = bytearray(path.read_bytes())
    for mark, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rindex(mark) + flag] |= 1
    path.write_bytes(content)
    found = gather(path)
    assert names(found) == ["open.png"]
    (said,) = found.problems
    assert "1 of 2 files in a.zip are encrypted, the first of them locked.png" in said
    with pytest.raises(FormatError, match="encrypted"):
        open_member(path, "locked.png")


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png"])
def test_a_name_that_leads_elsewhere_leads_nowhere(tmp_path, name):
    path = packed(tmp_path / "in" / "a.zip", {name: PIXEL})
    (found,) = gather(path).files
    with as_file(found.source) as file:
        folder = file.parent
        assert file.name == "evil.png"
        assert file.read_bytes() == PIXEL
        assert folder.name.startswith("skiagraph-")
        assert [p.name for p in folder.iterdir()] == ["evil.png"]
    assert not folder.exists()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_a_header_is_unpacked_with_the_pixels_beside_it(tmp_path):
    path = packed(tmp_path / "a.zip", {"x/scan.mhd": b"h", "x/scan.raw": b"p", "y/scan.raw": b"q"})
    with unpacked(path, "x/scan.mhd") as file:
        assert {p.name: p.read_bytes() for p in file.parent.iterdir()} == {"scan.mhd": b"h", "scan.raw": b"p"}


def test_the_copy_of_a_member_is_gone_also_after_an_error(tmp_path):
    path = packed(tmp_path / "a.zip", {"a.png": PIXEL})
    with pytest.raises(KeyError), unpacked(path, "a.png") as file:
        raise KeyError
    assert not file.exists()


@pytest.mark.parametrize("name", ["[Content_Types].xml", "mimetype"])
def test_an_office_document_is_no_folder(tmp_path, name):
    path = packed(tmp_path / "letter.docx", {name: b"<xml/>", "media/a.png": PIXEL})
    assert archive_members(path).members == ()
    assert names(gather(tmp_path)) == ["letter.docx"]


def test_archives_in_folders_and_folders_in_archives_are_one_tree(tmp_path, dicom):
    made = dicom(np.zeros((4, 5), np.uint8), "study/one.dcm").read_bytes()
    packed(tmp_path / "study" / "more.zip", {"deep/er/two": made, "a.png": PIXEL, ".hidden": made})
    (tmp_path / "study" / ".hidden.png").write_bytes(PIXEL)
    (tmp_path / "study" / "notes.txt").write_text("words")
    seen = []
    found = gather(tmp_path / "study", watch=lambda done, total: seen.append((done, total)))
    assert [(file.name, file.format) for file in found.files] == [
        ("more.zip/a.png", PNG),
        ("more.zip/deep/er/two", DICOM),
        ("notes.txt", None),
        ("one.dcm", DICOM),
    ]
    assert seen[-1] == (3, 3)
    assert found.files[1].source == Source(path=tmp_path / "study" / "more.zip", member="deep/er/two")
    with found.files[1].source.open() as stream:
        assert stream.read() == made


def test_an_archive_in_an_archive_is_named(tmp_path):
    inner = packed(tmp_path / "inner.zip", {"a.png": PIXEL}).read_bytes()
    path = packed(tmp_path / "in" / "outer.zip", {"inner.zip": inner, "b.png": PIXEL})
    found = gather(path)
    assert names(found) == ["b.png"]
    assert "outer.zip holds 1 archives inside of it, the first of them inner.zip" in found.problems[0]


@pytest.mark.parametrize("cut", [6, 30, 60, -30, -10])
def test_a_damaged_archive_is_one_sentence_and_the_rest_of_the_folder_is_read(tmp_path, cut):
    path = packed(tmp_path / "a.zip", {"a.png": PIXEL, "b.png": PIXEL})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=r"a\.zip"):
        gather(path)
    (tmp_path / "good.png").write_bytes(PIXEL)
    found = gather(tmp_path)
    assert names(found) == ["good.png"]
    assert "damaged or cut off" in found.problems[0]


@given(data=st.data())
def test_a_mutated_archive_gives_its_files_or_one_of_our_errors(data, tmp_path_factory):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.png", PIXEL * 20)
        out.writestr("b/c.bin", bytes(range(256)) * 4)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    path.write_bytes(content)
    try:
        for file in gather(path).files:
            with file.source.open() as opened:
                assert len(opened.read()) <= file.source.size
    except SkiagraphError:
        pass


def test_what_is_not_there_or_not_allowed_is_told(tmp_path, monkeypatch):
    with pytest.raises(MissingInput):
        gather(tmp_path / "gone.zip")
    path = packed(tmp_path / "a.zip", {"a": b"1"})
    with pytest.raises(FormatError, match="holds the file"):
        open_member(path, "b")
    with pytest.raises(MissingInput):
        archive_members(tmp_path / "gone.zip")

    def forbidden(*_, **__):
        raise PermissionError

    monkeypatch.setattr(type(path), "open", forbidden)
    with pytest.raises(NotPermitted):
        gather(path)


def test_the_size_that_is_unpacked_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_MOST_BYTES", 10)
    path = packed(tmp_path / "a.zip", {"a.png": PIXEL})
    with pytest.raises(FormatError, match="unpack it yourself"), unpacked(path, "a.png"):
        pass


def test_a_picture_in_an_archive_is_the_picture(tmp_path):
    path = packed(tmp_path / "a.zip", {"x/a.png": PIXEL})
    (found,) = gather(path).files
    with as_file(found.source) as file:
        assert pixels(read_image(file).image).tolist() == [[0]]


def test_checksums_are_held(tmp_path):
    path = packed(tmp_path / "a.zip", {"a": b"x" * 5000}, way=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[200] = 0
    path.write_bytes(content)
    with pytest.raises(FormatError, match="damaged"), open_member(path, "a") as stream:
        stream.read()
