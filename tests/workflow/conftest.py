"""A phantom in every format that is read, and the model that ships, opened once."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from skiagraph.io import write_image
from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head
from skiagraph.phantoms.study import ultrasound_dataset, write_dataset
from skiagraph.phantoms.truth import fetal_head_image
from skiagraph.workflow import opened_model

sys.path.insert(0, str(Path(__file__).parent))  # for what the tests of this room share


@pytest.fixture(scope="session")
def reader():
    return opened_model("fetal-head-ultrasound")


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """One head as DICOM, PNG, NIfTI and MetaImage, with its truth."""
    folder = tmp_path_factory.mktemp("phantom")
    head = sample_fetal_head(np.random.default_rng(4))
    picture = draw_fetal_head(head)
    write_dataset(ultrasound_dataset(head, picture), folder / "head.dcm")
    for name in ("head.png", "head.nii.gz", "head.mha", "head.nrrd", "head.tiff"):
        write_image(fetal_head_image(head, picture), folder / name)
    return SimpleNamespace(
        folder=folder, head=head, picture=picture, size=head.pixel_size, circumference=head.head_circumference
    )
