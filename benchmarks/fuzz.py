"""Mutated files of every format, for ten minutes: no exception but ours, no hang over 5 s, no memory over 1 GiB."""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "io" / "fuzz"))

from fuzz_moves import minimised, mutated
from fuzz_seeds import SIBLINGS, seeds
from fuzz_worker import Outcome, Reader

RESULT = Path(__file__).parent / "results" / "fuzz.json"
KEPT = (
    Path(__file__).parents[1] / "tests" / "io" / "fuzz" / "cases"
)  # what failed once is close to what may still fail
WHOLE = 10.0  # minutes; a shorter run looks and is not kept as a figure
ATHERIS = "atheris==3.0.0"


def has_atheris() -> bool:
    """Whether the fuzzer that follows coverage is here, or could be installed."""
    if importlib.util.find_spec("atheris") is None:
        line = [sys.executable, "-m", "pip", "install", "--quiet", ATHERIS]
        subprocess.run(line, check=False, capture_output=True)
        importlib.invalidate_caches()
    return importlib.util.find_spec("atheris") is not None


def guided(files: dict[str, bytes], seconds: float) -> tuple[int, list[bytes]]:
    """The number of inputs, and those that failed; a run that a file ended is followed by the next."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        home = Path(name)
        for folder, members in (("seeds", files), ("corpus", {}), ("found", {}), ("files", SIBLINGS)):
            for part, data in {**members}.items():
                (home / folder / part).parent.mkdir(parents=True, exist_ok=True)
                (home / folder / part).write_bytes(data)
            (home / folder).mkdir(exist_ok=True)
        end = time.monotonic() + seconds
        while (left := int(end - time.monotonic())) > 10:
            line = [sys.executable, Path(__file__).with_name("fuzz_guided.py"), home, str(left)]
            subprocess.run(line, check=False, capture_output=True, timeout=left + 120)
        tally = home / "inputs"
        inputs = int(tally.read_text()) if tally.is_file() else 0
        return inputs, [path.read_bytes() for path in sorted((home / "found").iterdir())]


def blind(files: dict[str, bytes], seconds: float, reader: Reader) -> tuple[int, list[bytes]]:
    """The same without coverage: every input on its own, in a worker that is measured."""
    names, found, count = sorted(files), {}, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chance = random.Random(f"{time.time_ns()}")  # noqa: S311  (no secret)
        data = mutated(files[chance.choice(names)], chance, list(files.values()))
        outcome, count = reader.read(data), count + 1
        if outcome.failed:
            found.setdefault(f"{outcome.kind} {outcome.where}", data)
    return count, list(found.values())


def confirmed(found: list[bytes], reader: Reader) -> dict[str, tuple[Outcome, bytes]]:
    """Failures that happen again in a fresh worker, as small as they can be made, by what they are."""
    kept = {}
    for data in found:
        outcome = reader.read(data)
        if outcome.failed and f"{outcome.kind} {outcome.where}" not in kept:
            kept[f"{outcome.kind} {outcome.where}"] = outcome, minimised(data, outcome, reader.read)
    return kept


def main() -> None:
    """Half of the time with coverage as the guide, half without it but with every input measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed")
    chosen = parser.parse_args()
    files = {**seeds(), **{path.stem: path.read_bytes() for path in sorted(KEPT.iterdir())}}
    seconds = chosen.minutes * 60
    atheris = has_atheris()
    if not atheris:
        print(
            f"Left out: coverage as the guide; {ATHERIS} is not here and could not be installed.",
            file=sys.stderr,
        )
    with Reader(files, SIBLINGS) as reader:
        led, found = guided(files, seconds / 2) if atheris else (0, [])
        count, more = blind(files, seconds / 2 if atheris else seconds, reader)
        kept = confirmed(found + more, reader)
    for what, (outcome, data) in kept.items():
        print(f"FAILED {what} ({len(data)} bytes)\n{outcome.told}")
        if chosen.keep is not None:
            chosen.keep.mkdir(parents=True, exist_ok=True)
            (chosen.keep / f"{len(list(chosen.keep.iterdir())):03}.bin").write_bytes(data)
    result = {"minutes": chosen.minutes, "inputs": led + count, "of them guided": led, "failures": len(kept)}
    if chosen.minutes >= WHOLE:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    sys.exit(bool(kept))


if __name__ == "__main__":
    main()
