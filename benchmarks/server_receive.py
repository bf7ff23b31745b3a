"""Receiving 300 CT slices over C-STORE from one sender and four: beside Orthanc, DCMTK and pynetdicom, in turn."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent / "docs" / "reference" / "benchmarks.md"
MARKS: Final = (
    "<!-- measured by benchmarks/server_receive.py -->",
    "<!-- end of benchmarks/server_receive.py -->",
)
SLICES, ROUNDS = 300, 5
SENDERS: Final = (1, 4)
ENVIRONMENT: Final = {**os.environ, "TCP_NODELAY": "1"}
OWN: Final = Path(sys.executable).parent
OTHERS: Final = ":".join(
    [*(one for one in os.environ.get("PATH", "").split(":") if Path(one) != OWN), "/usr/sbin"]
)
"""Where programs are, without those of pynetdicom, which have the same names as DCMTK's."""

ORTHANC, STORESCU, STORESCP = (shutil.which(one, path=OTHERS) for one in ("Orthanc", "storescu", "storescp"))
TITLE: Final = "ARCHIVE"

PLAIN: Final = """
import os, sys
from pynetdicom import AE, AllStoragePresentationContexts, evt
folder = sys.argv[2]
def store(event):
    path = os.path.join(folder, event.request.AffectedSOPInstanceUID)
    with open(path, "wb") as file:
        file.write(event.encoded_dataset())
        file.flush()
        os.fsync(file.fileno())
    return 0
entity = AE("ARCHIVE")
entity.supported_contexts = AllStoragePresentationContexts
entity.start_server(("127.0.0.1", int(sys.argv[1])), block=True, evt_handlers=[(evt.EVT_C_STORE, store)])
"""

Count = Callable[[], int]
Peer = Callable[[Path, int], AbstractContextManager[Count | None]]


def make(folder: Path) -> list[Path]:
    """Slices of 512 x 512, 16 bit, as noise: nothing compresses them on the way."""
    rng, study, series = np.random.default_rng(7), generate_uid(), generate_uid()
    paths = []
    for number in range(SLICES):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = study, series, "CT"
        ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "1", "A^B", "19700101", "F"
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20260101", "101010", "1", "1"
        ds.ReferringPhysicianName, ds.SeriesNumber, ds.InstanceNumber = "", 1, number + 1
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SliceThickness, ds.RescaleSlope, ds.RescaleIntercept = [0.7, 0.7], 1, 1, -1024
        ds.Rows = ds.Columns = 512
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        ds.PixelData = rng.integers(0, 4096, (512, 512), dtype=np.uint16).tobytes()
        paths.append(folder / f"{number:03d}.dcm")
        ds.save_as(paths[-1], enforce_file_format=True)
    return paths


@contextmanager
def program(command: Sequence[object], folder: Path, port: int) -> Iterator[None]:
    """A program that listens, until the end of the block."""
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, stdout=said, stderr=said, env=ENVIRONMENT
        )
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > until:
                        raise SystemExit((folder / "said.txt").read_text(errors="replace")) from None
                    time.sleep(0.05)
            time.sleep(1.0)
            yield
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def ours(folder: Path, port: int) -> Iterator[Count | None]:
    """The whole server, as it is installed."""
    command = [
        Path(sys.executable).with_name("skiagraph"), "serve", "--home", folder / "home", "--port", 0,
        "--dicom-port", port,
    ]  # fmt: skip
    (folder / "home").mkdir()
    (folder / "home" / "settings.toml").write_text(f'[dicom]\ntitle = "{TITLE}"\n')
    with program(command, folder, port):
        database = sqlite3.connect(f"file:{folder / 'home' / 'skiagraph.sqlite'}?mode=ro", uri=True)
        yield lambda: int(database.execute("SELECT count(*) FROM instances").fetchone()[0])
        database.close()


@contextmanager
def orthanc(folder: Path, port: int) -> Iterator[Count | None]:
    """Orthanc as Debian ships it, its storage made safe before it answers (its default)."""
    http = free_port()
    (folder / "orthanc.json").write_text(
        json.dumps(
            {
                "StorageDirectory": str(folder / "storage"),
                "IndexDirectory": str(folder / "index"),
                "HttpPort": http,
                "DicomAet": TITLE,
                "DicomPort": port,
                "DicomAlwaysAllowStore": True,
                "AuthenticationEnabled": False,
                "SyncStorageArea": True,
                "TcpNoDelay": True,
            }
        )
    )

    def count() -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/statistics") as answer:
            return int(json.load(answer)["CountInstances"])

    with program([ORTHANC, "orthanc.json"], folder, port):
        yield count


@contextmanager
def storescp(folder: Path, port: int) -> Iterator[Count | None]:
    """DCMTK's receiver of files: no index, and nothing made safe before it answers."""
    (folder / "files").mkdir()
    with program([STORESCP, "--fork", "-aet", TITLE, "-od", folder / "files", port], folder, port):
        yield None


