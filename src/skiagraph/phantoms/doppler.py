"""A colour Doppler cine of pulsating flow in a vessel, whose colours the file calibrates in cm/s."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UltrasoundMultiFrameImageStorage
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.findings import Curve, Segment, Segmentation
from skiagraph.geometry import Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import COLOUR, Quantity
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, TIME, item, number, place, put_pixels
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["PALETTE", "VELOCITIES", "colour_doppler"]

_LEVELS: Final = 31  # on either side of no flow
_SCALE: Final = 60.0  # cm/s at either end of the colour bar
VELOCITIES: Final = tuple(float(v) for v in np.linspace(-_SCALE, _SCALE, 2 * _LEVELS + 1))
"""cm/s of each colour, towards the probe positive."""
_CENTIMETRE, _CM_PER_SECOND = 3, 7  # DICOM PS3.3 section C.8.5.5.1.15
_TWO_D, _TISSUE, _FLOW = 1, 1, 2  # sections C.8.5.5.1.1 and C.8.5.5.1.2
_LOOK_UP: Final = 2  # section C.8.5.5.1.4


def _palette() -> NDArray[np.uint8]:
    """Blue to cyan away from the probe, red to yellow towards it; each colour once, and none of them grey."""
    strength = np.abs(np.array(VELOCITIES)) / _SCALE
    away = np.stack([0 * strength, 190 * strength, 110 + 145 * strength], axis=-1)
    towards = np.stack([110 + 145 * strength, 205 * strength, 20 * strength], axis=-1)
    table = np.where((np.array(VELOCITIES) < 0)[:, None], away, towards)
    table[_LEVELS] = (0, 0, 1)
    return np.rint(table).astype(np.uint8)


PALETTE: Final = _palette()
"""The colour of each of `VELOCITIES`, shape (63, 3)."""


def colour_doppler(
    seed: int = 1,
    *,
    frames: int = 16,
    shape: tuple[int, int] = (240, 320),
    pixel: float = 0.2,
    peak: float | None = None,
) -> Drawn:
    """A vessel that crosses the picture, with parabolic flow that follows the pulse.

    Args:
        seed: The same seed draws the same vessel.
        frames: Of one heart beat.
        shape: (rows, columns).
        pixel: mm.
        peak: Velocity along the beam at the axis in systole, cm/s; 25 to 55 where None.

    Returns:
        Images ``"colour"`` (red, green, blue) and ``"velocity"`` (cm/s, NaN where there is no flow); mask ``"vessel"``;
        the curve of the velocity at the axis.

    Raises:
        InvalidInput: Flow beyond the colour bar, or fewer than two frames.
    """
    rng = np.random.default_rng(seed)
    fastest = float(rng.uniform(25, 55)) if peak is None else peak
    if frames < 2 or not 0 < abs(fastest) <= _SCALE:
        raise InvalidInput(
            f"flow is at most {_SCALE:.0f} cm/s, in at least two frames", got=f"{fastest} cm/s"
        )
    inside, profile = _vessel(shape, pixel, rng)
    pulse = _pulse(frames)
    level = np.rint(fastest * pulse[:, None, None] * profile / _SCALE * _LEVELS).astype(int) + _LEVELS
    pictures = _grey_pictures(frames, inside, rng)
    flow = inside & (level != _LEVELS)
    pictures[flow] = PALETTE[level[flow]]
    _draw_bar(pictures)
    velocity = np.where(flow, np.array(VELOCITIES, np.float32)[level], np.float32(np.nan))
    known = {"peak": fastest, "pixel": pixel, "pulse": pulse}
    return _drawn(pictures, velocity, inside, known)


def _drawn(
    pictures: NDArray[np.uint8],
    velocity: NDArray[np.float32],
    inside: NDArray[np.bool_],
    known: dict[str, Any],
) -> Drawn:
    times = 0.05 * np.arange(len(pictures), dtype=np.float64)
    frame, pixel = derived_frame(array_digest(pictures)), known["pixel"]
    still = Plane.upright(shape=(inside.shape[0], inside.shape[1]), spacing=(pixel, pixel), frame=frame)
    plane = dataclasses.replace(still, timeline=Timeline(times=times, unit="s"))
    curve = Curve(
        concept=concepts.FLOW_VELOCITY,
        at=times * 1000.0,
        at_unit=concepts.MILLISECOND,
        values=known["peak"] * known["pulse"],
        unit=concepts.CM_PER_SECOND,
    )
    speed = Quantity(name="velocity", unit=concepts.CM_PER_SECOND)
    colours = ("red", "green", "blue")
    segment = Segment(number=1, code=concepts.ARTERY, confidence=1.0)
    return Drawn(
        kind="colour-doppler",
        datasets=(_dataset(pictures, pixel),),
        images={
            "colour": Image(data=pictures, space=plane, quantity=COLOUR, channels=colours, modality="US"),
            "velocity": Image(data=velocity, space=plane, quantity=speed, modality="US"),
        },
        findings=(curve,),
        masks={"vessel": Segmentation(space=still, labels=inside.astype(np.uint8), segments=(segment,))},
        phantom={"peak": known["peak"], "scale": _SCALE},
    )


def _vessel(shape: tuple[int, int], pixel: float, rng: Generator) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Where it is, and the share of the axial velocity at each place (Poiseuille)."""
    rows, columns = np.indices(shape)
    slope, middle = rng.uniform(-0.12, 0.12), shape[0] * rng.uniform(0.5, 0.62)
    bend = 6.0 * np.sin(columns / shape[1] * 3.0 + rng.uniform(0, 6.0))
    far = np.abs(rows - middle - slope * (columns - shape[1] / 2) - bend) * pixel / np.hypot(1.0, slope)
    radius = rng.uniform(2.8, 4.0)
    box = np.abs(columns - shape[1] / 2) < 0.33 * shape[1]
    return (far < radius) & box, np.clip(1 - (far / radius) ** 2, 0, 1)


