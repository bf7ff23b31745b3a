"""Images that a model made, to and from DICOM: marked so that every reader sees that no scanner took them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal, get_args

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ParametricMapStorage

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.codecs.foreign import foreign
from skiagraph.errors import FormatError
from skiagraph.findings import DerivedImage
from skiagraph.image import Image, Quantity
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import begun, put_label, sealed
from skiagraph.interchange.groups import UNSPECIFIED
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.mapped import Numbers, map_object, numbers_in, plain_pixels
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.pixels import pixel_tail
from skiagraph.interchange.places import Placed, placed
from skiagraph.interchange.planes import as_frames
from skiagraph.interchange.references import referenced_series, source_items
from skiagraph.interchange.remainder import remember, remembered
from skiagraph.interchange.secondary import as_stored, kind_for, put_capture, put_frames, put_stored
from skiagraph.interchange.spaces import laid, laid_film, space_rest
from skiagraph.interchange.windows import put_windows, windows_from, windows_rest
from skiagraph.plain import from_plain, to_plain

__all__ = ["derived_image", "is_derived", "read_derived_image"]

Kind = Literal["enhanced", "translated", "synthetic"]
_SAID: Final[dict[str, str]] = {
    "enhanced": "Enhanced image: made by software from the source image; not as it was taken.",
    "translated": "Translated image: made by software to look as of another modality; no scanner took it.",
    "synthetic": "Synthetic image: made by software; no scanner took it.",
}
_RGB: Final = ("red", "green", "blue")


def derived_image(
    finding: DerivedImage, case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """The object of an image that a model made.

    Grey levels without a unit (booleans, bytes, unsigned words) and colours become multi-frame secondary captures,
    which every viewer shows; all other numbers Parametric Maps, which keep floats, signs and units.

    Raises:
        NoDicomHome: Channels other than three of bytes, or whole numbers of more than 53 bits.

    Source: DICOM PS3.3 A.8.3 to A.8.5, A.75; C.7.6.1.1.2 (image type), C.12.4 (derivation).
    """
    image = finding.image
    where = placed(image.space, case)
    shown = (
        not image.channels
        and image.quantity.unit is None
        and image.data.dtype in (np.bool_, np.uint8, np.uint16)
    )
    kind = (
        kind_for(image.data.dtype, len(image.channels))
        if shown or image.channels
        else str(ParametricMapStorage)
    )
    modality = "OT" if kind == ParametricMapStorage else image.modality or "OT"
    titled = Series(number=series.number, description=_titled(series.description, finding.kind))
    ds = begun(kind, modality, where.origin, equipment, titled, content)
    _put_derivation(ds, finding, where)
    if kind == ParametricMapStorage:
        put_label(
            ds, finding.kind.upper(), replace(content, description=_titled(content.description, finding.kind))
        )
        return map_object(ds, where, _numbers(image), _rest(image, modality))
    return _picture(ds, where, finding)


def _titled(words: str, kind: str) -> str:
    """Words that name the kind of image, also where they are cut at 64 characters."""
    return (words if kind in words.lower() else f"{kind.capitalize()}: {words}")[:64]


def _put_derivation(ds: Dataset, finding: DerivedImage, placed: Placed) -> None:
    ds.DerivationDescription = _SAID[finding.kind]
    ds.DerivationCodeSequence = [coded(UNSPECIFIED)]
    ds.SourceImageSequence = source_items(placed.origin)


def _numbers(image: Image) -> Numbers:
    return Numbers(
        space=image.space,
        values=np.asarray(image.data),
        name=image.quantity.name,
        unit=image.quantity.unit or codes.ONE,
        windows=image.windows,
    )


def _picture(ds: Dataset, placed: Placed, finding: DerivedImage) -> DicomObject:
    image, values = finding.image, np.asarray(finding.image.data)
    put_capture(ds, ["DERIVED", "SECONDARY", "OTHER", finding.kind.upper()], burned_in=False)
    ds.ImageComments = _SAID[finding.kind]
    groups = put_frames(ds, image.space, placed, UNSPECIFIED)
    dtype = np.dtype(np.uint8) if values.dtype == np.bool_ else values.dtype
    put_stored(ds, dtype, len(image.channels))
    put_windows(ds, () if image.channels else image.windows)
    ds.ReferencedSeriesSequence = referenced_series(placed.origin)
    rest = _rest(image, str(ds.Modality))
    rest |= space_rest(image.space, placed.planes, film=not groups) | windows_rest(ds, image.windows)
    if values.dtype == np.bool_:
        rest["dtype"] = "bool"
    remember(ds, rest)
    return sealed(ds, pixel_tail("PixelData", as_frames(values, placed.planes), as_stored, groups))


def _rest(image: Image, modality: str) -> dict[str, Any]:
    """What attributes do not say of an image."""
    rest: dict[str, Any] = {"quantity": to_plain(image.quantity)}
    if image.modality != modality:
        rest["modality"] = image.modality
    if image.channels and image.channels != _RGB:
        rest["channels"] = list(image.channels)
    return rest


def is_derived(ds: Dataset) -> bool:
    """Whether an object says that it is an image which a model made."""
    return _kind(ds) is not None


def _kind(ds: Dataset) -> Kind | None:
    """By the words of its derivation."""
    words = str(ds.get("DerivationDescription") or "").lower()
    found: list[Kind] = [kind for kind in get_args(Kind) if words.startswith(f"{kind} image:")]
    return found[0] if found and "DERIVED" in (ds.get("ImageType") or ()) else None


def read_derived_image(ds: Dataset) -> DerivedImage:
    """The image that a model made.

    Args:
        ds: What `derived_image` wrote, or what says the same of itself.

    Raises:
        FormatError: It does not say how it was made, or is damaged.
    """
    kind = _kind(ds)
    if kind is None:
        raise FormatError(
            "an image that a model made says how it was made (enhanced, translated, synthetic)",
            got="one that does not",
            way_out="read it as an image",
        )
    with foreign("an image that a model made has frames, and a place and a meaning for each"):
        rest = remembered(ds)
        image = _of_numbers(ds, rest) if ds.SOPClassUID == ParametricMapStorage else _of_picture(ds, rest)
    return DerivedImage(image=image, kind=kind)


def _of_numbers(ds: Dataset, rest: dict[str, Any]) -> Image:
    parts = numbers_in(ds)
    if len(parts) != 1:
        raise FormatError("an image has numbers of one kind", got=str(len(parts)))
    numbers = parts[0]
    quantity = Quantity(name=numbers.name, unit=numbers.unit if numbers.unit.scheme == "UCUM" else None)
    return Image(
        data=numbers.values,
        space=numbers.space,
        quantity=from_plain(Quantity, rest["quantity"]) if "quantity" in rest else quantity,
        modality=_modality(ds, rest),
        windows=numbers.windows,
    )


def _of_picture(ds: Dataset, rest: dict[str, Any]) -> Image:
    lattice = (laid if "PerFrameFunctionalGroupsSequence" in ds else laid_film)(ds, rest)
    values = np.ascontiguousarray(lattice.field(plain_pixels(ds)))
    if rest.get("dtype") == "bool":
        values = values.astype(np.bool_)
    colour = int(ds.get("SamplesPerPixel") or 1) == 3
    return Image(
        data=values,
        space=lattice.space,
        quantity=from_plain(Quantity, rest["quantity"]) if "quantity" in rest else Quantity(name="unknown"),
        channels=tuple(rest.get("channels", _RGB)) if colour else (),
        modality=_modality(ds, rest),
        windows=windows_from(ds, rest),
    )


def _modality(ds: Dataset, rest: dict[str, Any]) -> str | None:
    said = rest["modality"] if "modality" in rest else str(ds.get("Modality") or "") or None
    return None if said is None else str(said)
