"""The second look learns to lead an outline back to the edge of a bright ring."""

import numpy as np
import pytest
import torch

from skiagraph.errors import InvalidInput
from skiagraph.features import Ellipse, rasterised
from skiagraph.features.unrolled import basis, edge_offsets, moved
from skiagraph.features.unrolled import motion as fitted_motion
from skiagraph.task import Refine
from skiagraph.training import Ring, RingPlan, train_rings
from skiagraph.training.ring import ring_loss, true_offsets

HOW = Refine(angles=64, radii=32)
PLAN = RingPlan(refine=HOW, widths=(6, 8, 8, 12), members=1, epochs=6, batch=8, warmup=10, drop=0.0)


def ring(rng):
    long, short = rng.uniform(60, 90), rng.uniform(40, 60)
    angle, centre = rng.uniform(0, np.pi), np.array([144.0, 216.0]) + rng.uniform(-20, 20, 2)
    c, s = np.cos(angle), np.sin(angle)
    axes = np.array([[c, -s], [s, c]]) * (long, short)
    outline = Ellipse(centre=centre, form=axes @ axes.T)
    band = rasterised(outline, HOW.shape) & ~rasterised(outline.grown(-6.0), HOW.shape)
    picture = (0.1 + 0.7 * band + rng.normal(0, 0.03, HOW.shape)).clip(0, 1).astype(np.float32)
    return Ring(picture=picture, centre=centre, axes=axes)


def off(network, samples, rng):
    """Mean size of what is left of planted motions, before and after one look."""
    from skiagraph.training.ring import _drawn

    with torch.inference_mode():
        pairs = [_drawn(s, s, PLAN, rng) for s in samples]
        answers = network(torch.from_numpy(np.stack([x for x, _ in pairs]))).numpy()[:, 0]
    found = fitted_motion(*edge_offsets(answers, HOW)) @ basis(HOW.angles // 2).T
    targets = np.stack([t for _, t in pairs])
    return np.abs(targets).mean(), np.abs(found - targets).mean()


def test_a_trained_look_leads_outlines_most_of_the_way_back():
    rng = np.random.default_rng(0)
    samples = [ring(rng) for _ in range(48)]
    seen = []
    network = train_rings(samples, PLAN, rng=np.random.default_rng(1), watch=lambda *a: seen.append(a))
    before, after = off(network, [ring(rng) for _ in range(16)], np.random.default_rng(2))
    assert after < 0.4 * before
    assert [done for done, *_ in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1][2]["loss"] < seen[0][2]["loss"]


def test_a_run_that_was_cut_off_goes_on_exactly_where_it_was(tmp_path):
    rng = np.random.default_rng(0)
    samples = [ring(rng) for _ in range(16)]
    plan = RingPlan(refine=HOW, widths=(4, 4, 4, 4), members=2, epochs=2, batch=8)

    def run(file, stop=99):
        def watch(done, *_):
            if done == stop:
                raise KeyboardInterrupt

        return train_rings(
            samples, plan, rng=np.random.default_rng(3), watch=watch, checkpoint=tmp_path / file
        )

    whole = run("a")
    with pytest.raises(KeyboardInterrupt):
        run("b", stop=4)  # the last epoch of the second network is done and not yet kept
    again = run("b")
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(tensor, again.state_dict()[name], rtol=0, atol=0)


def test_learning_can_begin_with_networks_that_have_learnt():
    rng = np.random.default_rng(0)
    samples = [ring(rng) for _ in range(8)]
    first = train_rings(samples, PLAN, rng=np.random.default_rng(1), watch=lambda *_: None)
    still = RingPlan(
        refine=HOW, widths=PLAN.widths, members=1, epochs=1, batch=8, learning_rate=1e-12, average=0.0
    )
    then = train_rings(samples, still, rng=np.random.default_rng(2), watch=lambda *_: None, start=first)
    for a, b in zip(first.parameters(), then.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_true_offsets_lie_on_the_true_ellipse():
    truth = ring(np.random.default_rng(5))
    centre, axes = moved(truth.centre, truth.axes, np.array([0.03, -0.02, 0.01, 0.04, -0.03]))
    offsets = true_offsets(centre, axes, truth, 40)
    angles = (np.arange(40) + 0.5) * 2 * np.pi / 40
    points = centre + (1 + offsets)[:, None] * (np.stack([np.cos(angles), np.sin(angles)], 1) @ axes.T)
    form = np.linalg.inv(truth.axes @ truth.axes.T)
    radius = np.einsum("ni,ij,nj->n", points - truth.centre, form, points - truth.centre)
    np.testing.assert_allclose(radius, 1.0, atol=1e-9)


def test_the_loss_sees_the_same_motion_as_reading_does():
    rng = np.random.default_rng(6)
    answer = rng.normal(size=(3, HOW.angles // 2, HOW.radii // 2 + 1)).astype(np.float32)
    led = fitted_motion(*edge_offsets(answer, HOW)) @ basis(HOW.angles // 2).T
    at_rest = ring_loss(torch.from_numpy(answer), torch.from_numpy(led.astype(np.float32)), HOW)
    away = ring_loss(torch.from_numpy(answer), torch.from_numpy((led + 0.02).astype(np.float32)), HOW)
    assert away - at_rest > 0.5  # 10 + 20 times 0.02, less what the evidence gains


def test_fewer_samples_than_a_batch_are_refused():
    with pytest.raises(InvalidInput, match="at least one batch"):
        train_rings([], PLAN, rng=np.random.default_rng(0), watch=lambda *_: None)
