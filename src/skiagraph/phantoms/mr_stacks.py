"""Small MR series with several images of each place: diffusion with b-values and directions, and several echoes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid, Timeline
from skiagraph.image import Image
from skiagraph.image.quantity import SIGNAL
from skiagraph.phantoms import concepts
from skiagraph.phantoms.brain_mr import rician
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.mr_series import MrScan, mr_series
from skiagraph.phantoms.spheres import Ball, axial_grid, ball_labels, ring_of_balls, shares
from skiagraph.values import array_digest

__all__ = ["DIRECTIONS", "diffusion_mr", "multi_echo_mr"]

_FULL: Final = 2500.0
DIRECTIONS: Final = tuple(
    tuple(float(c) for c in np.array(v) / np.linalg.norm(v))
    for v in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1))
)
"""Unit vectors in the patient (LPS): those of a minimal tensor."""


def diffusion_mr(
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (16, 96, 96),
    spacing: tuple[float, float, float] = (5.0, 2.2, 2.2),
    b_values: tuple[float, ...] = (0.0, 500.0, 1000.0),
    noise: float = 0.01,
) -> Drawn:
    """Balls of known diffusion coefficient in water; the last of them diffuses along x alone twice as fast.

    Args:
        seed: The same seed draws the same image.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        b_values: s/mm2; that of 0 is measured once, each other along each of `DIRECTIONS`.
        noise: Standard deviation, of the signal without diffusion.

    Returns:
        One image ``"diffusion"``, whose frames follow b-values and directions; mask ``"balls"``; the diffusion
        coefficients.

    Raises:
        InvalidInput: No b-value.
    """
    if not b_values or min(b_values) < 0:
        raise InvalidInput("diffusion has b-values of at least 0", got=str(b_values))
    rng = np.random.default_rng(seed)
    grid = axial_grid(shape, spacing, f"diffusion {seed}")
    speeds = tuple(float(v) for v in np.sort(rng.uniform(0.4e-3, 2.2e-3, 5)))
    balls = ring_of_balls((34.0,) * 5, speeds, radius=52.0, z=0.0)
    steps = [(b, d) for b in b_values for d in (((0.0, 0.0, 0.0),) if b == 0 else DIRECTIONS)]
    base = _phantom_signal(grid)
    volumes = [_stored(rician(base * _attenuated(grid, balls, b, d), noise, rng)) for b, d in steps]
    values = np.stack(volumes)
    digest = array_digest(values)
    objects: list[Dataset] = []
    for n, (b, way) in enumerate(steps):
        more: dict[str, Any] = {"DiffusionBValue": float(b), "SequenceName": f"*ep_b{b:.0f}"}
        more["DiffusionDirectionality"] = "NONE" if b == 0 else "DIRECTIONAL"
        if b > 0:
            more["DiffusionGradientOrientation"] = list(way)
        scan = MrScan(name="diffusion", tr=6000.0, te=80.0, sequence="EP", first=1 + n * shape[0], more=more)
        objects += mr_series(values[n], grid, scan, digest=digest, patient="Phantom^Balls")
    return _drawn(
        "diffusion",
        objects,
        values,
        _timed(grid, {"b_value": [b for b, _ in steps], "gradient_direction": [d for _, d in steps]}),
        balls,
        _diffusion_truth(balls),
    )


def _attenuated(grid: Grid, balls: tuple[Ball, ...], b: float, way: tuple[float, ...]) -> NDArray[np.float32]:
    """What diffusion leaves of the signal: ``exp(-b g.D.g)`` (Stejskal and Tanner, J. Chem. Phys. 42, 1965)."""
    result = np.full(grid.shape, np.exp(-b * 2.0e-3), np.float32)
    for n, ball in enumerate(balls):
        along = ball.value * (1.0 + way[0] ** 2) if n == len(balls) - 1 else ball.value
        result += shares(grid, ball) * (np.exp(-b * along) - result)
    return result


def _diffusion_truth(balls: tuple[Ball, ...]) -> tuple[Finding, ...]:
    result: list[Finding] = []
    for n, ball in enumerate(balls, start=1):
        fast = n == len(balls)
        mean = ball.value * (4 / 3 if fast else 1.0)
        how = f"known: ball {n}, mean of the tensor" + (", which is twice as fast along x" if fast else "")
        unit = concepts.SQUARE_MM_PER_SECOND
        result.append(Measurement(concept=concepts.DIFFUSION_COEFFICIENT, value=mean, unit=unit, method=how))
    anisotropy = float(np.sqrt(1 / 6))  # of eigenvalues 2, 1, 1
    return (
        *result,
        Measurement(
            concept=concepts.FRACTIONAL_ANISOTROPY,
            value=anisotropy,
            unit=codes.ONE,
            method="known: last ball",
        ),
    )


def multi_echo_mr(
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (16, 96, 96),
    spacing: tuple[float, float, float] = (5.0, 2.2, 2.2),
    echoes: tuple[float, ...] = (3.0, 8.0, 15.0, 25.0, 40.0),
    noise: float = 0.01,
) -> Drawn:
    """Balls of known T2* in a gradient echo sequence with several echoes.

    Args:
        seed: The same seed draws the same image.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        echoes: Echo times, rising, ms.
        noise: Standard deviation, of the signal at an echo time of 0.

    Returns:
        One image ``"echoes"``, whose frames follow the echo times; mask ``"balls"``; T2* of each ball.

    Raises:
        InvalidInput: No echo, or times that do not rise.
    """
    if not echoes or min(echoes) <= 0 or list(echoes) != sorted(set(echoes)):
        raise InvalidInput("echo times rise from above 0", got=str(echoes))
    rng = np.random.default_rng(seed)
    grid = axial_grid(shape, spacing, f"echoes {seed}")
    decay = tuple(float(v) for v in np.sort(rng.uniform(8.0, 60.0, 5)))
    balls = ring_of_balls((34.0,) * 5, decay, radius=52.0, z=0.0)
    base = _phantom_signal(grid)
    volumes: list[NDArray[np.uint16]] = []
    objects: list[Dataset] = []
    for te in echoes:
        left = np.full(grid.shape, np.exp(-te / 80.0), np.float32)
        for ball in balls:
            left += shares(grid, ball) * (np.exp(-te / ball.value) - left)
        volumes.append(_stored(rician(base * left, noise, rng)))
    values = np.stack(volumes)
    digest = array_digest(values)
    for n, te in enumerate(echoes):
        more = {"EchoNumbers": n + 1}
        scan = MrScan(
            name="echoes", tr=80.0, te=te, flip=20.0, sequence="GR", first=1 + n * shape[0], more=more
        )
        objects += mr_series(values[n], grid, scan, digest=digest, patient="Phantom^Balls")
    truth = tuple(
        Measurement(
            concept=concepts.T2_STAR, value=b.value, unit=concepts.MILLISECOND, method=f"known: ball {n}"
        )
        for n, b in enumerate(balls, start=1)
    )
    return _drawn(
        "echoes",
        objects,
        values,
        _timed(grid, {"echo_number": range(1, len(echoes) + 1), "echo_time": echoes}),
        balls,
        truth,
    )


def _phantom_signal(grid: Grid) -> NDArray[np.float32]:
    """A cylinder of water."""
    water = Ball(centre=(0.0, 0.0, 0.0), diameter=180.0, value=1.0)
    flat = axial_grid((1, *grid.shape[1:]), (1.0, grid.affine[1, 1], grid.affine[0, 2]), "flat")
    return np.repeat(shares(flat, water), grid.shape[0], axis=0)


def _stored(signal: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.asarray(np.rint(np.clip(signal * _FULL, 0, 4095)), np.uint16)


def _timed(grid: Grid, differs: Mapping[str, Sequence[Any]]) -> Grid:
    """The grid with one frame for each value of what differs."""
    conditions = {name: np.array(values, np.float64) for name, values in differs.items()}
    frames = min(len(values) for values in conditions.values())
    timeline = Timeline(times=np.arange(frames, dtype=np.float64), conditions=conditions)
    return dataclasses.replace(grid, timeline=timeline)


def _drawn(
    name: str,
    objects: list[Dataset],
    values: NDArray[np.uint16],
    grid: Grid,
    balls: tuple[Ball, ...],
    findings: tuple[Finding, ...],
) -> Drawn:
    still = dataclasses.replace(grid, timeline=None)
    segments = tuple(Segment(number=n + 1, code=concepts.PHANTOM, confidence=1.0) for n in range(len(balls)))
    labels = ball_labels(still, balls)
    return Drawn(
        kind={"diffusion": "diffusion-mr", "echoes": "multi-echo-mr"}[name],
        datasets=tuple(objects),
        images={name: Image(data=values, space=grid, quantity=SIGNAL, modality="MR")},
        findings=findings,
        masks={"balls": Segmentation(space=still, labels=labels, segments=segments, kind="instances")},
        phantom={"balls": balls},
    )
