"""Headers as DICOM JSON (PS3.18 F): from raw elements straight to values, large ones named by their address."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from skiagraph.codecs.foreign import quiet
from skiagraph.errors import MissingInput
from skiagraph.io.dicom.scan import BROKEN, Header

__all__ = ["as_json", "bytes_at", "names_of", "pixel_tag", "text"]

_INLINE: Final = 1024  # bytes that stand in the JSON itself
_PLAIN: Final = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"})
_WHOLE: Final = frozenset({"LT", "ST", "UR", "UT"})
_BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_NUMBERS: Final[Mapping[str, str]] = {
    "FD": "d",
    "FL": "f",
    "SL": "l",
    "SS": "h",
    "SV": "q",
    "UL": "L",
    "US": "H",
    "UV": "Q",
}
_PIXELS: Final[Mapping[str, str]] = {
    "PixelData": "7FE00010",
    "FloatPixelData": "7FE00008",
    "DoubleFloatPixelData": "7FE00009",
}
_VR_OF_PIXELS: Final[Mapping[str, str]] = {
    "PixelData": "OW",
    "FloatPixelData": "OF",
    "DoubleFloatPixelData": "OD",
}
_NAMES: Final = ("Alphabetic", "Ideographic", "Phonetic")
_CHARACTERS: Final = 0x00080005
_DEEPEST: Final = 32

Place = Callable[[str], str]
"""From the path of an element (tags and numbers of items between slashes) to its address."""


def text(value: Any) -> bytes:
    """JSON as it goes out."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def as_json(header: Header, place: Place, wanted: frozenset[int] | None = None) -> dict[str, Any]:
    """A header as DICOM JSON.

    Args:
        header: As it was scanned.
        place: Gives the address of an element whose bytes do not stand in the JSON.
        wanted: Tags; None for all.

    Returns:
        Elements by tag, in their order. What its VR forbids stands as bytes under the VR UN.
    """
    with quiet():
        found = _dataset(header, place, "", wanted)
    pixels = header.pixels
    if pixels is not None and (wanted is None or int(_PIXELS[pixels.keyword], 16) in wanted):
        tag = _PIXELS[pixels.keyword]
        found[tag] = {"vr": pixels.vr or _VR_OF_PIXELS[pixels.keyword], "BulkDataURI": place(tag)}
    if wanted is None or _CHARACTERS in wanted:
        found["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}  # JSON is UTF-8, whatever the file was
    return dict(sorted(found.items()))


def pixel_tag(header: Header) -> str:
    """Which element holds the pixels; empty where there are none."""
    return _PIXELS[header.pixels.keyword] if header.pixels is not None else ""


def bytes_at(header: Header, path: str) -> bytes:
    """The bytes of an element.

    Args:
        header: As it was scanned.
        path: Tags, and after each sequence the number of an item from 0, between slashes.

    Raises:
        MissingInput: There is no such element, or it holds no bytes.
    """
    found: Dataset = header
    *way, last = path.split("/")
    if len(way) % 2 or len(way) > 2 * _DEEPEST:
        raise _absent()
    try:
        with quiet():
            for tag, number in zip(way[::2], way[1::2], strict=True):
                found = found[_tag(tag)].value[_number(number)]
            value = found.get_item(_tag(last)).value
    except BROKEN as error:
        raise _absent() from error
    if not isinstance(value, bytes):
        raise _absent()
    return value


def names_of(name: str) -> list[dict[str, str]]:
    """A person's name, its spellings apart."""
    groups = zip(_NAMES, name.split("="), strict=False)
    said = {kind: group.strip() for kind, group in groups if group.strip()}
    return [said] if said else []


def _absent() -> MissingInput:
    return MissingInput("bulk data lie where the metadata say", got="another place")


def _number(text: str) -> int:
    """Of an item, from 0."""
    if not text.isdecimal():
        raise IndexError(text)
    return int(text)


def _tag(text: str) -> BaseTag:
    if len(text) != 8:
        raise KeyError(text)
    return BaseTag(int(text, 16))


def _dataset(ds: Dataset, place: Place, path: str, wanted: frozenset[int] | None = None) -> dict[str, Any]:
    found = {}
    for tag, element in ds._dict.items():  # noqa: SLF001  (its own doors would convert each element)
        if tag & 0xFFFF == 0 or (wanted is not None and tag not in wanted):
            continue
        name = f"{tag:08X}"
        found[name] = _element(ds, tag, element, place, path + name)
    return found


def _element(
    ds: Dataset, tag: BaseTag, element: DataElement | RawDataElement, place: Place, path: str
) -> dict[str, Any]:
    if isinstance(element, RawDataElement) and element.is_little_endian:
        vr = element.VR if element.VR not in (None, "UN") else _vr_of(tag) or element.VR
        if vr is not None and vr != "SQ":
            quickly = _quickly(vr, element.value or b"", place, path)
            if quickly is not None:
                return quickly
    try:
        return _slowly(ds[tag], place, path)
    except BROKEN:
        value = element.value
        data = value if isinstance(value, bytes) else b""
        return _binary("UN", data, place, path)


def _quickly(vr: str, data: bytes, place: Place, path: str) -> dict[str, Any] | None:
    """An element whose bytes mean the same whatever stands around it; None for others."""
    if vr in _BINARY:
        return _binary(vr, data, place, path)
    if vr in _NUMBERS:
        return _numbers(vr, data)
    if not data.isascii() or b"\x1b" in data:
        return None
    said = data.decode("ascii")
    if vr in _PLAIN:
        return _listed(vr, [one.strip(" \0") for one in said.split("\\")])
    if vr in _WHOLE:
        return _listed(vr, [said.rstrip(" \0")])
    if vr in ("DS", "IS"):
        return _listed(vr, [_decimal(one.strip(" \0"), vr) for one in said.split("\\")])
    if vr == "PN":
        names = [names_of(one.strip(" \0")) for one in said.split("\\")]
        return _listed(vr, [one[0] if one else None for one in names])
    if vr == "AT" and len(data) % 4 == 0:
        pairs = struct.iter_unpack("<HH", data)
        return _listed(vr, [f"{group:04X}{number:04X}" for group, number in pairs])
    return None


def _listed(vr: str, values: list[Any]) -> dict[str, Any]:
    """Values; those that are empty among others are null (PS3.18 F.2.5)."""
    values = [None if one == "" else one for one in values]
    return {"vr": vr} if all(one is None for one in values) else {"vr": vr, "Value": values}


def _decimal(said: str, vr: str) -> int | float | str:
    """A number; where it is none, its text, as PS3.18 F.2.3.1 lets it stand."""
    if not said:
        return ""
    try:
        number = int(said) if vr == "IS" or said.lstrip("+-").isdecimal() else float(said)
    except ValueError:
        return said
    return number if math.isfinite(number) else said


def _numbers(vr: str, data: bytes) -> dict[str, Any] | None:
    form = _NUMBERS[vr]
    size = struct.calcsize(f"<{form}")
    if len(data) % size:
        return None
    values = struct.unpack(f"<{len(data) // size}{form}", data)
    if form in "df":
        return _listed(vr, [one if math.isfinite(one) else _endless(one) for one in values])
    return _listed(vr, list(values))


def _endless(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _binary(vr: str, data: bytes, place: Place, path: str) -> dict[str, Any]:
    if len(data) > _INLINE:
        return {"vr": vr, "BulkDataURI": place(path)}
    return {"vr": vr, "InlineBinary": base64.b64encode(data).decode()} if data else {"vr": vr}


def _slowly(element: DataElement, place: Place, path: str) -> dict[str, Any]:
    """An element as pydicom makes it: sequences, other character sets, big endian, unstated VRs."""
    vr = str(element.VR)
    if vr == "SQ":
        items = [_dataset(item, place, f"{path}/{n}/") for n, item in enumerate(element.value or ())]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if isinstance(element.value, bytes):
        return _binary(vr if vr in _BINARY else "UN", element.value, place, path)
    found: dict[str, Any] = element.to_json_dict(None, 0)
    if vr == "PN" or "Value" not in found:
        return found
    return _listed(vr, [_kept(one) for one in found["Value"]])


def _kept(value: Any) -> Any:
    return _endless(value) if isinstance(value, float) and not math.isfinite(value) else value


def _vr_of(tag: BaseTag) -> str | None:
    """Of an element of the standard that does not state it; None where it depends, or is not known."""
    vr = dictionary_VR(tag) if dictionary_has_tag(tag) else ""
    return vr if len(vr) == 2 else None
