"""Multiply-adds, held against PyTorch's own counter of operations and against sums by hand."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from skiagraph.errors import InvalidInput
from skiagraph.networks import multiply_adds, network, parameter_count


@pytest.mark.parametrize(
    ("layer", "shape", "count"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), (2, 3, 5, 6), 2 * 8 * 5 * 6 * 3 * 9),
        (nn.Conv2d(4, 8, 3, groups=2), (1, 4, 5, 5), 8 * 3 * 3 * 2 * 9),
        (nn.Conv3d(1, 2, (1, 3, 3)), (1, 1, 4, 5, 5), 2 * 4 * 3 * 3 * 9),
        (nn.ConvTranspose2d(4, 2, 2, 2), (1, 4, 3, 3), 4 * 9 * 2 * 4),
        (nn.Linear(7, 5), (3, 7), 3 * 7 * 5),
        (nn.GRU(3, 4, batch_first=True), (2, 5, 3), 2 * 5 * 3 * (4 * 3 + 4 * 4)),
        (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)), (1, 3, 4, 4), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_each_layer_counts_as_by_hand(layer, shape, count):
    assert multiply_adds(layer, shape) == count


@pytest.mark.parametrize("name", ["resnet-50", "googlenet", "densenet-121", "vit-tiny"])
def test_pytorchs_counter_counts_the_same(name):
    with torch.device("meta"):
        built = network(name, inputs=3, outputs=10)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            built.eval()(torch.zeros(2, 3, 224, 224))
    assert multiply_adds(built, (2, 3, 224, 224)) == counter.get_total_flops() // 2


def test_a_network_is_afterwards_as_it_was():
    built = network("resnet-20", inputs=1, outputs=2).train()
    built.body.stages.eval()
    before = {name: part.training for name, part in built.named_modules()}
    statistics = built.body.norm1.running_mean.clone()
    multiply_adds(built, (1, 1, 8, 8))
    assert {name: part.training for name, part in built.named_modules()} == before
    assert torch.equal(built.body.norm1.running_mean, statistics)
    assert not any(part._forward_hooks for part in built.modules())


@pytest.mark.parametrize("shape", [(), (0, 1, 8, 8), (1, 1, 2, 2)])
def test_a_batch_that_cannot_be_is_refused(shape):
    with pytest.raises(InvalidInput):
        multiply_adds(network("resnet-20", inputs=1, outputs=2), shape)


def test_parameters_are_counted_once_where_they_are_shared():
    shared = nn.Linear(3, 4)
    assert parameter_count(nn.ModuleList([shared, shared])) == 16
