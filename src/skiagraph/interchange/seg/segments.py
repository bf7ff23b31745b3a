"""Segments to and from the items of a segment sequence."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.codes import Code
from skiagraph.errors import FormatError
from skiagraph.findings import Segment
from skiagraph.geometry import derived_frame
from skiagraph.interchange.coded import code_of, coded
from skiagraph.interchange.envelope import plain_words
from skiagraph.interchange.identity import Algorithm, Content

__all__ = ["background_item", "segment_items", "segments_of"]

ANATOMY: Final = Code(value="123037004", scheme="SCT", meaning="Anatomical Structure")
ABNORMAL: Final = Code(value="49755003", scheme="SCT", meaning="Morphologically Abnormal Structure")
BACKGROUND: Final = Code(value="125040", scheme="DCM", meaning="Background")
AI: Final = Code(value="123110", scheme="DCM", meaning="Artificial Intelligence")
_ABNORMAL: Final = frozenset(  # SNOMED CT, of CID 7159 and CID 7160: lesions and what else does not belong
    {
        *("52988006", "49755003", "108369006", "4147007", "27925004", "86049000", "14799000", "3898006"),
        *("1240414004", "367651003", "41699000", "79654002", "6574001", "50960005", "55584005", "441457006"),
        *("12856003", "112648003", "38708008", "56208002", "125671007", "34823008", "41720003", "75934005"),
    }
)
_GOLDEN: Final = 0.618033988749895
_OWN: Final = "99SKIAGRAPH"


def segment_items(
    segments: Sequence[Segment], numbers: Sequence[int], content: Content, about: str
) -> list[Dataset]:
    """Items of the segment sequence (DICOM PS3.3 C.8.20.2.3 and table 10-51).

    Args:
        segments: What they are.
        numbers: SegmentNumber of each.
        content: What made them.
        about: The series that they are about; their tracking UIDs follow from it.
    """
    alone = {code: [s.code for s in segments].count(code) == 1 for code in {s.code for s in segments}}
    items = []
    for segment, number in zip(segments, numbers, strict=True):
        words = plain_words(segment.code.meaning) or segment.code.value
        label = words if alone[segment.code] else f"{words[:53]} {segment.number}"
        category = ABNORMAL if segment.code.scheme == "SCT" and segment.code.value in _ABNORMAL else ANATOMY
        item = _item(number, label, category, segment.code)
        _made_by(item, content.algorithm)
        item.TrackingID = label
        told = (about, content.created.isoformat(), segment.number, segment.code.scheme, segment.code.value)
        item.TrackingUID = UID(derived_frame(" ".join(["segment", *map(str, told)])))
        items.append(item)
    return items


def background_item(content: Content) -> Dataset:
    """What 0 means in a label map."""
    item = _item(0, "Background", BACKGROUND, BACKGROUND)
    _made_by(item, content.algorithm)
    return item


def segments_of(items: Sequence[Dataset], rest: dict[str, Any]) -> dict[int, Segment]:
    """The segments of an object by SegmentNumber, without the background.

    Args:
        items: Of its segment sequence.
        rest: Its remainder: our numbers and the confidence of each, where no attribute says them.

    Raises:
        FormatError: A remainder that is not of these segments.
    """
    if rest.get("empty"):
        return {}
    found = [item for item in items if int(item.SegmentNumber) > 0]
    numbers = rest.get("numbers") or [int(item.SegmentNumber) for item in found]
    confidences = rest.get("confidences") or [None] * len(found)
    if not len(numbers) == len(confidences) == len(found):
        raise FormatError("what is remembered is of the segments of this object", got="another number")
    return {
        int(item.SegmentNumber): Segment(number=number, code=_code(item), confidence=confidence)
        for item, number, confidence in zip(found, numbers, confidences, strict=True)
    }


def _code(item: Dataset) -> Code:
    """The property type; a code of our own with the words of its label where there is none."""
    types = item.get("SegmentedPropertyTypeCodeSequence")
    if types:
        return code_of(types[0])
    label = str(item.get("SegmentLabel") or "").strip() or "Segment"
    return Code(value=label[:16].strip(), scheme=_OWN, meaning=label)


def _item(number: int, label: str, category: Code, kind: Code) -> Dataset:
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel = number, label
    item.SegmentedPropertyCategoryCodeSequence = [coded(category)]
    item.SegmentedPropertyTypeCodeSequence = [coded(kind)]
    item.RecommendedDisplayCIELabValue = _colour(number)
    return item


def _made_by(item: Dataset, algorithm: Algorithm | None) -> None:
    if algorithm is None:
        item.SegmentAlgorithmType = "MANUAL"
        return
    item.SegmentAlgorithmType, item.SegmentAlgorithmName = "AUTOMATIC", plain_words(algorithm.name)
    identity = Dataset()
    identity.AlgorithmFamilyCodeSequence = [coded(AI)]
    identity.AlgorithmName, identity.AlgorithmVersion = (
        plain_words(algorithm.name),
        plain_words(algorithm.version),
    )
    if algorithm.digest:
        identity.AlgorithmParameters = f"SHA-256 of the weights: {algorithm.digest}"
    item.SegmentationAlgorithmIdentificationSequence = [identity]


def _colour(number: int) -> list[int]:
    """A colour for each number, neighbours far apart on the circle of hues; black for 0 (DICOM PS3.3 C.10.7.1.1)."""
    light = 0.62 if number else 0.0
    rgb = np.array(colorsys.hls_to_rgb(number * _GOLDEN % 1.0, light * 0.9, 0.75))
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    to_xyz = np.array(  # sRGB to CIE XYZ with the white of D50, which DICOM asks for
        [
            [0.4360747, 0.3850649, 0.1430804],
            [0.2225045, 0.7168786, 0.0606169],
            [0.0139322, 0.0971045, 0.7141733],
        ]
    )
    x, y, z = (float(v) for v in np.cbrt(np.maximum(to_xyz @ linear / to_xyz.sum(axis=1), 216 / 24389)))
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    return [round(lightness * 65535 / 100), round((a + 128) * 257), round((b + 128) * 257)]
