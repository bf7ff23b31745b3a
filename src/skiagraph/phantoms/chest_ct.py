"""The synthetic chest as a CT series, with its nodules and organs as the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.findings import (
    Box,
    Boxes,
    Finding,
    Landmark,
    Landmarks,
    Measurement,
    Segment,
    Segmentation,
)
from skiagraph.geometry import Grid, to_index
from skiagraph.image import Image
from skiagraph.image.quantity import HU
from skiagraph.phantoms import concepts
from skiagraph.phantoms.chest import Chest, Nodule, chest_grid, sample_chest
from skiagraph.phantoms.chest_volume import LABELS, ChestVolume, draw_chest
from skiagraph.phantoms.ct_series import ct_series
from skiagraph.phantoms.drawn import Drawn

__all__ = ["chest_ct", "chest_ct_of", "nodule_code"]

_ORGANS: dict[str, Code] = {
    "right lung": concepts.RIGHT_LUNG,
    "left lung": concepts.LEFT_LUNG,
    "heart": concepts.HEART,
    "vertebra": concepts.VERTEBRA,
    "rib": concepts.RIB,
    "airway": concepts.TRACHEA,
}


def chest_ct(
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (120, 256, 256),
    spacing: tuple[float, float, float] = (2.5, 1.4, 1.4),
    nodules: int | None = None,
    noise: float = 14.0,
) -> Drawn:
    """A chest CT with nodules of known place, diameter and volume.

    Args:
        seed: The same seed draws the same chest.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        nodules: How many; two to five where None.
        noise: Standard deviation in soft tissue, HU.

    Returns:
        One image ``"ct"`` in HU; masks ``"organs"`` and ``"nodules"``; box, centre, diameter and volume of each nodule.

    Raises:
        InvalidInput: A volume that is too small for its nodules.
    """
    rng = np.random.default_rng(seed)
    chest = sample_chest(rng, shape=shape, spacing=spacing, nodules=nodules, noise=noise)
    return chest_ct_of(chest, draw_chest(chest))


def chest_ct_of(chest: Chest, volume: ChestVolume) -> Drawn:
    """The series and the truth of a chest that was drawn."""
    grid = chest_grid(chest)
    organs = tuple(Segment(number=LABELS[name], code=code, confidence=1.0) for name, code in _ORGANS.items())
    masks = {"organs": Segmentation(space=grid, labels=volume.labels, segments=organs)}
    if chest.nodules:
        masks["nodules"] = _nodule_mask(chest, grid, volume.nodules)
    return Drawn(
        kind="chest-ct",
        datasets=ct_series(volume.values, grid, patient="Phantom^Chest", thickness=chest.spacing[0]),
        images={"ct": Image(data=volume.values, space=grid, quantity=HU, modality="CT")},
        findings=_findings(chest, grid),
        masks=masks,
        phantom=chest,
    )


def nodule_code(nodule: Nodule) -> Code:
    """Nodule, or ground glass opacity."""
    return concepts.NODULE if nodule.kind == "solid" else concepts.GROUND_GLASS


def _nodule_mask(chest: Chest, grid: Grid, labels: NDArray[np.uint8]) -> Segmentation:
    segments = tuple(
        Segment(number=n, code=nodule_code(nodule), confidence=1.0)
        for n, nodule in enumerate(chest.nodules, start=1)
    )
    return Segmentation(space=grid, labels=labels, segments=segments, kind="instances")


def _findings(chest: Chest, grid: Grid) -> tuple[Finding, ...]:
    boxes, centres, measured = [], [], []
    for n, nodule in enumerate(chest.nodules, start=1):
        centre, code = np.array(nodule.centre), nodule_code(nodule)
        half = np.abs(np.array(chest.spacing))
        middle = to_index(grid, centre)
        reach = nodule.diameter / 2 / half
        boxes.append(Box(code=code, low=middle - reach, high=middle + reach))
        centres.append(Landmark(code=code, point=centre))
        how = f"known: ball {n}, {nodule.kind}"
        for concept, value, unit in (
            (concepts.DIAMETER, nodule.diameter, codes.MM),
            (concepts.VOLUME, nodule.volume, concepts.CUBIC_MM),
        ):
            measured.append(Measurement(concept=concept, value=value, unit=unit, method=how))
    if not boxes:
        return ()
    return (
        Boxes(space=grid, items=tuple(boxes)),
        Landmarks(space=grid, items=tuple(centres)),
        *measured,
    )
