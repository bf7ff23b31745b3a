"""Kills a server at random moments while studies come in, and counts what became of each.

``python benchmarks/server_kill.py`` sends 50 studies and kills the server 50 times (SIGKILL; its receivers find that
out by themselves), starts it again each time, and waits until all is quiet: each study must be read once, its results
must lie at the receiver (storescp of DCMTK) once, and the audit trail must verify.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
from told import tell

RESULTS = Path(__file__).parent / "results"
KINDS = ("SEG", "SR", "DOC")
ROUTES = """
[[route]]
name = "Heads"
modality = ["US"]
models = ["fetal-head-ultrasound"]
destinations = ["pacs"]
send = "draft"
"""


class Server:
    """`skiagraph serve` on a home, killed and started again."""

    def __init__(self, home: Path, pacs: int, *, quiet: float = 0.5, deliver: bool = True) -> None:
        self.home, self.web, self.dicom = home, free(), free()
        home.mkdir(parents=True)
        if deliver:
            (home / "routes.toml").write_text(ROUTES)
        (home / "settings.toml").write_text(
            f"port = {self.web}\nquiet_seconds = {quiet}\n[dicom]\nport = {self.dicom}\n"
            f'[dicom.peers.pacs]\ntitle = "PACS"\nhost = "127.0.0.1"\nport = {pacs}\n'
            '[destinations.pacs]\npeer = "pacs"\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; it may take a while until it answers."""
        command = [sys.executable, "-m", "skiagraph", "serve", "--home", str(self.home)]
        with (self.home.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def up(self, seconds: float = 60.0) -> None:
        """Waits until its DICOM node takes connections."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.dicom), 1.0):
                return
            if self.process is not None and self.process.poll() is not None:
                self.start()  # the port of a receiver that is just ending may be taken for a moment
            time.sleep(0.1)
        raise SystemExit("the server does not come up; see server.log")

    def kill(self) -> None:
        """Ends it without a word."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def free() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def pacs(folder: Path) -> Iterator[int]:
    """A receiver of DCMTK: its port."""
    port = free()
    folder.mkdir()
    command = ["storescp", "--fork", "--output-directory", str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def sent(server: Server, file: Path) -> bool:
    """Whether the server promised to keep an image."""
    command = ["storescu", "-aec", "SKIAGRAPH", "127.0.0.1", str(server.dicom), str(file)]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


def killed(studies: int, kills: int, seed: int, work: Path) -> dict[str, Any]:
    """Sends, kills, starts again, waits, counts."""
    draw = ["skiagraph", "phantom", "fetal-head", str(work / "images"), "--count", str(studies)]
    subprocess.run([sys.executable, "-m", *draw], check=True, capture_output=True)
    files = sorted((work / "images").glob("*.dcm"))
    rng = random.Random(seed)  # noqa: S311  moments, no secrets
    with pacs(work / "pacs") as port:
        server = Server(work / "home", port)
        server.start()
        waiting, deaths, begun = list(files), 0, time.monotonic()
        try:
            while waiting or deaths < kills:
                server.up()
                until = time.monotonic() + rng.uniform(0.0, 3.0)
                while time.monotonic() < until:
                    if waiting and sent(server, waiting[0]):
                        waiting.pop(0)
                    else:
                        time.sleep(0.05)
                    if rng.random() < studies / (studies + 10 * kills):
                        break
                if deaths < kills:
                    server.kill()
                    deaths += 1
                    server.start()
            server.up()
            settled(work / "home", studies)
        finally:
            if server.process is not None:
                server.process.terminate()
                server.process.wait(60)
        found = counted(work, len(files))
    verify = ["skiagraph", "audit", "verify", "--home", str(work / "home")]
    audit = subprocess.run([sys.executable, "-m", *verify], capture_output=True, text=True, check=False)
    return {
        "studies": studies,
        "kills": deaths,
        "seconds": round(time.monotonic() - begun, 1),
        **found,
        "audit verifies": audit.returncode == 0,
    }


def settled(home: Path, studies: int, seconds: float = 300.0) -> None:
    """Waits until every study is drafted and nothing waits to be sent."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(sqlite3.Error):
            drafted, waiting = rows(
                home,
                "SELECT (SELECT count(*) FROM studies WHERE state='drafted'), "
                "(SELECT count(*) FROM studies) * 3 - (SELECT count(*) FROM deliveries WHERE state='sent')",
            )[0]
            if drafted == studies and waiting == 0:
                return
        time.sleep(0.25)


def rows(home: Path, query: str) -> list[Any]:
    """Of the server's database."""
    with contextlib.closing(sqlite3.connect(f"file:{home / 'skiagraph.sqlite'}?mode=ro", uri=True)) as base:
        return base.execute(query).fetchall()


def counted(work: Path, expected: int) -> dict[str, Any]:
    """What became of each study."""
    home = work / "home"
    runs = Counter(study for (study,) in rows(home, "SELECT study_id FROM runs"))
    reports = Counter(study for (study,) in rows(home, "SELECT study_id FROM reports"))
    there: Counter[tuple[str, str]] = Counter()
    for path in (work / "pacs").iterdir():
        one = pydicom.dcmread(path, stop_before_pixels=True)
        there[str(one.StudyInstanceUID), str(one.Modality)] += 1
    studies = {study for study, _ in there}
    once = [all(there[study, kind] == 1 for kind in KINDS) for study in studies]
    return {
        "images kept": rows(home, "SELECT count(*) FROM instances WHERE NOT ours")[0][0],
        "read once": sum(n == 1 for n in runs.values()),
        "drafted once": sum(n == 1 for n in reports.values()),
        "delivered once": sum(once),
        "delivered more or less than once": expected - sum(once),
        "left in the journal": sum(
            1 for path in (home / "intake").iterdir() if path.is_file() and path.name[0] != "."
        ),
    }


def main() -> None:
    """Reads the command line, and tells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print only the counts, and write nothing")
    asked = parser.parse_args()
    if shutil.which("storescp") is None:
        raise SystemExit("storescp and storescu are of the Debian package dcmtk")
    with tempfile.TemporaryDirectory(prefix="skiagraph-kill-") as folder:
        found = killed(asked.studies, asked.kills, asked.seed, Path(folder))
    print(json.dumps(found, indent=1))
    if not asked.json:
        (RESULTS / "server_kill.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        tell("server_kill", words(found))


def words(found: dict[str, Any]) -> str:
    """What the page says."""
    n = found["studies"]
    audit = "verifies" if found["audit verifies"] else "does not verify"
    return (
        f"`python benchmarks/server_kill.py`, {found['seconds'] / 60:.1f} minutes: the server was killed (SIGKILL) "
        f"{found['kills']} times at random moments while {n} studies came in. Of {n} studies "
        f"{found['images kept']} were kept, {found['read once']} read once, {found['drafted once']} drafted "
        "once, and the results of "
        f"{found['delivered once']} lay at the receiver once; the audit trail {audit}."
    )


if __name__ == "__main__":
    main()
