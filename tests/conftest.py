"""What all tests share: where the data pack lies, and chance that is the same in every run."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings

PROJECT = Path(__file__).parent.parent

# Two slow cores must not turn a property into a race, and a failure must come back in the next run.
settings.register_profile("house", deadline=None, max_examples=50, derandomize=True, database=None)
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


@pytest.fixture(scope="session")
def itk():
    """Arrays on grids as SimpleITK has them (index order reversed), and its resampling, to hold ours against."""
    import SimpleITK

    def image(array, grid):
        result = SimpleITK.GetImageFromArray(np.ascontiguousarray(array))
        axes = grid.affine[:3, :3][:, ::-1]
        spacing = np.linalg.norm(axes, axis=0)
        result.SetSpacing(spacing.tolist())
        result.SetDirection((axes / spacing).ravel().tolist())
        result.SetOrigin(grid.affine[:3, 3].tolist())
        return result

    def resampled(array, grid, onto, *, fill=0.0, nearest=False):
        how = SimpleITK.sitkNearestNeighbor if nearest else SimpleITK.sitkLinear
        target = image(np.zeros(onto.shape, np.float32), onto)
        done = SimpleITK.Resample(image(array, grid), target, SimpleITK.Transform(), how, fill)
        return SimpleITK.GetArrayFromImage(done)

    return SimpleNamespace(image=image, resampled=resampled)
