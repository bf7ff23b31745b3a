"""Content items of structured reports, checked by highdicom, from the values of this library."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentSequence,
    NumContentItem,
    TextContentItem,
    UIDRefContentItem,
)
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.geometry import derived_frame
from skiagraph.interchange.coded import coded
from skiagraph.plain import to_plain

__all__ = ["concept", "container", "number", "statement", "text", "tracking_uid", "uid", "under", "words"]

CONTAINS: Final = "CONTAINS"
HAS_PROPERTIES: Final = "HAS PROPERTIES"
MODIFIES: Final = "HAS CONCEPT MOD"
_LAYOUT: Final = "\t\n\f\r"  # the control characters that DICOM PS3.5 section 6.1.3 allows

_BLANKS: Final = {ord(c): " " for c in _LAYOUT}


def words(raw: str) -> str:
    """A text with no characters that DICOM forbids (PS3.5 section 6.1.3), and something in it."""
    allowed = "".join(c if c in _LAYOUT or not _control(c) else "\ufffd" for c in raw)
    return allowed if allowed.strip(" \t\n\f\r") else "\ufffd"


def _control(character: str) -> bool:
    return ord(character) < 32 or 127 <= ord(character) < 160 or "\ud800" <= character <= "\udfff"


def concept(code: Code) -> CodedConcept:
    """A code as a concept of highdicom."""
    meaning = words(code.meaning).replace("\\", "/").translate(_BLANKS) if code.meaning else ""
    entry = coded(Code(value=code.value, scheme=code.scheme, meaning=meaning))
    return CodedConcept(entry.CodeValue, entry.CodingSchemeDesignator, entry.CodeMeaning)


def statement(name: Code, value: Code, relation: str = CONTAINS) -> Dataset:
    """One thing said by a code."""
    return CodeContentItem(concept(name), concept(value), relationship_type=relation)


def text(name: Code, raw: str, relation: str = CONTAINS) -> Dataset:
    """One thing said in words."""
    return TextContentItem(concept(name), words(raw), relationship_type=relation)


def number(name: Code, value: float, unit: Code, relation: str = CONTAINS) -> Dataset:
    """One number, in decimals for people and as it is for programs (DICOM PS3.3 C.18.1)."""
    return NumContentItem(concept(name), float(value), concept(unit), relationship_type=relation)


def uid(name: Code, value: str, relation: str = CONTAINS) -> Dataset:
    """One unique identifier."""
    return UIDRefContentItem(concept(name), value, relationship_type=relation)


def container(name: Code, items: Iterable[Dataset], relation: str | None = CONTAINS) -> Dataset:
    """A heading with what stands under it."""
    return under(
        ContainerContentItem(concept(name), is_content_continuous=False, relationship_type=relation), items
    )


def under(item: Dataset, items: Iterable[Dataset]) -> Dataset:
    """An item with further ones under it; none where there are none."""
    found = [*item.get("ContentSequence", ()), *items]
    if found:
        item.ContentSequence = ContentSequence(found)
    return item


def tracking_uid(*what: Any) -> str:
    """A UID by which a thing is found again; the same whenever the same things are said of the same study."""
    return derived_frame("tracking " + json.dumps(to_plain(list(what)), sort_keys=True))
