"""Strategies for images, and for lattices that coincide with another."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from skiagraph.geometry import Grid, Plane, Space, cropped, flipped, padded, permuted
from skiagraph.image import Image
from skiagraph.image.quantity import GREY, HU, SUV, UNKNOWN
from skiagraph.testing.strategies.spaces import spaces

__all__ = ["arrays", "images", "lattices_of"]

_S = TypeVar("_S", Grid, Plane)


def arrays(dtype: str, shape: tuple[int, ...], **elements: Any) -> st.SearchStrategy[NDArray[Any]]:
    """Arrays of a type and shape; `elements` are options of `hypothesis.extra.numpy.from_dtype`."""
    return hnp.arrays(dtype, shape, elements=elements or None)


@st.composite
def images(draw: st.DrawFn, *, space: Space | None = None) -> Image:
    """Images of any type that files have, still or moving, grey or in colour.

    Args:
        draw: From Hypothesis.
        space: Where they lie; None for anywhere.
    """
    where: Space = draw(spaces()) if space is None else space
    channels = draw(st.sampled_from([(), (), ("red", "green", "blue")]))
    dtype = draw(st.sampled_from(["uint8", "int16", "float32", "float64", "bool"]))
    limits = {"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else {}
    time = () if where.timeline is None else (len(where.timeline),)
    data = draw(arrays(dtype, (*time, *where.shape, *((3,) if channels else ())), **limits))
    return Image(
        data=data,
        space=where,
        quantity=draw(st.sampled_from([GREY, HU, SUV, UNKNOWN])),
        channels=channels,
        modality=draw(st.sampled_from([None, "US", "CT", "MR"])),
    )


@st.composite
def lattices_of(draw: st.DrawFn, space: _S, *, whole: bool = False) -> _S:
    """Spaces that coincide with `space`: cropped, padded, flipped and permuted in any order.

    Args:
        draw: From Hypothesis.
        space: Where to begin.
        whole: Only those that contain all of `space`.
    """
    result = space
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(
            st.sampled_from(["pad", "flip", "permute"] if whole else ["crop", "pad", "flip", "permute"])
        )
        if kind == "crop":
            start = [draw(st.integers(-1, n - 1)) for n in result.shape]
            result = cropped(result, start, [draw(st.integers(1, n + 1)) for n in result.shape])
        elif kind == "pad":
            ends = [[draw(st.integers(0, 2)) for _ in result.shape] for _ in range(2)]
            result = padded(result, *ends)
        elif kind == "flip":
            result = flipped(result, draw(st.integers(0, result.ndim - 1)))
        else:
            result = permuted(result, draw(st.permutations(range(result.ndim))))
    return result
