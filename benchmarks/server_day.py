"""How long a study waits for its draft on an idle server, and whether the memory of a long day grows.

``python benchmarks/server_day.py`` first sends 20 studies of one image, each when the one before is drafted, and tells
the time from the last image received to the draft, by stage. Then it sends 2,000 studies as fast as they are read, the
day of a department compressed in time, and tells the memory (proportional set size of all processes) as they pass.
``--studies 200`` makes a shorter day.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from server_kill import RESULTS, Server, rows, sent
from told import tell

STAGES = (
    ("waits until it is quiet", "received", "complete"),
    ("chosen and prepared", "complete", "prepared"),
    ("read", "prepared", "read"),
    ("drafted", "read", "drafted"),
)
ALONE = 20


def drawn(folder: Path, count: int, seed: int) -> list[Path]:
    """Phantom studies of one image each."""
    command = ["skiagraph", "phantom", "fetal-head", str(folder), "--count", str(count), "--seed", str(seed)]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    return sorted(folder.glob("*.dcm"))


def drafted(home: Path) -> int:
    """How many studies are drafted."""
    return int(rows(home, "SELECT count(*) FROM studies WHERE state = 'drafted'")[0][0])


def until_drafted(home: Path, count: int, seconds: float = 120.0) -> None:
    """Waits until so many are."""
    end = time.monotonic() + seconds
    while drafted(home) < count:
        if time.monotonic() > end:
            raise SystemExit(f"{drafted(home)} of {count} studies were drafted in {seconds} s")
        time.sleep(0.05)


def waits(home: Path, studies: int) -> dict[str, Any]:
    """Seconds of each stage, and from the last image to the draft: median and the longest."""
    events: dict[int, dict[str, float]] = {}
    for study, at, kind in rows(home, "SELECT study_id, at, kind FROM events ORDER BY id"):
        moment = datetime.fromisoformat(at).timestamp()
        told = events.setdefault(study, {})
        told[kind] = moment if kind == "received" else told.get(kind, moment)
    every = [told for told in events.values() if "drafted" in told][:studies]
    found = {name: [told[b] - told[a] for told in every] for name, a, b in STAGES}
    found["from the last image to the draft"] = [told["drafted"] - told["received"] for told in every]
    return {
        name: {"median": round(statistics.median(times), 3), "longest": round(max(times), 3)}
        for name, times in found.items()
    }


def memory(server: Server) -> float:
    """MB of all processes of the server, what they share counted once."""
    pids = [server.process.pid] if server.process else []
    for pid in pids:
        children = Path(f"/proc/{pid}/task/{pid}/children")
        pids += [int(one) for one in children.read_text().split()] if children.exists() else []
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return round(total / 1024, 1)


def main() -> None:
    """Reads the command line, runs and tells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skiagraph-day-") as name:
        work = Path(name)
        server = Server(work / "home", 9, quiet=2.0, deliver=False)
        server.start()
        try:
            found = day(server, work, asked.studies)
        finally:
            server.process.terminate()
            server.process.wait(60)
    print(json.dumps(found, indent=1))
    (RESULTS / "server_day.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    tell("server_day", words(found))


def words(found: dict[str, Any]) -> str:
    """What the page says."""
    table = "\n".join(
        f"| {name} | {one['median']:.2f} | {one['longest']:.2f} |" for name, one in found["seconds"].items()
    )
    return (
        f"`python benchmarks/server_day.py`: {ALONE} studies of one image, each sent when the one before was drafted; "
        "seconds.\n\n| stage | median | longest |\n|---|---|---|\n" + table + "\n\nThe server takes "
        f"{found['idle MB']:.0f} MB before its first study (all processes, what they share counted once). Then "
        f"{found['studies of the day']} studies came one upon the other, in {found['minutes of the day']} minutes: it "
        f"took {found['MB after a quarter']:.0f} MB after a quarter of them and {found['MB at the end']:.0f} MB at "
        "the end."
    )


def day(server: Server, work: Path, studies: int) -> dict[str, Any]:
    """One after the other, and then a whole day."""
    server.up()
    time.sleep(2.0)
    idle = memory(server)
    for n, file in enumerate(drawn(work / "alone", ALONE, 1), 1):
        if not sent(server, file):
            raise SystemExit("the server did not take an image")
        until_drafted(server.home, n)
    alone = waits(server.home, ALONE)
    begun, samples = time.monotonic(), [(0, memory(server))]
    step = max(1, studies // 20)
    starts = range(0, studies, step)
    with ThreadPoolExecutor(1) as pool:  # the next are drawn while these are read
        batches = [
            pool.submit(drawn, work / f"day-{at}", min(step, studies - at), 1000 + at) for at in starts
        ]
        for at, batch in zip(starts, batches, strict=True):
            files = batch.result()
            for file in files:
                while not sent(server, file):
                    time.sleep(0.2)
            until_drafted(server.home, ALONE + at + len(files), seconds=60.0 * len(files))
            samples.append((at + len(files), memory(server)))
            print(f"{at + len(files)}/{studies} studies, {samples[-1][1]} MB", file=sys.stderr, flush=True)
    settled = [mb for n, mb in samples if n >= studies // 4]
    return {
        "idle MB": idle,
        "seconds": alone,
        "studies of the day": studies,
        "minutes of the day": round((time.monotonic() - begun) / 60, 1),
        "MB after a quarter": settled[0],
        "MB at the end": settled[-1],
        "MB by studies": samples,
    }


if __name__ == "__main__":
    main()
