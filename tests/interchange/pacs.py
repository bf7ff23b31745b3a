"""A real Orthanc on this machine alone: objects go in over STOW-RS and C-STORE, and come out over WADO-RS and REST."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

PROGRAM = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PATIENCE = 60  # s, until an answer must have come
NATIVE = {ImplicitVRLittleEndian, ExplicitVRLittleEndian}
"""Who stores over C-STORE may choose between these two: the elements are the same."""
_BOUNDARY = "skiagraph-boundary-7d1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A running Orthanc.

    Args:
        http: Its address, with a slash at the end.
        port: Of C-STORE.
        journal: The file that it tells what it does.
    """

    http: str
    port: int
    journal: Path

    def ask(self, path: str, data: bytes | None = None, **headers: str) -> tuple[bytes, str]:
        """What it answers, and the type of that.

        Raises:
            AssertionError: It refuses.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.http + path, data=data, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            said = f"{path}: {error.code} {error.read()[:2000]!r}\n{self.journal.read_text(errors='replace')[-2000:]}"
            raise AssertionError(said) from error

    def stow(self, files: Sequence[Path]) -> None:
        """Stores files over STOW-RS (DICOM PS3.18 section 10.5)."""
        parts = [
            f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + file.read_bytes() + b"\r\n"
            for file in files
        ]
        kind = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'
        body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
        answer, _ = self.ask("dicom-web/studies", body, Content_Type=kind, Accept="application/dicom+json")
        said = json.loads(answer)
        failed = said.get("00081198", {}).get("Value")
        assert not failed, f"STOW-RS failed: {failed}"
        assert len(said["00081199"]["Value"]) == len(files)

    def c_store(self, files: Sequence[Path]) -> None:
        """Stores files over C-STORE (DICOM PS3.4 annex B).

        With dcmsend of DCMTK, for storescu refuses the kinds of object that are younger than itself.
        """
        if shutil.which("dcmsend") is None:
            pytest.skip("dcmsend (Debian package dcmtk) is not here")
        sent = subprocess.run(
            [
                "dcmsend",
                "-v",
                "-dn",
                "-nuc",
                "-aec",
                "ORTHANC",
                "127.0.0.1",
                str(self.port),
                *map(str, files),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE,
            env={**os.environ, "TCP_NODELAY": "1"},
        )
        said = sent.stdout + sent.stderr
        taken = re.search(r"with status SUCCESS\s*:\s*(\d+)", said)
        assert sent.returncode == 0, said
        assert taken is not None, said
        assert int(taken[1]) == len(files), said

    def wado(self, ds: Dataset) -> bytes:
        """The object with the UIDs of `ds` over WADO-RS (DICOM PS3.18 section 10.4), as it was stored."""
        path = (
            f"dicom-web/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
            f"/instances/{ds.SOPInstanceUID}"
        )
        wanted = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        answer, kind = self.ask(path, Accept=wanted)
        boundary = kind.split("boundary=")[1].split(";")[0].strip('"').encode()
        part = answer.split(b"--" + boundary, 1)[1]
        content = part.split(b"\r\n\r\n", 1)[1]
        return content[: content.rindex(b"\r\n--" + boundary)]

    def file(self, ds: Dataset) -> bytes:
        """The object with the UID of `ds` over the REST interface of Orthanc."""
        found, _ = self.ask("tools/lookup", str(ds.SOPInstanceUID).encode())
        paths = [entry["Path"] for entry in json.loads(found) if entry["Type"] == "Instance"]
        assert len(paths) == 1, f"it has {len(paths)} objects {ds.SOPInstanceUID}"
        return self.ask(f"{paths[0].strip('/')}/file")[0]

    def forget(self) -> None:
        """Empties it."""
        for patient in json.loads(self.ask("patients")[0]):
            request = urllib.request.Request(f"{self.http}patients/{patient}", method="DELETE")
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                answer.read()


@contextmanager
def running_archive(folder: Path, **more: Any) -> Iterator[Archive]:
    """An empty Orthanc, until the end of the block; `more` goes into its configuration."""
    if PROGRAM is None or not PLUGIN.exists():
        pytest.skip("Orthanc with DICOMweb (Debian packages orthanc, orthanc-dicomweb) is not here")
    http, dicom = free_ports()
    (folder / "orthanc.json").write_text(json.dumps(configuration(folder, http, dicom) | more))
    journal = folder / "journal.txt"
    with journal.open("wb") as told:
        process = subprocess.Popen(
            [PROGRAM, "orthanc.json"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TCP_NODELAY": "1"},
        )
        archive = Archive(http=f"http://127.0.0.1:{http}/", port=dicom, journal=journal)
        try:
            wait_for(archive, process)
            yield archive
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        for taken in (one, two):
            taken.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def configuration(folder: Path, http: int, dicom: int) -> dict[str, Any]:
    """Loopback only, SQLite, nobody is asked who he is, every kind of object is taken."""
    return {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(PLUGIN)],
        "HttpServerEnabled": True,
        "HttpPort": http,
        "HttpBindAddresses": ["127.0.0.1"],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": True,
        "DicomAet": "ORTHANC",
        "DicomPort": dicom,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowStore": True,
        "UnknownSopClassAccepted": True,
        "OverwriteInstances": True,
        "SyncStorageArea": False,
        "StableAge": 1,
        "ConcurrentJobs": 1,
        "HttpThreadsCount": 4,
        "TcpNoDelay": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
    }


def wait_for(archive: Archive, process: subprocess.Popen[bytes]) -> None:
    """Until it answers; fails with what it said where it ends before."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            archive.ask("system")
        except OSError:
            said = archive.journal.read_text(errors="replace")[-2000:]
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"Orthanc did not start: {said}")
            time.sleep(0.1)
        else:
            return


