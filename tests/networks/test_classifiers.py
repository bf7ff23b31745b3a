"""What is particular to each classification network: groups, shortcuts, auxiliary heads, tokens, moments, scales."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from skiagraph.errors import InvalidInput
from skiagraph.networks import Classifier, multiply_adds, network, parameter_count
from skiagraph.networks.blocks import CBAM, SqueezeExcitation
from skiagraph.networks.densenet import DenseNetBody
from skiagraph.networks.dims import Entrance
from skiagraph.networks.graph import onnx_graph
from skiagraph.networks.resnet import Layout, cifar_resnet, resnet

IMAGE = (1, 3, 224, 224)


def empty(name, **options):
    with torch.device("meta"):
        return network(name, **{"inputs": 3, "outputs": 1000, **options}).eval()


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def seen_by(features, layer, channel):
    """The channels before a layer that one channel behind it depends on."""
    conv = features[layer]
    x = torch.zeros(1, conv.in_channels * 1, 3, 3)
    x.requires_grad_()
    conv(x)[0, channel, 1, 1].backward()
    return set(x.grad.abs().sum((0, 2, 3)).nonzero().flatten().tolist())


def test_layer_3_of_alexnet_sees_both_groups_and_the_others_one():
    torch.manual_seed(0)
    convs = [
        part
        for part in network("alexnet", inputs=1, outputs=2, hidden=8).body.features
        if isinstance(part, nn.Conv2d)
    ]
    assert [(c.out_channels, c.kernel_size[0], c.groups) for c in convs] == [
        (96, 11, 1),
        (256, 5, 2),
        (384, 3, 1),
        (384, 3, 2),
        (256, 3, 2),
    ]
    assert seen_by(convs, 1, 0) == set(range(48))
    assert seen_by(convs, 1, 255) == set(range(48, 96))
    assert seen_by(convs, 2, 0) == set(range(256))


def test_alexnet_with_small_kernels_keeps_its_channels():
    kernels = [
        (part.out_channels, part.kernel_size[0])
        for part in empty("alexnet", kernels="5-3").body.features
        if isinstance(part, nn.Conv2d)
    ]
    assert kernels == [(96, 5), (256, 3), (384, 3), (384, 3), (256, 3)]


@pytest.mark.parametrize("side", [224, 227])
def test_alexnet_makes_a_grid_of_six_of_the_papers_images(side):
    features = empty("alexnet").body.features
    assert features(torch.zeros(1, 3, side, side, device="meta")).shape == (1, 256, 6, 6)


@pytest.mark.parametrize(
    ("depth", "stride_in", "giga"),
    [
        (18, "1x1", 1.81),
        (34, "1x1", 3.66),
        (50, "1x1", 3.86),
        (50, "3x3", 4.09),
        (101, "1x1", 7.57),
        (101, "3x3", 7.80),
        (152, "1x1", 11.28),
        (152, "3x3", 11.51),
    ],
)
def test_the_place_of_the_stride_shows_in_the_multiply_adds(depth, stride_in, giga):
    with torch.device("meta"):
        built = resnet(depth, inputs=3, outputs=1000, layout=Layout(stride_in=stride_in))
    assert round(multiply_adds(built, IMAGE) / 1e9, 2) == giga


@pytest.mark.parametrize(
    ("attention", "parameters", "giga"),
    [("none", 25_557_032, 3.858), ("se", 28_088_024, 3.860), ("cbam", 28_089_624, 3.864)],
    # Published: SE-ResNet-50 3.87 G (Hu et al., table 2); ResNet-50 + CBAM 28.09 M and 3.864 G (Woo et al., table 4).
)
def test_attention_costs_little(attention, parameters, giga):
    built = empty("resnet-50", attention=attention)
    assert parameter_count(built) == parameters
    assert round(multiply_adds(built, IMAGE) / 1e9, 3) == giga


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("block", [SqueezeExcitation, CBAM])
def test_attention_weighs_and_never_turns_a_sign(block, ndim):
    torch.manual_seed(0)
    x = drawn(2, 32, *[5] * ndim)
    said = block(32, ndim).eval()(x)
    assert (said * x >= 0).all()
    assert (said.abs() <= x.abs()).all()


def test_a_plain_network_is_the_residual_one_without_its_shortcuts():
    torch.manual_seed(0)
    plain = network("plain-20", inputs=1, outputs=2).eval()
    residual = network("resnet-20", inputs=1, outputs=2).eval()
    assert list(plain.state_dict()) == list(residual.state_dict())
    residual.load_state_dict(plain.state_dict())
    x = drawn(2, 1, 16, 16)
    assert not torch.allclose(plain(x), residual(x))
    for built in (plain, residual):
        for name, values in built.named_parameters():
            if "norm2.weight" in name:
                values.data.zero_()
    assert plain.body(x).abs().max() == 0.0
    assert residual.body(x).abs().max() > 0.0


def test_a_padded_shortcut_keeps_every_second_value_and_adds_channels_of_zeros():
    shortcut = cifar_resnet(8, inputs=1, outputs=2).body.stages.stage2[0].shortcut
    x = drawn(1, 16, 5, 6)
    said = shortcut(x)
    torch.testing.assert_close(said[:, :16], x[:, :, ::2, ::2])
    assert said.shape == (1, 32, 3, 3)
    assert said[:, 16:].abs().max() == 0.0


def test_dilation_in_the_place_of_stride_keeps_the_map_four_times_finer_and_the_weights_alike():
    fine, coarse = (empty("resnet-50", ndim=3, inputs=1, dilated=d, stride_in="3x3") for d in (True, False))
    x = torch.zeros(1, 64, 8, 8, 8, device="meta")
    assert [n.body.stages(x).shape[-1] for n in (fine, coarse)] == [4, 1]
    assert {n: v.shape for n, v in fine.state_dict().items()} == {
        n: v.shape for n, v in coarse.state_dict().items()
    }


@pytest.mark.parametrize("depth", [19, 21, 2])
def test_depths_that_do_not_exist_are_refused(depth):
    with pytest.raises(InvalidInput, match="6n"):
        cifar_resnet(depth, inputs=1, outputs=2)
    with pytest.raises(InvalidInput, match="152"):
        resnet(depth, inputs=1, outputs=2)


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_short_densenet_is_the_same_in_onnx(ndim):
    torch.manual_seed(0)
    body = DenseNetBody(Entrance("it", inputs=2, ndim=ndim, least=29), (2, 1), 8, "7x7")
    built = Classifier(body, width=body.width, outputs=3).eval()
    x = drawn(2, 2, *(29, 32, 33)[:ndim])
    session = onnxruntime.InferenceSession(
        onnx_graph(built, x).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (said,) = session.run(None, {"image": x.numpy()})
    np.testing.assert_allclose(said, built(x).detach().numpy(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("version", ["googlenet", "googlenet-v2"])
def test_auxiliary_heads_answer_in_training_and_change_nothing_afterwards(version):
    torch.manual_seed(0)
    built = network(version, inputs=1, outputs=3)
    bare = network(version, inputs=1, outputs=3, sides=False)
    bare.load_state_dict({n: v for n, v in built.state_dict().items() if not n.startswith("sides.")})
    x = drawn(4, 1, 32, 32)
    answers = built.train()(x)
    assert [a.shape for a in answers] == [(4, 3)] * 3
    assert built.side_weights == (0.3, 0.3)
    assert bare.side_weights == ()
    assert isinstance(bare.train()(x), torch.Tensor)
    bare.load_state_dict({n: v for n, v in built.state_dict().items() if not n.startswith("sides.")})
    assert torch.equal(built.eval()(x), bare.eval()(x))


def test_googlenet_v2_has_the_parameters_of_the_widespread_one_but_for_biases_before_normalisations():
    # 11 295 240 in the Caffe model by Xiong and its ports, whose convolutions keep a bias each.
    built = empty("googlenet-v2", sides=False)
    biases = sum(part.out_channels for part in built.modules() if isinstance(part, nn.Conv2d))
    assert parameter_count(built) + biases == 11_295_240


def test_a_transformer_takes_images_of_its_own_size_only():
    built = network("vit-tiny", inputs=1, outputs=2, size=(28, 21), patch=7).eval()
    assert built(torch.zeros(1, 1, 28, 21)).shape == (1, 2)
    with pytest.raises(InvalidInput, match="made for"):
        built(torch.zeros(1, 1, 21, 28))


def test_a_transformer_without_positions_does_not_know_the_order_of_patches():
    torch.manual_seed(0)
    built = network("vit-tiny", inputs=1, outputs=2, size=28, patch=14).eval()
    x = drawn(1, 1, 28, 28)
    turned = x.roll(14, dims=3)
    assert not torch.allclose(built(x), built(turned), atol=1e-5)
    built.body.position.data.zero_()
    torch.testing.assert_close(built(x), built(turned), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("both_ways", [False, True])
def test_a_recurrent_head_remembers_the_order_of_slices(both_ways):
    torch.manual_seed(0)
    options = {"encoder": "resnet-20", "hidden": 8, "both_ways": both_ways}
    built = network("recurrent", inputs=1, outputs=2, **options).eval()
    x = drawn(2, 5, 1, 16, 16)
    assert built(x).shape == (2, 2)
    assert built.body(x).shape == (2, 16 if both_ways else 8)
    assert built(x[:, :2]).shape == (2, 2)
    assert not torch.allclose(built(x), built(x.flip(1)), atol=1e-6)


def test_the_state_of_both_ways_has_seen_all_slices_on_both_ends():
    torch.manual_seed(0)
    built = network("recurrent", inputs=1, outputs=2, encoder="resnet-20", hidden=4, both_ways=True).eval()
    x = drawn(1, 4, 1, 8, 8)
    for moment in (0, 3):
        other = x.clone()
        other[:, moment] += 1.0
        changed = (built.body(x) - built.body(other)).abs()[0] > 1e-8
        assert changed[:4].any()
        assert changed[4:].any()


def test_the_slices_of_a_volume_are_the_moments_of_its_network():
    torch.manual_seed(0)
    built = network("recurrent-slices", inputs=2, outputs=3, ndim=3, encoder="resnet-20", hidden=8).eval()
    frames = network("recurrent", inputs=2, outputs=3, encoder="resnet-20", hidden=8, both_ways=True).eval()
    frames.load_state_dict(built.state_dict())
    x = drawn(2, 2, 5, 16, 12)
    torch.testing.assert_close(built(x), frames(x.transpose(1, 2)))
    assert not torch.allclose(built(x), built(x.flip(2)), atol=1e-6)


def test_one_image_is_no_sequence():
    built = network("recurrent", inputs=1, outputs=2, encoder="resnet-20")
    with pytest.raises(InvalidInput, match="moments"):
        built(torch.zeros(1, 1, 16, 16))
    slices = network("recurrent-slices", inputs=1, outputs=2, ndim=3, encoder="resnet-20")
    with pytest.raises(InvalidInput, match="channels, moments"):
        slices(torch.zeros(1, 1, 16, 16))


def test_scales_share_the_weights_and_see_smaller_copies():
    torch.manual_seed(0)
    one = network("resnet-20", inputs=1, outputs=2).eval()
    two = network("resnet-20", inputs=1, outputs=2, scales=(1, 2)).eval()
    two.body.body.load_state_dict(one.body.state_dict())
    assert parameter_count(two.body) == parameter_count(one.body)
    x = drawn(1, 1, 16, 16)
    halved = nn.functional.avg_pool2d(x, 2)
    torch.testing.assert_close(two.body(x), torch.cat([one.body(x), one.body(halved)], 1))
