"""How much memory a server takes that waits for work: before its first study, and after it has read one."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from skiagraph.server.client import Client

SKIAGRAPH = [sys.executable, "-m", "skiagraph"]
MOST = 400  # MB (2^20 bytes) before its first study


def children(pid: int) -> list[int]:
    """A process and all that it started."""
    own = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(one for part in own for child in part for one in children(int(child)))]


def megabytes(pid: int) -> float:
    """Proportional set size of a process, MB: shared pages are counted once over all processes."""
    words = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", words, re.MULTILINE)[1]) / 1024


def whole(pid: int) -> dict[str, float]:
    """Of a server: its main process, the receivers, and all together, MB."""
    first, *others = [megabytes(one) for one in children(pid)]
    return {
        "server": round(first),
        "receivers": [round(one) for one in others],
        "all": round(first + sum(others)),
    }


def measured(folder: Path) -> dict[str, object]:
    """Starts a server, lets it rest, lets it read one study, lets it rest."""
    home, found = folder / "home", {}
    command = [*SKIAGRAPH, "serve", "--home", home, "--port", "0", "--dicom-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            while process.stdout.readline().strip() != "Ctrl+C ends it":
                pass
            time.sleep(3)
            found["before its first study"] = whole(process.pid)
            ask = [*SKIAGRAPH, "token", "benchmark", "--may", "see", "--may", "upload", "--home", home]
            token = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
            subprocess.run(
                [*SKIAGRAPH, "phantom", "fetal-head", folder / "study"], check=True, stdout=subprocess.DEVNULL
            )
            with Client(address, token=token) as client:
                sent = client.upload(folder / "study" / "image-0001.dcm")
                found["state"] = client.wait(sent.studies[0], seconds=90).state
            time.sleep(8)
            found["after one study"] = whole(process.pid)
        finally:
            process.terminate()
            process.wait(30)
    return found


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        result = measured(Path(folder))
    print(json.dumps(result))
    sys.exit(result["before its first study"]["all"] > MOST)
