"""Our figures of outlines beside MONAI's and SimpleITK's: values on shapes, what each says of nothing, and the time."""

from __future__ import annotations

import json
import math
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import monai
import monai.metrics as peer
import numpy as np
import SimpleITK
import torch
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph import codes
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Grid, derived_frame
from skiagraph.metrics import segmentation

KEPT = Path(__file__).parent / "results" / "metrics_peers.json"
SHAPE, SPACING = (80, 160, 160), (2.0, 0.8, 0.8)
OURS = ("dice", "hausdorff [mm]", "hd95 [mm]", "mean surface distance [mm]", "surface dice at 2 mm")

Mask = NDArray[np.bool_]


def organ(seed: int, shift: int = 0) -> Mask:
    """A smooth shape of about the size of a liver."""
    rough = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 6)
    at = np.indices(SHAPE).astype(float) - np.array(SHAPE)[:, None, None, None] / 2
    far = np.sqrt(sum((a / n) ** 2 for a, n in zip(at, (25, 50, 45), strict=True)))
    return np.roll(far + 12 * rough < 1, shift, axis=2)


def ours(found: Mask, true: Mask) -> list[float]:
    """Every figure of one case, also those that the others do not have."""

    def outline(mask: Mask) -> Segmentation:
        space = Grid(shape=mask.shape, affine=np.diag([*SPACING, 1.0]), frame=derived_frame("peers"))
        segments = (Segment(number=1, code=codes.HEAD),)
        return Segmentation(space=space, labels=mask.astype(np.uint8), segments=segments)

    metric = segmentation()
    figures = metric.summary(metric.tally(outline(found), outline(true)))
    return [figures[name] for name in OURS]


def monais(found: Mask, true: Mask) -> list[float]:
    """The same five figures, with surface Dice on the cells of marching cubes as ours."""
    pair = [torch.from_numpy(m[None, None].astype(np.float32)) for m in (found, true)]
    where: dict[str, Any] = {"include_background": True, "spacing": list(SPACING)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = (
            peer.compute_dice(*pair, include_background=True),
            peer.compute_hausdorff_distance(*pair, **where),
            peer.compute_hausdorff_distance(*pair, percentile=95, **where),
            peer.compute_average_surface_distance(*pair, symmetric=True, **where),
            peer.compute_surface_dice(*pair, [2.0], use_subvoxels=True, **where),
        )
    return [float(v) for v in values]


def simpleitks(found: Mask, true: Mask) -> list[float]:
    """Dice and the largest distance; of nothing it refuses the distance."""
    images = [SimpleITK.GetImageFromArray(m.astype(np.uint8)) for m in (found, true)]
    for image in images:
        image.SetSpacing(SPACING[::-1])
    overlap, apart = SimpleITK.LabelOverlapMeasuresImageFilter(), SimpleITK.HausdorffDistanceImageFilter()
    overlap.Execute(*images)
    try:
        apart.Execute(*images)
    except RuntimeError:
        return [overlap.GetDiceCoefficient(), math.nan]
    return [overlap.GetDiceCoefficient(), apart.GetHausdorffDistance()]


def seconds(work: Callable[[Mask, Mask], list[float]], pair: tuple[Mask, Mask]) -> float:
    """The median of five."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        work(*pair)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main() -> None:
    """Measures, prints two tables and keeps them."""
    torch.set_num_threads(1)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    whole, nothing = organ(0), np.zeros(SHAPE, np.bool_)
    cases = {
        "two shapes": (organ(1), whole),
        "shifted by 3 voxels": (organ(0, 3), whole),
        "missed": (nothing, whole),
        "made up": (whole, nothing),
        "neither": (nothing, nothing),
    }
    peers = {
        "skiagraph": ours,
        f"MONAI {monai.__version__}": monais,
        f"SimpleITK {SimpleITK.Version.VersionString()}": simpleitks,
    }
    kept: dict[str, Any] = {"shape": SHAPE, "spacing, mm": SPACING, "figures": {}, "seconds": {}}
    print(f"| case | program | {' | '.join(OURS)} |\n|---|---|{'---|' * len(OURS)}")
    for case, pair in cases.items():
        for name, work in peers.items():
            values = work(*pair)
            kept["figures"].setdefault(case, {})[name] = [None if math.isnan(v) else v for v in values]
            told = ["none" if math.isnan(v) else f"{v:.4g}" for v in values]
            print(f"| {case} | {name} | {' | '.join(told + [''] * (len(OURS) - len(told)))} |")
    print("\n| program | figures | time, one thread, s |\n|---|---|---|")
    for name, work in peers.items():
        kept["seconds"][name] = round(seconds(work, cases["two shapes"]), 3)
        print(f"| {name} | {len(work(*cases['two shapes']))} | {kept['seconds'][name]:.2f} |")
    KEPT.write_text(json.dumps(kept, indent=1, default=list) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
