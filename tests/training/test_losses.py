"""What networks are punished for: values by hand, and the size of an ellipse."""

import numpy as np
import pytest
import torch

from skiagraph.features import Ellipse, rasterised
from skiagraph.networks import network
from skiagraph.training.losses import SIDE_WEIGHT, with_sides
from skiagraph.training.outline_losses import moments_apart, overlap_and_entropy


def ellipse(centre, semi_axes, shape=(96, 144)):
    form = np.diag(np.square(semi_axes).astype(float))
    mask = rasterised(Ellipse(centre=np.array(centre, float), form=form), shape)
    return torch.from_numpy(mask.astype(np.float32))[None, None]


def logits(mask):
    return (mask - 0.5) * 40


def test_a_perfect_and_sure_answer_costs_nothing():
    mask = ellipse((48, 72), (30, 40))
    assert float(overlap_and_entropy(logits(mask), mask)) == pytest.approx(0.0, abs=1e-4)
    assert float(moments_apart(logits(mask), mask)) == pytest.approx(0.0, abs=1e-5)


def test_an_unsure_answer_costs_its_entropy_and_its_missing_overlap():
    mask = ellipse((48, 72), (30, 40))
    area, places = float(mask.sum()), mask.numel()
    dice = (2 * 0.5 * area + 1) / (0.5 * places + area + 1)
    assert float(overlap_and_entropy(torch.zeros_like(mask), mask)) == pytest.approx(
        np.log(2) + 1 - dice, abs=1e-4
    )


def test_moments_measure_shift_and_growth_in_half_heights():
    mask = ellipse((48, 72), (30, 40))
    shifted = moments_apart(logits(ellipse((52, 72), (30, 40))), mask)
    assert float(shifted) == pytest.approx(4 / 48 / 5, rel=0.1)
    grown = moments_apart(logits(ellipse((48, 72), (34, 40))), mask)
    assert float(grown) == pytest.approx(4 / 48 / 2 / 5, rel=0.1)


def test_moments_fall_as_an_outline_comes_to_its_size():
    mask = ellipse((48, 72), (30, 40))
    costs = [float(moments_apart(logits(ellipse((48, 72), (30 + n, 40 + n))), mask)) for n in (6, 4, 2, 0)]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > 3 * costs[2]


def test_an_auxiliary_head_costs_three_tenths_of_what_the_main_one_costs():
    def off(answer, target):
        return (answer - target).abs().mean()

    target = torch.zeros(2, 1)
    main, first, second = (torch.full((2, 1), v) for v in (1.0, 2.0, 4.0))
    assert float(with_sides(off, (main, first, second), target)) == pytest.approx(1 + 0.3 * (2 + 4))
    assert float(with_sides(off, main, target)) == 1.0


@pytest.mark.parametrize("name", ["googlenet", "googlenet-v2"])
def test_the_auxiliary_weight_of_the_loss_is_that_of_the_network(name):
    with torch.device("meta"):
        assert network(name, inputs=1, outputs=2).side_weights == (SIDE_WEIGHT, SIDE_WEIGHT)
