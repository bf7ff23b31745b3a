"""A CT series of rods and balls with a tilted gantry: slices that are sheared against one another."""

from __future__ import annotations

import math

import numpy as np

from skiagraph.errors import InvalidInput
from skiagraph.findings import Landmark, Landmarks, Measurement
from skiagraph.geometry import Grid, derived_frame, to_world
from skiagraph.image import Image
from skiagraph.image.quantity import HU
from skiagraph.phantoms import concepts
from skiagraph.phantoms.ct_series import ct_series
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import number
from skiagraph.phantoms.strokes import blended, coverage, grain

__all__ = ["tilted_ct", "tilted_grid"]

_BALLS = (
    ((-40.0, 0.0, 0.0), 12.0, 300.0),
    ((35.0, -25.0, 20.0), 9.0, 600.0),
    ((20.0, 35.0, -22.0), 15.0, -400.0),
)


def tilted_grid(shape: tuple[int, int, int], spacing: tuple[float, float, float], tilt: float) -> Grid:
    """Axial slices whose planes lean by `tilt` degrees about x, while the table moves along z.

    Args:
        shape: (slices, rows, columns).
        spacing: mm (of the table between slices, between rows, between columns).
        tilt: Degrees; positive moves the back of the slice to the feet.

    Returns:
        A sheared grid; (0, 0, 0) is its middle.
    """
    angle = math.radians(tilt)
    axes = np.zeros((3, 3))
    axes[:, 0] = [0, 0, spacing[0]]
    axes[:, 1] = [0, spacing[1] * math.cos(angle), -spacing[1] * math.sin(angle)]
    axes[:, 2] = [spacing[2], 0, 0]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, -axes @ ((np.array(shape) - 1) / 2)
    return Grid(shape=shape, affine=affine, frame=derived_frame(f"tilted {shape} {spacing} {tilt}"))


def tilted_ct(
    seed: int = 1,
    *,
    tilt: float = 20.0,
    shape: tuple[int, int, int] = (30, 128, 128),
    spacing: tuple[float, float, float] = (3.0, 1.5, 1.5),
) -> Drawn:
    """A water cylinder along the table with three balls, seen with a tilted gantry.

    Args:
        seed: Of the noise.
        tilt: Degrees, between -30 and 30.
        shape: (slices, rows, columns).
        spacing: mm (of the table between slices, between rows, between columns).

    Returns:
        One image ``"ct"`` in HU on a sheared grid; centres of the balls, and the tilt.

    Raises:
        InvalidInput: More tilt than gantries have.
    """
    if abs(tilt) > 30:
        raise InvalidInput("a gantry tilts by at most 30 degrees", got=f"{tilt}")
    rng, grid = np.random.default_rng(seed), tilted_grid(shape, spacing, tilt)
    places = to_world(grid, np.moveaxis(np.indices(shape, dtype=np.float64), 0, -1)).astype(np.float32)
    x, y, z = (places[..., n] for n in range(3))
    cylinder = np.hypot(x, y) - 80.0
    values = blended(np.full(shape, -1000.0, np.float32), coverage(cylinder - 4.0, spacing[1]), 120.0)
    values = blended(values, coverage(cylinder, spacing[1]), 0.0)
    for centre, radius, hu in _BALLS:
        far = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2)
        values = blended(values, coverage(far - radius, spacing[1]), hu)
    stored = np.asarray(np.rint(values + 8.0 * grain(rng, shape, 0.6)).clip(-1024, 3071), np.int16)
    points = tuple(Landmark(code=concepts.PHANTOM, point=np.array(c)) for c, _, _ in _BALLS)
    angle = Measurement(concept=concepts.TILT, value=tilt, unit=concepts.DEGREE, method="known")
    thickness = spacing[0] * math.cos(math.radians(tilt))
    return Drawn(
        kind="tilted-ct",
        datasets=ct_series(
            stored, grid, patient="Phantom^Tilted", thickness=thickness, GantryDetectorTilt=number(tilt)
        ),
        images={"ct": Image(data=stored, space=grid, quantity=HU, modality="CT")},
        findings=(Landmarks(space=grid, items=points), angle),
        phantom={"tilt": tilt, "balls": [{"centre": c, "radius": r, "attenuation": v} for c, r, v in _BALLS]},
    )
