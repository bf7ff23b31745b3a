"""Volumes are classified slice by slice: planned, learnt, frozen, and read by another engine."""

import csv

import nibabel
import numpy as np
import pytest

from skiagraph.inference import opened
from skiagraph.io import read_dataset
from skiagraph.training import freeze, learnt_card, overridden, planned, teach

SETTINGS = [
    "network=recurrent-slices",
    "options.encoder=resnet-20",
    "options.hidden=8",
    "epochs=6",
    "warmup=4",
]
SMALL = ["average=0.9", "mixup=0", "steps=[]", "settle=null", "learning_rate=0.003", "precision=32-true"]


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """Forty noisy volumes; half of them hold a bright cube in a few slices."""
    folder, rng = tmp_path_factory.mktemp("volumes"), np.random.default_rng(0)
    with (folder / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label", "group", "split"])
        for n in range(40):
            values = rng.normal(100, 10, (16, 16, 8)).astype(np.float32)
            if n % 2:
                values[4:12, 4:12, 2:5] += 60
            nibabel.save(nibabel.Nifti1Image(values, np.diag([2, 2, 3, 1])), folder / f"{n}.nii.gz")
            rows.writerow([f"{n}.nii.gz", ("no", "yes")[n % 2], n, "train" if n < 32 else "test"])
    return read_dataset(folder / "dataset.csv", licence="CC0-1.0")


def test_a_recurrent_head_over_slices_learns_which_volumes_hold_a_cube(volumes, machine, tmp_path):
    learn = volumes.split("train")
    plan = overridden(planned(learn, "classification", machine), [*SETTINGS, *SMALL])
    taught = teach(learn, plan, rng=np.random.default_rng(0), watch=lambda *_: None)
    recipe = taught.plan.recipe
    card = learnt_card("cubes", recipe, "CT", volumes)
    model = opened(
        freeze(taught.network, card, recipe, taught.plan, tmp_path / "cubes"), engine="onnxruntime"
    )
    found = [model(s.case()) for s in volumes.split("test")]
    said = [max(f.scores, key=lambda score: score.probability).code.meaning for f in found]
    assert said == ["no", "yes"] * 4
