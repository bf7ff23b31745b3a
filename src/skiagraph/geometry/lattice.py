"""What Grid and Plane have in common: the checks of a shape and of an affine, and equality."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError
from skiagraph.geometry.timeline import Timeline
from skiagraph.values import frozen

__all__ = ["Lattice", "checked_affine", "checked_shape", "lattice_hash", "same_lattice"]


class Lattice(Protocol):
    """What places samples in a world."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples along each spatial axis."""
        ...

    @property
    def affine(self) -> NDArray[np.float64]:
        """From index to world."""
        ...

    @property
    def frame(self) -> str:
        """Frame of reference."""
        ...

    @property
    def unit(self) -> str:
        """Mm or pixel."""
        ...

    @property
    def timeline(self) -> Timeline | None:
        """When the frames were taken."""
        ...


def same_lattice(a: Lattice, b: Lattice) -> bool:
    """Whether two lattices of one kind are equal in every part."""
    parts = (a.shape, a.frame, a.unit, a.timeline) == (b.shape, b.frame, b.unit, b.timeline)
    return parts and np.array_equal(a.affine, b.affine)


def lattice_hash(lattice: Lattice) -> int:
    """Equal for equal lattices; adding 0.0 makes -0.0 the 0.0 that it equals."""
    return hash((lattice.shape, lattice.frame, lattice.unit, (lattice.affine + 0.0).tobytes()))


def checked_shape(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """The shape as plain integers.

    Raises:
        GeometryError: Not `ndim` whole numbers of at least 1.
    """
    sizes = tuple(int(n) for n in shape)
    if (
        len(sizes) != ndim
        or any(n < 1 for n in sizes)
        or any(n != m for n, m in zip(sizes, shape, strict=True))
    ):
        raise GeometryError(f"a shape here has {ndim} whole numbers of at least 1", got=str(tuple(shape)))
    return sizes


def checked_affine(affine: NDArray[np.float64], ndim: int) -> NDArray[np.float64]:
    """The affine, read-only.

    Raises:
        GeometryError: Not (ndim + 1, ndim + 1), not finite, a last row other than 0 ... 0 1, or no volume.
    """
    matrix = frozen(affine, np.float64)
    if matrix.shape != (ndim + 1, ndim + 1) or not np.isfinite(matrix).all():
        raise GeometryError(
            f"an affine here is a finite {ndim + 1}x{ndim + 1} matrix", got=f"shape {matrix.shape}"
        )
    if not np.array_equal(matrix[-1], [0.0] * ndim + [1.0]):
        raise GeometryError("the last row of an affine is 0 ... 0 1", got=str(matrix[-1].tolist()))
    lengths = np.linalg.norm(matrix[:-1, :-1], axis=0)
    if (lengths <= 0).any() or abs(np.linalg.det(matrix[:-1, :-1])) < 1e-6 * np.prod(lengths):
        raise GeometryError(
            "the axes of an affine span the space", got=f"spacings {lengths.round(6).tolist()}"
        )
    return matrix
