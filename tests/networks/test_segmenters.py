"""What is particular to each network that answers at every place."""

import time

import pytest
import torch
from torch import nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks import DenseTissue, multiply_adds, network, parameter_count
from skiagraph.networks.dims import axes
from skiagraph.networks.fcn import _linear
from skiagraph.networks.residual_encoder_unet import Level, usual_levels
from skiagraph.networks.tissue import tissue_patch
from skiagraph.networks.vgg import _Halved


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("space", [(1, 1), (7, 100), (31, 33), (64, 32), (45, 20)])
@torch.inference_mode()
def test_a_fully_convolutional_network_takes_images_of_any_size(stride, space):
    torch.manual_seed(0)
    built = network(f"fcn-{stride}s", inputs=1, outputs=2, base=2, hidden=4).eval()
    assert built(drawn(1, 1, *space)).shape == (1, 2, *space)


@pytest.mark.parametrize("space", [(1, 1), (4, 7), (5, 3, 2)])
def test_maps_of_odd_extent_are_halved_upwards(space):
    x = drawn(2, 3, *space).relu()
    pool = nnf.max_pool2d if len(space) == 2 else nnf.max_pool3d
    assert torch.equal(_Halved(axes(len(space)))(x), pool(x, 2, 2, ceil_mode=True))


@pytest.mark.parametrize("ndim", [2, 3])
def test_ways_up_of_an_fcn_begin_as_linear_interpolation(ndim):
    x = drawn(1, 3, *[6] * ndim)
    conv = nnf.conv_transpose2d if ndim == 2 else nnf.conv_transpose3d
    inner = (..., *[slice(1, -1)] * ndim)
    wanted = nnf.interpolate(x, scale_factor=2.0, mode="bilinear" if ndim == 2 else "trilinear")
    torch.testing.assert_close(conv(x, _linear(3, ndim), stride=2, padding=1)[inner], wanted[inner])


@pytest.mark.parametrize("stride", [32, 16, 8])
@torch.inference_mode()
def test_the_scores_of_an_fcn_lie_where_the_image_does(stride):
    built = network(f"fcn-{stride}s", inputs=1, outputs=1, base=1, hidden=1).eval()
    for name, part in built.named_modules():
        if isinstance(part, nn.Conv2d):  # each passes on the first channel, and the finer scores are silent
            part.weight.zero_()
            part.weight[:, 0, part.kernel_size[0] // 2, part.kernel_size[1] // 2] = (
                0.0 if "scores" in name else 1.0
            )
    x = torch.zeros(1, 1, 133, 150)
    x[..., 64:96, 32:64] = 1.0
    said = built(x)[0, 0]
    middle = [
        float((said.sum(1 - axis) * torch.arange(n)).sum() / said.sum()) for axis, n in enumerate(said.shape)
    ]
    assert middle == pytest.approx([79.5, 47.5], abs=1e-3)


@pytest.mark.parametrize(
    ("name", "deepest"), [("unet", (1, 1024, 32, 32)), ("unet-3d", (1, 512, 16, 16, 16))]
)
def test_the_deepest_map_is_that_of_the_figure(name, deepest):
    ndim = len(deepest) - 2
    seen = []
    with torch.device("meta"):
        built = network(name, inputs=1, outputs=2, ndim=ndim).eval()
        built.down[-1].register_forward_hook(lambda _part, _given, said: seen.append(said.shape))
        built(torch.zeros(1, 1, *[512 if ndim == 2 else 128] * ndim))
    assert seen == [deepest]


@pytest.mark.parametrize(("norm", "layers"), [("none", 0), ("batch", 18), ("instance", 18)])
def test_the_unet_normalises_after_each_convolution_if_that_is_wanted(norm, layers):
    built = network("unet", inputs=1, outputs=2, ndim=3, base=2, norm=norm).eval()
    norms = [part for part in built.modules() if isinstance(part, (nn.BatchNorm3d, nn.InstanceNorm3d))]
    biases = [part.bias is not None for part in built.modules() if isinstance(part, nn.Conv3d)]
    assert len(norms) == layers
    assert biases == [norm == "none"] * 18 + [True]
    assert built(drawn(1, 1, 32, 32, 32)).shape == (1, 2, 32, 32, 32)


