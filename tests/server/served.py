"""A real server in a process of its own, as `skiagraph serve` starts it, with somebody in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

PASSWORD = "seven grey herons wait"
SKIAGRAPH = (sys.executable, "-m", "skiagraph")


@dataclass(frozen=True, slots=True)
class Served:
    """One that runs.

    Args:
        home: Its folder.
        address: Of the web.
        dicom: Port of the DICOM node.
        first: Link of the first administrator; empty where there is one.
        process: Its process.
        log: File of all that it said on standard error.
    """

    home: Path
    address: str
    dicom: int
    first: str
    process: subprocess.Popen[str]
    log: Path

    @contextmanager
    def admin(self) -> Iterator[httpx.Client]:
        """A browser in which the first administrator is signed in."""
        link = {"invitation": self.first.partition("invitation=")[2], "name": "root"}
        with httpx.Client(base_url=self.address, timeout=30) as web:
            web.post("/sign-in/invitation", data={**link, "password": PASSWORD, "again": PASSWORD})
            said = web.post("/api/sign-in", json={"name": "root", "password": PASSWORD})
            web.headers["X-CSRF-Token"] = said.json()["csrf"]
            yield web

    def stop(self) -> int:
        """Ends it in order; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def shell(*words: str | Path) -> str:
    """What a command says; it must end well."""
    done = subprocess.run([*SKIAGRAPH, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def served(home: Path, *options: str, **environment: str) -> Iterator[Served]:
    """Starts one on free ports, and ends it by its process id."""
    command = [*SKIAGRAPH, "serve", "--home", str(home), "--port", "0", "--dicom-port", "0", *options]
    home.mkdir(parents=True, exist_ok=True)
    log = home.parent / f"{home.name}.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )
    try:
        said = dict[str, str]()
        while (line := process.stdout.readline().strip()) != "Ctrl+C ends it":
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            what, _, value = line.partition(": ")
            said[what] = value
        address = next(one for one in said if one.startswith("http"))
        dicom = int(said["DICOM"].rpartition(":")[2])
        first = said.get("first administrator, once", "")
        yield Served(home, address, dicom, first, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        process.stdout.close()
