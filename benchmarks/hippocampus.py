"""Outlines of the hippocampus beside nnU-Net v2: the same data, threads, mirroring and time to learn; one command.

    python3.11 -m venv nnunet; P=nnunet/bin/pip
    $P install torch==2.13.0+cpu --index-url https://download.pytorch.org/whl/cpu && $P install nnunetv2==2.8.1

Each stage of each seed keeps what it measured in the work folder; a second call goes on where the first one ended.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from small_pictures_run import written

from skiagraph.image import pixels
from skiagraph.io import read_case

HERE: Final = Path(__file__).resolve().parent
STRUCTURES: Final = ("anterior", "posterior")
READERS: Final = {  # what is shown, and how each is read
    "skiagraph fp32": ("ours", "fp32"),
    "skiagraph bf16": ("ours", "bf16"),
    "nnU-Net fp32": ("nnunet", "plain"),
    "nnU-Net fp32, 8 mirrors": ("nnunet", "mirrored"),  # as it reads by default; only where it is asked for
}
MIRRORED: Final = "nnU-Net fp32, 8 mirrors"
OURS, PEER = "skiagraph bf16", "nnU-Net fp32"  # each at its best precision, neither mirrored
DRAWN: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is compared.

    Args:
        data: Folder with ``dataset.csv``.
        work: Where all results are kept.
        python: That of nnU-Net.
        minutes: To learn.
        threads: Processor cores for each.
        split: That is judged.
        settings: Of our plan.
    """

    data: Path
    work: Path
    python: Path
    minutes: float
    threads: int
    split: str
    settings: tuple[str, ...] = ()

    def folder(self, system: str, seed: int) -> Path:
        """Of a system that learnt for so long from a seed."""
        return self.work / f"{self.minutes:g}-minutes" / f"{system}-{seed}"


