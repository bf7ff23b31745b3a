"""The residual U-Net: shapes, gradients, and names that saved weights rely on."""

import pytest
import torch

from skiagraph.errors import InvalidInput
from skiagraph.networks import ResidualUNet
from skiagraph.networks.unet import parameter_count


def tiny(**changes):
    torch.manual_seed(0)
    return ResidualUNet(**{"inputs": 1, "outputs": 1, "widths": (4, 8), **changes})


@pytest.mark.parametrize(
    ("inputs", "outputs", "widths", "shape"),
    [(1, 1, (4, 8), (32, 48)), (3, 2, (4, 8, 8), (16, 8)), (1, 5, (2, 3, 4, 5), (32, 64))],
)
def test_every_place_of_the_picture_gets_its_logits(inputs, outputs, widths, shape):
    network = tiny(inputs=inputs, outputs=outputs, widths=widths)
    assert network(torch.zeros(2, inputs, *shape)).shape == (2, outputs, *shape)


def test_one_level_is_no_u():
    with pytest.raises(InvalidInput, match="two levels"):
        tiny(widths=(8,))


def test_the_gradient_reaches_every_parameter():
    network = tiny(widths=(4, 8, 8))
    network(torch.randn(2, 1, 32, 48)).square().mean().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert silent == []


def test_each_logit_sees_its_neighbourhood():
    network = tiny().eval()
    picture = torch.zeros(1, 1, 32, 48)
    moved = picture.clone()
    moved[..., 16, 24] = 1.0
    changed = (network(moved) - network(picture)).abs()[0, 0] > 1e-7
    assert changed[16, 24]
    assert not changed[0, 0]


def test_names_of_parameters_are_stable_because_saved_weights_go_by_them():
    names = list(tiny().state_dict())
    bn = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def block(name):
        return [f"{name}.0.weight", *(f"{name}.1.{part}" for part in bn)]

    plain = [[*block(f"{name}.first"), *block(f"{name}.second")] for name in ("down.0", "down.1", "up.0")]
    past = ["down.1.past.1.weight", *(f"down.1.past.2.{part}" for part in bn)]
    assert names == [
        *block("stem"),
        *plain[0],
        *plain[1],
        *past,
        "narrow.0.weight",
        "narrow.0.bias",
        *plain[2],
        "head.weight",
        "head.bias",
    ]


def test_the_parameters_of_the_smallest_network_count_up_by_hand():
    stem, norm = 5 * 5 * 4, 2 * 4
    residual = 2 * (3 * 3 * 4 * 4 + norm)
    down = (3 * 3 * 4 * 8) + (3 * 3 * 8 * 8) + 4 * 8 + 3 * 2 * 8
    assert parameter_count(tiny()) == stem + norm + residual + down + (8 * 4 + 4) + residual + (4 + 1)
