"""How surely `skiagraph dataset check` finds copies of images and turned labels, beside the usual perceptual hash."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from skiagraph.case import Sample
from skiagraph.features.likeness import signature, twins
from skiagraph.features.neighbours import doubts, plain_features
from skiagraph.image import pixels
from skiagraph.io import read_dataset
from skiagraph.io.datasets import listed_dataset
from skiagraph.workflow.dataset_check import checked_dataset

HERE: Final = Path(__file__).parent
DATA: Final = Path(os.environ.get("SKIAGRAPH_DATA", HERE.parent.parent / "shared" / "data"))
KEPT: Final = HERE / "results" / "dataset_check.json"
PAGE: Final = HERE.parent / "docs" / "how-to" / "datasets.md"
BEGIN, END = "<!-- measured by benchmarks/dataset_check.py -->\n", "<!-- end of what was measured -->\n"

SETS: Final = ("retina_vessels", "nuclei", "blood_cells", "cxr_retrieval", "fetal_head", "breast_ultrasound")
PLANTED: Final = 60
LABELLED: Final = ("chest_xray_pneumonia/pneumoniamnist.npz", "breast_ultrasound/breastmnist.npz")
NEAR: Final = 8  # of 64 bits, the distance of perceptual hashes that is usual for near-duplicates

Array = NDArray[np.float32]


def grey(sample: Sample) -> Array:
    """A picture as 0 to 255."""
    image = sample.case().image
    array = np.asarray(pixels(image), dtype=np.float32)
    array = array.mean(axis=-1) if image.channels else array
    return (array - array.min()) * 255 / max(float(np.ptp(array)), 1e-6)


def recoded(array: Array, rng: Generator) -> Array:  # noqa: ARG001  one way to call all changes
    """JPEG of quality 60."""
    stream = io.BytesIO()
    PIL.Image.fromarray(array.astype(np.uint8)).save(stream, "JPEG", quality=60)
    return np.asarray(PIL.Image.open(stream), dtype=np.float32)


def noisy(array: Array, rng: Generator) -> Array:
    """Noise of 3 % of the range."""
    return (array + rng.normal(0, 7.65, array.shape)).clip(0, 255).astype(np.float32)


def cropped(array: Array, rng: Generator) -> Array:
    """5 % of each side cut off, anywhere."""
    rows, columns = (max(1, round(0.05 * n)) for n in array.shape)
    top, left = rng.integers(0, rows + 1), rng.integers(0, columns + 1)
    return array[top : array.shape[0] - rows + top, left : array.shape[1] - columns + left]


def halved(array: Array, rng: Generator) -> Array:  # noqa: ARG001  one way to call all changes
    """Half as many rows and columns."""
    picture = PIL.Image.fromarray(array.astype(np.uint8))
    return np.asarray(picture.resize((picture.width // 2, picture.height // 2)), dtype=np.float32)


def cropped_recoded(array: Array, rng: Generator) -> Array:
    """Both."""
    return recoded(cropped(array, rng), rng)


CHANGES: Final[dict[str, Callable[[Array, Generator], Array]]] = {
    "JPEG, quality 60": recoded,
    "noise, 3 % of the range": noisy,
    "cropped by 5 %": cropped,
    "half the size": halved,
    "cropped and JPEG": cropped_recoded,
}


def ours(arrays: Sequence[Array]) -> set[tuple[int, int]]:
    """Pairs that the check calls almost the same."""
    return {(t.first, t.second) for t in twins([signature(a) for a in arrays])}


def hashed(arrays: Sequence[Array]) -> set[tuple[int, int]]:
    """Pairs whose perceptual hashes (32 x 32, cosine transform, 8 x 8 above the median) are at most 8 bits apart."""
    bits = []
    for array in arrays:
        picture = PIL.Image.fromarray(array.astype(np.uint8)).resize((32, 32), PIL.Image.Resampling.LANCZOS)
        low = fft.dctn(np.asarray(picture, dtype=np.float64))[:8, :8]
        bits.append((low > np.median(low)).ravel())
    signs = np.array(bits, dtype=np.float32) * 2 - 1
    apart = (64 - signs @ signs.T) / 2
    first, second = np.nonzero(np.triu(apart <= NEAR, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


def copies(name: str, rng: Generator) -> dict[str, Any]:
    """How many of planted copies are found in one set, and which other pairs are called copies."""
    arrays = [grey(sample) for sample in read_dataset(DATA / name, strict=False)]
    n, planted = (
        len(arrays),
        sorted(rng.choice(len(arrays), min(PLANTED, len(arrays)), replace=False).tolist()),
    )
    row: dict[str, Any] = {"images": n, "planted": len(planted)}
    for who, find in (("check", ours), ("hash", hashed)):
        start = time.perf_counter()
        row[f"{who}: pairs without planting"] = len(find(arrays))
        row[f"{who}: seconds"] = round(time.perf_counter() - start, 2)
    for change, make in CHANGES.items():
        more = [make(arrays[i], rng) for i in planted]
        for who, find in (("check", ours), ("hash", hashed)):
            found = find([*arrays, *more])
            row[f"{who}: {change}"] = sum((i, n + k) in found for k, i in enumerate(planted)) / len(planted)
    return row


def turned(path: str, rng: Generator) -> dict[str, float]:
    """Of 2 % of labels that are turned, how many are suspected."""
    samples = read_dataset(DATA / path).samples
    arrays = [grey(sample) for sample in samples]
    features = np.stack([plain_features(signature(a), a) for a in arrays])
    labels = np.array([int(sample.stratum) for sample in samples])
    wrong = rng.choice(len(labels), len(labels) // 50, replace=False)
    labels[wrong] = 1 - labels[wrong]
    found = doubts(features, labels.tolist())
    suspects = {place for place, _, _ in found.suspects}
    hit = len(suspects & set(wrong.tolist()))
    return {
        "turned": len(wrong),
        "suspects": len(suspects),
        "of them turned": hit,
        "neighbours right": found.accuracy,
    }


def leaks(path: str) -> dict[str, int]:
    """What the check says of a public set."""
    remarks = checked_dataset(listed_dataset(DATA / path)).remarks
    return {remark.topic: remark.count for remark in remarks if remark.pairs}


def measured() -> dict[str, Any]:
    """Everything."""
    rng = np.random.default_rng(5)
    return {
        "copies": {name: copies(name, rng) for name in SETS},
        "labels": {Path(path).stem: turned(path, rng) for path in LABELLED},
        "leaks": {Path(path).stem: leaks(path) for path in LABELLED},
    }


def words(kept: dict[str, Any]) -> str:
    """The figures as they stand in the docs."""
    lines = [
        "| copies found: check / perceptual hash | images | " + " | ".join(CHANGES) + " | other pairs |",
        "|---|---|" + "---|" * (len(CHANGES) + 1),
    ]
    for name, row in kept["copies"].items():
        found = [f"{row[f'check: {c}']:.0%} / {row[f'hash: {c}']:.0%}" for c in CHANGES]
        other = f"{row['check: pairs without planting']} / {row['hash: pairs without planting']}"
        lines.append(f"| `{name}` | {row['images']} | " + " | ".join(found) + f" | {other} |")
    lines += [
        "",
        "| labels turned on purpose (2 %) | turned | suspects | of them turned | neighbours right |",
        "|---|---|---|---|---|",
    ]
    for name, row in kept["labels"].items():
        counts = [str(row[key]) for key in ("turned", "suspects", "of them turned")]
        lines.append(f"| `{name}` | {' | '.join(counts)} | {row['neighbours right']:.0%} |")
    lines += [
        "",
        "| pairs in public sets as they are | " + " | ".join(kept["leaks"]) + " |",
        "|---|" + "---|" * len(kept["leaks"]),
    ]
    for topic in sorted({topic for row in kept["leaks"].values() for topic in row}):
        lines.append(
            f"| {topic} | " + " | ".join(str(row.get(topic, 0)) for row in kept["leaks"].values()) + " |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures, keeps, and writes the block of the page; with --page only the last."""
    if "--page" not in sys.argv:
        KEPT.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(
        before + BEGIN + "\n" + words(json.loads(KEPT.read_text("utf-8"))) + "\n" + END + after,
        encoding="utf-8",
    )
    print(words(json.loads(KEPT.read_text("utf-8"))))


if __name__ == "__main__":
    main()
