"""The trials of a tuning: what each tried and what came of it, kept in a file from which the tuning goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, final

from skiagraph.codecs import written
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.plain import from_plain, to_plain

__all__ = ["Aim", "Trial", "keep_trials", "kept_trials", "key_of"]

_VERSION: Final = 1


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """The figure of validation by which trials are compared: its name, and whether more is better."""

    name: str
    more: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One training with some values.

    Args:
        number: From 0, in the order of the trials.
        values: By field, as `skiagraph.training.space.changed` takes them.
        outcome: Whether it came to its end, was stopped because others did better, or failed.
        figure: Of validation, when it ended or was stopped; None of a failure.
        curve: The figure at twentieths of the training, 1 to 20.
        seconds: That it took.
        problem: Why it failed, in a sentence.
    """

    number: int
    values: Mapping[str, Any]
    outcome: Literal["ended", "stopped", "failed"]
    figure: float | None = None
    curve: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""


def key_of(*parts: Any) -> str:
    """What trials belong to, as one line: plan, space and seed."""
    return hashlib.sha256(json.dumps(to_plain(list(parts)), sort_keys=True).encode()).hexdigest()


def kept_trials(file: Path | None, key: str) -> tuple[Trial, ...]:
    """The trials of a file; none where there is no file.

    Raises:
        FormatError: The file is damaged, or of a later version.
        InvalidInput: It belongs to another plan, space or seed.
    """
    if file is None or not file.is_file():
        return ()
    begin = "delete it to begin anew"
    try:
        found = json.loads(file.read_text("utf-8"))
        version, of, rows = found["version"], found["of"], found["trials"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FormatError(f"the trials in {file.name} are whole", got="damage", way_out=begin) from error
    if version != _VERSION:
        raise FormatError(
            f"trials are of version {_VERSION}", got=f"{version!r} in {file.name}", way_out=begin
        )
    if of != key:
        rule = f"the trials in {file.name} belong to this plan, these fields and this seed"
        raise InvalidInput(rule, got="others", way_out=f"{begin}, or choose another name for the output")
    return tuple(from_plain(Trial, row) for row in rows)


def keep_trials(file: Path | None, key: str, trials: Sequence[Trial]) -> None:
    """Writes trials; the old file stays until the new one is whole.

    Raises:
        MissingInput: The folder does not exist.
        NotPermitted: It may not be written to.
        WriteFailed: The disk does not take it.
    """
    if file is None:
        return
    text = json.dumps({"version": _VERSION, "of": key, "trials": to_plain(list(trials))}, indent=1)
    with written(file) as work:
        work.write_text(text + "\n", encoding="utf-8")
