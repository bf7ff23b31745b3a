"""How much disk an installation takes: reading only, and with training; beside it PyTorch alone, for scale."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parent.parent
INSTALLS = {"base": [str(PROJECT)], "train": [f"{PROJECT}[train]"], "torch alone": ["torch"]}


def megabytes(folder: Path) -> float:
    """Size of all files below a folder, MB (10^6 bytes)."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def size(what: list[str]) -> float:
    """MB that an install adds to an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        before = megabytes(Path(folder))
        python = Path(folder) / "bin" / "python"
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run(
            [*install, "-c", PROJECT / "constraints.txt", *what], check=True, stderr=subprocess.DEVNULL
        )
        return megabytes(Path(folder)) - before


if __name__ == "__main__":
    print(json.dumps({name: round(size(what)) for name, what in INSTALLS.items()}))
