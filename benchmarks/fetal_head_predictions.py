"""Predictions of the fetal head networks on what they did not learn from, kept in the cache."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fetal_head_rings import RINGS, committee
from fetal_head_training import CACHE, PLAN, WIDTHS, dataset, learning_parts, network_file, rings_file
from numpy.typing import NDArray
from scipy.special import expit

from skiagraph.case import Sample
from skiagraph.features import Ellipse, fitted_ellipse
from skiagraph.findings import Measurement, Segmentation
from skiagraph.geometry import Plane
from skiagraph.inference.refine import refined
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.networks import ResidualUNet
from skiagraph.preprocess import network_pixels, network_space, normalised


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One judged image: what the networks said, on the lattice of the first, and what is held to be true."""

    group: str
    space: Plane
    probability: NDArray[np.float32]
    outline: Ellipse
    mask: NDArray[np.bool_]
    circumference: float


def network(job: str) -> ResidualUNet:
    """The network of a job, ready to answer."""
    result = ResidualUNet(inputs=1, outputs=1, widths=WIDTHS)
    result.load_state_dict(torch.load(network_file(job), weights_only=True))
    return result.eval()


def rows(job: str, data: Path) -> list[Row]:
    """What the network of `job` says of the images that it did not see."""
    judged = learning_parts(dataset(data))[job][1]
    kept = CACHE / f"probabilities-{job}.npz"
    newest = max(network_file(job).stat().st_mtime, rings_file(job).stat().st_mtime)
    if not (kept.is_file() and kept.stat().st_mtime > newest):
        engine, second = TorchEngine(network(job)), TorchEngine(committee(job))
        said = [_probability(sample, engine) for sample in judged]
        outlines = [_outline(sample, p, second) for sample, p in zip(judged, said, strict=True)]
        np.savez_compressed(
            kept,
            p=np.stack(said).astype(np.float16),
            centre=np.stack([e.centre for e in outlines]),
            form=np.stack([e.form for e in outlines]),
        )
    found = np.load(kept)
    p = found["p"].astype(np.float32)
    return [
        _row(sample, p[n], Ellipse(centre=found["centre"][n], form=found["form"][n]))
        for n, sample in enumerate(judged)
    ]


def _probability(sample: Sample, engine: TorchEngine) -> NDArray[np.float32]:
    image = sample.case().image
    x = normalised(network_pixels(image, network_space(image.space, PLAN.recipe)), PLAN.recipe.normalise)
    return expit(engine(x[None, None])[0, 0])


def _outline(sample: Sample, p: NDArray[np.float32], second: TorchEngine) -> Ellipse:
    first, image = fitted_ellipse(p), sample.case().image
    if first is None:
        raise SystemExit("a network found nothing: look at the cache")
    recipe = dataclasses.replace(PLAN.recipe, refine=RINGS.refine)
    return refined(first, network_space(image.space, recipe), image, recipe, second)


def _row(sample: Sample, p: NDArray[np.float32], outline: Ellipse) -> Row:
    (reference,) = (f for f in sample.reference() if isinstance(f, Segmentation))
    (measured,) = (f for f in sample.reference() if isinstance(f, Measurement))
    assert isinstance(reference.space, Plane)
    return Row(
        group=sample.group,
        space=reference.space,
        probability=p,
        outline=outline,
        mask=reference.mask(1),
        circumference=measured.value,
    )
