"""What people upload: taken as it is where it is DICOM, made a study where it is another image, bounded always."""

import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from sqlalchemy import select

from skiagraph.errors import InvalidInput
from skiagraph.server.archive.admission import Admission
from skiagraph.server.archive.tarred import plain_name
from skiagraph.server.archive.upload import take_upload
from skiagraph.server.settings import Limits
from skiagraph.server.tables import Instance, Study


@pytest.fixture
def folder(site):
    return site.intake.upload_folder()


@pytest.fixture
def take(site, folder):
    def taken(limits=None, **said):
        return take_upload(site.intake, folder, limits or Limits(), **said)

    return taken


def studies(site):
    Admission(site).step()
    with site.database.reading() as session:
        return {study.uid: study for study in session.scalars(select(Study))}


def picture(path, value=0):
    Image.fromarray(np.full((12, 10), value, np.uint8)).save(path)


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def tarred(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
            else:
                entry.type, entry.linkname = data
                archive.addfile(entry)


def test_dicom_files_are_taken_as_they_are(site, folder, take, made):
    data = [made(n) for n in range(3)]
    for number, one in enumerate(data):
        (folder / f"{number}").write_bytes(one)
    taken = take()
    assert (taken.objects, taken.made, taken.studies, taken.problems) == (3, 0, ("1.2.3",), ())
    assert sorted(path.read_bytes() for path in site.intake.pending()) == sorted(data)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=["implicit", "explicit"]
)
@pytest.mark.parametrize("meta", [True, False])
def test_a_data_set_without_a_preamble_is_given_one(site, folder, take, made, syntax, meta):
    ds, buffer = dcmread(io.BytesIO(made(1, PixelData=None))), io.BytesIO()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(buffer, implicit_vr=syntax.is_implicit_VR)
    data = buffer.getvalue()
    begin = 132 if meta else 144 + int.from_bytes(data[140:144], "little")
    (folder / "bare").write_bytes(data[begin:])
    taken = take()
    assert (taken.objects, taken.problems) == (1, ())
    assert studies(site)["1.2.3"].patient_name == "Doe^Jane"
    (digest,) = site.files.digests()
    with site.files.open(digest) as stream:
        kept = dcmread(stream)
    assert (kept.file_meta.TransferSyntaxUID, Dataset(kept)) == (syntax, Dataset(ds))


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz", "tbz", "txz"])
def test_archives_are_looked_into(site, folder, take, made, kind):
    if kind == "zip":
        zipped(folder / "all.zip", **{"a/1.dcm": made(1), "b/1.dcm": made(2)})
    else:
        mode = {"tar": "w", "tgz": "w:gz", "tbz": "w:bz2", "txz": "w:xz"}[kind]
        tarred(folder / "all.bin", ("a/1.dcm", made(1)), ("b/1.dcm", made(2)), mode=mode)
    assert (take().objects, studies(site)["1.2.3"].instance_count) == (2, 2)


def test_another_image_becomes_a_study_of_its_own_the_same_each_time(site, folder, take):
    picture(folder / "scan.png", 7)
    first = take()
    assert (first.objects, first.made) == (0, 1)
    (study,) = studies(site).values()
    assert (study.uid, study.patient_name, study.patient_id) == (first.studies[0], "unnamed", "scan")
    assert take().studies == first.studies
    assert studies(site)[study.uid].instance_count == 1
    named = take(patient="Doe^Jane\\=\n")
    assert named.studies != first.studies
    assert studies(site)[named.studies[0]].patient_name == "Doe^Jane"


def test_volumes_of_other_formats_are_taken(site, folder, take):
    import nibabel

    volume = nibabel.Nifti1Image(
        np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.diag([2.0, 2.0, 3.0, 1.0])
    )
    nibabel.save(volume, folder / "brain.nii.gz")
    (folder / "v.mhd").write_text(
        "ObjectType = Image\nNDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementDataFile = v.raw\n"
    )
    (folder / "v.raw").write_bytes(bytes(4))
    taken = take(patient="Doe")
    assert (taken.made, taken.problems) == (2, ())
    with site.database.reading() as session:
        assert session.scalars(select(Instance)).all() == []
    assert len(studies(site)) == 2


def test_what_is_no_image_is_named_and_the_rest_is_taken(site, folder, take, made):
    (folder / "notes.txt").write_text("hello")
    (folder / "empty").write_bytes(b"")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (folder / "nameless.dcm").write_bytes(made(1, SOPInstanceUID=None))
    (folder / "good.dcm").write_bytes(made(2))
    taken = take()
    assert taken.objects == 1
    assert len(taken.problems) == 4
    assert any("SOPInstanceUID" in problem for problem in taken.problems)
    assert len(site.intake.pending()) == 1


