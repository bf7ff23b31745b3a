"""The synthetic head as T1, T2 and FLAIR images: signal equations, uneven coil, noise of magnitude images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, Landmark, Landmarks, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid
from skiagraph.image import Image
from skiagraph.image.quantity import SIGNAL
from skiagraph.phantoms import concepts
from skiagraph.phantoms.brain import TISSUES, Head, draw_tissues, head_grid, lesion_labels, sample_head
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.enhanced_mr import enhanced_mr
from skiagraph.phantoms.mr_series import MrScan, mr_series
from skiagraph.phantoms.relaxation import BRAIN, Tissue, inversion_recovery, nulling_time, spin_echo
from skiagraph.phantoms.strokes import smooth_field
from skiagraph.values import array_digest

__all__ = ["WEIGHTINGS", "Weighting", "brain_mr", "rician", "signals"]

_FULL: Final = 2600.0  # stored value of a signal of 1
_CODES: Final = {
    "csf": concepts.CSF,
    "grey": concepts.GREY_MATTER,
    "white": concepts.WHITE_MATTER,
    "skull": concepts.SKULL,
    "lesion": concepts.LESION,
    "ventricle": concepts.VENTRICLES,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Weighting:
    """A sequence: repetition, echo and inversion times, ms; no inversion where None."""

    tr: float
    te: float
    ti: float | None = None

    def signal(self, tissue: Tissue) -> float:
        """Of a tissue, 1 being that of water at full magnetisation."""
        if self.ti is None:
            return spin_echo(tissue, tr=self.tr, te=self.te)
        return inversion_recovery(tissue, tr=self.tr, te=self.te, ti=self.ti)


WEIGHTINGS: Final[Mapping[str, Weighting]] = {
    "t1": Weighting(tr=500.0, te=12.0),
    "t2": Weighting(tr=4500.0, te=100.0),
    "flair": Weighting(tr=9000.0, te=110.0, ti=nulling_time(BRAIN["csf"], tr=9000.0)),
}


def signals(weighting: Weighting) -> NDArray[np.float32]:
    """The signal of each of `TISSUES`."""
    names = ["csf" if name == "ventricle" else name for name in TISSUES]
    return np.array([weighting.signal(BRAIN[name]) for name in names], np.float32)


def rician(signal: NDArray[Any], sigma: float, rng: Generator) -> NDArray[np.float32]:
    """The magnitude of a signal with equal noise in its real and imaginary part.

    Source: Gudbjartsson and Patz, The Rician distribution of noisy MRI data (Magn. Reson. Med. 34, 1995).
    """
    real = signal + sigma * rng.standard_normal(signal.shape, dtype=np.float32)
    return np.asarray(np.hypot(real, sigma * rng.standard_normal(signal.shape, dtype=np.float32)))


def brain_mr(
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (48, 224, 192),
    spacing: tuple[float, float, float] = (3.0, 1.0, 1.0),
    lesions: int | None = None,
    noise: float = 0.012,
    form: Literal["classic", "enhanced"] = "classic",
) -> Drawn:
    """A head in three weightings.

    Args:
        seed: The same seed draws the same head.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        lesions: How many in the white matter; none to five where None.
        noise: Standard deviation, of the signal of water at full magnetisation.
        form: One object a slice, or one object with all slices.

    Returns:
        Images ``"t1"``, ``"t2"``, ``"flair"``, which lie in one frame of reference; mask ``"tissues"``, and
        ``"lesions"`` where there are any; place, diameter and volume of each lesion, and
        the volumes of tissues by counting.

    Raises:
        InvalidInput: No room for all lesions.
    """
    if noise < 0:
        raise InvalidInput("noise has a standard deviation of at least 0", got=str(noise))
    rng = np.random.default_rng(seed)
    head = sample_head(rng, shape=shape, spacing=spacing, lesions=lesions)
    labels, grid = draw_tissues(head), head_grid(head)
    bias = np.exp(0.13 * smooth_field(rng, shape, tuple(90.0 / s for s in spacing)))
    stored = {name: _stored(labels, weighting, bias, noise, rng) for name, weighting in WEIGHTINGS.items()}
    digest = array_digest(*stored.values())
    objects: list[Dataset] = []
    for n, (name, weighting) in enumerate(WEIGHTINGS.items(), start=1):
        scan = MrScan(name=name, series=n, tr=weighting.tr, te=weighting.te, ti=weighting.ti, body="BRAIN")
        write = mr_series if form == "classic" else enhanced_mr
        objects += write(stored[name], grid, scan, digest=digest, patient="Phantom^Brain")
    images = {n: Image(data=v, space=grid, quantity=SIGNAL, modality="MR") for n, v in stored.items()}
    return Drawn(
        kind="brain-mr" if form == "classic" else "brain-mr-enhanced",
        datasets=tuple(objects),
        images=images,
        findings=_findings(head, grid, labels),
        masks=_masks(head, grid, labels),
        phantom={"head": head, "noise": noise, "weightings": dict(WEIGHTINGS)},
    )


def _stored(
    labels: NDArray[np.uint8], weighting: Weighting, bias: Any, noise: float, rng: Generator
) -> NDArray[np.uint16]:
    clean = signals(weighting)[labels]
    clean = ndimage.gaussian_filter(clean, (0.0, 0.55, 0.55), truncate=3.0) * bias
    return np.asarray(np.rint(np.clip(rician(clean, noise, rng) * _FULL, 0, 4095)), np.uint16)


def _masks(head: Head, grid: Grid, labels: NDArray[np.uint8]) -> dict[str, Segmentation]:
    kept = np.array([n if name in _CODES else 0 for n, name in enumerate(TISSUES)], np.uint8)
    segments = tuple(
        Segment(number=n, code=_CODES[name], confidence=1.0)
        for n, name in enumerate(TISSUES)
        if name in _CODES
    )
    masks = {"tissues": Segmentation(space=grid, labels=kept[labels], segments=segments)}
    if head.lesions:
        numbered = tuple(
            Segment(number=n + 1, code=concepts.LESION, confidence=1.0) for n in range(len(head.lesions))
        )
        masks["lesions"] = Segmentation(
            space=grid, labels=lesion_labels(head), segments=numbered, kind="instances"
        )
    return masks


def _findings(head: Head, grid: Grid, labels: NDArray[np.uint8]) -> tuple[Finding, ...]:
    voxel = float(np.prod(head.spacing)) / 1000.0
    result: list[Finding] = [
        Measurement(
            concept=_CODES[name],
            value=float((labels == TISSUES.index(name)).sum() * voxel),
            unit=concepts.MILLILITRE,
            method="known: volume of the voxels that were drawn",
        )
        for name in ("csf", "grey", "white", "ventricle")
    ]
    for n, lesion in enumerate(head.lesions, start=1):
        how = f"known: ball {n}"
        result += [
            Measurement(concept=concepts.DIAMETER, value=lesion.diameter, unit=codes.MM, method=how),
            Measurement(concept=concepts.VOLUME, value=lesion.volume, unit=concepts.CUBIC_MM, method=how),
        ]
    if head.lesions:
        points = tuple(Landmark(code=concepts.LESION, point=np.array(o.centre)) for o in head.lesions)
        result.append(Landmarks(space=grid, items=points))
    return tuple(result)
