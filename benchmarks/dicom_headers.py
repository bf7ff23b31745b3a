"""Sorting and describing thousands of DICOM headers, beside DCMTK's dcmdump and pydicom on the same files, in turn."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pydicom
from dicom_pixels import CODINGS, written

from skiagraph.io.contents import contents_of
from skiagraph.io.dicom.scan import scan_many
from skiagraph.io.dicom.source import Source

HERE: Final = Path(__file__).parent
FILES, SERIES, RUNS = 10_000, 100, 3


def make(folder: Path) -> None:
    """Series of 100 small slices each, so that headers and not pixels fill the disk."""
    pixels = np.zeros((FILES // SERIES, 16, 16), np.uint16)
    for number in range(SERIES):
        place = folder / f"{number:03d}"
        place.mkdir()
        written(place, pixels, CODINGS["uncompressed"])


def dumped(folder: Path) -> None:
    """All headers as text, to nowhere, in one process."""
    with Path(os.devnull).open("w") as nowhere:
        subprocess.run(["dcmdump", "+sd", "+r", folder], stdout=nowhere, check=True)


def sorted_by_pydicom(folder: Path) -> None:
    """Read by pydicom, sorted by series and place."""
    series = defaultdict(list)
    for path in folder.rglob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        series[header.SeriesInstanceUID].append((float(header.ImagePositionPatient[2]), path))
    for members in series.values():
        members.sort()


def scanned(folder: Path) -> None:
    """The header pass alone."""
    for _ in scan_many([Source(path=path) for path in folder.rglob("*.dcm")]):
        pass


def main() -> None:
    """Measures, prints, and keeps the figures in ``benchmarks/results/dicom_headers.json``."""
    ways: dict[str, Callable[[Path], object]] = {
        "skiagraph, sorted and described": contents_of,
        "skiagraph, the header pass alone": scanned,
        "pydicom, sorted": sorted_by_pydicom,
    }
    if shutil.which("dcmdump"):
        ways["dcmdump"] = dumped
    else:
        print("dcmdump was left out: it is not installed (Debian: dcmtk).")
    times: dict[str, list[float]] = defaultdict(list)
    used: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        make(Path(name))
        for _ in range(RUNS):
            for way, work in ways.items():
                begun, before = time.perf_counter(), sum(os.times()[:4])
                work(Path(name))
                times[way].append(time.perf_counter() - begun)
                used[way].append(sum(os.times()[:4]) - before)
    results: dict[str, object] = {
        way: {"median s": statistics.median(times[way]), "median processor s": statistics.median(used[way])}
        for way in ways
    }
    for way, row in results.items():
        print(f"{way:36}{row}")
    results |= {
        "files": FILES,
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": sys.version,
    }
    (HERE / "results" / "dicom_headers.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
