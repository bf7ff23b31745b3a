"""What values share: arrays that nobody can write to, also after a pickle, and digests that tell them apart."""

import copy
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings

from skiagraph.findings import Heatmap, Landmarks, Segmentation
from skiagraph.testing import finding_digest
from skiagraph.testing.strategies import findings, spaces
from skiagraph.values import array_digest, frozen


def test_a_frozen_array_cannot_be_written_to_and_its_owner_still_can():
    mine = np.zeros(3)
    held = frozen(mine)
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 1
    mine[0] = 1
    assert frozen(held) is held


def test_freezing_copies_only_to_change_the_type():
    array = np.arange(3.0)
    assert np.shares_memory(frozen(array), array)
    assert frozen(array, np.float32).dtype == np.float32
    assert frozen([1, 2]).tolist() == [1, 2]


@settings(max_examples=100)
@given(findings())
def test_a_finding_is_the_same_after_pickle_and_copy(finding):
    for again in (pickle.loads(pickle.dumps(finding)), copy.deepcopy(finding), copy.copy(finding)):
        assert finding_digest(again) == finding_digest(finding)


@given(findings())
def test_arrays_of_a_finding_stay_read_only_after_pickle(finding):
    for value in (finding, pickle.loads(pickle.dumps(finding))):
        arrays = [getattr(value, name) for name in getattr(type(value), "__slots__", ())]
        assert not any(a.flags.writeable for a in arrays if isinstance(a, np.ndarray))


@given(spaces())
def test_a_space_is_equal_to_its_pickle_and_keeps_its_affine_read_only(space):
    again = pickle.loads(pickle.dumps(space))
    assert again == space
    assert hash(again) == hash(space)
    assert not again.affine.flags.writeable


@pytest.mark.parametrize("kind", [Segmentation, Heatmap, Landmarks])
def test_a_value_has_no_room_for_more(kind):
    assert "__dict__" not in dir(kind)


def test_a_value_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Landmarks.__new__(Landmarks).items = ()


def test_digests_tell_type_shape_and_values_apart():
    parts = [
        np.zeros(4, np.uint8),
        np.zeros(4, np.int8),
        np.zeros((2, 2), np.uint8),
        np.ones(4, np.uint8),
        "text",
        b"bytes",
        None,
        "",
    ]
    assert len({array_digest(part) for part in parts}) == len(parts)
    assert array_digest("ab", "c") != array_digest("a", "bc")
    assert array_digest(np.arange(6).reshape(2, 3)) == array_digest(
        np.arange(6).reshape(3, 2).T.copy().T.reshape(2, 3)
    )
