"""Two processes learn what one learns; a network is split over them; where one dies, all end and say so.

This file is also what each of those processes runs.
"""

import atexit
import contextlib
import dataclasses
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from skiagraph.errors import InvalidInput, ProcessLost
from skiagraph.networks import network
from skiagraph.training import Machine, planned, teach
from skiagraph.training import spread as spreading
from skiagraph.training.loop import Run, Stage, learn
from skiagraph.training.losses import How, class_loss
from skiagraph.training.outline_losses import structure_loss
from skiagraph.training.spread import LOST, Spread, run_together
from skiagraph.training.teach import follow
from skiagraph.training.team import ALL, Share, Team, joined

UNIX = pytest.mark.skipif(sys.platform != "linux", reason="processes are killed and watched as on Linux")
TASKS = ("classification", "segmentation")
NETWORKS = {
    "classification": ("resnet-20", {"base": 8}),
    "segmentation": ("unet", {"base": 8, "levels": 3}),  # with dropout
}


@dataclass(frozen=True)
class Pace:
    """The rate is small: AdamW makes whole steps of the rounding of gradients that are almost zero."""

    warmup: int = 3
    weight_decay: float = 0.01
    average: float = 0.9
    precision: str = "32-true"


def drawn(rng, task):
    """Four batches of six; the classes are uneven, so that the loss is no mean over samples."""
    for _ in range(4):
        x, kinds = rng.normal(size=(6, 1, 16, 16)).astype(np.float32), rng.integers(3, size=6)
        x += kinds[:, None, None, None].astype(np.float32) * (x > 0.5)
        grey = x[:, 0]
        outlines = np.stack([grey < 0.5, (grey >= 0.5) & (grey < 1), grey >= 1], 1)
        yield x, (np.eye(3)[kinds] if task == "classification" else outlines).astype(np.float32)


def loss(task):
    def of(answer, target, _):
        if task == "segmentation":
            return structure_loss(How(activation="softmax"), answer, target)
        return class_loss(How(activation="softmax", weights=(1.0, 5.0, 0.2), smoothing=0.1), answer, target)

    return of


def learnt(task, team, checkpoint, before_step=lambda epoch, n: None):
    """What is learnt, what this process holds of it meanwhile, and the epochs that it began."""
    rows, begun = team.share.of(6), []
    torch.manual_seed(0)
    name, options = NETWORKS[task]
    learner = network(name, inputs=1, outputs=3, ndim=2, **options)

    def batches(rng, after):
        begun.append(after)
        for n, (x, target) in enumerate(drawn(rng, task)):
            if n >= after:
                before_step(len(begun), n)
                yield x[rows], target[rows]

    def judge(average):
        with torch.inference_mode():
            return {"answer": float(average(torch.ones(2, 1, 16, 16)).mean())}

    stages = [
        Stage(epochs=epochs, steps=4, learning_rate=3e-5, batches=batches, loss=loss(task))
        for epochs in (2, 1)
    ]
    run = Run(seed=1, watch=lambda *_: None, checkpoint=checkpoint, every=0.0, judge=judge, team=team)
    found = learn(learner, stages, Pace(), run)
    held = sum(getattr(p, "to_local", lambda p=p: p)().numel() for p in learner.parameters())
    return found, held / sum(p.numel() for p in found.network.parameters()), len(begun)


def lesson():
    """A plan of two networks, with augmentation, mixtures and a time budget; and what is learnt from."""
    data = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["drawn_dataset"](26, 2)
    plan = planned(data, "classification", Machine(cores=2, memory=8.0), seconds=900.0)
    small = {"network": "resnet-20", "options": {"base": 8}, "epochs": 1, "folds": 2, "batch": 6}
    plan = dataclasses.replace(plan, **small, learning_rate=3e-5, warmup=1, settle=None)
    assert plan.mixup
    assert plan.steps
    return data, plan


def taught(team=None, folder=None):
    data, plan = lesson()
    file = None if folder is None else folder / "taught"
    return teach(data, plan, rng=np.random.default_rng(5), watch=lambda *_: None, checkpoint=file, team=team)


def main(what, folder):
    """One of two processes: they learn each task in both ways, or the second one brings them to an end."""
    torch.set_num_threads(1)
    with joined(Spread(devices=2, split=what != "agree")) as team:
        second = team.share.rank == 1
        if what != "agree":

            def killing(epoch, n):
                if second and (epoch, n) == (2, 2):
                    os.kill(os.getpid() if what == "killed" else os.getppid(), signal.SIGKILL)

            learnt("classification", team, folder / "checkpoint", killing)
            return
        for split, each in ((False, team), (True, Team(Spread(devices=2, split=True)))):
            for task in TASKS:
                found, held, _ = learnt(task, each, folder / f"{task}-{split}-checkpoint")
                facts = {"held": held, "history": [dict(row) for row in found.history]}
                name = f"{task}-{split}-{team.share.rank}"
                (folder / f"{name}.json").write_text(json.dumps(facts), "utf-8")
                torch.save(found.network.state_dict(), folder / name)
        if second:
            follow(lambda: lesson()[0], team)
        else:
            torch.save(taught(team, folder).network.state_dict(), folder / "taught-weights")
            team.told(None)
        each.leave()


def talking():
    """Threads of this process that talk to others."""
    names = [(task / "comm").read_text("utf-8").strip() for task in Path("/proc/self/task").iterdir()]
    return [name for name in names if "gloo" in name or "store" in name]


def command(what, folder):
    return [sys.executable, __file__, what, str(folder)]


