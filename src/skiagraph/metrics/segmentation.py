"""How well outlines agree: overlap, distance of surfaces in mm, volume, and what was missed or made up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.findings import Segmentation
from skiagraph.geometry import Space
from skiagraph.metrics.confusion import macro
from skiagraph.metrics.counted import Values, mean, ratio
from skiagraph.metrics.masks import (
    Structure,
    check_same_lattice,
    diagonal,
    judged,
    label_of,
    mask_of,
    moments,
    speaks_of,
)
from skiagraph.metrics.surface import SurfaceDistances, surface_distances
from skiagraph.task import Counts, Figures, Table, Tabular

__all__ = ["segmentation"]

_VOXELS = ("true positive", "false positive", "false negative")
_SHARES = ("dice", "iou", "sensitivity", "precision")
_DISTANCES = ("hausdorff [mm]", "hd95 [mm]", "mean surface distance [mm]", "rms surface distance [mm]")
_PERCENT = "size error [%]"
_COUNTED = ("present", "missed", "made up", "penalised")


def segmentation(
    *, structures: tuple[Structure, ...] = (None,), ignore: Structure = None, tolerance: float = 2.0
) -> Tabular[Segmentation]:
    """The metric of outlines, each figure the mean over cases, for each structure and as the mean of structures.

    What is not there has rules, and their use is counted:

    - Neither outline has the structure: Dice and IoU are 1, all other figures leave the case out (`Estimate.excluded`).
      ``"dice where present"`` is over cases whose reference has it, ``"pooled dice"`` over the voxels of all cases.
    - Only one has it: Dice, IoU and surface Dice are 0, each element of its surface is as far from the other as the
      diagonal of the space (in a moving image: moment by moment). ``"penalised"`` counts such cases, so that a
      distance never stands without them. Sensitivity is not defined without a reference, precision is 0 where a
      structure was missed.
    - ``"present"``, ``"missed"`` (present, and nothing of it was found) and ``"made up"`` (not present, but outlined)
      count cases.
    - The reference does not speak of it (it has segments, but none for this structure): the case is left out of all
      figures of this structure.
    - The size of a pixel is not known: figures in mm and ml leave the case out.

    Args:
        structures: Codes (of one or of several segments, also of objects), numbers of segments, or None for
            everything that is no background.
        ignore: Segments of the reference whose places count for nothing.
        tolerance: Of surface Dice, in mm.

    Raises:
        InvalidInput: No structure, one twice, or a tolerance that is no length.

    Source: Dice (1945); Jaccard (1912); for the distances see `skiagraph.metrics.surface`; Maier-Hein et al., Metrics
        reloaded (Nature Methods 2024), on what averages over missing structures hide.
    """
    labels = [label_of(s) for s in structures]
    if not labels or len(set(labels)) != len(labels):
        raise InvalidInput("structures are one or more, each once", got=str(labels))
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InvalidInput("a tolerance is a length in mm", got=str(tolerance))
    return Tabular(
        measure=partial(_measure, structures=structures, ignore=ignore, tolerance=tolerance),
        figures=_figures,
        undefined=_undefined,
    )


def _measure(
    prediction: Segmentation,
    reference: Segmentation,
    /,
    *,
    structures: tuple[Structure, ...],
    ignore: Structure,
    tolerance: float,
) -> Table:
    check_same_lattice(prediction, reference)
    told, space = judged(reference, ignore), reference.space
    size = "volume error [ml]" if space.ndim == 3 else "area error [mm2]"
    near = f"surface dice at {tolerance:g} mm"
    fields = (*_VOXELS, *_SHARES, *_DISTANCES, near, size, _PERCENT, "penalised")
    rows = []
    for structure in structures:
        if not speaks_of(reference, structure):
            rows.append(np.full(len(fields), np.nan))
            continue
        found, true = mask_of(prediction, structure), mask_of(reference, structure)
        if told is not None:
            found, true = found & told, true & told
        rows.append(_row(found, true, space, tolerance))
    columns = tuple(f"{label_of(structure)}: {field}" for structure in structures for field in fields)
    return Table(columns=columns, rows=np.concatenate(rows)[None])


def _row(found: NDArray[np.bool_], true: NDArray[np.bool_], space: Space, tolerance: float) -> Values:
    both, ours, theirs = (int(np.count_nonzero(m)) for m in (found & true, found, true))
    either = ours + theirs - both
    overlap = [
        2 * both / (ours + theirs) if either else 1.0,
        both / either if either else 1.0,
        both / theirs if theirs else math.nan,
        both / ours if ours else (0.0 if theirs else math.nan),
    ]
    distances, size = [math.nan] * (len(_DISTANCES) + 1), math.nan
    pairs = [(f, t, bool(f.any()), bool(t.any())) for f, t in moments(space, found, true)]
    if space.unit == "mm":
        axes, penalty = space.affine[:-1, :-1], diagonal(space)
        if tolerance >= penalty:
            raise InvalidInput("a tolerance is shorter than the diagonal of the space", got=f"{tolerance} mm")
        apart = _pooled(
            [surface_distances(f, t, axes, penalty) for f, t, ours_, theirs_ in pairs if ours_ or theirs_]
        )
        distances = [apart.hausdorff(), apart.hausdorff(0.95), apart.mean(), apart.rms()]
        distances.append(apart.surface_dice(tolerance))
        voxel = abs(float(np.linalg.det(axes))) / (1000.0 if space.ndim == 3 else 1.0) / len(pairs)
        size = (ours - theirs) * voxel
    percent = 100 * (ours - theirs) / theirs if theirs else math.nan
    one_sided = any(ours_ != theirs_ for _, _, ours_, theirs_ in pairs)
    return np.array([both, ours - both, theirs - both, *overlap, *distances, size, percent, float(one_sided)])


def _pooled(parts: list[SurfaceDistances]) -> SurfaceDistances:
    """The elements of all moments as of one surface; within the tolerance of a penalty nothing lies."""
    if len(parts) == 1:
        return parts[0]
    none = [np.zeros(0)]
    return SurfaceDistances(
        found=np.concatenate([p.found for p in parts] + none),
        found_area=np.concatenate([p.found_area for p in parts] + none),
        true=np.concatenate([p.true for p in parts] + none),
        true_area=np.concatenate([p.true_area for p in parts] + none),
    )


def _split(table: Table) -> dict[str, dict[str, Values]]:
    """The columns by structure and field."""
    found: dict[str, dict[str, Values]] = {}
    for i, column in enumerate(table.columns):
        label, _, field = column.rpartition(": ")
        found.setdefault(label, {})[field] = table.rows[:, i]
    return found


def _figures(table: Table, counts: Counts, /) -> Figures:
    each = {label: _of_structure(fields, counts) for label, fields in _split(table).items()}
    if list(each) == [""]:
        return each[""]
    found = {}
    for name in next(iter(each.values())):
        if name not in _COUNTED:
            found[f"mean: {name}"] = macro(np.stack([one[name] for one in each.values()], axis=1))
    return found | {f"{label}: {name}": v for label, one in each.items() for name, v in one.items()}


def _of_structure(fields: dict[str, Values], counts: Counts) -> dict[str, NDArray[np.float64]]:
    told = ~np.isnan(fields["true positive"])
    right, extra, lacking, penalised = (np.where(told, fields[n], 0.0) for n in (*_VOXELS, "penalised"))
    present, outlined = right + lacking > 0, right + extra > 0
    found = {"dice": mean(fields["dice"], counts)}
    found["dice where present"] = mean(np.where(present, fields["dice"], np.nan), counts)
    found["pooled dice"] = ratio(2 * (counts @ right), counts @ (2 * right + extra + lacking))
    worst = np.where((counts > 0) & told, fields["dice"], np.inf).min(axis=1)
    found["worst dice"] = np.where(np.isinf(worst), np.nan, worst)
    for name, values in fields.items():
        if name in (*_VOXELS, "dice", "penalised"):
            continue
        found[name] = mean(values, counts)
        if "error" in name:
            found[f"absolute {name}"] = mean(np.abs(values), counts)
    found["present"] = counts @ present.astype(np.float64)
    found["missed"] = counts @ (present & (right == 0)).astype(np.float64)
    found["made up"] = counts @ (outlined & ~present).astype(np.float64)
    found["penalised"] = counts @ penalised
    return found


def _undefined(table: Table, /) -> Mapping[str, int]:
    lacking: dict[str, NDArray[np.bool_]] = {}
    for label, fields in _split(table).items():
        without = {name: np.isnan(values) for name, values in fields.items()}
        without |= {f"absolute {name}": lost for name, lost in without.items() if "error" in name}
        silent = without["true positive"]
        without["dice where present"] = silent | (fields["true positive"] + fields["false negative"] == 0)
        without |= dict.fromkeys(("pooled dice", "worst dice", "present", "missed", "made up"), silent)
        for name, lost in without.items():
            lacking[f"{label}: {name}" if label else name] = lost
            # Left out of the mean are cases that have no structure with the figure.
            lacking[f"mean: {name}"] = lacking.get(f"mean: {name}", lost) & lost
    return {name: int(lost.sum()) for name, lost in lacking.items() if lost.any()}
