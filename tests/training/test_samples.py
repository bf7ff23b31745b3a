"""Samples on the lattice of the network, and batches that depend on the generator alone."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.inference import staged
from skiagraph.training import Prepared, batches, learnt_card, prepared
from skiagraph.training.samples import readable, steps_per_epoch
from skiagraph.training.team import Share


@pytest.fixture(scope="module")
def samples(dataset, plan):
    return prepared(dataset, plan.recipe)


def numbered(strata):
    """Samples whose picture tells which one it is, by the column of its one white pixel."""
    result = []
    for n, stratum in enumerate(strata):
        picture = np.zeros((32, 48), np.float32)
        picture[n // 48, n % 48] = 1.0
        result.append(Prepared(picture=picture[None], target=picture[None], stratum=stratum))
    return result


def drawn(strata, plan, seed=0):
    """How often each of `numbered` came in one epoch."""
    masks = np.concatenate([m for _, m in batches(numbered(strata), plan, np.random.default_rng(seed))])
    return Counter(masks.reshape(len(masks), -1).argmax(1).tolist())


def test_every_sample_lies_on_the_lattice_between_black_and_white(samples, dataset):
    assert len(samples) == len(dataset)
    for sample, source in zip(samples, dataset, strict=True):
        assert sample.picture.shape == sample.target.shape == (1, 32, 48)
        assert (sample.picture.min(), sample.picture.max()) == (0.0, 1.0)
        assert sample.stratum == source.stratum
        assert sample.picture[sample.target > 0.99].mean() > sample.picture[sample.target < 0.01].mean() + 0.2


def test_the_mask_keeps_its_area_at_the_coarser_lattice(samples, dataset):
    """Oracle: the share of the reference times the share of the padded picture."""
    for sample, source in zip(samples, dataset, strict=True):
        true = source.reference()[0].mask(1)
        rows, columns = true.shape
        padded = max(rows, round(columns * 32 / 48)) * max(columns, round(rows * 48 / 32))
        assert sample.target.mean() == pytest.approx(true.sum() / padded, rel=0.02)


def test_training_and_reading_prepare_a_case_alike(samples, dataset, plan):
    """Without augmentation the network is shown what it will be shown when it reads."""
    bare = dataclasses.replace(plan, steps=(), balance=0.0, batch=12)
    (pictures, _), *_ = batches(samples, bare, np.random.default_rng(0))
    card = learnt_card("test", plan.recipe, "US", dataset)
    reading = staged(card, plan.recipe, None)
    shown = np.stack([reading.prepare(s.case()) for s in dataset])
    order = np.abs(pictures[:, None] - shown[None]).max((2, 3, 4)).argmin(1)
    assert sorted(order) == list(range(12))
    np.testing.assert_allclose(pictures, shown[order], atol=1e-3)


def test_a_sample_without_exactly_one_outline_is_refused(dataset, plan):
    bare = dataclasses.replace(dataset.samples[0], reference=tuple)
    with pytest.raises(InvalidInput, match="one reference segmentation; got 0 in e00"):
        prepared(dataclasses.replace(dataset, samples=(bare,)), plan.recipe)


def test_one_bad_sample_is_left_out_and_named_and_the_rest_goes_on(dataset, plan):
    bare = dataclasses.replace(dataset.samples[0], reference=tuple)
    good, problems = readable(
        dataclasses.replace(dataset, samples=(bare, *dataset.samples[1:4])), plan.recipe
    )
    assert len(good) == 3
    assert len(problems) == 1
    assert "e00 was left out" in problems[0]
    with pytest.raises(InvalidInput, match="samples that can be used"):
        readable(dataclasses.replace(dataset, samples=(bare,)), plan.recipe)


def test_an_epoch_that_goes_on_gives_the_batches_that_were_left(samples, plan):
    whole = list(batches(samples, plan, np.random.default_rng(3)))
    rest = list(batches(samples, plan, np.random.default_rng(3), after=2))
    assert len(rest) == len(whole) - 2
    assert np.array_equal(rest[0][0], whole[2][0])


def test_mixtures_mix_pictures_and_targets_by_the_same_share(changed):
    strata = np.linspace(0, 1, 8)
    (pictures, targets), *_ = batches(
        numbered(strata), changed(steps=(), balance=0.0, batch=8, mixup=1.0), np.random.default_rng(0)
    )
    assert ((targets > 0).sum((1, 2, 3)) == 2).any()
    np.testing.assert_allclose(targets.sum((1, 2, 3)), 1, atol=1e-6)
    assert np.array_equal(pictures > pictures.min((1, 2, 3), keepdims=True), targets > 0)


def test_equal_generators_give_equal_batches(samples, plan):
    first, second = (list(batches(samples, plan, np.random.default_rng(3))) for _ in range(2))
    other = list(batches(samples, plan, np.random.default_rng(4)))
    assert len(first) == len(second) == steps_per_epoch(12, plan) == 3
    for (a, b), (c, d) in zip(first, second, strict=True):
        assert a.shape == b.shape == (4, 1, 32, 48)
        assert a.dtype == b.dtype == np.float32
        assert np.array_equal(a, c)
        assert np.array_equal(b, d)
    assert not np.array_equal(first[0][0], other[0][0])


def test_each_picture_of_a_batch_is_normalised(samples, plan):
    for pictures, masks in batches(samples, plan, np.random.default_rng(1)):
        np.testing.assert_allclose(pictures.mean((1, 2, 3)), 0, atol=1e-5)
        np.testing.assert_allclose(pictures.std((1, 2, 3)), 1, atol=1e-3)
        assert masks.min() >= 0
        assert masks.max() <= 1 + 1e-6


def test_without_balance_every_sample_comes_once(changed):
    seen = drawn(np.linspace(0, 1, 40), changed(steps=(), balance=0.0, batch=4))
    assert seen == Counter(range(40))


def test_balance_brings_rare_strata_more_often(changed):
    """45 common samples and 3 rare ones: of the additional half each stratum gets the same share."""
    strata = [0.0] * 45 + [1.0] * 3
    total = Counter()
    for seed in range(20):
        total += drawn(strata, changed(steps=(), balance=0.5, batch=4), seed)
    common = np.mean([total[n] for n in range(45)]) / 20
    rare = np.mean([total[n] for n in range(45, 48)]) / 20
    assert common == pytest.approx(1 + 12 / 45, abs=0.1)
    assert rare == pytest.approx(1 + 12 / 3, abs=0.8)


def test_samples_of_one_stratum_are_drawn_alike(changed):
    seen = drawn([0.5] * 40, changed(steps=(), balance=0.1, batch=4))
    assert seen.total() == 44
    assert set(seen) == set(range(40))


def test_fewer_samples_than_a_batch_are_refused(changed):
    with pytest.raises(InvalidInput, match="at least one batch"):
        steps_per_epoch(3, changed(batch=8))


def test_a_fault_in_the_background_names_the_sample(changed, samples):
    empty = np.zeros((1, 0, 0), np.float32)
    damaged = [*samples[:3], dataclasses.replace(samples[3], picture=empty, target=empty)]
    with pytest.raises(
        InvalidInput, match=r"the sample e03 can be augmented .*; got \w+ \(.+\); leave it out"
    ):
        list(batches(damaged, changed(batch=4, balance=0.0), np.random.default_rng(0)))


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_the_shares_of_a_batch_together_are_the_batch(mixup, samples, changed):
    """Each process draws each sample as one process would, also where samples are mixed across the shares."""
    plan = changed(batch=6, mixup=mixup)
    whole = list(batches(samples, plan, np.random.default_rng(3)))
    parts = [
        list(batches(samples, plan, np.random.default_rng(3), share=Share(rank=rank, size=3)))
        for rank in range(3)
    ]
    for n, (pictures, masks) in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[n][0] for part in parts]), pictures)
        np.testing.assert_array_equal(np.concatenate([part[n][1] for part in parts]), masks)
