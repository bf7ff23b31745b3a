"""From stored pixel values to what they mean: one number with a quantity and a unit, or red, green and blue.

What to call for an object, and what each answers (groups: the functional groups of a frame, or None):

| for | call | answer |
|---|---|---|
| every image | `meaning.meant(stored, header, groups)` | `Meant`: values, quantity, channels, padding, problems |
| reading many slices at once | `meaning.linear(header, groups)` | slope and intercept, or None: then `meant` |
| every image | `voi.windows(header, groups)` | `Image.windows`: presets over the values of `Meant` |
| every image | `planar.planar_size(header, groups)` | mm between (rows, columns) or None, and problems |
| every image | `laid_over.laid_over(volumes, layout, space)` | overlays and padding: `Case.known` |
| every image | `shutters.shutter(header, groups)`, `shutter_findings` | mask; `Case.known` |
| every image | `views.view_findings(header, groups)` | side, view, region: `Case.known` |
| PT | `suv.body_weight(header)` | factor for the values of `Meant`, or why not |
| US | `ultrasound.regions(header)`, `region_findings` | regions with units; `Case.known` |
| US | `lesions.lesions(headers)` | grey and Doppler pictures of one lesion |
| US in colour | `doppler.velocity(stored, header)` | cm/s, NaN where none; None if not calibrated |
| XA, RF | `subtraction.subtracted(stored, header)` | frames minus mask; None without a mask |
| NM | `nuclear.nuclear_frames(header)`, `nuclear_views` | axes and conditions of frames; named images |
| OP, OPT | `ophthalmic.places_on_fundus(groups)`, `fundus_finding` | where slices lie on the fundus |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codecs.decoded import rescaled
from skiagraph.errors import FormatError
from skiagraph.image import Quantity
from skiagraph.image.quantity import COLOUR, GREY, OPTICAL_DENSITY
from skiagraph.io.dicom.attributes import group_of, item_of, number, numbers, raw, whole, word
from skiagraph.io.dicom.lookup import LookupTable, indices, lookup_table, wrapped
from skiagraph.io.dicom.palette import from_palette, supplemented
from skiagraph.io.dicom.quantities import quantity_of
from skiagraph.io.dicom.quick import holds
from skiagraph.io.dicom.real_world import RealWorld, real_world
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Linear", "Meant", "after_modality", "inversion", "linear", "meant", "padded", "padding_of"]

_PADDING: Final = 0x00280120  # Pixel Padding Value
_REAL_PADDING: Final = (0x00280122, 0x00280123)  # Float and Double Float Pixel Padding Value
RGB: Final = ("red", "green", "blue")
_ZERO_SLOPE: Final = "Its rescale slope is zero and was left aside."
_HALF: Final = "Its rescale slope or intercept is missing or is no number, and both were left aside."


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Meant:
    """What the pixels of an object mean.

    Args:
        values: Axes of what was stored; with a last axis of channels where there are some.
        quantity: What the values are, and in which unit.
        channels: ``("red", "green", "blue")``, or empty.
        padding: Where there is no image: boolean, axes of what was stored, without channels; None where there is image
            everywhere. The values there mean nothing.
        problems: What was noticed, one sentence each.
    """

    values: NDArray[Any]
    quantity: Quantity
    channels: tuple[str, ...] = ()
    padding: NDArray[np.bool_] | None = None
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values))
        if self.padding is not None:
            object.__setattr__(self, "padding", frozen(self.padding, np.bool_))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """The meaning of stored values, where it is ``slope * stored + intercept`` and nothing more."""

    slope: float
    intercept: float


def meant(stored: NDArray[Any], header: Dataset, groups: Dataset | None = None) -> Meant:
    """What stored pixel values mean.

    Args:
        stored: Axes ([frame,] row, column[, sample]); sign extended, without the bits above High Bit, colours as RGB.
        header: The object.
        groups: Functional groups of these frames (those of the frame over those that are shared), for enhanced objects.

    Returns:
        Modality LUT or rescale, Real World Value Mapping where it states a unit and the rescale does not, palette, and
        grey levels of MONOCHROME1 inverted so that high is bright. Quantities with a unit are never inverted.

    Raises:
        FormatError: Samples that are neither one nor three, or a broken palette.

    Source: DICOM PS3.3 C.11.1, C.7.6.16.2.9, C.7.6.16.2.11, C.7.6.3.1.2, C.7.5.1.1.2, C.8.8.3.
    """
    samples = whole(header, "SamplesPerPixel") or 1
    if samples == 3:
        return Meant(values=stored, quantity=COLOUR, channels=RGB)
    if samples != 1:
        raise FormatError("a pixel has one sample, or red, green and blue", got=f"{samples} samples")
    if word(header, "PhotometricInterpretation") == "PALETTE COLOR":
        coloured, said = from_palette(stored, header)
        return Meant(values=coloured, quantity=COLOUR, channels=RGB, problems=said)
    mixed = supplemented(stored, header)
    if mixed is not None:
        return Meant(values=mixed, quantity=COLOUR, channels=RGB)
    values, quantity, said = _one_number(stored, header, groups)
    return Meant(values=values, quantity=quantity, padding=padding_of(stored, header), problems=said)


def linear(header: Dataset, groups: Dataset | None = None) -> Linear | None:
    """Slope and intercept of `meant`, inversion included; None where the meaning is not linear everywhere."""
    colour = (whole(header, "SamplesPerPixel") or 1) != 1 or "PALETTE" in word(
        header, "PhotometricInterpretation"
    )
    if colour or word(header, "PixelPresentation") in {"COLOR", "MIXED"} or _modality_table(header):
        return None
    if _mapping(header, groups) is not None:
        return None
    slope, intercept, _ = _rescale(header, groups)
    total = inversion(header, groups)
    if total is not None:
        return Linear(slope=-slope, intercept=total - intercept)
    return Linear(slope=slope, intercept=intercept)


def after_modality(header: Dataset, groups: Dataset | None = None) -> Linear | None:
    """From the output of the Modality LUT, which windows speak of, to the values of `meant`; None where not linear.

    Source: DICOM PS3.3 C.11.2.1.2 (windows come after the Modality LUT), C.7.6.16.2.11 (real world values do not).
    """
    if (
        word(header, "PixelPresentation") in {"COLOR", "MIXED"}
        or (whole(header, "SamplesPerPixel") or 1) != 1
    ):
        return None
    if not word(header, "PhotometricInterpretation").startswith("MONOCHROME"):
        return None
    mapping, total = _mapping(header, groups), inversion(header, groups)
    if mapping is None:
        return Linear(slope=1.0, intercept=0.0) if total is None else Linear(slope=-1.0, intercept=total)
    if mapping.slope is None or _modality_table(header) is not None:
        return None
    slope, intercept, _ = _rescale(header, groups)
    steeper = mapping.slope / slope
    return Linear(slope=steeper, intercept=mapping.intercept - steeper * intercept)


def inversion(header: Dataset, groups: Dataset | None = None) -> float | None:
    """The sum of darkest and brightest grey level, from which `meant` takes MONOCHROME1; None for others.

    Quantities with a unit stay as they are, but for optical density: what is dark on film is bright in `meant`, and
    then a grey level.

    Source: DICOM PS3.3 C.7.6.3.1.2.
    """
    if word(header, "PhotometricInterpretation") != "MONOCHROME1":
        return None
    bits = whole(header, "BitsStored")
    if bits is None or not 1 <= bits <= 32:
        return None
    quantity = quantity_of(header, groups)
    if (
        quantity not in (OPTICAL_DENSITY, Quantity(name=quantity.name))
        or _mapping(header, groups) is not None
    ):
        return None
    table = _modality_table(header)
    if table is not None:
        return float((1 << table.bits) - 1)
    low, high = _stored_range(header, bits)
    slope, intercept, _ = _rescale(header, groups)
    return slope * (low + high) + 2 * intercept


def _one_number(
    stored: NDArray[Any], header: Dataset, groups: Dataset | None
) -> tuple[NDArray[Any], Quantity, tuple[str, ...]]:
    mapping = _mapping(header, groups)
    if mapping is not None:
        values, said = mapping.applied(stored)
        return values, mapping.quantity, said
    table, quantity = _modality_table(header), quantity_of(header, groups)
    total = inversion(header, groups)
    quantity = GREY if total is not None and quantity == OPTICAL_DENSITY else quantity
    if table is not None:
        found: NDArray[Any] = table.entries[indices(stored, table.first, len(table.entries))]
        return (found if total is None else np.asarray((1 << table.bits) - 1 - found)), quantity, ()
    slope, intercept, said = _rescale(header, groups)
    if total is None:
        return rescaled(stored, slope, intercept), quantity, said
    if (slope, intercept) == (1.0, 0.0):
        return _complement(stored, header), quantity, said
    return rescaled(stored, -slope, total - intercept), quantity, said


def _complement(stored: NDArray[Any], header: Dataset) -> NDArray[Any]:
    """Whole grey levels inverted in the type that they have."""
    if stored.dtype.kind not in "iu":
        return np.asarray(float(inversion(header) or 0.0) - stored)
    low, high = _stored_range(header, whole(header, "BitsStored") or 8 * stored.dtype.itemsize)
    return np.asarray(stored.dtype.type(low + high) - stored, dtype=stored.dtype)


def _stored_range(header: Dataset, bits: int) -> tuple[int, int]:
    if whole(header, "PixelRepresentation") == 1:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _rescale(header: Dataset, groups: Dataset | None) -> tuple[float, float, tuple[str, ...]]:
    """Slope, intercept and what was noticed: of a dose, of fractions, of the frame, or of the object."""
    scaling = number(header, "DoseGridScaling")
    if scaling is not None:
        return (scaling, 0.0, ()) if scaling > 0 else (1.0, 0.0, (_ZERO_SLOPE,))
    most = number(header, "MaximumFractionalValue")
    if most is not None and most > 0 and word(header, "SegmentationType") == "FRACTIONAL":
        return 1.0 / most, 0.0, ()
    item = group_of(header, groups, "PixelValueTransformationSequence")
    stated = [raw(item, name) not in (None, "") for name in ("RescaleSlope", "RescaleIntercept")]
    slope, intercept = number(item, "RescaleSlope"), number(item, "RescaleIntercept")
    if not any(stated):
        return 1.0, 0.0, ()
    if slope is None or intercept is None:
        return 1.0, 0.0, (_HALF,)
    if not slope:
        return 1.0, 0.0, (_ZERO_SLOPE,)
    return slope, intercept, ()


def _modality_table(header: Dataset) -> LookupTable | None:
    """The Modality LUT; none for angiograms, where it leads back to the rays and not on to the screen (PS3.4 N.2.1)."""
    item = item_of(header, "ModalityLUTSequence")
    if item is None:
        return None
    if word(header, "Modality") in {"XA", "RF"} and word(header, "PixelIntensityRelationship") in {
        "LOG",
        "DISP",
    }:
        return None
    return lookup_table(item, header, signed=whole(header, "PixelRepresentation") == 1)


def _mapping(header: Dataset, groups: Dataset | None) -> RealWorld | None:
    """The Real World Value Mapping, where it states a unit and nothing else does."""
    found = real_world(header, groups)
    return None if found is None or quantity_of(header, groups).unit is not None else found


def padded(header: Dataset) -> bool:
    """Whether an object states a value of pixels that are no image."""
    colour = (whole(header, "SamplesPerPixel") or 1) != 1 or "PALETTE" in word(
        header, "PhotometricInterpretation"
    )
    real = not holds(header, _PADDING) and any(holds(header, tag) for tag in _REAL_PADDING)
    stated = real or holds(header, _PADDING)
    return stated and not colour and _padding_ends(header, real=real) is not None


def padding_of(stored: NDArray[Any], header: Dataset) -> NDArray[np.bool_] | None:
    """Where stored pixels lie in the range of padding values, ends included; None where there are none.

    Source: DICOM PS3.3 C.7.5.1.1.2.
    """
    found = _padding_ends(header, real=stored.dtype.kind == "f")
    if found is None:
        return None
    mask = (stored >= found[0]) & (stored <= found[1]) if found[0] != found[1] else stored == found[0]
    return mask if bool(mask.any()) else None


def _padding_ends(header: Dataset, *, real: bool) -> tuple[float, float] | None:
    signed = whole(header, "PixelRepresentation") == 1
    for kind in ("FloatPixelPadding", "DoubleFloatPixelPadding") if real else ("PixelPadding",):
        first = numbers(header, f"{kind}Value")
        if first:
            limit = numbers(header, f"{kind}RangeLimit") or first
            ends = [first[0], limit[0]]
            if not real and (whole(header, "BitsAllocated") or 16) <= 16:
                ends = [float(wrapped(int(v), signed=signed)) for v in ends]
            return min(ends), max(ends)
    return None
