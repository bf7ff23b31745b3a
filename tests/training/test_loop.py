"""The loop learns, and a run that was cut off goes on exactly where it was."""

import dataclasses

import numpy as np
import pytest
import torch

from skiagraph.errors import FormatError, InvalidInput
from skiagraph.findings import Segmentation
from skiagraph.metrics import Overlap
from skiagraph.networks import network
from skiagraph.testing import check_trainer
from skiagraph.training import SegmentationTrainer, learnt_card, prepared, train
from skiagraph.training.build import built
from skiagraph.training.loop import Run, Stage, learn
from skiagraph.training.outline_losses import overlap_and_entropy
from skiagraph.training.teach import stages_of


class Cut(Exception):
    """The machine went down."""


@pytest.fixture(scope="module")
def samples(dataset, plan):
    return prepared(dataset, plan.recipe)


def silent(done, total, figures, /):
    pass


def learnt(samples, plan, *, seed=0, checkpoint=None, watch=silent):
    return train(samples, plan, rng=np.random.default_rng(seed), watch=watch, checkpoint=checkpoint)


def cut_after(epochs):
    def watch(done, total, figures, /):
        if done == epochs:
            raise Cut

    return watch


def same(a, b):
    first, second = a.state_dict(), b.state_dict()
    return list(first) == list(second) and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def uncut(samples, plan):
    return learnt(samples, plan)


def test_the_loss_falls_on_ellipses(samples, plan):
    told = []
    learnt(
        samples,
        dataclasses.replace(plan, epochs=8),
        watch=lambda done, total, figures: told.append((done, total, figures["loss"])),
    )
    assert [(done, total) for done, total, _ in told] == [(n, 8) for n in range(1, 9)]
    losses = [loss for _, _, loss in told]
    assert losses[-1] < 0.6 * losses[0]


def test_between_two_judgements_the_last_figures_stand(samples, plan):
    asked = []

    def judge(network):
        asked.append(network)
        return {"dice": float(len(asked))}

    plan = dataclasses.replace(plan, epochs=5)
    run = Run(seed=0, watch=silent, judge=judge, between=2)
    history = learn(built(plan, 0), stages_of(samples, plan), plan, run).history
    assert [row["dice"] for row in history] == [1.0, 1.0, 2.0, 2.0, 3.0]
    assert len({row["loss"] for row in history}) == 5


def test_what_was_learnt_is_in_evaluation_mode_and_follows_from_the_generator(samples, plan, uncut):
    assert not uncut.training
    assert same(uncut, learnt(samples, plan))
    assert not same(uncut, learnt(samples, plan, seed=1))


@pytest.mark.parametrize("epochs", [2, 4])
def test_a_run_that_was_cut_ends_with_the_same_weights_to_the_last_bit(
    epochs, samples, plan, uncut, tmp_path
):
    """Cut while epoch `epochs` was being told, so that what is on disk is the epoch before."""
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    with pytest.raises(Cut):
        learnt(samples, plan, checkpoint=checkpoint, watch=cut_after(epochs))
    told = []
    resumed = learnt(samples, plan, checkpoint=checkpoint, watch=lambda done, *_: told.append(done))
    assert told == list(range(epochs, 5)), "only what was missing was learnt"
    assert same(resumed, uncut)
    assert [p.name for p in checkpoint.parent.iterdir()] == ["checkpoint.pt"]


def test_a_finished_run_is_not_learnt_again(samples, plan, uncut, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    learnt(samples, plan, checkpoint=checkpoint)
    assert same(learnt(samples, plan, checkpoint=checkpoint, watch=cut_after(1)), uncut)


@pytest.fixture(scope="module")
def kept(samples, plan, tmp_path_factory):
    """A checkpoint after one epoch."""
    path = tmp_path_factory.mktemp("kept") / "checkpoint.pt"
    with pytest.raises(Cut):
        learnt(samples, plan, checkpoint=path, watch=cut_after(2))
    return path


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"not a checkpoint at all, just words" * 20,
        lambda raw: raw[:2000] + bytes(1000) + raw[3000:],
    ],
    ids=["cut in half", "empty", "text", "overwritten"],
)
def test_a_damaged_checkpoint_is_refused(damage, kept, samples, plan, tmp_path):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage(kept.read_bytes()))
    with pytest.raises(FormatError, match=r"checkpoint\.pt is whole.*delete it"):
        learnt(samples, plan, checkpoint=path)


@pytest.mark.parametrize(
    ("changes", "seed"),
    [({"epochs": 5}, 0), ({"options": {"widths": [8, 24]}}, 0), ({"steps": ()}, 0), ({}, 1)],
    ids=["more epochs", "another network", "another augmentation", "another seed"],
)
def test_the_checkpoint_of_another_training_is_refused(changes, seed, kept, samples, changed):
    with pytest.raises(InvalidInput, match="belongs to this plan and seed"):
        learnt(samples, changed(**changes), seed=seed, checkpoint=kept)


def test_too_few_samples_for_a_batch_are_refused(samples, plan):
    with pytest.raises(InvalidInput, match="at least one batch"):
        learnt(samples[:2], plan)


def test_the_loss_is_near_zero_for_a_sure_and_right_answer_and_large_for_a_wrong_one():
    target = torch.zeros(1, 1, 16, 16)
    target[..., 4:12, 4:12] = 1.0
    sure = (target * 2 - 1) * 20
    assert float(overlap_and_entropy(sure, target)) == pytest.approx(0.0, abs=1e-4)
    assert float(overlap_and_entropy(-sure, target)) == pytest.approx(20.0 + 1.0 - 1 / 257, abs=1e-2)
    assert float(overlap_and_entropy(sure * 0, target)) == pytest.approx(np.log(2) + 1 - 65 / 193, abs=1e-4)


def test_the_trainer_keeps_the_contract(dataset, changed):
    small = dataclasses.replace(dataset, samples=dataset.samples[:4])
    trainer = SegmentationTrainer(card=learnt_card("ellipses", changed().recipe, "US", dataset))
    check_trainer(trainer, small, changed(epochs=1))


def test_a_few_seconds_of_learning_outline_ellipses_that_were_not_seen(dataset, changed):
    seen = dataclasses.replace(dataset, samples=dataset.samples[:8])
    trainer = SegmentationTrainer(card=learnt_card("ellipses", changed().recipe, "US", dataset))
    plan = changed(epochs=25, steps=())
    model = trainer.fit(seen, plan, rng=np.random.default_rng(0), watch=silent)
    assert model.card.data == ("ellipses",)
    for sample in dataset.samples[8:]:
        found, (true,) = model(sample.case()), sample.reference()
        assert isinstance(found, Segmentation)
        assert Overlap().tally(found, true).dice > 0.93


def test_a_narrow_network_with_strided_pointwise_convolutions_learns_without_harm_to_memory(plan):
    pictures = np.random.default_rng(0).random((8, 1, 56, 56), np.float32)
    stage = Stage(
        epochs=2,
        steps=1,
        learning_rate=1e-3,
        batches=lambda rng, after: iter([(pictures, pictures[:, 0, :2, 0])][after:]),
        loss=lambda answer, target, progress: ((answer - target) ** 2).mean(),
    )
    narrow = network("resnet-18", inputs=1, outputs=2, ndim=2, base=8)
    history = learn(narrow, [stage], plan, Run(seed=0, watch=silent)).history
    assert len(history) == 2
    assert all(np.isfinite(figures["loss"]) for figures in history)
