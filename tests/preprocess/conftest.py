"""Images of every kind that a filter meets: pictures and volumes, with and without a size, in colour and moving."""

import numpy as np
import pytest

from skiagraph.geometry import Grid, Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import COLOUR, GREY, HU

FRAME = derived_frame("0" * 64)
RGB = ("red", "green", "blue")


def image_of(array, *, spacing=None, quantity=GREY, channels=(), times=None, **more):
    """An image around an array; a volume has a size always, 1 mm if none is told."""
    array = np.asarray(array)
    timeline = None if times is None else Timeline(times=np.arange(times, dtype=float), unit="frame")
    shape = array.shape[timeline is not None :]
    shape = shape[:-1] if channels else shape
    if len(shape) == 2:
        space = Plane.upright(shape=shape, spacing=spacing, frame=FRAME, timeline=timeline)
    else:
        affine = np.diag([*(spacing or (1.0, 1.0, 1.0)), 1.0])
        space = Grid(shape=shape, affine=affine, frame=FRAME, unit="mm", timeline=timeline)
    return Image(data=array, space=space, quantity=quantity, channels=channels, modality="OT", **more)


def disc(side=48, low=60.0, high=140.0, noise=6.0, ndim=2):
    """A disc or ball on even ground, without and with noise."""
    away = np.indices((side,) * ndim) - (side - 1) / 2
    clean = np.where(np.sqrt((away**2).sum(0)) < side * 0.3, high, low)
    return clean, clean + np.random.default_rng(7).normal(0, noise, clean.shape)


def _kinds():
    picture, volume = disc(24)[1], disc(16, ndim=3)[1]
    noise = np.random.default_rng(3).normal(0, 3, picture.shape)
    colour = np.stack([picture, picture * 0.7 + 20, picture * 0.4 + 10 + noise], -1)
    return {
        "float picture": image_of(picture),
        "8-bit picture": image_of(picture.astype(np.uint8), spacing=(0.5, 0.4)),
        "16-bit picture": image_of((picture * 200).astype(np.uint16)),
        "float32 volume": image_of(volume.astype(np.float32), spacing=(5.0, 1.0, 1.0)),
        "Hounsfield volume": image_of(volume.astype(np.int16), spacing=(2.0, 1.0, 1.0), quantity=HU),
        "colour": image_of(colour.astype(np.uint8), quantity=COLOUR, channels=RGB),
        "moving": image_of(np.stack([picture, picture + 5.0]), times=2),
        "moving colour": image_of(
            np.stack([colour, colour + 5]).astype(np.uint8), quantity=COLOUR, channels=RGB, times=2
        ),
    }


KINDS = _kinds()


@pytest.fixture(params=list(KINDS))
def kind(request):
    """One image of each kind."""
    return KINDS[request.param]


@pytest.fixture
def imaged():
    return image_of


@pytest.fixture
def phantom():
    return disc
