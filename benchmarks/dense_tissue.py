"""The dense equivalent of the patch-wise tissue network: equal place by place, and how much faster."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as nnf

from skiagraph.networks import DenseTissue, multiply_adds, network
from skiagraph.networks.tissue import PATCH

HERE: Final = Path(__file__).parent
RESULT: Final = HERE / "results" / "dense_tissue.json"
PAGE: Final = HERE.parent / "docs" / "reference" / "benchmarks.md"
MARKS: Final = (
    "<!-- measured by benchmarks/dense_tissue.py -->",
    "<!-- end of benchmarks/dense_tissue.py -->",
)
IMAGES: Final = ((96, 96), (8, 8, 8))
SINGLE: Final = 150  # patches that are timed one by one, of all
BATCH: Final = 256
ROUNDS: Final = 3


def patches(image: Tensor) -> Tensor:
    """The patch around each place of an image, zeros beyond it: (places, 1, 13, 13[, 13])."""
    ndim = image.ndim - 2
    wide = nnf.pad(image, (PATCH // 2,) * (2 * ndim))
    for axis in range(2, 2 + ndim):
        wide = wide.unfold(axis, PATCH, 1)
    return wide.reshape(-1, 1, *[PATCH] * ndim)


def fastest(run: Callable[[], Any]) -> float:
    """Seconds of the fastest of a few rounds: what others do on the machine counts least."""
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        run()
        took.append(time.perf_counter() - begun)
    return min(took)


@torch.inference_mode()
def measured(space: tuple[int, ...]) -> dict[str, Any]:
    """Seconds for an image in three ways, and how far their answers are apart."""
    torch.manual_seed(0)
    single = network("tissue-patch", inputs=1, outputs=4, ndim=len(space)).eval()
    dense = DenseTissue(single).eval()
    image = torch.randn(1, 1, *space)
    cut = patches(image)
    answer = dense(image)
    one_by_one = torch.cat([single(part) for part in cut.split(BATCH)]).T.reshape(answer.shape)
    apart = float((answer - one_by_one).abs().max())
    alone = fastest(lambda: [single(part[None]) for part in cut[:SINGLE]]) * len(cut) / SINGLE
    count = min(8 * BATCH, len(cut))
    together = fastest(lambda: [single(part) for part in cut[:count].split(BATCH)]) * len(cut) / count
    whole = fastest(lambda: dense(image))
    return {
        "space": list(space),
        "patch by patch, s": alone,
        f"batches of {BATCH}, s": together,
        "dense, s": whole,
        "largest difference": apart,
        "largest answer": float(answer.abs().max()),
        "same class": float((answer.argmax(1) == one_by_one.argmax(1)).float().mean()),
        "multiply-adds of a patch": multiply_adds(single, (1, 1, *[PATCH] * len(space))),
        "multiply-adds of a place": multiply_adds(dense, (1, 1, *space)) / len(cut),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """One row an image."""
    lines = [
        f"| image | one by one | batches of {BATCH} | dense | faster than one by one | than batches | farthest apart |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        alone, together, whole = (row[n] for n in ("patch by patch, s", f"batches of {BATCH}, s", "dense, s"))
        cells = [
            "x".join(map(str, row["space"])),
            *(f"{alone:.1f} s", f"{together:.1f} s", f"{whole:.2f} s"),
            *(f"{alone / whole:.0f} times", f"{together / whole:.1f} times"),
            f"{row['largest difference']:.0e} of {row['largest answer']:.2g}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write(rows: list[dict[str, Any]]) -> None:
    """Keeps the figures, and puts the table into the page."""
    RESULT.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    costs = [[f"{row[f'multiply-adds of a {of}'] / 1e6:.0f}" for of in ("place", "patch")] for row in rows]
    same = min(row["same class"] for row in rows)
    said = f"""`python benchmarks/dense_tissue.py`, on one core. The network of 5 921 156 parameters (in 3-D of as many
channels), for every place of an image, zeros beyond it. One by one is measured on {SINGLE} places, batches on
{8 * BATCH} at most, and multiplied. The same class came out at {same:.2%} of the places.

{table(rows)}

A place costs {costs[0][0]} million multiply-adds in the place of {costs[0][1]}, in 3-D {costs[1][0]} in the place of
{costs[1][1]}; of the small volume most is margin.
"""
    text = PAGE.read_text("utf-8")
    head, _, rest = text.partition(MARKS[0])
    PAGE.write_text(f"{head}{MARKS[0]}\n\n{said}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}", "utf-8")


def main() -> None:
    """Measures both images, and writes them down."""
    torch.set_num_threads(1)
    rows = [measured(space) for space in IMAGES]
    print(table(rows))
    write(rows)


if __name__ == "__main__":
    main()
