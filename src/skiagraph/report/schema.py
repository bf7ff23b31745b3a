"""The JSON Schema of `reading.json`, derived from the types of the values, so that it cannot say anything else."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from skiagraph.case import Report, Signature
from skiagraph.errors import ContractError
from skiagraph.findings import Finding, Provenance, Segmentation
from skiagraph.report.reading import FORMAT, VERSION, Input
from skiagraph.task import Card, Explanation

__all__ = ["reading_schema"]

_PLAIN: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}
_ARRAY: Final[dict[str, Any]] = {
    "description": "An array: its numbers nested as its axes, or the zlib-packed little-endian bytes in base64.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "pattern": "^(bool|u?int(8|16|32|64)|float(16|32|64))$"},
        "values": {"type": "array"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "zlib": {"type": "string", "contentEncoding": "base64"},
    },
    "required": ["type"],
    "oneOf": [{"required": ["values"]}, {"required": ["shape", "zlib"]}],
    "additionalProperties": False,
}


def reading_schema() -> dict[str, Any]:
    """The schema, draft 2020-12. ``reading.schema.json`` is what this gives, and a test holds them together."""
    kinds: dict[str, Any] = {"Array": _ARRAY}
    parts = {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "case": {"type": "string", "minLength": 1},
        "report": {
            "type": "object",
            "properties": {
                "identifier": _PLAIN[str],
                "state": _of(get_type_hints(Report)["state"], kinds),
                "version": {"type": "integer", "minimum": 1},
                "signature": _of(Signature | None, kinds),
                "reason": _PLAIN[str],
                "previous": _of(Report | None, kinds),
            },
            "required": ["identifier", "state", "version", "signature", "reason", "previous"],
            "additionalProperties": False,
        },
        "findings": {"type": "array", "items": _of(Finding, kinds)},
        "provenance": _of(Provenance, kinds),
        "narrative": {"type": "object", "additionalProperties": {"type": "string"}},
        "inputs": _of(tuple[Input, ...], kinds),
        "problems": _of(tuple[str, ...], kinds),
        "given": _of(tuple[Segmentation, ...], kinds),
        "reasons": _of(tuple[Explanation, ...], kinds),
        "card": _of(Card, kinds),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Skiagraph reading",
        "description": "What one model said of one case, the report of it, and where it came from.",
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
        "$defs": dict(sorted(kinds.items())),
    }


def _of(kind: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type as it stands in an annotation; dataclasses are added to `kinds`."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin is np.ndarray:
        return {"$ref": "#/$defs/Array"}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _reference(kind, kinds)
    if origin in (Union, types.UnionType):
        written = [arg for arg in args if _has_form(arg)]
        return (
            _of(written[0], kinds) if len(written) == 1 else {"anyOf": [_of(arg, kinds) for arg in written]}
        )
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return {"type": "array", "items": _of(args[0], kinds)}
    if origin is tuple:
        each = [_of(arg, kinds) for arg in args]
        return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(args[1], kinds)}
    raise ContractError("the fields of a reading have types with a plain form", got=str(kind))


def _has_form(kind: Any) -> bool:
    """Pixels that are not decoded yet are written as the array that they stand for, and have no form of their own."""
    return kind in _PLAIN or get_origin(kind) is not None or dataclasses.is_dataclass(kind)


def _reference(kind: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in kinds:
        entry: dict[str, Any] = {}
        kinds[kind.__name__] = entry  # before its fields: a report holds the report before it
        hints, fields = get_type_hints(kind), dataclasses.fields(kind)
        properties = {"is": {"const": kind.__name__}} | {f.name: _of(hints[f.name], kinds) for f in fields}
        entry.update(
            description=(inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " "),
            type="object",
            properties=properties,
            required=list(properties),
            additionalProperties=False,
        )
    return {"$ref": f"#/$defs/{kind.__name__}"}
