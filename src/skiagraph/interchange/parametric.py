"""Heat maps to and from Parametric Maps; the maps of others are read too."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ParametricMapStorage

from skiagraph.case import Case
from skiagraph.codecs.foreign import foreign
from skiagraph.codes import Code
from skiagraph.errors import FormatError
from skiagraph.findings import DerivedImage, Heatmap
from skiagraph.interchange.derived import is_derived, read_derived_image
from skiagraph.interchange.envelope import begun, put_label
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.mapped import Numbers, map_object, numbers_in
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.places import placed

__all__ = ["parametric_map", "read_parametric_map", "read_parametric_maps"]


def parametric_map(
    heatmap: Heatmap, case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """The Parametric Map of a heat map: its numbers as they are, 32 or 64 bits, NaN included.

    Raises:
        NoDicomHome: Numbers of more than 64 bits, or rows and columns that do not stand at right angles.

    Source: DICOM PS3.3 A.75.
    """
    where = placed(heatmap.space, case)
    ds = begun(ParametricMapStorage, "OT", where.origin, equipment, series, content)
    put_label(ds, "MAP", content)
    numbers = Numbers(
        space=heatmap.space,
        values=heatmap.values,
        name=heatmap.concept.meaning or heatmap.concept.value,
        unit=heatmap.unit,
        concept=heatmap.concept,
    )
    return map_object(ds, where, numbers, {})


def read_parametric_map(ds: Dataset) -> Heatmap | DerivedImage:
    """The heat map of an object, or the image that a model made and that is stored as one.

    Args:
        ds: A Parametric Map, of ours or of others.

    Raises:
        FormatError: Damaged, or it holds several maps (`read_parametric_maps` gives them all).
    """
    found = read_parametric_maps(ds)
    if len(found) != 1:
        raise FormatError("one parametric map is asked for here", got=str(len(found)))
    return found[0]


def read_parametric_maps(ds: Dataset) -> tuple[Heatmap | DerivedImage, ...]:
    """All maps of an object: one for each quantity that its frames hold.

    Raises:
        FormatError: Frames without a real world value mapping, or that make up no lattice.

    Source: DICOM PS3.3 C.7.6.16.2.11 (which mapping each frame has).
    """
    if is_derived(ds):
        return (read_derived_image(ds),)
    with foreign("a parametric map has frames, and a mapping to real world values for each"):
        return tuple(_heatmap(numbers) for numbers in numbers_in(ds))


def _heatmap(numbers: Numbers) -> Heatmap:
    values = numbers.values
    concept = numbers.concept or Code(
        value=numbers.name[:16].strip(), scheme="99SKIAGRAPH", meaning=numbers.name
    )
    if values.dtype.kind != "f":
        values = values.astype(np.float32 if values.dtype.itemsize <= 2 else np.float64)
    return Heatmap(space=numbers.space, values=values, concept=concept, unit=numbers.unit)
