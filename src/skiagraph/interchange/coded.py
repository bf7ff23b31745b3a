"""Codes of ours to and from coded entries of DICOM."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = ["code_of", "coded"]

# A backslash would part the words into two values; controls are none of a short text (DICOM PS3.5 6.1.3).
_NOT_IN_WORDS: Final = {ord("\\"): "/", **dict.fromkeys(range(32), " "), 127: " "}


def coded(code: Code) -> Dataset:
    """A coded entry (DICOM PS3.3 section 8.8); a code without words is called by its value."""
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator = code.value, code.scheme
    ds.CodeMeaning = (
        " ".join((code.meaning or code.value).translate(_NOT_IN_WORDS).split())[:64] or code.value
    )
    return ds


def code_of(entry: Dataset) -> Code:
    """The code of an entry, also one with a long code value or a URN.

    Raises:
        InvalidInput: It has none.
    """
    value = entry.get("CodeValue") or entry.get("LongCodeValue") or entry.get("URNCodeValue") or ""
    scheme = entry.get("CodingSchemeDesignator") or ("URN" if "URNCodeValue" in entry else "")
    if not value or not scheme:
        raise InvalidInput("a coded entry has a value and a scheme", got="one without")
    return Code(
        value=str(value)[:16], scheme=str(scheme)[:16], meaning=str(entry.get("CodeMeaning") or "").strip()
    )
