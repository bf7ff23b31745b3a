"""Processor time of all families of texture, of a picture and of a volume, beside pyradiomics in its own Python.

``python benchmarks/texture.py --pyradiomics-python PATH`` names the Python of an environment that has it; without, ours
alone is measured. pyradiomics 3.0.1 needs, in an environment of its own: ``pip install "setuptools<70" wheel "numpy<2"
versioneer cython SimpleITK pykwalify six pywavelets`` and then ``pip install --no-build-isolation --no-deps
pyradiomics==3.0.1``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture import (
    Levels,
    glcm,
    gldm,
    gldzm,
    glrlm,
    glszm,
    histogram,
    ngtdm,
    textures,
)
from skiagraph.features.texture import statistics as intensity

KEPT = Path(__file__).parent / "results" / "texture.json"
BINS = 32
SHAPES = {"picture": (512, 512), "volume": (128, 128, 128)}
FAMILIES = {"glcm": glcm, "glrlm": glrlm, "glszm": glszm, "gldzm": gldzm, "ngtdm": ngtdm, "gldm": gldm}

# What both define alike: ours, theirs.
ALIKE = {
    "statistics_skewness": "firstorder_Skewness",
    "statistics_robust_mean_absolute_deviation": "firstorder_RobustMeanAbsoluteDeviation",
    "glcm_contrast": "glcm_Contrast",
    "glcm_correlation": "glcm_Correlation",
    "glcm_joint_entropy": "glcm_JointEntropy",
    "glcm_cluster_prominence": "glcm_ClusterProminence",
    "glcm_information_correlation_1": "glcm_Imc1",
    "glcm_maximal_correlation_coefficient": "glcm_MCC",
    "glrlm_long_run_high_grey_level_emphasis": "glrlm_LongRunHighGrayLevelEmphasis",
    "glrlm_run_entropy": "glrlm_RunEntropy",
    "glszm_large_zone_emphasis": "glszm_LargeAreaEmphasis",
    "glszm_zone_size_non_uniformity": "glszm_SizeZoneNonUniformity",
    "ngtdm_busyness": "ngtdm_Busyness",
    "ngtdm_complexity": "ngtdm_Complexity",
    "gldm_high_dependence_emphasis": "gldm_LargeDependenceEmphasis",
    "gldm_dependence_count_entropy": "gldm_DependenceEntropy",
}


def region(shape: tuple[int, ...]) -> Region:
    """Smooth structure and noise in a ball that nearly fills the box."""
    rng = np.random.default_rng(6)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
    numbers = 100 * smooth / smooth.std() + rng.normal(0, 20, shape)
    away = sum(x**2 for x in np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    return Region(numbers=numbers, mask=np.asarray(away) < 0.9, spacing=(1.0,) * len(shape))


def seconds(work: Callable[[], Any]) -> float:
    """Processor seconds, the median of three."""
    times = []
    for _ in range(3):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return statistics.median(times)


def ours(one: Region) -> tuple[dict[str, float], tuple[Feature, ...]]:
    """Seconds of each family and of all of them, and the features."""
    levels = Levels(bins=BINS)
    took = {
        "statistics": seconds(lambda: intensity(one)),
        "histogram": seconds(lambda: histogram(one, levels=levels)),
        **{
            name: seconds(lambda f=family: f(one, levels=levels, merge="3D:avg"))
            for name, family in FAMILIES.items()
        },
        "all": seconds(lambda: textures(one, levels=levels, merge="3D:avg")),
    }
    return took, textures(one, levels=levels, merge="3D:avg")


def theirs(regions: dict[str, Region], python: Path) -> dict[str, Any]:
    """What pyradiomics says of the same regions."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, one in regions.items():
            files.append(str(Path(folder) / f"{name}.npz"))
            np.savez(files[-1], numbers=one.numbers, mask=one.mask)
        script = Path(__file__).with_name("texture_peer.py")
        done = subprocess.run(
            [str(python), str(script), str(BINS), *files], capture_output=True, text=True, check=True
        )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def told(name: str, took: dict[str, float], peer: dict[str, float | None]) -> None:
    """Prints a row a family."""
    for family, mine in took.items():
        its = peer.get(family)
        beside = f"{its:.3f} | {its / mine:.1f}" if its else " | "
        print(f"| {name} | {family} | {mine:.4f} | {beside} |")


def main() -> None:
    """Measures, prints a table and keeps it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pyradiomics-python", type=Path, help="the Python of an environment with pyradiomics"
    )
    python = parser.parse_args().pyradiomics_python
    regions = {name: region(shape) for name, shape in SHAPES.items()}
    peer = theirs(regions, python) if python else {"version": None, "regions": {}}
    kept: dict[str, Any] = {"bins": BINS, "pyradiomics": peer["version"], "regions": {}}
    print(
        f"| region | family | skiagraph, s | pyradiomics {peer['version']}, s | times faster |\n|---|---|---|---|---|"
    )
    for name, one in regions.items():
        took, features = ours(one)
        other = peer["regions"].get(name, {"seconds": {}, "values": {}})
        other["seconds"]["statistics"] = other["seconds"].pop("firstorder", None)
        told(name, took, other["seconds"])
        values = {f.key: f.value for f in features}
        apart = {
            key: abs(values[key] - other["values"][its]) / abs(other["values"][its])
            for key, its in ALIKE.items()
            if its in other["values"]
        }
        if apart:
            worst = max(apart, key=lambda key: apart[key])
            print(
                f"\n{name}: {len(apart)} values that both define alike differ by at most {apart[worst]:.1e} ({worst})\n"
            )
        kept["regions"][name] = {
            "shape": one.numbers.shape,
            "places": int(one.mask.sum()),
            "seconds": {"skiagraph": took, "pyradiomics": other["seconds"]},
            "relative difference": apart,
        }
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
