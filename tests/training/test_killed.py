"""A training whose process is killed, wherever it is, and started again ends with the same weights, bit by bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = """
import hashlib, io, os, signal, sys
from pathlib import Path
import numpy as np, torch
from torch import nn
import skiagraph.training.checkpoint as kept
from skiagraph.training.loop import Run, Stage, learn

checkpoint, where, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(1)
kept._key = lambda plan, seed: str(seed)

class Pace:
    warmup, weight_decay, average, precision = 3, 0.01, 0.9, "32-true"

def reached(place):
    global count
    if place == where:
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def batches(rng, after):
    if told == [2]:
        reached("stage")
    drawn = [rng.normal(size=(4, 1, 8, 8)).astype(np.float32) for _ in range(6)]
    for x in drawn[after:]:
        reached("step")
        yield x, x.mean((2, 3))

whole = torch.save

def save(saved, path):
    if where == "write" and count == 1:
        made = io.BytesIO()
        whole(saved, made)
        path.write_bytes(made.getvalue()[: made.tell() // 2])
    reached("write")
    whole(saved, path)

torch.save = save
told = []
torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1),
)
stages = [Stage(epochs=2, steps=6, learning_rate=1e-2, batches=batches, loss=lambda a, t, _: ((a - t) ** 2).mean())] * 2
run = Run(seed=3, watch=lambda done, *_: told.__setitem__(slice(None), [done]), checkpoint=checkpoint, every=0.0)
learnt = learn(network, stages, Pace(), run)
bits = b"".join(t.numpy().tobytes() for t in learnt.network.state_dict().values())
print([f["loss"] for f in learnt.history], hashlib.sha256(bits).hexdigest(), flush=True)
"""

STEP, WRITE = np.random.default_rng(19).integers([2, 2], [6, 6]).tolist()
"""Of the first epoch of six steps, and of the checkpoints after the second stage has begun."""


def run(folder, name, where="", count=0):
    """How it ended, and what was learnt."""
    script = folder / "script.py"
    script.write_text(SCRIPT, "utf-8")
    done = subprocess.run(
        [sys.executable, script, folder / name, where, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of Unix")
def test_killed_within_an_epoch_between_stages_and_while_it_saves_and_resumed(tmp_path: Path):
    whole = run(tmp_path, "whole")
    assert whole[0] == 0
    assert whole[1]
    for where, count in (("step", STEP), ("stage", 1), ("write", WRITE)):
        assert run(tmp_path, "killed", where, count) == (-signal.SIGKILL, "")
        assert (tmp_path / "killed").is_file()
        assert (tmp_path / "killed.part").is_file() == (where == "write"), (
            "half a checkpoint lies beside the whole one"
        )
    assert run(tmp_path, "killed") == whole
    assert sorted(p.name for p in tmp_path.iterdir()) == ["killed", "script.py", "whole"]
