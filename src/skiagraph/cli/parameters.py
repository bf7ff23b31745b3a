"""How filters and methods are written in the shell: `NAME:param=value,param=value`, checked against what they take."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np

from skiagraph.errors import GeometryError, InvalidInput, UnknownName
from skiagraph.image import Image, pixels

__all__ = ["Asked", "asked", "mask_in", "parameters_of"]

_YES, _NO, _NONE = ("true", "yes", "1"), ("false", "no", "0"), ("none", "auto")
_GIVEN = ("image", "mask")  # come from the command, not from the text


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A filter or method with the parameters that were asked for.

    Args:
        name: As the list has it.
        call: The class of the filter, or the function.
        given: Its parameters; what is left out has its default.
    """

    name: str
    call: Callable[..., Any]
    given: Mapping[str, Any]

    @property
    def said(self) -> str:
        """Its name with all that is not a file or an array, for a caption."""
        parts = [
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in self.given.items()
            if isinstance(value, int | float | str)
        ]
        return " ".join((self.name, *parts))


def parameters_of(call: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a filter or method takes, by name, with its defaults."""
    return {n: p for n, p in inspect.signature(call).parameters.items() if n not in _GIVEN}


def asked(text: str, known: Mapping[str, Callable[..., Any]], *, what: str) -> Asked:
    """A filter or method from its text.

    Args:
        text: Such as ``"k-nearest:window=3,k=4"``.
        known: What there is.
        what: It is, for the message.

    Raises:
        UnknownName: No such one, or no such parameter.
        InvalidInput: A value that cannot be read as what the parameter is, or one that is missing.
    """
    name, _, rest = text.partition(":")
    if name not in known:
        raise UnknownName(f"{what} is one of {', '.join(known)}", got=repr(name))
    call = known[name]
    there = parameters_of(call)
    hints = typing.get_type_hints(call.__init__ if inspect.isclass(call) else call)
    given: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        key, equal, value = part.partition("=")
        if not equal:
            raise InvalidInput(f"a parameter of {name} is written as param=value", got=repr(part))
        if key not in there:
            raise UnknownName(f"{name} takes {', '.join(there) or 'no parameter'}", got=repr(key))
        given[key] = _value(f"{key} of {name}", value, hints[key])
    for key, parameter in there.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            raise InvalidInput(f"{name} needs {key}", way_out=f"write {name}:{key}=...")
    return Asked(name=name, call=call, given=given)


def _value(what: str, text: str, hint: Any) -> Any:
    """The text as the type that the parameter has."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        choices = [one for one in typing.get_args(hint) if one is not type(None)]
        return None if text.lower() in _NONE else _value(what, text, choices[0])
    if typing.get_origin(hint) is Literal:
        if text not in typing.get_args(hint):
            raise InvalidInput(f"{what} is one of {', '.join(typing.get_args(hint))}", got=repr(text))
        return text
    if hint is Image:
        return _image_in(Path(text))
    if typing.get_origin(hint) is np.ndarray:
        return mask_in(Path(text))
    if hint is bool:
        if text.lower() not in (*_YES, *_NO):
            raise InvalidInput(f"{what} is yes or no", got=repr(text))
        return text.lower() in _YES
    try:
        if typing.get_origin(hint) is tuple:
            nested = typing.get_origin(typing.get_args(hint)[0]) is tuple
            rows = tuple(tuple(int(n) for n in row.split("x")) for row in text.split("+"))
            return rows if nested else rows[0]
        return hint(text)
    except ValueError as error:
        kind = {int: "a whole number", float: "a number"}.get(
            hint, "indices such as 120x200, or 120x200+80x90"
        )
        raise InvalidInput(f"{what} is {kind}", got=repr(text)) from error


def _image_in(path: Path) -> Image:
    from skiagraph.io import read_case

    return read_case(path).image


def mask_in(path: Path, of: Image | None = None) -> Any:
    """Where the image in a file is not 0: truth values, axes (time, spatial...).

    Args:
        path: Of the mask.
        of: The image that it belongs to; None where any will do.

    Raises:
        FormatError: Not an image.
        GeometryError: It has another shape than its image, or lies elsewhere.
    """
    from skiagraph.io import read_image

    mask = read_image(path).image
    if of is not None:
        _check_place(mask, of)
    array = np.asarray(pixels(mask) != 0)
    return array.any(axis=-1) if mask.channels else array


def _check_place(mask: Image, image: Image) -> None:
    if tuple(mask.space.shape) != tuple(image.space.shape):
        raise GeometryError(
            "a mask has the shape of its image", got=f"{mask.space.shape} for {image.space.shape}"
        )
    comparable = mask.space.unit == image.space.unit == "mm"
    if comparable and not np.allclose(mask.space.affine, image.space.affine, atol=1e-2):
        raise GeometryError(
            "a mask lies where its image lies",
            got="another place, spacing or direction",
            way_out="resample the mask onto the image first",
        )
