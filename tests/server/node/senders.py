"""Nodes that listen, objects to send, and senders that say anything."""

import io
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from sqlalchemy import select

from skiagraph.server.archive.admission import Admission
from skiagraph.server.node.command import command_of
from skiagraph.server.node.node import Node
from skiagraph.server.settings import settings_of
from skiagraph.server.site import Site, opened_site
from skiagraph.server.tables import AuditRecord, Instance

OWN = Path(sys.executable).parent
OTHERS = [one for one in os.environ.get("PATH", "").split(os.pathsep) if Path(one) != OWN]
"""Where programs are, without those of pynetdicom, which have the same names."""


def slice_of(
    study: str, number: int = 1, *, patient: str = "P1", date: str = "20260101", side: int = 16
) -> Dataset:
    """A slice of CT; its UID follows from the study and its number."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid(
        entropy_srcs=[study, str(number)]
    )
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, generate_uid(entropy_srcs=[study])
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = patient, "Doe^Jane", "19700101", "F"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = date, "101500", "1", ""
    ds.ReferringPhysicianName, ds.Modality, ds.BodyPartExamined = "", "CT", "CHEST"
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness, ds.RescaleSlope, ds.RescaleIntercept = [1, 1], 1, 1, -1024
    ds.Rows = ds.Columns = side
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = bytes(2 * side * side)
    return ds


def body_of(ds: Dataset) -> bytes:
    """The data set of an object, as it is encoded."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    data = buffer.getvalue()
    return data[144 + int.from_bytes(data[140:144], "little") :]


def written(folder: Path, study: str, count: int, **more) -> list[Path]:
    """Files of the slices of a study."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.dcm" for number in range(count)]
    for number, path in enumerate(paths):
        slice_of(study, number, **more).save_as(path, enforce_file_format=True)
    return paths


def dcmtk(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a program of DCMTK."""
    found = shutil.which(program, path=os.pathsep.join(OTHERS))
    if found is None:
        pytest.skip(f"{program} (Debian package dcmtk) is not here")
    return subprocess.run(
        [found, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
        env={**os.environ, "TCP_NODELAY": "1"},
    )


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Raw:
    """A sender that may say anything."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def associate(
        self, *contexts: tuple[int, str, str], calling: str = "RAW", called: str = "SKIAGRAPH"
    ) -> int:
        """Asks for an association; the type of the answer."""
        items = _item(0x10, b"1.2.840.10008.3.1.1.1")
        for number, abstract, transfer in contexts:
            parts = _item(0x30, abstract.encode()) + _item(0x40, transfer.encode())
            items += _item(0x20, bytes([number, 0, 0, 0]) + parts)
        items += _item(0x50, _item(0x51, (16384).to_bytes(4, "big")))
        fixed = b"\0\1\0\0" + called.encode().ljust(16) + calling.encode().ljust(16) + bytes(32)
        self.unit(1, fixed + items)
        return self.answer()[0]

    def unit(self, kind: int, body: bytes) -> None:
        self.socket.sendall(struct.pack(">BBL", kind, 0, len(body)) + body)

    def value(self, context: int, flags: int, data: bytes) -> None:
        """One fragment in a unit of its own."""
        self.unit(4, struct.pack(">LBB", len(data) + 2, context, flags) + data)

    def command(self, context: int, fields: dict[int, bytes | int]) -> None:
        body = b""
        for element, value in sorted(fields.items()):
            data = value.to_bytes(2, "little") if isinstance(value, int) else value + b"\0" * (len(value) % 2)
            body += struct.pack("<HHL", 0, element, len(data)) + data
        self.value(context, 3, struct.pack("<HHLL", 0, 0, 4, len(body)) + body)

    def store(self, context: int, instance: bytes | None, data: bytes, sop_class: bytes = b"") -> int:
        """A C-STORE; the status of its answer."""
        fields: dict[int, bytes | int] = {
            0x0002: sop_class or CTImageStorage.encode(), 0x0100: 1, 0x0110: 7, 0x0700: 0, 0x0800: 1,
        }  # fmt: skip
        if instance is not None:
            fields[0x1000] = instance
        self.command(context, fields)
        for at in range(0, max(len(data), 1), 100_000):
            self.value(context, 2 if at + 100_000 >= len(data) else 0, data[at : at + 100_000])
        return self.status()

    def status(self) -> int:
        kind, body = self.answer()
        assert kind == 4, kind
        return int.from_bytes(command_of(body[6:])[0x0900], "little")

    def answer(self) -> tuple[int, bytes]:
        """Type and body of a unit; type 0 where the connection ended."""
        head = self._exactly(6)
        return (head[0], self._exactly(int.from_bytes(head[2:], "big"))) if head else (0, b"")

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            try:
                part = self.socket.recv(count - len(found))
            except ConnectionResetError:
                part = b""
            if not part:
                return b""
            found += part
        return found

    def close(self) -> None:
        self.socket.close()


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


@contextmanager
def running(home: Path, **dicom) -> Iterator[tuple[Site, Node]]:
    """A server with a node and nothing else, until the end of the block."""
    more = dicom.pop("more", {})
    site = opened_site(settings_of(home, dicom={"port": 0, "receivers": 1, **dicom}, **more))
    node = Node(site)
    try:
        node.start()
        yield site, node
    finally:
        node.stop()
        site.close()


def admitted(site: Site) -> dict[str, Dataset]:
    """Everything that came, by its UID, after it was admitted: rows and files."""
    admission = Admission(site)
    while admission.step():
        pass
    with site.database.reading() as session:
        rows = {
            str(uid): str(digest) for uid, digest in session.execute(select(Instance.uid, Instance.digest))
        }
    found = {}
    for uid, digest in rows.items():
        with site.files.open(digest) as stream:
            found[uid] = dcmread(io.BytesIO(stream.read()))
    return found


def audited(site: Site, event: str) -> list[tuple[str, str]]:
    """Who and which study the trail names for an event, once the node has written all that it was told."""
    with site.database.reading() as session:
        rows = (
            select(AuditRecord.who, AuditRecord.study)
            .where(AuditRecord.event == event)
            .order_by(AuditRecord.id)
        )
        return [(who, study) for who, study in session.execute(rows)]


def eventually(asked: Callable[[], object], seconds: float = 10.0) -> object:
    """What somebody answers, once it is something."""
    until = time.monotonic() + seconds
    while not (found := asked()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


IMPLICIT = str(ImplicitVRLittleEndian)
EXPLICIT = str(ExplicitVRLittleEndian)
CT = str(CTImageStorage)
