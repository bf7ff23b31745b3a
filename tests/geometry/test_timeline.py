"""Timelines: what differed from frame to frame is kept, compared, digested and written."""

import dataclasses
import pickle

import numpy as np
import pytest

from skiagraph.errors import GeometryError
from skiagraph.geometry import Plane, Timeline, derived_frame
from skiagraph.image import Image, image_digest, resample_image
from skiagraph.plain import from_plain, to_plain

BARE = Timeline(times=np.arange(3.0))
DIFFUSION = Timeline(
    times=np.arange(3.0),
    conditions={"gradient_direction": np.eye(3), "b_value": np.array([0, 1000, 1000])},
)


def test_conditions_survive_json_and_pickle():
    assert from_plain(Timeline, to_plain(DIFFUSION)) == DIFFUSION
    again = pickle.loads(pickle.dumps(DIFFUSION))
    assert again == DIFFUSION
    assert not again.conditions["b_value"].flags.writeable
    assert hash(again) == hash(DIFFUSION)


def test_a_timeline_written_before_there_were_conditions_has_none():
    old = to_plain(BARE)
    del old["conditions"]
    assert from_plain(Timeline, old) == BARE


def test_other_conditions_are_another_timeline_and_another_image():
    other = dataclasses.replace(DIFFUSION, conditions={"b_value": np.array([0, 1000, 2000])})
    assert len({DIFFUSION, other, BARE}) == 3
    plane = Plane.upright(shape=(2, 2), spacing=None, frame=derived_frame("a"))
    spaces = [dataclasses.replace(plane, timeline=t) for t in (BARE, DIFFUSION, other)]
    images = [Image(data=np.zeros((3, 2, 2)), space=space) for space in spaces]
    assert len({image_digest(image) for image in images}) == 3
    assert resample_image(images[1], plane).space.timeline == DIFFUSION


@pytest.mark.parametrize(
    "conditions",
    [
        {"b_value": np.zeros(2)},
        {"b_value": np.array([0, np.nan, 1])},
        {"b_value": np.zeros((3, 1, 1))},
        {"B value": np.zeros(3)},
    ],
)
def test_a_condition_has_a_name_and_a_number_for_each_frame(conditions):
    with pytest.raises(GeometryError, match="a condition has"):
        Timeline(times=np.arange(3.0), conditions=conditions)