def apart(first, second):
    assert list(first) == list(second)
    return max(float((first[name].double() - second[name].double()).abs().max()) for name in first)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process learns of each task."""
    folder = tmp_path_factory.mktemp("alone")
    return {task: learnt(task, Team(), folder / task)[0] for task in TASKS}


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The folder in which two processes left what they learnt."""
    folder = tmp_path_factory.mktemp("together")
    assert run_together(Spread(devices=2), command("agree", folder)) == 0
    return folder


@UNIX
@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
@pytest.mark.parametrize("task", TASKS)
def test_two_processes_learn_the_weights_of_one(task, split, alone, together):
    for rank in (0, 1):
        weights = torch.load(together / f"{task}-{split}-{rank}")
        assert apart(weights, alone[task].network.state_dict()) < 1e-5
    told = json.loads((together / f"{task}-{split}-0.json").read_text("utf-8"))["history"]
    for row, true in zip(told, alone[task].history, strict=True):
        assert row == pytest.approx(dict(true), abs=1e-4)


@UNIX
@pytest.mark.parametrize("task", TASKS)
def test_of_a_split_network_each_process_holds_half_and_the_checkpoint_holds_all(task, together, alone):
    for rank in (0, 1):
        whole, half = (
            json.loads((together / f"{task}-{split}-{rank}.json").read_text("utf-8"))["held"]
            for split in (False, True)
        )
        assert (whole, half) == (1.0, pytest.approx(0.5, abs=0.01))
    kept = torch.load(together / f"{task}-True-checkpoint")["states"]
    assert apart(kept[1], alone[task].network.state_dict()) < 1e-5


@UNIX
def test_what_the_first_process_teaches_the_other_follows(together):
    weights = torch.load(together / "taught-weights")
    assert any(name.startswith("members.1.") for name in weights), "one network a fold"
    assert apart(weights, taught().network.state_dict()) < 1e-5
    assert json.loads((together / "taught-epochs.json").read_text("utf-8"))["epochs"] == 1


@UNIX
@pytest.mark.parametrize("rank", [0, 1])
def test_no_thread_that_talks_to_other_processes_outlives_the_training(rank, together):
    assert json.loads((together / f"talking-{rank}.json").read_text("utf-8")) == []


@UNIX
def test_a_killed_process_ends_all_with_one_sentence_and_one_process_can_go_on(alone, tmp_path, capfd):
    begun = time.monotonic()
    with pytest.raises(ProcessLost, match=r"device 1 of 2, killed by SIGKILL; give the same command again"):
        run_together(Spread(devices=2, split=True), command("killed", tmp_path))
    assert time.monotonic() - begun < 90, "most of it is the start of two processes on a busy machine"
    assert "Traceback" not in capfd.readouterr().err
    found, _, epochs = learnt("classification", Team(), tmp_path / "checkpoint")
    assert epochs == 2, "of three: the first was not learnt again"
    assert apart(found.network.state_dict(), alone["classification"].network.state_dict()) < 1e-5


@UNIX
def test_processes_end_where_the_one_that_watches_them_is_killed(tmp_path):
    watching = (
        "import sys; from skiagraph.training.spread import *; run_together(Spread(devices=2), sys.argv[1:])"
    )
    process = subprocess.Popen([sys.executable, "-c", watching, *command("orphaned", tmp_path)])
    assert process.wait(120) == -signal.SIGKILL
    end = time.monotonic() + 60
    while any(str(tmp_path) in line for line in _running()):
        assert time.monotonic() < end
        time.sleep(0.1)


def _running():
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (folder / "cmdline").read_text("utf-8", "replace")


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([2, LOST], 2),
        ([-signal.SIGTERM, 2], 2),
        ([1, -signal.SIGTERM], 1),
        ([-signal.SIGTERM, -signal.SIGKILL], "device 1 of 2, killed by SIGKILL"),
        ([LOST, LOST], "one that ended before"),
    ],
    ids=["one refused", "one refused first", "one broke off", "one was killed", "on another machine"],
)
def test_the_process_that_ended_first_is_told_and_no_other(codes, told):
    ended = [SimpleNamespace(exitcode=code, local_rank=rank) for rank, code in enumerate(codes)]
    if isinstance(told, int):
        assert spreading._ended(ended, Spread(devices=2)) == told
    else:
        with pytest.raises(ProcessLost, match=told):
            spreading._ended(ended, Spread(devices=2))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"devices": 0}, "at least one device"),
        ({"machines": 2}, "meet at HOST:PORT"),
        ({"machines": 2, "meet": "here"}, "meet at HOST:PORT"),
        ({"split": True}, "split over at least two devices"),
    ],
)
def test_a_spread_that_cannot_be_is_refused(given, said):
    with pytest.raises(InvalidInput, match=said):
        Spread(**given)


def test_each_process_has_its_rows_of_a_batch_and_an_uneven_batch_is_refused():
    assert [list(Share(rank=rank, size=3).of(6)) for rank in range(3)] == [[0, 1], [2, 3], [4, 5]]
    assert list(ALL.of(4)) == [0, 1, 2, 3]
    with pytest.raises(InvalidInput, match=r"got 7 samples; set it, as in --set batch=8"):
        Share(rank=0, size=2).of(7)


if __name__ == "__main__":
    said = Path(sys.argv[2]) / f"talking-{os.environ['RANK']}.json"
    atexit.register(lambda: said.write_text(json.dumps(talking()), "utf-8"))
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except ProcessLost:
        sys.exit(LOST)