def test_the_3d_unet_has_one_number_more_for_each_normalised_channel_than_its_paper_counts():
    with torch.device("meta"):
        built = network("unet-3d", inputs=3, outputs=3, ndim=3)
    normalised = sum(part.num_features for part in built.modules() if isinstance(part, nn.BatchNorm3d))
    assert normalised == 2336
    assert parameter_count(built) == 19_069_955 + normalised


@pytest.mark.parametrize(("ndim", "theirs"), [(3, 102_349_770), (2, 140_017_038)])
def test_the_residual_encoder_has_the_parameters_of_nnunets_but_for_biases_and_an_answer_without_weight(
    ndim, theirs
):
    """`theirs`: dynamic-network-architectures 0.4.4, ResEnc M for one channel and two classes, counted once."""
    levels = usual_levels(ndim)
    with torch.device("meta"):
        built = network("unet-resenc", inputs=1, outputs=2, ndim=ndim)
    biases = levels[0].width  # of the stem
    biases += sum(2 * level.blocks * level.width for level in levels)  # two convolutions a block
    biases += sum(level.width for level in levels[:-1])  # one convolution a level of the decoder
    unused = 2 * levels[-2].width + 2  # nnU-Net's answer of the lowest level has a weight of zero
    assert parameter_count(built) + biases + unused == theirs


@pytest.mark.parametrize("ndim", [2, 3])
def test_deep_supervision_answers_at_each_level_but_the_two_deepest_while_it_learns(ndim):
    levels = [
        Level(width=4, blocks=1, stride=(1 if i == 0 else 2,) * ndim, kernel=(3,) * ndim) for i in range(5)
    ]
    built = network("unet-resenc", inputs=1, outputs=2, ndim=ndim, levels=levels)
    answers = built.train()(drawn(1, 1, *[32] * ndim))
    assert [a.shape for a in answers] == [(1, 2, *[n] * ndim) for n in (32, 16, 8)]
    assert built.side_weights == (0.5, 0.25)
    assert built.eval()(drawn(1, 1, *[32] * ndim)).shape == (1, 2, *[32] * ndim)


def test_strides_and_kernels_follow_thick_slices():
    levels = [
        Level(width=4, blocks=1, stride=(1, 1, 1), kernel=(1, 3, 3)),
        Level(width=8, blocks=1, stride=(1, 2, 2), kernel=(3, 3, 3)),
        Level(width=8, blocks=1, stride=(1, 2, 2), kernel=(3, 3, 3)),
    ]
    built = network("unet-resenc", inputs=1, outputs=2, ndim=3, levels=levels, supervision=False).eval()
    assert built(drawn(1, 1, 5, 8, 12)).shape == (1, 2, 5, 8, 12)
    with pytest.raises(InvalidInput, match=r"multiples of \(1, 4, 4\)"):
        built(drawn(1, 1, 5, 8, 10))


@pytest.mark.parametrize("first", [(2, 2, 2), (1, 2, 2), (1, 3, 4)])
def test_a_first_level_with_a_stride_answers_at_the_resolution_of_the_image(first):
    levels = [
        Level(width=4, blocks=1, stride=first, kernel=(3, 3, 3)),
        Level(width=8, blocks=1, stride=(2, 2, 2), kernel=(3, 3, 3)),
    ]
    built = network("unet-resenc", inputs=1, outputs=2, ndim=3, levels=levels)
    size = [4 * f for f in first]
    answer = built.train()(drawn(1, 1, *size))
    assert answer.shape == (1, 2, *size)
    within = answer.unflatten(-1, (-1, first[2]))  # the places of one cell of the first level
    assert (within.std(-1) > 0).all()
    with pytest.raises(InvalidInput, match="multiples of"):
        built(drawn(1, 1, size[0], size[1], size[2] + 1))


