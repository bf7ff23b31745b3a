"""What all tests share: where the data pack lies, and chance that is the same in every run."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

PROJECT = Path(__file__).parent.parent

# Two slow cores must not turn a property into a race, and a failure must come back in the next run.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """The folder of the data pack: SKIAGRAPH_DATA, or ../shared/data beside the project."""
    folder = Path(os.environ.get("SKIAGRAPH_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the data pack is not here; SKIAGRAPH_DATA names its folder")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)