@contextmanager
def pynetdicom(folder: Path, port: int) -> Iterator[Count | None]:
    """A receiver of a dozen lines: files made safe before it answers, no index."""
    (folder / "files").mkdir()
    with program([sys.executable, "-c", PLAIN, port, folder / "files"], folder, port):
        yield None


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def measured(name: str, peer: Peer, paths: Sequence[Path], senders: int) -> dict[str, float]:
    """Objects a second from the first to the last sender's end; and seconds until all are found after that."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, peer(Path(folder), port) as count:
        os.sync()
        begun = time.perf_counter()
        processes = [
            subprocess.Popen(
                [str(STORESCU), "-aec", TITLE, "127.0.0.1", str(port), *map(str, paths[n::senders])],
                env=ENVIRONMENT,
                stdout=subprocess.DEVNULL,
            )
            for n in range(senders)
        ]
        if sum(process.wait() != 0 for process in processes):
            raise SystemExit(f"{name} refused something")
        ended = time.perf_counter()
        found = {"objects a second": SLICES / (ended - begun)}
        if count is not None:
            while (here := count()) < SLICES and time.perf_counter() < ended + 30:
                time.sleep(0.01)
            if here != SLICES:
                raise SystemExit(f"{name} lost {SLICES - here}")
            found["seconds until all are found"] = time.perf_counter() - ended
        return found


PEERS: Final[dict[str, Peer]] = {
    "Skiagraph": ours,
    "Orthanc": orthanc,
    "pynetdicom, files alone": pynetdicom,
    "DCMTK storescp --fork, files alone, not made safe": storescp,
}


def table(results: dict[str, dict[str, float]], ratios: dict[str, dict[str, float]], load: float) -> str:
    """The page's part."""
    lines = [
        f"`python benchmarks/server_receive.py`: {SLICES} slices of 512 x 512 and 16 bit from DCMTK's `storescu`,",
        f"median of {ROUNDS} rounds in which all take turns (range in brackets), each into an empty archive, with",
        "`TCP_NODELAY=1` on both ends. Found: seconds from the end of the last sender until the index has all.",
        "",
        "| | one sender, objects a second | found after, s | four senders, objects a second | found after, s |",
        "|---|---|---|---|---|",
    ]
    for name in PEERS:
        cells = []
        for senders in SENDERS:
            row = results[f"{name}, {senders}"]
            cells.append(f"{row['median']:.0f} ({row['low']:.0f} to {row['high']:.0f})")
            cells.append(f"{row['found']:.2f}" if "found" in row else "no index")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    said = [
        f"{row['median']:.1f} times ({row['low']:.1f} to {row['high']:.1f}) with {n} sender{'s' if n != '1' else ''}"
        for n, row in ratios.items()
    ]
    lines += ["", f"Against Orthanc in the same round: {', '.join(said)}. Nothing was lost."]
    lines += [
        f"The load of the machine's {os.cpu_count()} cores was {load:.1f} at the end, other work included.",
        "",
    ]
    return "\n".join(lines)


def write(page: str) -> None:
    """Puts it between the marks of the docs."""
    before, rest = PAGE.read_text("utf-8").split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{page}\n{MARKS[1]}{rest.split(MARKS[1])[1]}", "utf-8")


def main() -> None:
    """Measures, prints, keeps the figures, and writes the page."""
    if ORTHANC is None or STORESCU is None or STORESCP is None:
        print("Left out: Orthanc and DCMTK (Debian: orthanc, dcmtk) are not here.")
        return
    times: dict[tuple[str, int], list[dict[str, float]]] = {(p, n): [] for p in PEERS for n in SENDERS}
    with tempfile.TemporaryDirectory() as name:
        paths = make(Path(name))
        for _ in range(ROUNDS):
            for senders in SENDERS:
                for peer, start in PEERS.items():
                    times[peer, senders].append(measured(peer, start, paths, senders))
    results: dict[str, dict[str, float]] = {}
    for (peer, senders), rows in times.items():
        rates = [row["objects a second"] for row in rows]
        results[f"{peer}, {senders}"] = {
            "median": statistics.median(rates),
            "low": min(rates),
            "high": max(rates),
        }
        if "seconds until all are found" in rows[0]:
            results[f"{peer}, {senders}"]["found"] = statistics.median(
                row["seconds until all are found"] for row in rows
            )
            results[f"{peer}, {senders}"]["found, at most"] = max(
                row["seconds until all are found"] for row in rows
            )
    ratios = {}
    for senders in SENDERS:
        pairs = zip(times["Skiagraph", senders], times["Orthanc", senders], strict=True)
        each = [a["objects a second"] / b["objects a second"] for a, b in pairs]
        ratios[str(senders)] = {"median": statistics.median(each), "low": min(each), "high": max(each)}
    load = os.getloadavg()[0]
    page = table(results, ratios, load)
    print(page)
    write(page)
    kept = {
        "objects a second": results,
        "times Orthanc": ratios,
        "rounds": ROUNDS,
        "slices": SLICES,
        "processors": os.cpu_count(),
        "load": load,
        "machine": platform.platform(),
        "python": sys.version,
    }
    (HERE / "results" / "server_receive.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
