"""Skiagraph for `hippocampus.py`: reads cases with a bundle, from file to file, in a process of its own."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.inference import OpenVinoEngine, staged
from skiagraph.io import read_case, write_image
from skiagraph.task import load_bundle


def peak_memory() -> float:
    """The largest resident memory of this process, MiB; ``ru_maxrss`` would count the one that started it."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def main() -> None:
    """Writes a segmentation a case, and what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="a file with one path a line")
    parser.add_argument("--precision", choices=("fp32", "bf16"), required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    a.to.mkdir(parents=True, exist_ok=True)
    bundle = load_bundle(a.bundle)
    engine = OpenVinoEngine(bundle, precision=a.precision, threads=a.threads)
    model = staged(bundle.card, bundle.recipe, engine)
    images = [Path(line) for line in a.images.read_text("utf-8").splitlines()]
    times = []
    for path in [images[0], *images]:
        begun = time.perf_counter()
        found = model(read_case(path))
        if not isinstance(found, Segmentation):
            raise TypeError(type(found).__name__)
        write_image(Image(data=found.labels.astype(np.uint8), space=found.space), a.to / path.name)
        times.append(time.perf_counter() - begun)
    peak = peak_memory()
    said = {"seconds a case": times[1:], "precision": engine.precision, "peak MiB of the process": peak}
    a.out.write_text(json.dumps(said), "utf-8")


if __name__ == "__main__":
    main()