def differences(sent: bytes | Path, got: bytes) -> list[str]:
    """Each element in which two objects differ, by its path; the group 2 of whoever wrote the file is left out."""
    given = sent.read_bytes() if isinstance(sent, Path) else sent
    first, second = (pydicom.dcmread(io.BytesIO(data)) for data in (given, got))
    metas = first.file_meta, second.file_meta
    named = ["MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID"]
    if not {meta.TransferSyntaxUID for meta in metas} <= NATIVE:
        named.append("TransferSyntaxUID")
    found = [f"{k} differs" for k in named if metas[0][k].value != metas[1][k].value]
    if not found and _body(given) == _body(got):
        return []
    return found + _differences(first, second, "")


def _body(data: bytes) -> bytes:
    """The data set of a file, after preamble and file meta information (DICOM PS3.10 section 7.1)."""
    return data[144 + int.from_bytes(data[140:144], "little") :]


def same(sent: bytes | Path, got: bytes) -> bool:
    """Whether two objects are equal element for element, and their pixels byte for byte."""
    return not differences(sent, got)


def _differences(first: Dataset, second: Dataset, where: str) -> list[str]:
    found = []
    for tag in sorted({*first.keys(), *second.keys()}):
        path = f"{where}{tag}"
        if tag not in first or tag not in second:
            found.append(f"{path} is only in the {'first' if tag in first else 'second'}")
        elif first[tag].VR != second[tag].VR:
            found.append(f"{path} is {first[tag].VR}, {second[tag].VR}")
        elif first[tag].VR == "SQ":
            items = first[tag].value, second[tag].value
            if len(items[0]) != len(items[1]):
                found.append(f"{path} has {len(items[0])}, {len(items[1])} items")
            for n, (one, other) in enumerate(zip(*items, strict=False)):
                found += _differences(one, other, f"{path}[{n}].")
        elif not _equal(first, second, tag):
            found.append(f"{path} {first[tag].keyword} differs")
    return found


def _equal(first: Dataset, second: Dataset, tag: Any) -> bool:
    """Values equal; where they are not (NaN is never), the bytes that they are written as."""
    return bool(first[tag].value == second[tag].value) or _encoded(first, tag) == _encoded(second, tag)


def _encoded(ds: Dataset, tag: Any) -> bytes:
    alone = Dataset()
    alone[tag] = ds[tag]
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_dataset(stream, alone)
    return stream.getvalue()
