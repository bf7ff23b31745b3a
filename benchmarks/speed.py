"""How fast Skiagraph is: the command line as whole processes, and the engine beside PyTorch on the same weights."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from skiagraph.inference import OpenVinoEngine
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.io import read_case
from skiagraph.networks import ResidualUNet
from skiagraph.preprocess import network_pixels, network_space, normalised
from skiagraph.task import Bundle
from skiagraph.workflow import model_bundle

PROGRAM = Path(sys.executable).with_name("skiagraph")


def seconds(work: Callable[[], object], runs: int) -> float:
    """Median wall time, after one run that does not count."""
    work()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def command(*arguments: object) -> Callable[[], object]:
    """A whole process."""
    line = [str(a) for a in arguments]
    return lambda: subprocess.run(line, check=True, capture_output=True)


def processes(work: Path, runs: int) -> dict[str, float]:
    """The command line, s (and images a second)."""
    subprocess.run(
        [PROGRAM, "phantom", "fetal-head", work / "study", "--count", "100"], check=True, capture_output=True
    )
    one = work / "study" / "image-0001.dcm"
    many = seconds(command(PROGRAM, "read", work / "study", "--out", work / "many"), max(1, runs // 3))
    return {
        "python -c pass, s": seconds(command(sys.executable, "-c", "pass"), runs),
        "import skiagraph, s": seconds(command(sys.executable, "-c", "import skiagraph"), runs),
        "skiagraph --help, s": seconds(command(PROGRAM, "--help"), runs),
        "skiagraph read, one image, s": seconds(command(PROGRAM, "read", one, "--out", work / "one"), runs),
        "skiagraph read, 100 images, s": many,
        "images a second": 100 / many,
    }


def network_of(bundle: Bundle) -> ResidualUNet:
    """The network of a bundle in PyTorch, with the same weights."""
    network = ResidualUNet(
        inputs=1, outputs=len(bundle.recipe.labels), widths=bundle.plan["outline"]["widths"]
    )
    network.load_state_dict(load_file(bundle.weights), strict=False)
    return network.eval()


def engines(work: Path, runs: int) -> dict[str, float]:
    """OpenVINO beside PyTorch eager, one image at a time, in turn so that both see the same machine."""
    bundle = model_bundle("fetal-head-ultrasound")
    pictures = [_prepared(path, bundle) for path in sorted((work / "study").glob("*.dcm"))[:20]]
    rivals = {
        "torch eager fp32": TorchEngine(network_of(bundle)),
        "openvino fp32": OpenVinoEngine(bundle, precision="fp32"),
        "openvino bf16": OpenVinoEngine(bundle, precision="bf16"),
    }
    times: dict[str, list[float]] = {name: [] for name in rivals}
    masks = {name: [engine(x)[0, 0] > 0 for x in pictures] for name, engine in rivals.items()}
    for _ in range(runs):
        for name, engine in rivals.items():
            begun = time.perf_counter()
            for x in pictures:
                engine(x)
            times[name].append((time.perf_counter() - begun) / len(pictures) * 1000)
    figures = {f"{name}, ms an image": statistics.median(t) for name, t in times.items()}
    eager = times["torch eager fp32"]
    for name in ("openvino fp32", "openvino bf16"):
        figures[f"{name}: times faster than torch eager"] = statistics.median(
            a / b for a, b in zip(eager, times[name], strict=True)
        )
        figures[f"{name}: Dice agreement with torch, mean"] = float(
            np.mean([_dice(a, b) for a, b in zip(masks["torch eager fp32"], masks[name], strict=True)])
        )
    return figures


def _prepared(path: Path, bundle: Bundle) -> NDArray[np.float32]:
    image = read_case(path).image
    lattice = network_space(image.space, bundle.recipe)
    return normalised(network_pixels(image, lattice), bundle.recipe.normalise)[None, None]


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * np.count_nonzero(a & b) / max(1, np.count_nonzero(a) + np.count_nonzero(b)))


def main() -> None:
    """Measures, prints, and keeps the figures in ``benchmarks/results/speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = processes(Path(folder), arguments.runs)
        figures |= engines(Path(folder), arguments.runs)
    figures["threads of torch"] = torch.get_num_threads()
    for name, value in figures.items():
        print(f"{name:<50} {value:.4g}")
    results = Path(__file__).parent / "results" / "speed.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
