"""A server that is killed again and again loses nothing, reads once and delivers once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.mark.slow
def test_a_server_killed_at_random_moments_reads_and_delivers_each_study_once():
    if shutil.which("storescp") is None:
        pytest.skip("storescp (DCMTK) is not here")
    command = [sys.executable, "benchmarks/server_kill.py", "--studies", "4", "--kills", "4", "--json"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 4
    for name in ("images kept", "read once", "drafted once", "delivered once"):
        assert found[name] == 4, found
    assert found["delivered more or less than once"] == 0
    assert found["left in the journal"] == 0
    assert found["audit verifies"]
