"""The network of unrolled pictures answers at each angle, and a turn of its picture turns its answer."""

import pytest
import torch

from skiagraph.errors import InvalidInput
from skiagraph.networks import Committee, RingNet

WIDTHS = (4, 6, 8, 10, 12)


def network():
    torch.manual_seed(0)
    return RingNet(inputs=4, widths=WIDTHS, drop=0.1).eval()


@torch.inference_mode()
def test_it_answers_for_every_second_angle_and_radius_and_gives_each_angle_a_weight():
    assert network()(torch.zeros(2, 4, 160, 48)).shape == (2, 80, 25)


@torch.inference_mode()
def test_the_circle_has_no_beginning():
    net, x = network(), torch.randn(1, 4, 160, 48)
    turned = net(x.roll(16, dims=2))  # a step of the deepest level
    torch.testing.assert_close(turned, net(x).roll(8, dims=1), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_members_of_a_committee_answer_side_by_side():
    one, two = network(), RingNet(inputs=4, widths=WIDTHS).eval()
    x = torch.randn(2, 4, 160, 48)
    both = Committee([one, two]).eval()(x)
    assert both.shape == (2, 2, 80, 25)
    torch.testing.assert_close(both[:, 1], two(x))


def test_two_levels_are_too_few():
    with pytest.raises(InvalidInput, match="three levels"):
        RingNet(inputs=4, widths=(8, 8))
