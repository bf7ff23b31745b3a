"""Where models, trainers, metrics and readers are found by name: entry points, ours too, loaded when asked."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias

from skiagraph.errors import UnknownName

__all__ = ["Kind", "names", "registered"]

Kind: TypeAlias = Literal["models", "trainers", "metrics", "readers"]


def _points(kind: Kind) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"skiagraph.{kind}")}


def names(kind: Kind) -> tuple[str, ...]:
    """What is registered, sorted; nothing is loaded."""
    return tuple(sorted(_points(kind)))


def registered(kind: Kind, name: str) -> Any:
    """The object that an installed package registered under ``skiagraph.<kind>``.

    Args:
        kind: What is looked for. ``"models"`` are functions that give a `Bundle`; ``"trainers"`` and ``"metrics"`` are
            called with their settings and give the object; ``"readers"`` are functions ``Path -> Study``.
        name: Its name.

    Raises:
        UnknownName: Not registered; the message lists what is.
    """
    point = _points(kind).get(name)
    if point is None:
        raise UnknownName(
            f"{kind} are asked for by a registered name",
            got=repr(name),
            way_out=f"there are: {', '.join(names(kind))}",
        )
    return point.load()
