"""What no standard attribute says of a finding, as JSON in one private element of its object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydicom.dataset import Dataset

from skiagraph.errors import FormatError

__all__ = ["remember", "remembered"]

_GROUP: Final = 0x0009
_CREATOR: Final = "SKIAGRAPH"
_ELEMENT: Final = 0x01
VERSION: Final = 1


def remember(ds: Dataset, rest: Mapping[str, Any]) -> None:
    """Keeps plain data (as `to_plain` makes them) in an object; not what a standard attribute says, and no patient."""
    text = json.dumps({"version": VERSION, **rest}, sort_keys=True, ensure_ascii=True, allow_nan=False)
    block = ds.private_block(_GROUP, _CREATOR, create=True)
    block.add_new(_ELEMENT, "UT", text)


def remembered(ds: Dataset) -> dict[str, Any]:
    """What `remember` kept; empty for the objects of others and for versions that are not known here.

    Raises:
        FormatError: It is damaged.
    """
    try:
        block = ds.private_block(_GROUP, _CREATOR)
        text = block[_ELEMENT].value
    except KeyError:
        return {}
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace").rstrip("\0 ")
    try:
        data = json.loads(text)
    except ValueError as error:
        raise FormatError("the private element of this object is JSON", got="a damaged one") from error
    return data if isinstance(data, dict) and data.get("version") == VERSION else {}
