"""Predictions of the fetal head networks on what they did not learn from, kept in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fetal_head_training import CACHE, PLAN, dataset, learning_parts, network_file
from numpy.typing import NDArray
from scipy.special import expit

from skiagraph.case import Sample
from skiagraph.findings import Measurement, Segmentation
from skiagraph.geometry import Plane
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.networks import ResidualUNet
from skiagraph.preprocess import network_pixels, network_space, normalised


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One judged image: what the network said, and what is held to be true."""

    group: str
    space: Plane
    probability: NDArray[np.float32]
    mask: NDArray[np.bool_]
    circumference: float


def network(job: str) -> ResidualUNet:
    """The network of a job, ready to answer."""
    result = ResidualUNet(inputs=1, outputs=1, widths=PLAN.widths)
    result.load_state_dict(torch.load(network_file(job), weights_only=True))
    return result.eval()


def rows(job: str, data: Path) -> list[Row]:
    """What the network of `job` says of the images that it did not see."""
    judged = learning_parts(dataset(data))[job][1]
    kept = CACHE / f"probabilities-{job}.npz"
    if kept.is_file() and kept.stat().st_mtime > network_file(job).stat().st_mtime:
        said = np.load(kept)["p"].astype(np.float32)
    else:
        engine = TorchEngine(network(job))
        said = np.stack([_probability(sample, engine) for sample in judged])
        np.savez_compressed(kept, p=said.astype(np.float16))
    return [_row(sample, p) for sample, p in zip(judged, said, strict=True)]


def _probability(sample: Sample, engine: TorchEngine) -> NDArray[np.float32]:
    image = sample.case().image
    x = normalised(network_pixels(image, network_space(image.space, PLAN.recipe)), PLAN.recipe.normalise)
    return expit(engine(x[None, None])[0, 0])


def _row(sample: Sample, p: NDArray[np.float32]) -> Row:
    (outline,) = (f for f in sample.reference() if isinstance(f, Segmentation))
    (measured,) = (f for f in sample.reference() if isinstance(f, Measurement))
    assert isinstance(outline.space, Plane)
    return Row(
        group=sample.group,
        space=outline.space,
        probability=p,
        mask=outline.mask(1),
        circumference=measured.value,
    )
