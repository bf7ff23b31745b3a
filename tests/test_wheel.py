"""What a user gets: the built wheel in an empty environment, with nothing but what reading needs."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder of programs of an empty environment that holds the wheel and its base dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, PROJECT, cwd=folder)
    (wheel,) = folder.glob("skiagraph-*.whl")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    run(
        programs / "python",
        "-m",
        "pip",
        "install",
        "-q",
        "-c",
        PROJECT / "constraints.txt",
        wheel,
        cwd=folder,
    )
    return programs


def test_the_wheel_brings_no_training(installed, tmp_path):
    for package in ("torch", "lightning_fabric", "onnx", "sklearn"):
        code = f"import importlib.util; print(importlib.util.find_spec({package!r}))"
        assert run(installed / "python", "-c", code, cwd=tmp_path).strip() == "None", package


def test_the_wheel_carries_its_types_and_its_version(installed, tmp_path):
    code = (
        "import skiagraph, pathlib; print((pathlib.Path(skiagraph.__file__).parent / 'py.typed').is_file())"
    )
    assert run(installed / "python", "-c", code, cwd=tmp_path).strip() == "True"
    assert "0.1.0" in run(installed / "skiagraph", "--version", cwd=tmp_path)


def test_the_wheel_reads_a_study(installed, tmp_path):
    run(installed / "skiagraph", "phantom", "fetal-head", "study", cwd=tmp_path)
    run(installed / "skiagraph", "read", "study", "--out", "reading", cwd=tmp_path)
    assert list((tmp_path / "reading").rglob("reading.json"))
    assert list((tmp_path / "reading").rglob("report.html"))
