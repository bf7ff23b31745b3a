"""Small data sets of every layout, written where a test asks for them."""

import json

import nibabel
import numpy as np
import PIL.Image
import pytest

from skiagraph.findings import Classification


@pytest.fixture
def put(tmp_path):
    """Writes a picture, volume, JSON or text below its folder by the suffix of the name; gives the path."""

    def write(name, content=None, seed=0, shape=(12, 16)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            content = np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)
        if name.endswith((".nii.gz", ".nii")):
            nibabel.save(nibabel.Nifti1Image(content, np.diag([2.0, 2.0, 3.0, 1.0])), path)
        elif name.endswith(".npz"):
            np.savez(path, **content)
        elif isinstance(content, np.ndarray):
            PIL.Image.fromarray(content).save(path)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    write.folder = tmp_path
    return write


@pytest.fixture(scope="session")
def truth():
    """The words of the true classes of a sample, for each target that asks for classes."""

    def words(sample):
        return [
            [s.code.meaning for s in finding.scores if s.probability == 1.0]
            for finding in sample.reference()
            if isinstance(finding, Classification)
        ]

    return words
