"""Layers by the number of axes, what comes in, and grids of fixed size."""

import pytest
import torch
from torch import nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import Entrance, Regrid, axes, he


@pytest.mark.parametrize("ndim", [2, 3])
def test_layers_are_those_of_so_many_axes(ndim):
    layers = axes(ndim)
    assert layers.places == tuple(range(2, 2 + ndim))
    assert layers.conv(1, 2, 3, padding=1)(torch.zeros(1, 1, *[5] * ndim)).shape == (1, 2, *[5] * ndim)


@pytest.mark.parametrize("ndim", [0, 1, 4])
def test_other_numbers_of_axes_are_refused(ndim):
    with pytest.raises(InvalidInput, match="2 or 3"):
        axes(ndim)


def test_extents_may_have_a_multiple_for_each_axis():
    entrance = Entrance("it", inputs=1, ndim=3, multiple=(4, 4, 1))
    entrance(torch.zeros(1, 1, 8, 4, 5))
    with pytest.raises(InvalidInput, match=r"multiples of \(4, 4, 1\)"):
        entrance(torch.zeros(1, 1, 8, 5, 4))


@pytest.mark.parametrize("shape", [(7,), (13,), (6, 20), (3, 2), (5, 9, 14)])
@pytest.mark.parametrize("size", [1, 4, 6])
def test_a_grid_is_the_adaptive_average_of_pytorch(shape, size):
    x = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    pool = (nnf.adaptive_avg_pool1d, nnf.adaptive_avg_pool2d, nnf.adaptive_avg_pool3d)[len(shape) - 1]
    torch.testing.assert_close(Regrid(size)(x), pool(x, size), atol=1e-6, rtol=1e-5)


def test_kernels_keep_the_variance_through_rectifiers():
    torch.manual_seed(0)
    layers = [part for _ in range(20) for part in (nn.Conv2d(64, 64, 3, padding=1), nn.ReLU())]
    x = torch.randn(2, 64, 16, 16)
    spread = he(nn.Sequential(*layers))(x).square().mean().sqrt()
    assert 0.2 < spread < 5.0
