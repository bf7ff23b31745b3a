"""A training whose process is killed and started again ends with the same weights, bit by bit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import hashlib, sys, time
from pathlib import Path
import numpy as np, torch
from torch import nn
from skiagraph.training.loop import Run, Stage, learn

torch.set_num_threads(1)

class Pace:
    warmup, weight_decay, average, precision = 3, 0.01, 0.9, "32-true"

import skiagraph.training.checkpoint as kept
kept._key = lambda plan, seed: str(seed)

def batches(rng, after):
    drawn = [rng.normal(size=(4, 1, 8, 8)).astype(np.float32) for _ in range(6)]
    for x in drawn[after:]:
        if slow:
            print("step", flush=True)
            time.sleep(0.02)
        yield x, x.mean((2, 3))

slow = sys.argv[2] == "slow"
torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1),
)
stages = [Stage(epochs=2, steps=6, learning_rate=1e-2, batches=batches, loss=lambda a, t, _: ((a - t) ** 2).mean())] * 2
run = Run(seed=3, watch=lambda *_: None, checkpoint=Path(sys.argv[1]), every=0.0)
learnt = learn(network, stages, Pace(), run)
bits = b"".join(t.numpy().tobytes() for t in learnt.network.state_dict().values())
print([f["loss"] for f in learnt.history], hashlib.sha256(bits).hexdigest(), flush=True)
"""


def start(folder, name, speed):
    script = folder / "script.py"
    script.write_text(SCRIPT, "utf-8")
    return subprocess.Popen(
        [sys.executable, script, folder / name, speed],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finished(folder, name):
    process = start(folder, name, "fast")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.strip()


def killed_after(folder, name, steps):
    process = start(folder, name, "slow")
    for _ in range(steps):
        assert process.stdout.readline().strip() == "step"
    time.sleep(0.013)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    process.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of Unix")
def test_killed_twice_within_epochs_and_in_another_stage_and_resumed(tmp_path: Path):
    whole = finished(tmp_path, "whole")
    killed_after(tmp_path, "killed", 4)
    assert (tmp_path / "killed").is_file(), "within the first epoch there is a checkpoint already"
    killed_after(tmp_path, "killed", 13)
    assert finished(tmp_path, "killed") == whole
