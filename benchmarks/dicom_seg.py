"""A binary DICOM Segmentation of 300 slices with 20 and with 117 segments, beside highdicom, in turn: time and memory.

Each works in a process of its own, on the same mask, over the same CT series; reading the series is not counted.
Every segment is in every slice, so that no writer gains by leaving frames out. Each reads its file back to labels, and
both files are read by pydicom and their pixels are compared, frame by frame.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HERE: Final = Path(__file__).parent
SLICES, SIZE = 300, 512
SEGMENTS: Final = (20, 117)


def mask(segments: int) -> NDArray[np.uint8]:
    """Labels: tiles of structures that drift from slice to slice, with background between them."""
    side = int(np.ceil(np.sqrt(segments)))
    step = SIZE // side
    y, x = np.mgrid[:SIZE, :SIZE]
    number = (y // step) * side + x // step + 1
    inner = (y % step > 3) & (x % step > 5)
    plain = np.where(inner & (number <= segments), number, 0).astype(np.uint8)
    return np.stack([np.roll(plain, (n, 2 * n), (0, 1)) for n in range(SLICES)])


def make(folder: Path) -> None:
    """The CT series."""
    from skiagraph.geometry import Grid, derived_frame
    from skiagraph.phantoms.ct_series import ct_series
    from skiagraph.phantoms.study import write_dataset

    affine = np.array([[0, 0, 0.7, -180], [0, 0.7, 0, -180], [1.0, 0, 0, -150], [0, 0, 0, 1]])
    grid = Grid(shape=(SLICES, SIZE, SIZE), affine=affine, frame=derived_frame("benchmark"))
    rng = np.random.default_rng(0)
    values = rng.integers(-1000, 1000, (SLICES, SIZE, SIZE), dtype=np.int16)
    for n, ds in enumerate(ct_series(values, grid, patient="Phantom^Benchmark", thickness=1.0)):
        write_dataset(ds, folder / f"{n:04d}.dcm")


def skiagraph(folder: Path, labels: NDArray[np.uint8], path: Path) -> Callable[[], None]:
    """This project."""
    from skiagraph.codes import Code
    from skiagraph.findings import Segment, Segmentation
    from skiagraph.interchange.identity import SKIAGRAPH, Algorithm, Content, Series
    from skiagraph.interchange.object import save
    from skiagraph.interchange.seg import segmentation_object
    from skiagraph.io import read_case

    case = read_case(folder)
    code = Code(value="91723000", scheme="SCT", meaning="Anatomical Structure")
    segments = tuple(Segment(number=n + 1, code=code) for n in range(int(labels.max())))
    found = Segmentation(space=case.image.space, labels=labels, segments=segments)
    made = Algorithm(name="benchmark", version="1")
    content = Content(description="Benchmark", created=datetime(2026, 1, 1, tzinfo=UTC), algorithm=made)

    def write() -> None:
        save(segmentation_object(found, case, SKIAGRAPH, Series(number=2, description="Mask"), content), path)

    return write


def highdicom(folder: Path, labels: NDArray[np.uint8], path: Path) -> Callable[[], None]:
    """Its plain call."""
    import highdicom as package
    import pydicom
    from pydicom.sr.codedict import codes

    sources = [pydicom.dcmread(file) for file in sorted(folder.iterdir())]
    identity = package.AlgorithmIdentificationSequence("benchmark", codes.DCM.ArtificialIntelligence, "1")
    segments = [
        package.seg.SegmentDescription(
            segment_number=n + 1,
            segment_label=f"Structure {n + 1}",
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.AnatomicalStructure,
            algorithm_type="AUTOMATIC",
            algorithm_identification=identity,
        )
        for n in range(int(labels.max()))
    ]

    def write() -> None:
        package.seg.Segmentation(
            source_images=sources,
            pixel_array=labels,
            segmentation_type="BINARY",
            segment_descriptions=segments,
            series_instance_uid=package.UID(),
            series_number=2,
            sop_instance_uid=package.UID(),
            instance_number=1,
            manufacturer="benchmark",
            manufacturer_model_name="benchmark",
            software_versions="1",
            device_serial_number="1",
        ).save_as(path)

    return write


def read_by_skiagraph(path: Path) -> NDArray[np.integer[Any]]:
    """This project."""
    import pydicom

    from skiagraph.interchange.seg import read_segmentation

    return read_segmentation(pydicom.dcmread(path)).labels


def read_by_highdicom(path: Path) -> NDArray[np.integer[Any]]:
    """Its volume, which runs the other way."""
    import highdicom as package

    volume = package.seg.segread(path).get_volume(combine_segments=True)
    return np.asarray(volume.array)[::-1]


READERS: Final = {"skiagraph": read_by_skiagraph, "highdicom": read_by_highdicom}
WRITERS: Final = {"skiagraph": skiagraph, "highdicom": highdicom}


def resident(name: str) -> int:
    """Bytes of memory of this process: now (VmRSS) or at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def one(name: str, folder: Path, segments: int, path: Path) -> dict[str, Any]:
    """One writer, in this process."""
    labels = mask(segments)
    write = WRITERS[name](folder, labels, path)
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
    before = resident("VmRSS")
    begun, used = time.perf_counter(), time.process_time()
    write()
    found = {
        "version": importlib.metadata.version(name),
        "s": time.perf_counter() - begun,
        "processor s": time.process_time() - used,
        "memory": (resident("VmHWM") - before) / labels.nbytes,
        "MB": path.stat().st_size / 1e6,
    }
    begun = time.perf_counter()
    back = READERS[name](path)
    found["read s"] = time.perf_counter() - begun
    if not np.array_equal(back, labels):
        sys.exit(f"{name} reads another mask than it wrote")
    return found