def stage(call: Sequence[object], out: Path, threads: int) -> dict[str, Any]:
    """Runs a process on some cores and keeps its time and memory beside what it wrote; once is enough."""
    if out.is_file():
        kept: dict[str, Any] = json.loads(out.read_text("utf-8"))
        if "wall s" in kept:
            return kept
    out.parent.mkdir(parents=True, exist_ok=True)
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    begun, peaks = time.monotonic(), [0.0]
    with out.with_suffix(".log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, cores)), *map(str, call)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        watcher = threading.Thread(target=_watched, args=(process, peaks), daemon=True)
        watcher.start()
        if process.wait():
            raise RuntimeError(f"a stage failed; see {out.with_suffix('.log')}")
    watcher.join()
    found = json.loads(out.read_text("utf-8")) if out.is_file() else {}
    found |= {"wall s": time.monotonic() - begun, "load": os.getloadavg()[1]}
    found["peak MiB"] = max(peaks[0], found.get("peak MiB of the process", 0.0))
    out.write_text(json.dumps(found), "utf-8")
    return found


def _watched(process: subprocess.Popen[bytes], peaks: list[float]) -> None:
    """The largest memory of a process with all its children; what they share counts once."""
    while process.poll() is None:
        peaks[0] = max(peaks[0], sum(map(_proportional, _family(process.pid))) / 1024)
        time.sleep(0.5)


def _family(number: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{number}/task").iterdir())
        children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return []
    return [number, *(member for child in children for member in _family(child))]


def _proportional(number: int) -> int:
    """Proportional set size, KiB."""
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def learnt(wish: Wish, system: str, seed: int) -> dict[str, Any]:
    """One network of one system."""
    folder = wish.folder(system, seed)
    out, seconds = folder / "learn.json", 60 * wish.minutes
    if system == "nnunet":
        prepared(wish)
        call: list[object] = [
            wish.python,
            HERE / "hippocampus_nnunet.py",
            "learn",
            "--work",
            wish.work / "nnunet",
        ]
        call += [
            "--results",
            folder,
            "--seconds",
            seconds,
            "--seed",
            seed,
            "--threads",
            wish.threads,
            "--out",
            out,
        ]
        return stage(call, out, wish.threads)
    program = Path(sys.executable).with_name("skiagraph")
    call = [program, "train", "segmentation", wish.data / "dataset.csv", "--out", folder / "bundle", "--json"]
    call += ["--time-budget", f"{seconds:.0f}s", "--seed", seed, "--split", "train,val", "--test", "none"]
    for setting in (f"threads={wish.threads}", *wish.settings):
        call += ["--set", setting]
    return stage(call, out, wish.threads)


def prepared(wish: Wish) -> dict[str, Any]:
    """Plans and preprocessed data of nnU-Net, outside of its budget."""
    work = wish.work / "nnunet"
    out = work / "prepare.json"
    call = [
        wish.python,
        HERE / "hippocampus_nnunet.py",
        "prepare",
        "--data",
        wish.data.resolve(),
        "--work",
        work,
    ]
    return stage([*call, "--results", work, "--threads", wish.threads, "--out", out], out, wish.threads)


def answered(wish: Wish, seed: int, reader: str) -> dict[str, Any]:
    """The cases of the split as one system reads them, with the Dice of each."""
    system, how = READERS[reader]
    folder = wish.folder(system, seed)
    names = folder / f"{wish.split}.txt"
    names.write_text("\n".join(str(image) for image, _ in cases(wish)), "utf-8")
    to, out = folder / f"{wish.split}-{how}", folder / f"{wish.split}-{how}.json"
    usual = ["--images", names, "--threads", wish.threads, "--to", to, "--out", out]
    if system == "ours":
        call = [
            sys.executable,
            HERE / "hippocampus_ours.py",
            "--bundle",
            folder / "bundle",
            "--precision",
            how,
        ]
    else:
        call = [wish.python, HERE / "hippocampus_nnunet.py", "read", "--work", folder, "--results", folder]
        call += ["--mirror"] if how == "mirrored" else []
    found = stage([*call, *usual], out, wish.threads)
    found["dice"] = {image.name: dice(to / image.name, label) for image, label in cases(wish)}
    return found


def cases(wish: Wish) -> list[tuple[Path, Path]]:
    """Image and reference of each case of the split."""
    with (wish.data / "dataset.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == wish.split]
    return [((wish.data / row["image"]).resolve(), wish.data / row["label"]) for row in rows]


def dice(said: Path, true: Path) -> list[float]:
    """Of each structure, on the lattice of the file."""
    a, b = (np.asarray(pixels(read_case(path).image)) for path in (said, true))
    numbers = range(1, len(STRUCTURES) + 1)
    return [float(2 * ((a == k) & (b == k)).sum() / max(1, (a == k).sum() + (b == k).sum())) for k in numbers]


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of a mean over (seeds, cases), both drawn with repetition."""
    rng, (seeds, n) = np.random.default_rng(0), differences.shape
    drawn = [
        differences[np.ix_(rng.integers(seeds, size=seeds), rng.integers(n, size=n))].mean()
        for _ in range(DRAWN)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def summary(
    wish: Wish, seeds: Sequence[int], learning: Mapping[str, list[Any]], found: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """All figures of the table."""
    table = {name: np.array([list(one["dice"].values()) for one in runs]) for name, runs in found.items()}
    rows = {}
    for name, runs in found.items():
        each = table[name].mean((0, 1))
        rows[name] = {
            "dice": float(table[name].mean()),
            **{f"dice {s}": float(v) for s, v in zip(STRUCTURES, each, strict=True)},
            "dice of each seed": [float(v) for v in table[name].mean((1, 2))],
            "seconds a case": float(np.mean([one["seconds a case"] for one in runs])),
            "peak MiB of reading": max(one["peak MiB"] for one in runs),
            "peak MiB of learning": max(one["peak MiB"] for one in learning[READERS[name][0]]),
            "learning s": [one["wall s"] for one in learning[READERS[name][0]]],
        }
    apart = (table[OURS] - table[PEER]).mean(2)
    low, high = interval(apart)
    return {
        "minutes": wish.minutes,
        "threads": wish.threads,
        "split": wish.split,
        "cases": apart.shape[1],
        "seeds": list(seeds),
        "load": max(one["load"] for runs in learning.values() for one in runs),
        "rows": rows,
        "difference": {"value": float(apart.mean()), "low": low, "high": high},
        "times faster": rows[PEER]["seconds a case"] / rows[OURS]["seconds a case"],
        "share of the memory": rows[OURS]["peak MiB of reading"] / rows[PEER]["peak MiB of reading"],
        "nnU-Net": [{k: one[k] for k in ("steps", "batch")} for one in learning["nnunet"]],
    }


def markdown(s: Mapping[str, Any]) -> str:
    """The table, and the sentence below it."""
    head = (
        "| by | Dice | anterior | posterior | s a case | MiB to read | MiB to learn |\n" + "|---" * 7 + "|\n"
    )
    rows = "".join(
        f"| {name} | {r['dice']:.4f} | {r['dice anterior']:.4f} | {r['dice posterior']:.4f} "
        f"| {r['seconds a case']:.3f} | {r['peak MiB of reading']:.0f} | {r['peak MiB of learning']:.0f} |\n"
        for name, r in s["rows"].items()
    )
    d = s["difference"]
    return (
        f"{s['minutes']:g} minutes to learn, {s['threads']} threads, seeds {', '.join(map(str, s['seeds']))}; "
        f"{s['cases']} cases of the split {s['split']}.\n\n{head}{rows}\n"
        f"{OURS} minus {PEER}: {d['value']:+.4f} ({d['low']:+.4f} to {d['high']:+.4f}), "
        f"{s['times faster']:.1f} times as fast, {s['share of the memory']:.2f} of the memory."
    )


def main() -> None:
    """Learns, reads, compares; prints a table and keeps the figures in ``benchmarks/results/hippocampus.json``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--nnunet-python", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/hippocampus"))
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--split", default="test")
    parser.add_argument(
        "--mirrored", action="store_true", help="nnU-Net reads mirror images too, as by default"
    )
    parser.add_argument(
        "--set", action="append", default=[], help="FIELD=VALUE of our plan; name a work folder"
    )
    parser.add_argument("--out", type=Path, default=HERE / "results" / "hippocampus.json")
    a = parser.parse_args()
    wish = Wish(
        data=a.data.resolve(),
        work=a.work.resolve(),
        python=a.nnunet_python.absolute(),
        minutes=a.minutes,
        threads=a.threads,
        split=a.split,
        settings=tuple(a.set),
    )
    learning: dict[str, list[Any]] = {"ours": [], "nnunet": []}
    found: dict[str, list[Any]] = {name: [] for name in READERS if name != MIRRORED or a.mirrored}
    for seed in a.seeds:
        for system, runs in learning.items():
            runs.append(learnt(wish, system, seed))
        for name, runs in found.items():
            runs.append(answered(wish, seed, name))
            mean = np.mean(list(runs[-1]["dice"].values()))
            print(f"seed {seed}, {name}: Dice {mean:.4f}", flush=True)
    figures = summary(wish, a.seeds, learning, found)
    a.out.parent.mkdir(exist_ok=True)
    a.out.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    print(markdown(figures))
    if wish.split == "test":
        written("hippocampus.py", markdown(figures) + "\n")


if __name__ == "__main__":
    main()
