"""Every synthetic study, written as DICOM and read again, gives the images that its truth holds."""

import numpy as np
import pytest

from skiagraph.image import pixels
from skiagraph.io import read_study
from skiagraph.phantoms.catalogue import KINDS
from skiagraph.phantoms.drawn import write_drawn

ONE_LEVEL = {"level-1"}  # of a slide a reader takes one level at a time, the finest that fits


def same_moments(read, known):
    """Equal times, and equal conditions but for the last digit of a direction."""
    if read is None or known is None:
        return read is known
    names = set(read.conditions) == set(known.conditions)
    return (
        names
        and read.unit == known.unit
        and np.allclose(read.times, known.times)
        and all(np.allclose(read.conditions[n], known.conditions[n]) for n in known.conditions)
    )


def same(read, known):
    """Equal numbers in the same place at the same time."""
    return (
        read.data.shape == known.data.shape
        and read.modality == known.modality
        and np.allclose(read.space.affine, known.space.affine, atol=1e-4)
        and same_moments(read.space.timeline, known.space.timeline)
        and read.quantity == known.quantity
        and np.allclose(pixels(read), pixels(known), rtol=1e-5, atol=1e-5, equal_nan=True)
    )


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_read_is_what_was_drawn(kind, drawn, tmp_path):
    study = drawn(kind)
    write_drawn(study, tmp_path / "images", tmp_path / "truth")
    read = [image for case in read_study(tmp_path / "images").cases for image in case.images.values()]
    lost = [
        name
        for name, image in study.images.items()
        if name not in ONE_LEVEL and not any(same(r, image) for r in read)
    ]
    assert lost == []