@pytest.mark.parametrize(
    "wrong", [{"width": 0}, {"kernel": (2, 3)}, {"stride": (1, 1, 1)}, {"blocks": 0}, {"stride": (0, 1)}]
)
def test_a_level_that_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidInput):
        Level(**{"width": 4, "blocks": 1, "stride": (1, 1), "kernel": (3, 3), **wrong})


def test_malunet_has_the_parameters_of_its_paper_which_leaves_out_normalisations():
    with torch.device("meta"):
        built = network("malunet", inputs=3, outputs=1)
    norms = sum(parameter_count(part) for part in built.modules() if isinstance(part, nn.GroupNorm))
    assert round((parameter_count(built) - norms) / 1e6, 3) == 0.175


def test_the_patch_network_counts_up_to_the_paper_it_comes_from():
    with torch.device("meta"):
        assert parameter_count(tissue_patch(inputs=1, outputs=4)) == 5_921_156
        assert parameter_count(tissue_patch(inputs=3, outputs=3, hidden=())) == 5_332_995


def patches(x):
    """The 13x13(x13) patch around each place, zeros beyond the image."""
    ndim = x.ndim - 2
    wide = nnf.pad(x, (6,) * (2 * ndim))
    for axis in range(2, 2 + ndim):
        wide = wide.unfold(axis, 13, 1)
    places = tuple(range(2, 2 + ndim))
    return wide.permute(0, *places, 1, *(p + ndim for p in places)).reshape(-1, x.shape[1], *[13] * ndim)


@pytest.mark.parametrize("space", [(1, 1), (20, 9), (4, 3, 5)])
@torch.inference_mode()
def test_the_dense_network_says_of_each_pixel_what_the_patch_network_says_of_its_patch(space):
    torch.manual_seed(0)
    patch = network("tissue-patch", inputs=2, outputs=4, ndim=len(space)).eval()
    x = drawn(1, 2, *space)
    one_by_one = patch(patches(x)).T.reshape(1, 4, *space)
    assert one_by_one.abs().max() > 1e-3
    torch.testing.assert_close(DenseTissue(patch).eval()(x), one_by_one, atol=1e-6, rtol=1e-4)


@torch.inference_mode()
def test_the_dense_network_is_at_least_twenty_times_as_fast_as_one_patch_after_the_other():
    torch.manual_seed(0)
    patch = network("tissue-patch", inputs=1, outputs=4).eval()
    dense, x = DenseTissue(patch).eval(), drawn(1, 1, 48, 48)
    cut = patches(x)

    def best(run):
        times = []
        for _ in range(4):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return min(times)

    whole = best(lambda: dense(x))
    one = best(lambda: [patch(p[None]) for p in cut[:24]]) / 24
    assert one * len(cut) > 20 * whole


def test_a_pixel_of_the_dense_network_costs_less_than_its_patch():
    with torch.device("meta"):
        patch = network("tissue-patch", inputs=1, outputs=4)
        dense = DenseTissue(patch)
    assert multiply_adds(patch, (1, 1, 13, 13)) == 15_877_696
    assert multiply_adds(dense, (1, 1, 256, 256)) / 256**2 < 15_877_696 / 2.4


def test_weights_of_the_patch_network_are_those_of_the_dense_one():
    patch, dense = (network(name, inputs=1, outputs=4) for name in ("tissue-patch", "tissue-dense"))
    dense.patch.load_state_dict(patch.state_dict())
    assert DenseTissue(patch).patch is patch


def test_a_larger_image_is_no_patch_and_another_network_has_no_dense_equivalent():
    with pytest.raises(InvalidInput, match="DenseTissue"):
        network("tissue-patch", inputs=1, outputs=4)(torch.zeros(1, 1, 14, 13))
    with pytest.raises(InvalidInput, match="tissue_patch"):
        DenseTissue(network("resnet-20", inputs=1, outputs=4))


def test_an_autoencoder_goes_through_a_code():
    built = network("autoencoder", inputs=1, outputs=1, widths=(4, 8), code=3).eval()
    x = drawn(1, 1, 16, 24)
    assert built.body(x).shape == (1, 3, 4, 6)
    torch.testing.assert_close(built.head(built.body(x)), built(x))
