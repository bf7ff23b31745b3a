"""Frames and headers of a CT series over WADO-RS, and pages of QIDO-RS of a large archive: beside Orthanc, in turn."""

from __future__ import annotations

import http.client
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from server_find import INSTANCES, STUDIES, fill
from server_receive import HERE, ORTHANC, free_port, make, program
from sqlalchemy import update

from skiagraph.server.archive.admission import Admission
from skiagraph.server.people.people import SHELL
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import Study

PLUGIN: Final = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PAGE: Final = HERE.parent / "docs" / "reference" / "benchmarks.md"
MARKS: Final = (
    "<!-- measured by benchmarks/server_dicomweb.py -->",
    "<!-- end of benchmarks/server_dicomweb.py -->",
)
ROUNDS, PAGES, AT_ONCE = 3, 50, 6
TENTH: Final = STUDIES // 10
FRAME: Final = 'multipart/related; type="application/octet-stream"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server that has the series.

    Args:
        port: Of HTTP.
        headers: Of each request.
        studies: How many it has.
    """

    port: int
    headers: dict[str, str]
    studies: int


def asked(wire: http.client.HTTPConnection, peer: Peer, path: str, accept: str) -> bytes:
    """The body of one answer."""
    wire.request("GET", f"/dicom-web/{path}", headers={**peer.headers, "Accept": accept})
    answer = wire.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
    return body


def wire_to(peer: Peer) -> http.client.HTTPConnection:
    """A connection that stays."""
    return http.client.HTTPConnection("127.0.0.1", peer.port, timeout=60)


def frames(peer: Peer, paths: list[str], pixels: dict[str, bytes], clients: int) -> float:
    """Frames a second, each compared with what was stored."""

    def some(mine: list[str]) -> None:
        wire = wire_to(peer)
        for path in mine:
            body = asked(wire, peer, f"{path}/frames/1", FRAME)
            begin = body.index(b"\r\n\r\n") + 4
            if body[begin : begin + len(pixels[path])] != pixels[path]:
                raise SystemExit("a frame is not the one that was stored")
        wire.close()

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(some, [paths[n::clients] for n in range(clients)]))
    return len(paths) / (time.perf_counter() - begun)


def headers(peer: Peer, series: str) -> float:
    """Seconds for the metadata of the series."""
    wire, begun = wire_to(peer), time.perf_counter()
    found = json.loads(asked(wire, peer, f"{series}/metadata", "application/dicom+json"))
    took = time.perf_counter() - begun
    wire.close()
    if len(found) != 300:
        raise SystemExit(f"{len(found)} headers came")
    return took


def pages(peer: Peer) -> list[float]:
    """Milliseconds of each page of 100 studies."""
    wire, rng, took = wire_to(peer), random.Random(1), []  # noqa: S311  no secret
    for _ in range(PAGES):
        path = f"studies?limit=100&offset={rng.randrange(peer.studies - 200)}"
        begun = time.perf_counter()
        found = json.loads(asked(wire, peer, path, "application/dicom+json"))
        took.append(1000 * (time.perf_counter() - begun))
        if len(found) != 100:
            raise SystemExit(f"{len(found)} studies came")
    wire.close()
    return took


@contextmanager
def ours(folder: Path, slices: list[Path]) -> Iterator[Peer]:
    """The whole server, as it is installed, with 10,000 studies beside."""
    home, port = folder / "home", free_port()
    site = opened_site(settings_of(home, dicom={"enabled": False}))
    fill(site.database)
    for path in slices:
        site.intake.take([path.read_bytes()])
    admission = Admission(site)
    while admission.step():
        pass
    with site.database.writing() as session:
        session.execute(update(Study).values(state="unread"))  # nothing is read while it is measured
    token = site.people.tokens.make(SHELL, "client", ["see"], 1)
    site.close()
    command = [sys.executable, "-m", "skiagraph", "serve", "--home", home, "--port", port, "--dicom-port", 0]
    with program(command, folder, port):
        yield Peer(port=port, headers={"Authorization": f"Bearer {token}"}, studies=STUDIES)


@contextmanager
def orthanc(folder: Path, slices: list[Path]) -> Iterator[Peer]:
    """Orthanc with its DICOMweb, as Debian ships them, and a tenth of the studies."""
    port = free_port()
    said = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,
        "DicomPort": free_port(),
        "AuthenticationEnabled": False,
        "SyncStorageArea": False,  # quicker to fill; it is not filled while it is measured
        "TcpNoDelay": True,
        "KeepAlive": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(said))
    with program([ORTHANC, "orthanc.json"], folder, port):
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for data in (*small(folder), *(path.read_bytes() for path in slices)):
            wire.request("POST", "/instances", body=data)
            answer = wire.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"Orthanc does not take an object: {answer.status}")
        yield Peer(port=port, headers={}, studies=TENTH)


def small(folder: Path) -> Iterator[bytes]:
    """A tenth of the studies, their objects without pixels."""
    path = folder / "one.dcm"
    for n in range(TENTH):
        for k in range(INSTANCES):
            ds = Dataset()
            ds.file_meta = FileMetaDataset()
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"2.25.{n}.1.{k}"
            ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = f"2.25.{n}", f"2.25.{n}.1", "CT"
            ds.PatientID, ds.PatientName, ds.AccessionNumber = f"P{n // 2:05d}", f"A{n}^B", f"A{n}"
            ds.StudyDate, ds.StudyTime, ds.StudyID = f"2026{n % 12 + 1:02d}{n % 28 + 1:02d}", "101010", "1"
            ds.StudyDescription, ds.SeriesNumber, ds.InstanceNumber = "Study", 1, k
            ds.save_as(path, enforce_file_format=True)
            yield path.read_bytes()


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """The page: medians, and the range of all rounds."""
    names = list(found)
    lines = [
        (
            f"`python benchmarks/server_dicomweb.py`: a CT series of 300 slices of 512 x 512, {ROUNDS} rounds in turn,"
            " every frame compared with what was stored; each client asks again when its answer has come. Ours is the"
            f" whole server with {STUDIES:,} studies and {STUDIES * INSTANCES:,} instances in its index; who asks is"
            f" known by a token; Orthanc has {TENTH:,} studies and {TENTH * INSTANCES:,} instances, and asks nobody who"
            " he is. In brackets the least and the most."
        ),
        "",
        f"| | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for row in found[names[0]]:
        cells = []
        for name in names:
            values = found[name][row]
            form = ".0f" if min(values) >= 20 else ".1f" if min(values) >= 2 else ".2f"
            cells.append(f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Measures, prints, keeps the figures, and writes the page."""
    if ORTHANC is None or not PLUGIN.exists():
        print("Left out: Orthanc and its DICOMweb (Debian: orthanc, orthanc-dicomweb) are not here.")
        return
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for part in ("slices", "ours", "orthanc"):
            (work / part).mkdir()
        slices = make(work / "slices")
        heads = [dcmread(path, stop_before_pixels=True) for path in slices]
        series = f"studies/{heads[0].StudyInstanceUID}/series/{heads[0].SeriesInstanceUID}"
        paths = [f"{series}/instances/{ds.SOPInstanceUID}" for ds in heads]
        pixels = {one: dcmread(path).PixelData for one, path in zip(paths, slices, strict=True)}
        with ours(work / "ours", slices) as us, orthanc(work / "orthanc", slices) as them:
            found = measured({"Skiagraph": us, "Orthanc": them}, series, paths, pixels)
    page = table(found)
    print(page)
    text = PAGE.read_text("utf-8")
    before, rest = text.split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{page}\n{MARKS[1]}{rest.split(MARKS[1])[1]}", "utf-8")
    kept = {
        "rows": {
            name: {
                row: {"median": statistics.median(v), "low": min(v), "high": max(v)}
                for row, v in rows.items()
            }
            for name, rows in found.items()
        },
        "rounds": ROUNDS,
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "machine": platform.platform(),
        "python": sys.version,
    }
    (HERE / "results" / "server_dicomweb.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def measured(
    peers: dict[str, Peer], series: str, paths: list[str], pixels: dict[str, bytes]
) -> dict[str, dict[str, list[float]]]:
    """The figures of each round."""
    rows: dict[str, Callable[[Peer], Any]] = {
        "frames a second, one client": lambda peer: [frames(peer, paths, pixels, 1)],
        f"frames a second, {AT_ONCE} connections": lambda peer: [frames(peer, paths, pixels, AT_ONCE)],
        "seconds for 300 headers": lambda peer: [headers(peer, series)],
        "ms for a page of 100 studies": pages,
    }
    found: dict[str, dict[str, list[float]]] = {name: {row: [] for row in rows} for name in peers}
    for _ in range(ROUNDS):
        for row, measure in rows.items():
            for name, peer in peers.items():
                found[name][row] += measure(peer)
    return found


if __name__ == "__main__":
    main()
