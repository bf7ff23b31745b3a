"""What kind of picture an image is, for the checks: rings belong to CT, ghosts to MR, glare to photographs."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from skiagraph.image import Image
from skiagraph.image.quantity import HU, SIGNAL

__all__ = ["KINDS", "Kind", "kind_of"]

Kind: TypeAlias = Literal["ct", "mr", "xray", "ultrasound", "photograph", "other"]

KINDS: Final[tuple[Kind, ...]] = ("ct", "mr", "xray", "ultrasound", "photograph", "other")

_OF_MODALITY: Final[dict[str, Kind]] = {
    "CT": "ct",
    "MR": "mr",
    **dict.fromkeys(("CR", "DX", "MG", "IO", "PX", "RF", "RG", "XA"), "xray"),
    **dict.fromkeys(("US", "IVUS", "BUS"), "ultrasound"),
    **dict.fromkeys(("OP", "XC", "ES", "GM", "DMS"), "photograph"),
}


def kind_of(image: Image) -> Kind:
    """The kind of an image: by its modality, else by its quantity, else by its channels; ``"other"`` is not guessed.

    Colour images of an ultrasound scanner stay ultrasound; a colour picture of unknown modality counts as photograph.

    Source: own; modalities of DICOM PS3.3 C.7.3.1.1.1.
    """
    if image.modality is not None:
        return _OF_MODALITY.get(image.modality, "other")
    if image.quantity == HU:
        return "ct"
    if image.quantity == SIGNAL:
        return "mr"
    return "photograph" if image.channels == ("red", "green", "blue") else "other"
