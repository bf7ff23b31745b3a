"""Trains the networks of the fetal head benchmark: one a fold and one on everything, two at a time, resumable."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from skiagraph import codes
from skiagraph.case import Dataset, folds
from skiagraph.io.datasets import read_dataset
from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Speckle
from skiagraph.task import Recipe
from skiagraph.training import Plan, Settle, prepared, train

N_FOLDS = 5
JOBS = (*(str(k) for k in range(N_FOLDS)), "all")
CACHE = Path(__file__).parent / ".cache" / "fetal_head"
WIDTHS = (24, 48, 96, 128, 160)
PLAN = Plan(
    recipe=Recipe(labels=(codes.HEAD,), shape=(192, 288), normalise="root-zscore"),
    network="residual-unet",
    options={"widths": list(WIDTHS)},
    epochs=140,
    balance=0.2,
    precision="bf16-mixed",
    steps=(Affine(), Gamma(), Gain(), Speckle(), Blur(), Erase()),
    loss="overlap-entropy",
    settle=Settle(),
)


def dataset(data: Path) -> Dataset:
    """All samples of the pack, with the terms of their licence."""
    return read_dataset(
        data / "fetal_head" / "dataset.csv", label=codes.HEAD, name="HC18 (279 images)", licence="CC-BY-4.0"
    )


def learning_parts(whole: Dataset) -> dict[str, tuple[Dataset, Dataset]]:
    """For each job: what it learns from, and what it is judged on; the test split is touched by none."""
    seen = whole.split("train", "val")
    pairs = folds(seen, N_FOLDS, np.random.default_rng(0))
    return {**{str(k): pair for k, pair in enumerate(pairs)}, "all": (seen, whole.split("test"))}


def network_file(job: str) -> Path:
    """Where the finished network of a job lies."""
    return CACHE / f"network-{job}.pt"


def train_job(job: str, data: Path) -> None:
    """Trains one network with one core; goes on where a run was cut off."""
    torch.set_num_threads(1)
    samples = prepared(learning_parts(dataset(data))[job][0], PLAN.recipe)
    begun = time.monotonic()

    def watch(done: int, total: int, figures: Mapping[str, float], /) -> None:
        print(
            f"{job}: {done}/{total} loss {figures['loss']:.4f} {time.monotonic() - begun:.0f} s", flush=True
        )

    rng = np.random.default_rng([7, JOBS.index(job)])
    network = train(samples, PLAN, rng=rng, watch=watch, checkpoint=CACHE / f"checkpoint-{job}.pt")
    torch.save(network.state_dict(), network_file(job))


def rings_file(job: str) -> Path:
    """Where the finished second look of a job lies; the job ``"first"`` learns from phantoms alone."""
    return CACHE / f"rings-{job}.pt"


def ensure_trained(data: Path) -> None:
    """Trains what is not there yet, two jobs side by side: outlines, then the second look on phantoms and on heads."""
    second = Path(__file__).with_name("fetal_head_rings.py")
    for script, file, jobs in (
        (Path(__file__), network_file, JOBS),
        (second, rings_file, ("first",)),
        (second, rings_file, JOBS),
    ):
        calls = [
            [sys.executable, str(script), "--job", job, "--data", str(data)]
            for job in jobs
            if not file(job).is_file()
        ]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda call: subprocess.run(call, check=True), calls))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--job", choices=JOBS)
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    if arguments.job:
        train_job(arguments.job, arguments.data)
    else:
        ensure_trained(arguments.data)
