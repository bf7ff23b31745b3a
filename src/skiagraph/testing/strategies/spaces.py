"""Strategies for frames, timelines, grids, planes and transforms."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from skiagraph.geometry import Grid, Plane, Space, Timeline, Transform, derived_frame

__all__ = ["frames", "grids", "planes", "spaces", "timelines", "transforms"]

_SPACING = st.floats(0.2, 6.0)
_PLACE = st.floats(-400.0, 400.0)
_ANGLE = st.one_of(st.sampled_from([0.0, 90.0, 180.0, 270.0]), st.floats(-180.0, 180.0))


def frames() -> st.SearchStrategy[str]:
    """Frames of reference, now and then the same one again."""
    return st.integers(0, 50).map(lambda n: derived_frame(f"frame {n}"))


def timelines() -> st.SearchStrategy[Timeline]:
    """One to four instants, in seconds or in frames, now and then with what else differed between them."""
    steps = st.lists(st.floats(0.01, 2.0), min_size=1, max_size=4)
    return st.tuples(steps, st.booleans(), st.booleans()).map(_timeline)


def _timeline(drawn: tuple[list[float], bool, bool]) -> Timeline:
    steps, in_seconds, differs = drawn
    n = len(steps)
    conditions: dict[str, NDArray[np.float64]] = {}
    if differs:
        conditions = {"b_value": np.arange(n) * np.float64(500), "gradient_direction": np.eye(4, 3)[:n]}
    return Timeline(
        times=np.cumsum(np.array(steps)), unit="s" if in_seconds else "frame", conditions=conditions
    )


@st.composite
def _axes(draw: st.DrawFn, ndim: int) -> NDArray[np.float64]:
    """Columns of an affine: turned, mirrored, stretched, now and then sheared as by a tilted gantry."""
    if ndim == 3:
        turned = Rotation.from_euler("xyz", [draw(_ANGLE) for _ in range(3)], degrees=True).as_matrix()
    else:
        angle = np.deg2rad(draw(_ANGLE))
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.eye(ndim)
    shear[0, -1] = draw(st.sampled_from([0.0, 0.0, 0.3]))
    signs = np.diag([draw(st.sampled_from([1.0, -1.0])) for _ in range(ndim)])
    spacing = np.diag([draw(_SPACING) for _ in range(ndim)])
    order = draw(st.permutations(range(ndim)))
    return np.asarray((turned @ shear @ signs @ spacing)[:, order], dtype=np.float64)


@st.composite
def _affines(draw: st.DrawFn, ndim: int) -> NDArray[np.float64]:
    affine = np.eye(ndim + 1)
    affine[:-1, :-1] = draw(_axes(ndim))
    affine[:-1, -1] = [draw(_PLACE) for _ in range(ndim)]
    return affine


@st.composite
def grids(draw: st.DrawFn, *, largest: int = 5, moving: bool | None = None) -> Grid:
    """Grids that lie anyhow in the patient.

    Args:
        draw: From Hypothesis.
        largest: Most voxels along an axis.
        moving: Whether there is a timeline; None for both.
    """
    shape = (draw(st.integers(1, largest)), draw(st.integers(1, largest)), draw(st.integers(1, largest)))
    timeline = draw(timelines()) if moving or (moving is None and draw(st.booleans())) else None
    return Grid(shape=shape, affine=draw(_affines(3)), frame=draw(frames()), timeline=timeline)


@st.composite
def planes(draw: st.DrawFn, *, largest: int = 7, moving: bool | None = None) -> Plane:
    """Planes, some of unknown size.

    Args:
        draw: From Hypothesis.
        largest: Most pixels along an axis.
        moving: Whether there is a timeline; None for both.
    """
    shape = (draw(st.integers(1, largest)), draw(st.integers(1, largest)))
    timeline = draw(timelines()) if moving or (moving is None and draw(st.booleans())) else None
    return Plane(
        shape=shape,
        affine=draw(_affines(2)),
        frame=draw(frames()),
        unit="mm" if draw(st.booleans()) else "pixel",
        timeline=timeline,
    )


def spaces(*, moving: bool | None = None) -> st.SearchStrategy[Space]:
    """Grids and planes."""
    return st.one_of(grids(moving=moving), planes(moving=moving))


@st.composite
def transforms(draw: st.DrawFn, ndim: int = 3) -> Transform:
    """Affine ways between two frames."""
    return Transform(matrix=draw(_affines(ndim)), source=draw(frames()), target=draw(frames()))
