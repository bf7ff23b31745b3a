"""The worker that reads hostile files, and the path to the modules that benchmarks/fuzz.py shares."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def corpus():
    """Small valid files of every format, by name."""
    from fuzz_seeds import seeds

    return seeds()


@pytest.fixture(scope="session")
def reader(corpus):
    """Gives the outcome of a file."""
    if not sys.platform.startswith("linux"):
        pytest.skip("time and memory of the worker are measured through /proc")
    from fuzz_seeds import SIBLINGS
    from fuzz_worker import Reader

    with Reader(corpus, SIBLINGS) as found:
        yield found