def _pulse(frames: int) -> NDArray[np.float64]:
    """The share of the systolic velocity in each frame, with the reversal of early diastole."""
    t = np.arange(frames) / frames
    wave = np.exp(-(((t - 0.18) / 0.10) ** 2)) - 0.28 * np.exp(-(((t - 0.45) / 0.07) ** 2)) + 0.10
    return np.asarray(wave / wave.max())


def _grey_pictures(frames: int, inside: NDArray[np.bool_], rng: Generator) -> NDArray[np.uint8]:
    """Speckled tissue, dark blood, bright walls; the same in all frames but for a little noise."""
    noise = [ndimage.gaussian_filter(rng.standard_normal(inside.shape), (1.0, 1.8)) for _ in range(2)]
    layer = ndimage.gaussian_filter(rng.standard_normal(inside.shape), (6, 40))
    speckle = 20 * np.log10(np.hypot(*noise) + 0.02) + 120 * layer
    grey = np.clip(118 + 4.5 * speckle, 10, 200)
    tube = ndimage.binary_dilation(inside, iterations=2)
    wall = ndimage.binary_dilation(tube, iterations=2) & ~tube
    grey = np.where(tube, 14.0, np.where(wall, np.clip(grey + 60, 0, 235), grey))
    grey[:6] = 0
    moving = grey + rng.normal(0, 4, (frames, *inside.shape))
    return np.repeat(np.clip(moving, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def _draw_bar(pictures: NDArray[np.uint8]) -> None:
    """The colour bar at the right, the fastest flow towards the probe at its top."""
    pictures[:, :, -26:] = 0
    bar = np.repeat(PALETTE[::-1], 2, axis=0)
    pictures[:, 20 : 20 + len(bar), -18:-8] = bar[None, :, None, :]


def _dataset(pictures: NDArray[np.uint8], pixel: float) -> Dataset:
    """Source: DICOM PS3.3 sections A.7 and C.8.5.5; composite pixel code: section C.7.6.3.1.1."""
    digest = array_digest(pictures, number(pixel))
    ds = invented_study(digest, UltrasoundMultiFrameImageStorage, "US", patient="Phantom^Doppler")
    place(ds, digest, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.ImageType, ds.Laterality = ["ORIGINAL", "PRIMARY", "VASCULAR", "0011"], "L"
    put_pixels(ds, pictures, photometric="RGB")
    ds.FrameTime, ds.FrameIncrementPointer, ds.LossyImageCompression = "50", 0x00181063, "00"
    ds.UltrasoundColorDataPresent, ds.CineRate = 1, 20
    rows, columns = pictures.shape[1:3]
    tissue = _region((0, 6, columns - 27, rows - 1), pixel, _TISSUE)
    flow = _region((int(0.17 * columns) - 1, 6, int(0.83 * columns) + 1, rows - 1), pixel, _FLOW)
    codes = [(int(r) << 16) | (int(g) << 8) | int(b) for r, g, b in PALETTE]
    flow.PixelComponentOrganization = _LOOK_UP
    flow.PixelComponentPhysicalUnits, flow.PixelComponentDataType = _CM_PER_SECOND, _FLOW
    flow.NumberOfTableEntries = len(codes)
    flow.TableOfPixelValues, flow.TableOfParameterValues = codes, list(VELOCITIES)
    ds.SequenceOfUltrasoundRegions = [tissue, flow]
    return ds


def _region(corners: tuple[int, int, int, int], pixel: float, kind: int) -> Dataset:
    return item(
        RegionSpatialFormat=_TWO_D,
        RegionDataType=kind,
        RegionFlags=int(kind == _TISSUE),  # of low priority: where both lie, flow counts
        RegionLocationMinX0=corners[0],
        RegionLocationMinY0=corners[1],
        RegionLocationMaxX1=corners[2],
        RegionLocationMaxY1=corners[3],
        PhysicalUnitsXDirection=_CENTIMETRE,
        PhysicalUnitsYDirection=_CENTIMETRE,
        PhysicalDeltaX=pixel / 10.0,
        PhysicalDeltaY=pixel / 10.0,
    )