def test_names_in_archives_lead_nowhere_else(site, folder, take, made):
    outside = site.settings.home / "evil.dcm"
    zipped(folder / "slip.zip", **{"../../evil.dcm": made(1), "/evil.dcm": made(2)})
    tarred(folder / "slip.tar", ("../../evil.dcm", made(3)), ("/evil.dcm", made(4)), mode="w")
    assert take().objects == 4
    assert not outside.exists()
    assert {path.name for path in site.settings.home.rglob("*evil*")} == {"evil.dcm"}
    assert all(folder in path.parents for path in site.settings.home.rglob("*evil*"))


def test_links_and_devices_in_a_tar_archive_are_left_out(site, folder, take, made):
    links = [
        ("passwd", (tarfile.SYMTYPE, "/etc/passwd")),
        ("hard", (tarfile.LNKTYPE, "a.dcm")),
        ("dev", (tarfile.CHRTYPE, "")),
    ]
    tarred(folder / "t.tar", *links, ("a.dcm", made(1)))
    taken = take()
    assert taken.objects == 1
    assert taken.problems == ("Links and devices in a tar archive were left out: 3.",)


def test_an_archive_inside_of_an_archive_is_not_followed(site, folder, take, made):
    inner = io.BytesIO()
    zipped(inner, **{"1.dcm": made(1)})
    zipped(folder / "outer.zip", **{"inner.zip": inner.getvalue()})
    tarred(folder / "outer.tar", ("inner.tar", b"\0" * 257 + b"ustar" + b"\0" * 250))
    taken = take()
    assert taken.objects == 0
    assert any("archives inside" in problem for problem in taken.problems)


def test_a_packed_archive_that_is_damaged_is_named(site, folder, take, made):
    tarred(folder / "t.tgz", ("a.dcm", made(1, side=64)))
    data = bytearray((folder / "t.tgz").read_bytes())
    data[-6] ^= 1  # the checksum at the end
    (folder / "t.tgz").write_bytes(data)
    (folder / "cut.tgz").write_bytes(data[:-200])
    taken = take()
    assert (taken.objects, len(taken.problems)) == (0, 2)
    assert all("damaged or cut off" in problem for problem in taken.problems)


@pytest.mark.parametrize("limits", [Limits(upload_files=2), Limits(upload_bytes=3000)])
@pytest.mark.parametrize("kind", ["files", "zip", "tar"])
def test_more_than_an_upload_may_bring_is_refused_whole(site, folder, take, made, kind, limits):
    data = {f"{n}.dcm": made(n, side=24) for n in range(3)}
    if kind == "zip":
        zipped(folder / "a.zip", **data)
    elif kind == "tar":
        tarred(folder / "a.tgz", *data.items())
    else:
        for name, one in data.items():
            (folder / name).write_bytes(one)
    with pytest.raises(InvalidInput, match="at most"):
        take(limits)
    assert site.intake.pending() == []


def test_bombs_do_not_go_off(site, folder, take, made):
    limits = Limits(upload_bytes=1 << 20)
    with gzip.open(folder / "long.tgz", "wb") as sink:
        header = tarfile.TarInfo("big.dcm")
        header.size = 1 << 33
        sink.write(header.tobuf())
        sink.write(bytes(8 << 20))
    with pytest.raises(InvalidInput, match="at most"):
        take(limits)
    (folder / "long.tgz").unlink()
    pax = tarfile.TarInfo("pax")
    pax.type, pax.size = tarfile.XHDTYPE, 1 << 31
    with gzip.open(folder / "pax.tgz", "wb") as sink:
        sink.write(pax.tobuf())
        sink.write(bytes(8 << 20))
    (folder / "good.dcm").write_bytes(made(1))
    taken = take(limits)
    assert taken.objects == 1
    assert any("damaged" in problem for problem in taken.problems)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.dcm", "a.dcm"),
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\a b.png", "a b.png"),
        ("..", "file"),
        ("", "file"),
        (".hidden", "hidden"),
        ("a\x00b\n.nii.gz", "a_b_.nii.gz"),
        ("<img src=x>.png", "_img src_x_.png"),
        ("Müller.png", "Müller.png"),
        ("x" * 500 + ".nii", "x" * 156 + ".nii"),
        ("王" * 100 + ".nii", "王" * 52 + ".nii"),
        ("\ud800.nii", "_.nii"),
    ],
)
def test_a_name_is_made_plain(name, plain):
    assert plain_name(name) == plain
    assert os.sep not in plain_name(name)
