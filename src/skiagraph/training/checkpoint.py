"""Saves a training as it goes, so that a run that was cut off at any moment goes on exactly where it was."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from skiagraph.errors import FormatError, InvalidInput, WriteFailed
from skiagraph.plain import to_plain

__all__ = ["load_checkpoint", "save_checkpoint"]

_DAMAGE: Final = (
    OSError,
    RuntimeError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    EOFError,
    pickle.UnpicklingError,
)  # all that PyTorch was seen to raise over a file that is none


def _key(plan: object, seed: int) -> str:
    return json.dumps([to_plain(plan), seed], sort_keys=True)


def save_checkpoint(
    path: Path | None, plan: object, seed: int, place: Mapping[str, Any], states: Sequence[Mapping[str, Any]]
) -> None:
    """Writes where a training is and the states of its parts; the old file stays until the new one is whole.

    Raises:
        WriteFailed: The disk does not take it.
    """
    if path is None:
        return
    work = path.with_name(path.name + ".part")
    saved = {"key": _key(plan, seed), "place": dict(place), "states": list(states)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(saved, work)
        work.replace(path)
    except (OSError, RuntimeError) as error:
        work.unlink(missing_ok=True)
        raise WriteFailed(
            f"the checkpoint {path.name} is written whole",
            got=getattr(error, "strerror", None) or "an error of the disk",
            way_out="make room, and give the same command again: it goes on from the checkpoint before",
        ) from error


def load_checkpoint(
    path: Path | None, plan: object, seed: int
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]] | None:
    """Where the training was, and the states of its parts; None where there is no checkpoint.

    Raises:
        FormatError: The file is damaged.
        InvalidInput: It is of another plan, seed or version.
    """
    if path is None or not path.is_file():
        return None
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        key, place, states = saved["key"], dict(saved["place"]), list(saved["states"])
    except _DAMAGE as error:
        raise FormatError(
            f"the checkpoint {path.name} is whole", got="damage", way_out="delete it to begin anew"
        ) from error
    if key != _key(plan, seed):
        raise InvalidInput(
            f"the checkpoint {path.name} belongs to this plan and seed",
            got="another",
            way_out="delete it to begin anew",
        )
    return place, states
