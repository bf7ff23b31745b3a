"""The process that `fuzz.py` starts again and again: Atheris mutates files toward code that no file has reached yet."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "io" / "fuzz"))

with atheris.instrument_imports(include=["skiagraph", "pydicom", "nibabel", "tifffile"]):
    from fuzz_moves import mutated
    from fuzz_worker import judged

_EVERY = 50  # inputs after which the count is written down


def main() -> None:
    """Runs until its time is over, or until libFuzzer ends it for a hang, a crash or its memory.

    Its arguments are a folder with ``seeds/``, ``corpus/``, ``found/`` and ``files/``, and the seconds that it has.
    """
    home, seconds = Path(sys.argv[1]), int(sys.argv[2])
    seeds = [path.read_bytes() for path in sorted((home / "seeds").iterdir())]
    place, tally = home / "files" / "input", home / "inputs"
    begun = int(tally.read_text()) if tally.is_file() else 0
    done = 0

    def one(data: bytes) -> None:
        nonlocal done
        done += 1
        if done % _EVERY == 0:
            tally.write_text(str(begun + done))
        place.write_bytes(data)
        outcome = judged(place)
        if outcome.failed:
            name = hashlib.sha256(f"{outcome.kind} {outcome.where}".encode()).hexdigest()[:12]
            (home / "found" / name).write_bytes(data)

    def move(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)  # noqa: S311  (no secret)
        return bytes(
            mutated(bytes(data), chance, seeds)[:most]
            if chance.random() < 0.8
            else atheris.Mutate(data, most)
        )

    options = [
        f"-max_total_time={seconds}",
        "-timeout=5",
        "-rss_limit_mb=1600",
        "-max_len=65536",
        "-verbosity=0",
    ]
    options += [f"-artifact_prefix={home / 'found'}/", str(home / "corpus"), str(home / "seeds")]
    atheris.Setup([sys.argv[0], *options], one, custom_mutator=move)
    atheris.Fuzz()


main()
