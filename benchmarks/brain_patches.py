"""The patch-wise tissue network: learnt from patches of 13x13, made dense, and run over the slices of a volume."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.networks.tissue import PATCH, DenseTissue
from skiagraph.task import Intensity, Recipe
from skiagraph.training import Plan, Prepared, this_machine
from skiagraph.training.build import built
from skiagraph.training.loop import Run, learn
from skiagraph.training.teach import stages_of
from skiagraph.training.timing import seconds_per_step

Known = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.uint8]]
HALF: Final = PATCH // 2
BATCH: Final = 128
ROUNDS: Final = 4  # how often each patch is seen
NOTHING: Final = Code(value="background", scheme="99LOCAL", meaning="background")


def _plan(tissues: Sequence[Code], window: Intensity) -> Plan:
    return Plan(
        recipe=Recipe(
            task="classification",
            labels=(NOTHING, *tissues),
            concept=Code(value="tissue", scheme="99LOCAL", meaning="tissue"),
            activation="softmax",
            shape=(PATCH, PATCH),
            normalise="window",
            intensity=window,
        ),
        network="tissue-patch",
        epochs=ROUNDS,
        batch=BATCH,
        learning_rate=5e-4,
        average=0.98,
        loss="cross-entropy",
        precision="bf16-mixed" if this_machine().bf16 else "32-true",
    )


def _drawn(
    known: Sequence[Known], n: int, window: Intensity, rng: Generator
) -> tuple[list[Prepared], NDArray[Any]]:
    """Patches around places of the brain, half anywhere and half as many of each tissue; and the correction.

    Returns:
        The patches, and of each label the logarithm of its share in brains over its share among the patches.
    """
    true = np.array([sum(np.count_nonzero(brain & (t == k)) for _, brain, t in known) for k in range(4)])
    samples, counts = [], np.zeros(4)
    for values, brain, tissue in known:
        padded = np.pad(values, ((0, 0), (HALF, HALF), (HALF, HALF)), mode="edge")
        share = n // len(known)
        places = [np.flatnonzero(brain), *(np.flatnonzero(brain & (tissue == k)) for k in range(4))]
        drawn = [
            rng.choice(where, m) for where, m in zip(places, [share // 2, *(share // 8,) * 4], strict=True)
        ]
        for i, j, k in np.stack(np.unravel_index(np.concatenate(drawn), brain.shape), 1):
            label = int(tissue[i, j, k])
            counts[label] += 1
            patch = padded[i, j : j + PATCH, k : k + PATCH]
            shown = (patch - window.low) / (window.high - window.low)
            samples.append(
                Prepared(picture=shown[None].astype(np.float32), target=np.eye(4, dtype=np.float32)[label])
            )
    return samples, np.log((true / true.sum()) / (counts / counts.sum()))


def learnt_patches(
    known: Sequence[Known], tissues: Sequence[Code], window: Intensity, seconds: float
) -> tuple[DenseTissue, dict[str, Any]]:
    """The dense network of one that learnt from as many patches as the time holds.

    Args:
        known: For each person the standardised volume, the brain, and the tissues 0 to 3.
        tissues: Their codes, without the background.
        window: Numbers of the volumes.
        seconds: For learning.
    """
    wall, processor, rng = time.monotonic(), time.process_time(), np.random.default_rng(0)
    plan = _plan(tissues, window)
    network = built(plan, 0)
    few, _ = _drawn(known, 16 * BATCH, window, rng)
    step = seconds_per_step(network, stages_of(few, plan)[0], plan)
    steps = max(1, int(0.9 * (seconds - (time.monotonic() - wall)) / step / ROUNDS))
    samples, correction = _drawn(known, steps * BATCH + 8 * len(known), window, rng)
    run = Run(seed=0, watch=_told, seconds=max(1.0, seconds - (time.monotonic() - wall)))
    found = learn(network, stages_of(samples, plan), plan, run)
    patch: Any = found.network
    with torch.no_grad():
        patch.head.bias += torch.from_numpy(
            correction
        ).float()  # rare tissues were shown more often than they are
    facts = {
        "network": plan.network,
        "epochs": len(found.history),
        "patches": len(samples),
        "parameters": sum(p.numel() for p in patch.parameters()),
        "learning": {
            "seconds": time.monotonic() - wall,
            "processor seconds": time.process_time() - processor,
        },
        "last": dict(found.history[-1]),
    }
    return DenseTissue(patch).eval(), facts


def _told(done: int, total: int, figures: Any, /) -> None:
    print(f"  {done}/{total} " + ", ".join(f"{n} {v:.4f}" for n, v in figures.items()), flush=True)


@torch.no_grad()
def tissues_of(
    network: DenseTissue, values: NDArray[np.float32], brain: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The tissue of each voxel of a brain, 0 to 3, slice by slice along the first axis; outside it is 0."""
    result = np.zeros(brain.shape, np.uint8)
    padded = np.pad(values, ((0, 0), (HALF, HALF), (HALF, HALF)), mode="edge")
    fast = this_machine().bf16
    for k in np.flatnonzero(brain.any((1, 2))):
        rows, columns = (np.flatnonzero(brain[k].any(1 - axis)) for axis in (0, 1))
        top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        seen = torch.from_numpy(padded[k, top : bottom + 2 * HALF, left : right + 2 * HALF].copy())[
            None, None
        ]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
            said = network(seen)[0, :, HALF:-HALF, HALF:-HALF].float().argmax(0).numpy()
        where = brain[k, top:bottom, left:right]
        result[k, top:bottom, left:right] = np.where(where, said, 0)
    return result
