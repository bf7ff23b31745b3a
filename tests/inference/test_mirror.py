"""The mean over mirror images, against the same by hand."""

import numpy as np
import pytest

from skiagraph.inference import Mirrored, staged
from skiagraph.task import Engine


class Crooked:
    """An engine that treats left and right, top and bottom differently."""

    name, precision = "crooked 1", "bf16"

    def __call__(self, batch, /):
        ramp = np.arange(batch.size, dtype=np.float32).reshape(batch.shape) / batch.size
        return batch * ramp + np.roll(batch, 1, axis=-1) + np.roll(batch, 2, axis=2)


@pytest.fixture
def batch(rng):
    return rng.normal(size=(2, 1, 4, 6)).astype(np.float32)


def test_two_axes_give_the_mean_of_four_answers(batch):
    f = Crooked()
    by_hand = (
        f(batch)
        + f(batch[:, :, ::-1])[:, :, ::-1]
        + f(batch[..., ::-1])[..., ::-1]
        + f(batch[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]
    ) / 4
    found = Mirrored(engine=f, axes=(0, 1))(batch)
    np.testing.assert_allclose(found, by_hand, atol=1e-6)
    assert found.dtype == np.float32
    assert not np.allclose(found, f(batch), atol=1e-2)


def test_one_axis_gives_the_mean_of_two(batch):
    f = Crooked()
    by_hand = (f(batch) + f(batch[..., ::-1])[..., ::-1]) / 2
    np.testing.assert_allclose(Mirrored(engine=f, axes=(1,))(batch), by_hand, atol=1e-6)


def test_no_axis_changes_nothing(batch):
    assert np.array_equal(Mirrored(engine=Crooked(), axes=())(batch), Crooked()(batch))


@pytest.mark.parametrize("axis", [0, 1])
def test_the_answer_to_the_mirror_image_is_the_mirror_image_of_the_answer(axis, batch):
    f = Mirrored(engine=Crooked(), axes=(0, 1))
    np.testing.assert_allclose(f(np.flip(batch, axis + 2)), np.flip(f(batch), axis + 2), atol=1e-6)


def test_volumes_are_asked_about_eight_times(halfway, rng):
    Mirrored(engine=halfway, axes=(0, 1, 2))(rng.normal(size=(1, 1, 3, 4, 5)).astype(np.float32))
    assert halfway.batches == [(1, 1, 3, 4, 5)] * 8


def test_name_and_precision_are_those_of_the_engine_within():
    around: Engine = Mirrored(engine=Crooked(), axes=(0,))
    assert (around.name, around.precision) == ("crooked 1", "bf16")


def test_the_recipe_says_whether_a_model_is_mirrored(halfway, recipe, card):
    assert staged(card(), recipe(), halfway).engine is halfway
    mirrored = staged(card(), recipe(mirror=(1,)), halfway).engine
    assert mirrored.axes == (1,)
    assert mirrored.engine is halfway
