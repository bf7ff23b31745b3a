"""nnU-Net v2 for `hippocampus.py`, under its own Python: prepares data, learns for a given time, reads cases."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

NAME = "Dataset004_Hippocampus"
HERE = Path(__file__).resolve()


def raw(data: Path, work: Path) -> None:
    """Training and validation cases in the layout of nnU-Net, and the split as the table gives it."""
    folder = work / "raw" / NAME
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    split: dict[str, list[str]] = {"train": [], "val": []}
    with (data / "dataset.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["split"] not in split:
                continue
            name = Path(row["image"]).name.removesuffix(".nii.gz")
            split[row["split"]].append(name)
            shutil.copyfile(data / row["image"], folder / "imagesTr" / f"{name}_0000.nii.gz")
            shutil.copyfile(data / row["label"], folder / "labelsTr" / f"{name}.nii.gz")
    about = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": sum(map(len, split.values())),
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(about), "utf-8")
    target = work / "preprocessed" / NAME
    target.mkdir(parents=True, exist_ok=True)
    (target / "splits_final.json").write_text(json.dumps([split]), "utf-8")


def prepare(data: Path, work: Path) -> None:
    """Fingerprint, default plans and preprocessing of 3d_fullres; not counted in the budget."""
    from nnunetv2.experiment_planning import plan_and_preprocess_api as api

    raw(data, work)
    api.extract_fingerprints([4], num_processes=1)
    api.plan_experiments([4])
    api.preprocess([4], configurations=("3d_fullres",), num_processes=(1,))


def learn(work: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Learns for so long; the poly learning rate follows the clock, so that it ends at zero exactly then.

    Nothing is validated on the way, and no epoch is drawn: all of the time goes into steps of learning.
    """
    import numpy as np
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer as Original

    class nnUNetTrainer(Original):  # noqa: N801  checkpoints name the class, and it is looked up
        """The default trainer with a schedule in seconds."""

        steps = 0

        def plot_network_architecture(self) -> None:
            """Needs a drawing program, and time."""

        def run_training(self) -> None:
            """As the original, but by the clock."""
            begun = time.monotonic()
            self.on_train_start()
            self.network.train()
            while (gone := (time.monotonic() - begun) / seconds) < 1:
                for group in self.optimizer.param_groups:
                    group["lr"] = self.initial_lr * (1 - gone) ** 0.9
                self.train_step(next(self.dataloader_train))
                self.steps += 1
            self.current_epoch = 1
            self.on_train_end()

    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  what nnU-Net draws from
    folder = work / "preprocessed" / NAME
    plans = json.loads((folder / "nnUNetPlans.json").read_text("utf-8")) | {"continue_training": False}
    about = json.loads((folder / "dataset.json").read_text("utf-8"))
    trainer = nnUNetTrainer(plans, "3d_fullres", 0, about, device=torch.device("cpu"))
    begun = time.monotonic()
    trainer.run_training()
    size = trainer.configuration_manager.batch_size
    return {"seconds": time.monotonic() - begun, "steps": trainer.steps, "batch": size}


def read(work: Path, images: list[Path], to: Path, *, mirror: bool) -> dict[str, Any]:
    """Segments files one after the other, from file to file; the first, which warms up, is read twice."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    model = nnUNetPredictor(use_mirroring=mirror, device=torch.device("cpu"), allow_tqdm=False)
    folder = work / "results" / NAME / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    model.initialize_from_trained_model_folder(str(folder), (0,), "checkpoint_final.pth")
    times = []
    for path in [images[0], *images]:
        begun = time.perf_counter()
        name = str(to / path.name.removesuffix(".nii.gz"))
        model.predict_from_files_sequential([[str(path)]], [name])
        times.append(time.perf_counter() - begun)
    return {"seconds a case": times[1:]}


def peak_memory() -> float:
    """The largest resident memory of this process, MiB; ``ru_maxrss`` would count the one that started it."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def main() -> None:
    """One stage; what it measured is written as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("prepare", "learn", "read"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--images", type=Path, help="a file with one path a line")
    parser.add_argument("--to", type=Path)
    parser.add_argument("--mirror", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    os.environ["nnUNet_raw"] = str(a.work / "raw")  # noqa: SIM112  its own spelling
    os.environ["nnUNet_preprocessed"] = str(a.work / "preprocessed")  # noqa: SIM112
    os.environ["nnUNet_results"] = str(a.results / "results")  # noqa: SIM112
    os.environ["nnUNet_n_proc_DA"] = str(a.threads)  # noqa: SIM112
    import torch

    torch.set_num_threads(a.threads)
    found: dict[str, Any] = {}
    if a.stage == "prepare":
        prepare(a.data, a.work)
    elif a.stage == "learn":
        found = learn(a.work, a.seconds, a.seed)
    else:
        a.to.mkdir(parents=True, exist_ok=True)
        images = [Path(line) for line in a.images.read_text("utf-8").splitlines()]
        found = read(a.results, images, a.to, mirror=a.mirror)
    found["peak MiB of the process"] = peak_memory()
    a.out.write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
