"""Trains the second look of the fetal head benchmark: first on phantoms, then, for each job, on real heads."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from fetal_head_training import CACHE, JOBS, dataset, learning_parts, rings_file

from skiagraph.features import Ellipse
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.networks import Committee, RingNet
from skiagraph.phantoms.fetal_head import draw_fetal_head, outer_skull, sample_fetal_head
from skiagraph.training import Ring, RingPlan, ring_of, rings, train_rings

PHANTOMS = 400
RINGS = RingPlan(epochs=40, learning_rate=1e-3)
FIRST = dataclasses.replace(RINGS, epochs=25, learning_rate=2e-3)


def phantom(seed: int) -> Ring:
    """One drawn head with its true outline, in pixels."""
    head = sample_fetal_head(np.random.default_rng(seed))
    pixels = draw_fetal_head(head)
    space = Plane.upright(shape=pixels.shape, spacing=None, frame=derived_frame(f"phantom {seed}"))
    skull = outer_skull(head)
    outline = Ellipse(centre=skull.centre / head.pixel_size, form=skull.form / head.pixel_size**2)
    return ring_of(Image(data=pixels, space=space, modality="US"), outline, RINGS.refine)


def committee(job: str) -> Committee:
    """The second look of a job, ready to answer."""
    members = [RingNet(inputs=4, widths=RINGS.widths, drop=RINGS.drop) for _ in range(RINGS.members)]
    result = Committee(members)
    result.load_state_dict(torch.load(rings_file(job), weights_only=True))
    return result.eval()


def train_job(job: str, data: Path) -> None:
    """Trains the networks of one job with one core; goes on where a run was cut off."""
    torch.set_num_threads(1)
    begun = time.monotonic()
    if job == "first":
        samples, plan, start = [phantom(10_000 + n) for n in range(PHANTOMS)], FIRST, None
    else:
        samples, plan, start = (
            rings(learning_parts(dataset(data))[job][0], RINGS.refine),
            RINGS,
            committee("first"),
        )

    def watch(done: int, total: int, figures: Mapping[str, float], /) -> None:
        print(
            f"rings {job}: {done}/{total} loss {figures['loss']:.4f} {time.monotonic() - begun:.0f} s",
            flush=True,
        )

    rng = np.random.default_rng([11, ("first", *JOBS).index(job)])
    found = train_rings(
        samples, plan, rng=rng, watch=watch, start=start, checkpoint=CACHE / f"rings-checkpoint-{job}.pt"
    )
    torch.save(found.state_dict(), rings_file(job))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--job", choices=("first", *JOBS), required=True)
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    train_job(arguments.job, arguments.data)
