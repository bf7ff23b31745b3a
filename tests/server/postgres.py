"""A PostgreSQL of the tests: a cluster in a folder of its own, on a socket of its own, ended by its process id."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
}


def programs() -> Path:
    """The folder of the programs of the newest PostgreSQL that Debian installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parts[4]))
    if not found:
        pytest.skip("PostgreSQL is not here (Debian: postgresql)")
    return found[-1].parent


def owner() -> dict[str, int]:
    """As whom it runs: it refuses root."""
    if os.getuid() != 0:
        return {}
    one = pwd.getpwnam("postgres")
    return {"user": one.pw_uid, "group": one.pw_gid, "extra_groups": []}


class Cluster:
    """One that runs.

    Args:
        folder: Of its data and its socket.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._count = folder, 0
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        """Of a database."""
        return f"postgresql+psycopg://skiagraph@/{name}?host={self.folder}"

    def new(self) -> str:
        """The URL of a new, empty database."""
        self._count += 1
        self._say(f"CREATE DATABASE test{self._count} TEMPLATE template0 ENCODING 'UTF8'")
        return self.url(f"test{self._count}").replace("+psycopg", "")

    def start(self) -> None:
        """Runs, and waits until it answers."""
        said = [f"--{name}={value}" for name, value in SETTINGS.items()]
        command = [programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, *said]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **owner())
        for _ in range(200):
            with suppress(OSError):
                done = subprocess.run(
                    [programs() / "pg_isready", "-q", "-h", self.folder], check=False, **owner()
                )
                if done.returncode == 0:
                    return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                raise RuntimeError((self.folder / "log").read_text())
        raise RuntimeError("PostgreSQL did not start")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends, with its connections; by SIGQUIT at once, without writing what it will not need again."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _say(self, words: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(words))
        engine.dispose()


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A new one; its folder has a short name, for that of a socket has at most 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="skiagraph-pg-"))
    try:
        if owner():
            os.chown(folder, owner()["user"], owner()["group"])
        command = [
            programs() / "initdb",
            "-D",
            folder / "data",
            "-U",
            "skiagraph",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        made = subprocess.run(
            [*command, "--no-sync", "--locale=C"], capture_output=True, text=True, check=False, **owner()
        )
        if made.returncode:
            raise RuntimeError(made.stderr)
        one = Cluster(folder)
        one.start()
        try:
            yield one
        finally:
            one.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
