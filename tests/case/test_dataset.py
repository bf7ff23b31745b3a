"""Data sets: samples load when asked, and no split ever parts a group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.case import Dataset, Sample, folds
from skiagraph.errors import InvalidInput


def sample(identifier, group, split="train", stratum=0.0):
    return Sample(
        identifier=identifier, group=group, split=split, case=never, reference=never, stratum=stratum
    )


def never():
    raise AssertionError("a sample was loaded that nobody asked for")


def dataset(groups, strata=None):
    strata = strata or [0.0] * len(groups)
    samples = tuple(
        sample(f"s{n}", f"g{g}", stratum=s) for n, (g, s) in enumerate(zip(groups, strata, strict=True))
    )
    return Dataset(name="d", samples=samples, licence="CC-BY-4.0")


@given(st.lists(st.integers(0, 12), min_size=8, max_size=40), st.integers(2, 5), st.integers(0, 99))
def test_folds_never_part_a_group_and_judge_every_sample_once(groups, n, seed):
    data = dataset(groups)
    if n > len(set(groups)):
        with pytest.raises(InvalidInput, match="at least as many groups as folds"):
            folds(data, n, np.random.default_rng(seed))
        return
    parts = folds(data, n, np.random.default_rng(seed))
    assert len(parts) == n
    for learn, judge in parts:
        assert not {s.group for s in learn} & {s.group for s in judge}
        assert len(learn) + len(judge) == len(data)
        assert len(judge) > 0
    judged = [s.identifier for _, judge in parts for s in judge]
    assert sorted(judged) == sorted(s.identifier for s in data)


@pytest.mark.parametrize("seed", range(5))
def test_folds_spread_the_strata_evenly(seed):
    rng = np.random.default_rng(seed)
    strata = rng.normal(100, 30, 60).tolist()
    data = dataset(range(60), strata)
    means = [np.mean([s.stratum for s in judge]) for _, judge in folds(data, 5, rng)]
    assert np.std(means) < 30 / np.sqrt(12) / 2  # half of what drawing without strata would give


def test_the_same_generator_gives_the_same_folds_and_another_one_others():
    data = dataset(range(30))

    def judged(seed):
        return [[s.identifier for s in judge] for _, judge in folds(data, 5, np.random.default_rng(seed))]

    assert judged(1) == judged(1)
    assert judged(1) != judged(2)


@pytest.mark.parametrize("n", [0, 1, 31])
def test_there_are_at_least_two_folds_and_no_empty_one(n, rng):
    with pytest.raises(InvalidInput):
        folds(dataset(range(30)), n, rng)


def test_a_split_keeps_name_order_and_licence():
    samples = (sample("a", "1"), sample("b", "2", "test"), sample("c", "3", "val"), sample("d", "1"))
    data = Dataset(name="d", samples=samples, licence="CC0-1.0")
    part = data.split("train", "val")
    assert [s.identifier for s in part] == ["a", "c", "d"]
    assert (part.name, part.licence, len(part)) == ("d", "CC0-1.0", 3)
    with pytest.raises(InvalidInput, match="data with test, train, val"):
        data.split("tset")


def test_a_group_in_two_splits_is_refused():
    with pytest.raises(InvalidInput, match="a group lies in one split"):
        Dataset(name="d", samples=(sample("a", "1", "train"), sample("b", "1", "test")))


def test_a_sample_twice_is_refused_and_the_message_names_no_patient():
    with pytest.raises(InvalidInput) as error:
        Dataset(name="d", samples=(sample("a", "Doe^Jane"), sample("a", "Doe^Jane")))
    assert "Doe" not in str(error.value)
