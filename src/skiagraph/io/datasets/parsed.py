"""JSON and XML of data sets, read with care: what is damaged is one sentence, and entities are not expanded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from skiagraph.errors import FormatError, MissingInput, NotPermitted

__all__ = ["json_of", "numbers_in", "objects_in", "whole_in", "xml_of"]

_MOST: Final = 2**30  # bytes of a file of annotations
_LIMIT: Final = 2**31


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST:
            raise FormatError(f"{path.name} has at most 1 GiB", got="more")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingInput(f"{path.name} does not exist", way_out="check the path") from error
    except PermissionError as error:
        raise NotPermitted(f"{path.name} may not be read by you") from error
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read from its disk", got=type(error).__name__) from error


def json_of(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Not one object of JSON.
    """
    try:
        said = json.loads(_bytes(path))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path.name} is JSON", got="something else, or damage") from error
    if not isinstance(said, dict):
        raise FormatError(f"{path.name} holds one object", got=type(said).__name__)
    return said


def objects_in(said: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    """The list of objects under a key.

    Raises:
        FormatError: Something else.
    """
    found = said.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FormatError(f"{key} is a list of objects ({where})", got=type(found).__name__)
    return found


def whole_in(value: Any, what: str, where: str) -> int:
    """A whole number from 0 to 2**31, as a number or in words.

    Raises:
        FormatError: Something else.
    """
    good = isinstance(value, int) or (isinstance(value, str) and value.isdecimal() and len(value) < 12)
    if not good or isinstance(value, bool) or not 0 <= int(value) < _LIMIT:
        raise FormatError(f"{what} is a whole number from 0 ({where})", got=repr(value)[:40])
    return int(value)


def numbers_in(value: Any, count: int, what: str, where: str) -> tuple[float, ...]:
    """A list of so many finite numbers.

    Raises:
        FormatError: Something else.
    """
    numbers = value if isinstance(value, list) else []
    good = all(isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < _LIMIT for n in numbers)
    if len(numbers) != count or not good:
        raise FormatError(f"{what} is {count} numbers ({where})", got=repr(value)[:60])
    return tuple(float(n) for n in numbers)


def xml_of(path: Path) -> ET.Element:
    """The root of an XML file.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Not XML, or XML that declares entities.
    """
    data = _bytes(path)
    if b"<!ENTITY" in data:
        raise FormatError(f"{path.name} declares no entities", got="some, which may grow without end")
    try:
        return ET.fromstring(data)  # noqa: S314  (entities were refused)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise FormatError(f"{path.name} is XML", got="something else, or damage") from error
