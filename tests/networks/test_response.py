"""Local response normalisation, held against PyTorch's and against the sums written out."""

import pytest
import torch
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.response import LocalResponse


@pytest.mark.parametrize("shape", [(2, 7, 5, 6), (2, 3, 4, 5, 6)])
def test_across_channels_it_is_pytorchs_with_a_sum_for_the_mean(shape):
    x = 30 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    theirs = nnf.local_response_norm(x, 5, alpha=5 * 1e-4, beta=0.75, k=2.0)
    torch.testing.assert_close(LocalResponse()(x), theirs)


@pytest.mark.parametrize("shape", [(1, 2, 4, 6), (1, 2, 2, 3, 4)])
def test_within_a_channel_it_sums_over_the_square_around_each_place(shape):
    x = 30 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    said = LocalResponse("within", size=3)(x)
    for place in torch.cartesian_prod(*(torch.arange(n) for n in shape)).tolist():
        near = tuple(slice(max(0, i - 1), i + 2) for i in place[2:])
        strength = x[place[0], place[1]][near].square().sum()
        torch.testing.assert_close(said[tuple(place)], x[tuple(place)] / (2 + 1e-4 * strength) ** 0.75)


@pytest.mark.parametrize(("where", "size"), [("between", 5), ("across", 4)])
def test_other_neighbourhoods_are_refused(where, size):
    with pytest.raises(InvalidInput, match="odd"):
        LocalResponse(where, size=size)
