"""Every network of the catalogue: its size, the shape of its answer, the way of its gradient, and its ONNX graph."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.networks import NETWORKS, Classifier, multiply_adds, network, parameter_count
from skiagraph.networks.graph import onnx_graph
from skiagraph.networks.residual_encoder_unet import Level

# Parameters without auxiliary heads, those of the heads, and multiply-adds, for the configuration of the source.
SIZES = {
    "alexnet": (60_965_224, 0, 724_406_816),
    "vgg-11": (132_863_336, 0, 7_609_090_048),
    "vgg-16": (138_357_544, 0, 15_470_264_320),
    "vgg-19": (143_667_240, 0, 19_632_062_464),
    "googlenet": (6_998_552, 6_379_728, 1_582_671_872),
    "googlenet-v2": (11_285_224, 6_398_416, 2_032_600_064),
    "resnet-18": (11_689_512, 0, 1_814_073_344),
    "resnet-34": (21_797_672, 0, 3_663_761_408),
    "resnet-50": (25_557_032, 0, 3_857_973_248),
    "resnet-101": (44_549_160, 0, 7_570_194_432),
    "resnet-152": (60_192_808, 0, 11_282_415_616),
    "plain-20": (269_722, 0, 40_551_040),
    "resnet-20": (269_722, 0, 40_551_040),
    "plain-56": (853_018, 0, 125_485_696),
    "resnet-56": (853_018, 0, 125_485_696),
    "densenet-121": (7_978_856, 0, 2_834_161_664),
    "densenet-169": (14_149_480, 0, 3_359_843_328),
    "densenet-201": (20_013_928, 0, 4_291_365_888),
    "vit-tiny": (5_717_416, 0, 1_253_683_200),
    "vit-small": (22_050_664, 0, 4_598_882_304),
    "vit-base": (86_567_656, 0, 17_563_828_224),
    "recurrent": (11_793_829, 0, 7_767_024_896),
    "recurrent-slices": (12_411_045, 0, 7_776_487_936),
    "fcn-32s": (134_346_581, 0, 107_793_533_952),
    "fcn-16s": (134_364_410, 0, 107_806_350_336),
    "fcn-8s": (134_376_863, 0, 107_834_913_024),
    "unet": (31_030_658, 0, 192_384_335_872),
    "unet-3d": (19_072_291, 0, 1_712_928_587_776),
    "unet-resenc": (102_335_170, 902, 717_403_193_344),
    "residual-unet": (1_433_193, 0, 962_205_696),
    "malunet": (177_735, 0, 82_740_224),
    "tissue-patch": (5_921_156, 0, 15_877_696),
    "tissue-dense": (5_921_156, 0, 1_049_948_224),
    "autoencoder": (582_097, 0, 41_123_840),
}
# Where the published number is not what its text builds; docs/reference/networks.md says why of each.
OTHERWISE = {
    ("alexnet", "parameters"): 60.97,  # "60 million" in the paper
    ("googlenet", "parameters"): 7.0,  # the rows of its table add up to 6.8 thousand K, where K is 1024
    ("googlenet", "multiply_adds"): 1.58,  # its table counts the first convolution as 7x1 and 1x7
    ("vgg-16", "multiply_adds"): 15.47,  # He et al. leave out the dense layers, but not for VGG-19
    ("malunet", "parameters"): 0.178,  # the paper leaves out the normalisations
}
# Small enough for two cores: narrow, where a network can be; the depth is always that of the name.
NARROW = {
    "alexnet": {"kernels": "5-3", "hidden": 16},
    "vgg": {"base": 4, "hidden": 16},
    "resnet": {"base": 8},
    "plain": {"base": 8},
    "densenet": {"growth": 8, "stem": "3x3"},
    "fcn": {"base": 4, "hidden": 16},
    "recurrent": {"encoder": "resnet-20", "hidden": 8},
    "residual": {"widths": (4, 8, 8)},
    "malunet": {"widths": (4, 4, 8, 8, 12, 12)},
    "autoencoder": {"widths": (4, 8, 8), "code": 4},
}
SPACE = {  # of an image, where it is not (20, 28) or (16, 20, 17)
    "unet": {2: (32, 16), 3: (16, 32, 16)},
    "unet-3d": {2: (16, 24), 3: (8, 16, 24)},
    "unet-resenc": {2: (16, 24), 3: (16, 8, 24)},
    "residual-unet": {2: (16, 24)},
    "malunet": {2: (64, 32), 3: (32, 32, 64)},
    "tissue-patch": {2: (13, 13), 3: (13, 13, 13)},
    "tissue-dense": {2: (5, 7), 3: (2, 3, 2)},
    "autoencoder": {2: (16, 24), 3: (8, 16, 8)},
}
# Four levels in the place of six or eight; in 3-D, as in data of thick slices, the first step halves two axes only.
LEVELS = {
    ndim: tuple(
        Level(width=w, blocks=b, stride=s[:ndim], kernel=k[:ndim])
        for w, b, s, k in (
            (4, 1, (1, 1, 1), (3, 3, 1)),
            (8, 2, (2, 2, 1), (3, 3, 3)),
            (8, 2, (2, 2, 2), (3, 3, 3)),
            (12, 1, (2, 2, 2), (3, 3, 3)),
        )
    )
    for ndim in (2, 3)
}
# One of each page; deeper siblings run through the same lines, and their exports take seconds each.
PAGES = [
    *("alexnet", "vgg-11", "googlenet", "googlenet-v2", "resnet-18", "resnet-50", "plain-20", "resnet-20"),
    *(
        "vit-tiny",
        "fcn-32s",
        "fcn-16s",
        "fcn-8s",
        "unet",
        "unet-3d",
        "unet-resenc",
        "residual-unet",
        "malunet",
    ),
    *("tissue-patch", "tissue-dense", "recurrent", "recurrent-slices", "autoencoder"),
]


def family(name):
    return name if name in NARROW else name.split("-")[0]


def options(name, ndim):
    if name.startswith("vit"):
        return {"size": space(name, ndim), "patch": 4}
    if name == "unet-resenc":
        return {"levels": LEVELS[ndim]}
    if name in {"unet", "unet-3d"}:
        return {"base": 4}
    return NARROW.get(family(name), {})


def space(name, ndim):
    if name.startswith("vit"):
        return {2: (20, 28), 3: (16, 8, 12)}[ndim]
    return SPACE.get(name, {2: (20, 28), 3: (16, 20, 17)})[ndim]


def small(name, ndim):
    torch.manual_seed(0)
    return network(name, inputs=2, outputs=3, ndim=ndim, **options(name, ndim))


def batch(name, ndim, count):
    moments = (3,) if NETWORKS[name].task == "sequence" else ()
    return torch.randn(count, *moments, 2, *space(name, ndim), generator=torch.Generator().manual_seed(1))


def expected(name, ndim, count):
    dense = NETWORKS[name].task in {"segmentation", "autoencoder"}
    return (count, 3, *space(name, ndim)) if dense else (count, 3)


@cache
def original(name):
    published = NETWORKS[name].published
    ndim = len(published.shape) - (3 if NETWORKS[name].task == "sequence" else 2)
    with torch.device("meta"):
        return network(name, inputs=published.shape[-ndim - 1], outputs=published.outputs, ndim=ndim)


@cache
def measured(name):
    heads = sum(p.numel() for part, p in original(name).named_parameters() if part.startswith("sides."))
    work = multiply_adds(original(name), NETWORKS[name].published.shape)
    return parameter_count(original(name)) - heads, heads, work


def test_the_table_of_sizes_is_that_of_the_catalogue():
    assert list(SIZES) == list(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_multiply_adds_are_pinned(name):
    assert measured(name) == SIZES[name]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("what", "unit"), [("parameters", 1e6), ("multiply_adds", 1e9)])
def test_they_are_those_of_the_source_in_its_digits_or_the_reason_is_known(name, what, unit):
    stated = getattr(NETWORKS[name].published, what)
    if stated is None:
        assert (name, what) not in OTHERWISE
        return
    said = OTHERWISE.get((name, what), stated)
    digits = len(str(said).partition(".")[2]) if said != int(said) else 0
    assert round(measured(name)[0 if what == "parameters" else 2] / unit, digits) == pytest.approx(said)
    assert abs(said - stated) <= 0.07 * stated


def settled(built):
    """The network in evaluation mode, with statistics and scales of the normalisations that matter."""
    torch.manual_seed(2)
    for part in built.modules():
        if isinstance(part, (nn.BatchNorm2d, nn.BatchNorm3d)):
            part.running_mean.normal_(0.0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0.0, 0.1)
    return built.eval()


def silent(built, x, shape):
    """Parameters that no gradient reaches while it learns; the main answer has this shape."""
    answers = built.train()(x)
    answers = answers if isinstance(answers, tuple) else (answers,)
    assert answers[0].shape == shape
    sum(a.square().mean() for a in answers).backward()
    return [n for n, p in built.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]


@torch.inference_mode()
def both_answers(built, x):
    """What the network says, and what its ONNX graph says; the graph is made for another number of images."""
    with torch.inference_mode(mode=False):
        graph = onnx_graph(built, x[:2])
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return built(x).numpy(), session.run(None, {"image": x.numpy()})[0]


EVERY = [
    pytest.param(entry.name, ndim, marks=() if entry.name in PAGES else pytest.mark.slow)
    for entry in NETWORKS.values()
    for ndim in entry.dims
]


@pytest.mark.parametrize(("name", "ndim"), EVERY)
def test_every_network_has_its_size_its_shape_a_gradient_everywhere_and_an_onnx_graph_that_says_the_same(
    name, ndim
):
    assert measured(name)[:2] == SIZES[name][:2]
    built, x, shape = small(name, ndim), batch(name, ndim, 3), expected(name, ndim, 3)
    assert silent(built, x, shape) == []
    wanted, said = both_answers(settled(built), x)
    assert said.shape == wanted.shape == shape
    np.testing.assert_allclose(said, wanted, rtol=1e-4, atol=1e-4 * max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize(
    "name",
    [n for n in [*PAGES, "densenet-121"] if NETWORKS[n].task in {"classification", "patch", "sequence"}],
)
def test_every_classifier_is_a_head_on_a_body_that_gives_vectors(name):
    ndim = min(NETWORKS[name].dims)
    with torch.device("meta"):
        built = small(name, ndim).eval()
        x = torch.zeros(batch(name, ndim, 2).shape)
        vectors = built.body(x)
        assert vectors.shape == (2, built.width)
        assert isinstance(built.head, nn.Linear)
        built.head = nn.Linear(built.width, 7)
        assert built(x).shape == (2, 7)


def test_a_new_head_on_an_old_body_answers_the_old_vectors():
    built, x = settled(small("resnet-20", 2)), batch("resnet-20", 2, 2)
    torch.testing.assert_close(built(x), built.head(built.body(x)))


def test_scales_are_an_option_of_every_plain_classifier():
    built = network("resnet-20", inputs=1, outputs=2, scales=(1, 2, 4))
    assert isinstance(built, Classifier)
    assert built.width == 3 * 64
    assert built.eval()(torch.zeros(1, 1, 16, 20)).shape == (1, 2)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("alexnet", 63),
        ("vgg-11", 16),
        ("googlenet", 16),
        ("resnet-18", 16),
        ("resnet-20", 4),
        ("densenet-121", 29),
    ],
)
def test_the_least_size_is_taken_and_a_smaller_one_refused(name, least):
    with torch.device("meta"):
        built = network(name, inputs=1, outputs=2).eval()
        assert built(torch.zeros(1, 1, least, least)).shape == (1, 2)
        with pytest.raises(InvalidInput, match=f"at least {least} in each axis"):
            built(torch.zeros(1, 1, least, least - 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: network("resnet-18", inputs=0, outputs=1),
        lambda: network("resnet-18", inputs=1, outputs=0),
        lambda: network("resnet-18", inputs=1, outputs=1, ndim=4),
        lambda: network("residual-unet", inputs=1, outputs=1, ndim=3),
        lambda: network("resnet-18", inputs=1, outputs=1, wings=2),
        lambda: network("resnet-18", inputs=1, outputs=1, attention="much"),
        lambda: network("resnet-18", inputs=1, outputs=1, shortcut="long"),
        lambda: network("resnet-18", inputs=1, outputs=1, stem="5x5"),
        lambda: network("resnet-50", inputs=1, outputs=1, stride_in="5x5"),
        lambda: network("unet", inputs=1, outputs=1, scales=(1, 2)),
        lambda: network("googlenet", inputs=1, outputs=1, scales=(1, 2)),
        lambda: network("resnet-20", inputs=1, outputs=1, scales=(0,)),
        lambda: network("resnet-20", inputs=1, outputs=1, scales=()),
        lambda: network("unet", inputs=1, outputs=1, levels=1),
        lambda: network("unet", inputs=1, outputs=1, norm="group"),
        lambda: network("unet-3d", inputs=1, outputs=1, levels=1),
        lambda: network("unet-resenc", inputs=1, outputs=1, levels=()),
        lambda: network("malunet", inputs=1, outputs=1, widths=(8, 8)),
        lambda: network("autoencoder", inputs=1, outputs=1, widths=()),
        lambda: network("vit-tiny", inputs=1, outputs=1, size=30),
        lambda: network("alexnet", inputs=1, outputs=1, kernels="7-7"),
        lambda: network("alexnet", inputs=1, outputs=1, response="between"),
        lambda: network("densenet-121", inputs=1, outputs=1, stem="5x5"),
        lambda: network("recurrent", inputs=1, outputs=1, encoder="unet"),
        lambda: network("recurrent", inputs=1, outputs=1, encoder="googlenet"),
        lambda: network("recurrent", inputs=1, outputs=1, encoder="resnet-20", hidden=0),
        lambda: network("recurrent-slices", inputs=1, outputs=1, ndim=2),
        lambda: network("recurrent-slices", inputs=1, outputs=1, ndim=3, encoder="unet"),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with torch.device("meta"), pytest.raises(InvalidInput):
        call()


def test_the_page_of_the_docs_states_every_network_and_its_sizes():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "networks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ([\d ]+) \| ([\d.]+) \|", page, re.MULTILINE)
    stated = {name: (int(parameters.replace(" ", "")), float(work)) for name, parameters, work in rows}
    assert list(stated) == list(SIZES)
    for name, (parameters, _, work) in SIZES.items():
        assert stated[name] == (parameters, pytest.approx(work / 1e9, rel=5e-3))


def test_an_unknown_name_is_answered_with_the_known():
    with pytest.raises(UnknownName, match="resnet-18"):
        network("resnet-19", inputs=1, outputs=1)


@pytest.mark.parametrize("name", ["unet", "unet-3d", "unet-resenc", "malunet", "autoencoder"])
def test_extents_that_cannot_be_halved_often_enough_are_refused(name):
    with torch.device("meta"):
        built = small(name, 2)
        with pytest.raises(InvalidInput, match="multiples"):
            built(torch.zeros(1, 2, 64, 66))


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 2, 32), (1, 2, 32, 32, 32)])
def test_other_channels_or_axes_are_refused(shape):
    with pytest.raises(InvalidInput, match=r"takes \(batch, 2"):
        small("resnet-18", 2)(torch.zeros(shape))