def digest(path: Path) -> str:
    """Of the pixels of a file, in the order of segments and places."""
    import pydicom

    ds = pydicom.dcmread(path)
    order = sorted(
        (
            int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber),
            float(item.PlanePositionSequence[0].ImagePositionPatient[2]),
            n,
        )
        for n, item in enumerate(ds.PerFrameFunctionalGroupsSequence)
    )
    size, total = SIZE * SIZE // 8, hashlib.sha256()
    for _, _, n in order:
        total.update(ds.PixelData[n * size : (n + 1) * size])
    return total.hexdigest()


def measured(segments: int, folder: Path, rounds: int, out: Path) -> dict[str, Any]:
    """Both writers in turn; the best of some rounds, and whether they wrote the same."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in WRITERS}
    digests = set()
    for turn in range(rounds):
        for name in WRITERS:
            path = out / f"{name}.dcm"
            line = [sys.executable, __file__, "--one", name, str(folder), str(segments), str(path)]
            done = subprocess.run(line, capture_output=True, text=True, check=True)
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
            if turn == 0:
                digests.add(digest(path))
            path.unlink()
    if len(digests) != 1:
        sys.exit("the writers wrote different pixels")
    table = {name: {**min(runs, key=lambda r: r["s"]), "runs": len(runs)} for name, runs in found.items()}
    for name, row in table.items():
        row["read s"] = min(run["read s"] for run in found[name])
    theirs, ours = table["highdicom"], table["skiagraph"]
    return {
        "writers": table,
        "ratio": theirs["s"] / ours["s"],
        "ratio of reading": theirs["read s"] / ours["read s"],
        "segments": segments,
        "frames": segments * SLICES,
    }


def main() -> None:
    """Measures, prints, and keeps the figures in ``benchmarks/results/dicom_seg.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=4, metavar=("WRITER", "FOLDER", "SEGMENTS", "PATH"))
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.one:
        name, folder, segments, path = arguments.one
        print(json.dumps(one(name, Path(folder), int(segments), Path(path))))
        return
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as kept:
        folder, out = Path(kept) / "series", Path(kept) / "out"
        folder.mkdir()
        out.mkdir()
        make(folder)
        for segments in SEGMENTS:
            found = measured(segments, folder, arguments.rounds, out)
            results[str(segments)] = found
            for name, row in found["writers"].items():
                print(
                    f"{segments:4} segments {name:10} {row['s']:7.2f} s {row['processor s']:7.2f} s of processor"
                    f" {row['memory']:6.2f} x the mask {row['MB']:7.1f} MB, read in {row['read s']:.2f} s"
                )
            print(
                f"{segments:4} segments: highdicom takes {found['ratio']:.1f} times as long to write"
                f" and {found['ratio of reading']:.1f} times as long to read"
            )
    results |= {"slices": SLICES, "processors": os.cpu_count(), "load": os.getloadavg()[0]}
    (HERE / "results" / "dicom_seg.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
