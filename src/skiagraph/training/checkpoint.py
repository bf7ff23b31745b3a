"""Saves a training after each epoch, so that a run that was cut off goes on where it was."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from skiagraph.errors import FormatError, InvalidInput
from skiagraph.plain import to_plain

__all__ = ["load_checkpoint", "save_checkpoint"]


def _key(plan: object, seed: int) -> str:
    return json.dumps([to_plain(plan), seed], sort_keys=True)


def save_checkpoint(path: Path | None, plan: object, seed: int, epoch: int, *parts: Any) -> None:
    """Writes the state of (network, average, optimizer) after `epoch` epochs; the old file stays until then."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(path.name + ".part")
    torch.save({"key": _key(plan, seed), "epoch": epoch, "states": [p.state_dict() for p in parts]}, work)
    work.replace(path)


def load_checkpoint(
    path: Path | None, plan: object, seed: int, network: nn.Module, average: nn.Module, optimizer: Any
) -> int:
    """Restores the state and returns how many epochs are done; 0 where there is no checkpoint.

    Raises:
        FormatError: The file is damaged.
        InvalidInput: It is of another plan, seed or version.
    """
    if path is None or not path.is_file():
        return 0
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        key, epoch, states = saved["key"], int(saved["epoch"]), saved["states"]
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise FormatError(
            f"the checkpoint {path.name} is whole", got="damage", way_out="delete it to begin anew"
        ) from error
    if key != _key(plan, seed):
        raise InvalidInput(
            f"the checkpoint {path.name} belongs to this plan and seed",
            got="another",
            way_out="delete it to begin anew",
        )
    for part, state in zip((network, average, optimizer), states, strict=True):
        part.load_state_dict(state)
    return epoch
