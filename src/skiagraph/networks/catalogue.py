"""Every network of the house by its name: what it is for, who published it, and how it is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, Literal, final

from torch import nn

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.networks.alexnet import alexnet
from skiagraph.networks.autoencoder import Autoencoder
from skiagraph.networks.classic_unet import UNet
from skiagraph.networks.classifier import Classifier
from skiagraph.networks.densenet import densenet
from skiagraph.networks.dims import axes
from skiagraph.networks.fcn import FCN
from skiagraph.networks.googlenet import GoogLeNet
from skiagraph.networks.malunet import MALUNet
from skiagraph.networks.multiscale import multiscale
from skiagraph.networks.recurrent import recurrent
from skiagraph.networks.residual_encoder_unet import Level, ResidualEncoderUNet
from skiagraph.networks.resnet import Layout, cifar_resnet, resnet
from skiagraph.networks.tissue import DenseTissue, tissue_patch
from skiagraph.networks.unet import ResidualUNet
from skiagraph.networks.vgg import vgg
from skiagraph.networks.vision_transformer import vision_transformer
from skiagraph.networks.volumetric_unet import VolumetricUNet
from skiagraph.plain import from_plain

__all__ = ["NETWORKS", "Entry", "Published", "Task", "network"]

Task = Literal["classification", "sequence", "patch", "segmentation", "autoencoder"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is published of the paper's configuration: by the paper, or where it says nothing by torchvision and timm.

    Attributes:
        parameters: In millions, in the digits that are published, without auxiliary heads; None where nothing is.
        multiply_adds: In thousands of millions; None where nothing is published.
        shape: Of the batch that this holds for: (batch, inputs, *space).
        outputs: Logits or classes that this holds for.
    """

    parameters: float | None
    multiply_adds: float | None
    shape: tuple[int, ...]
    outputs: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One network of the catalogue.

    Attributes:
        name: How it is asked for.
        task: What it answers: classification (a vector of logits), sequence (the same for slices or frames), patch (of
            the pixel in the middle), segmentation (logits at each place), autoencoder (the image again).
        source: Who published it, and where.
        build: Makes it, from ``inputs``, ``outputs``, ``ndim`` and some of `options`.
        options: The names of what `build` takes beside these.
        published: What the source says of its size.
        dims: Numbers of spatial axes that it can have.
    """

    name: str
    task: Task
    source: str
    build: Callable[..., nn.Module]
    options: tuple[str, ...]
    published: Published
    dims: tuple[int, ...] = (2, 3)


def network(name: str, *, inputs: int, outputs: int, ndim: int = 2, **options: Any) -> nn.Module:
    """A network of the catalogue, untrained.

    Args:
        name: One of `NETWORKS`.
        inputs: Channels of the image.
        outputs: Logits, classes, or channels of the answer.
        ndim: Spatial axes, 2 or 3.
        options: What the entry takes, e.g. ``attention="se"``; and ``scales=(1, 2)`` for each classification network
            with a `Classifier`, which then sees the image at several scales.

    Raises:
        UnknownName: No network has this name.
        InvalidInput: A number or an option does not fit.
    """
    if name not in NETWORKS:
        raise UnknownName(
            "a network is asked for by its name", got=repr(name), way_out=f"take one of {', '.join(NETWORKS)}"
        )
    entry = NETWORKS[name]
    if axes(ndim).count not in entry.dims or min(inputs, outputs) < 1:
        rule = f"{name} has {' or '.join(map(str, entry.dims))} axes, and at least one input and one output"
        raise InvalidInput(rule, got=f"ndim={ndim}, inputs={inputs}, outputs={outputs}")
    scales = options.pop("scales", None)
    strange = sorted(set(options) - set(entry.options))
    if strange:
        known = ", ".join(entry.options) or "none"
        raise InvalidInput(f"the options of {name} are: {known}", got=", ".join(strange))
    built = entry.build(inputs=inputs, outputs=outputs, ndim=ndim, **options)
    if scales is None:
        return built
    if entry.task != "classification" or not isinstance(built, Classifier):
        raise InvalidInput("several scales are for networks that are a Classifier", got=name)
    return multiscale(built, ndim=ndim, scales=scales)


def _sequence(
    *,
    inputs: int,
    outputs: int,
    ndim: int = 2,
    encoder: str = "resnet-18",
    hidden: int = 256,
    both_ways: bool = False,
) -> Classifier:
    """A recurrent head over a classification network of the catalogue."""
    inner = _encoder(encoder, inputs=inputs, outputs=outputs, ndim=ndim)
    return recurrent(inner, outputs=outputs, hidden=hidden, both_ways=both_ways)


def _slices(
    *,
    inputs: int,
    outputs: int,
    ndim: int = 3,
    encoder: str = "resnet-18",
    hidden: int = 256,
    both_ways: bool = True,
) -> Classifier:
    """A recurrent head over the slices of a volume: its first axis of space."""
    inner = _encoder(encoder, inputs=inputs, outputs=outputs, ndim=ndim - 1)
    return recurrent(inner, outputs=outputs, hidden=hidden, both_ways=both_ways, axis=2)


def _encoder(name: str, *, inputs: int, outputs: int, ndim: int) -> Classifier:
    inner = network(name, inputs=inputs, outputs=outputs, ndim=ndim)
    if NETWORKS[name].task != "classification" or not isinstance(inner, Classifier):
        raise InvalidInput("the encoder of a sequence is a Classifier of the catalogue", got=name)
    return inner


def _resnet(depth: int, *, inputs: int, outputs: int, ndim: int = 2, **options: Any) -> Classifier:
    """A residual network, its layout by options."""
    return resnet(depth, inputs=inputs, outputs=outputs, ndim=ndim, layout=Layout(**options))


def _cifar(depth: int, *, inputs: int, outputs: int, ndim: int = 2, **options: Any) -> Classifier:
    """A residual network for small images, its layout by options."""
    layout = Layout(**{"stem": "3x3", "base": 16, "shortcut": "pad", **options})
    return cifar_resnet(depth, inputs=inputs, outputs=outputs, ndim=ndim, layout=layout)


def _residual_unet(
    *, inputs: int, outputs: int, ndim: int = 2, widths: Sequence[int] = (24, 48, 96, 128, 160)
) -> ResidualUNet:
    """The residual U-Net of the house, which is for pictures alone (the entry says so of `ndim`)."""
    del ndim
    return ResidualUNet(inputs=inputs, outputs=outputs, widths=tuple(widths))


def _residual_encoder(
    *, inputs: int, outputs: int, ndim: int = 3, levels: Sequence[Any] | None = None, **options: Any
) -> ResidualEncoderUNet:
    """The U-Net of nnU-Net; its levels as values or as plain data, which is how a plan keeps them."""
    parts = None if levels is None else [n if isinstance(n, Level) else from_plain(Level, n) for n in levels]
    return ResidualEncoderUNet(inputs=inputs, outputs=outputs, ndim=ndim, levels=parts, **options)


def _dense_tissue(*, inputs: int, outputs: int, ndim: int = 2) -> DenseTissue:
    """The tissue network for whole images."""
    return DenseTissue(tissue_patch(inputs=inputs, outputs=outputs, ndim=ndim))


_IMAGE, _SMALL = (1, 3, 224, 224), (1, 3, 32, 32)


def _stated(
    parameters: float | None,
    multiply_adds: float | None,
    shape: tuple[int, ...] = _IMAGE,
    outputs: int = 1000,
) -> Published:
    """What is published; for ImageNet where nothing else is said: colour images of 224, a thousand classes."""
    return Published(parameters=parameters, multiply_adds=multiply_adds, shape=shape, outputs=outputs)


def _early() -> Iterator[Entry]:
    """Networks without shortcuts."""
    classification = partial(Entry, task="classification")
    yield classification(
        name="alexnet",
        source="Krizhevsky et al., NIPS 2012",
        build=alexnet,
        options=("kernels", "response", "hidden"),
        published=_stated(60, None),
    )
    for depth, parameters, work in ((11, 133, None), (16, 138, 15.3), (19, 144, 19.6)):
        yield classification(
            name=f"vgg-{depth}",
            source="Simonyan and Zisserman, ICLR 2015",
            build=partial(vgg, depth),
            options=("base", "hidden"),
            published=_stated(parameters, work),
        )
    yield classification(
        name="googlenet",
        source="Szegedy et al., CVPR 2015",
        build=GoogLeNet,
        options=("sides",),
        published=_stated(6.8, 1.5),
    )
    yield classification(
        name="googlenet-v2",
        source="Ioffe and Szegedy, ICML 2015",
        build=partial(GoogLeNet, version=2),
        options=("sides",),
        published=_stated(None, None),
    )


def _residual() -> Iterator[Entry]:
    """Residual networks, for large and for small images."""
    classification = partial(Entry, task="classification", source="He et al., CVPR 2016")
    for depth, parameters, work in (
        (18, 11.69, 1.81),
        (34, 21.80, 3.66),
        (50, 25.56, 3.86),
        (101, 44.55, 7.57),
        (152, 60.19, 11.28),
    ):
        yield classification(
            name=f"resnet-{depth}",
            build=partial(_resnet, depth),
            options=("stride_in", "shortcut", "attention", "stem", "base", "dilated"),
            published=_stated(parameters, work),
        )
    for depth, parameters in ((20, 0.27), (56, 0.85)):
        yield classification(
            name=f"plain-{depth}",
            build=partial(_cifar, depth, shortcut="none"),
            options=("base",),
            published=_stated(parameters, None, _SMALL, 10),
        )
        yield classification(
            name=f"resnet-{depth}",
            build=partial(_cifar, depth),
            options=("shortcut", "attention", "base"),
            published=_stated(parameters, None, _SMALL, 10),
        )


def _later() -> Iterator[Entry]:
    """DenseNet, the Vision Transformer, and the head over sequences."""
    for depth, parameters in ((121, 7.98), (169, 14.15), (201, 20.01)):
        yield Entry(
            name=f"densenet-{depth}",
            task="classification",
            source="Huang et al., CVPR 2017",
            build=partial(densenet, depth),
            options=("stem", "growth"),
            published=_stated(parameters, None),
        )
    dosovitskiy, touvron = "Dosovitskiy et al., ICLR 2021", "Touvron et al., ICML 2021"
    for scale, source, parameters, work in (
        ("tiny", touvron, 5.7, None),
        ("small", touvron, 22.05, 4.6),
        ("base", dosovitskiy, 86.57, 17.56),
    ):
        yield Entry(
            name=f"vit-{scale}",
            task="classification",
            source=source,
            build=partial(vision_transformer, scale),
            options=("size", "patch"),
            published=_stated(parameters, work),
        )
    yield Entry(
        name="recurrent",
        task="sequence",
        source="Cho et al., EMNLP 2014; Donahue et al., CVPR 2015",
        build=_sequence,
        options=("encoder", "hidden", "both_ways"),
        published=_stated(None, None, (1, 16, 3, 112, 112), 101),
    )
    yield Entry(
        name="recurrent-slices",
        task="classification",
        source="Cho et al., EMNLP 2014; Donahue et al., CVPR 2015",
        build=_slices,
        options=("encoder", "hidden", "both_ways"),
        published=_stated(None, None, (1, 3, 16, 112, 112), 101),
        dims=(3,),
    )


def _everywhere() -> Iterator[Entry]:
    """Networks that answer at every place."""
    segmentation = partial(Entry, task="segmentation")
    for stride in (32, 16, 8):
        yield segmentation(
            name=f"fcn-{stride}s",
            source="Long et al., CVPR 2015",
            build=partial(FCN, stride=stride),
            options=("base", "hidden"),
            published=_stated(134, None, (1, 3, 500, 500), 21),
        )


def _unets() -> Iterator[Entry]:
    """Networks that look at every place from far and from near."""
    segmentation = partial(Entry, task="segmentation")
    yield segmentation(
        name="unet",
        source="Ronneberger et al., MICCAI 2015",
        build=UNet,
        options=("base", "levels", "norm"),
        published=_stated(31.0, None, (1, 1, 512, 512), 2),
    )
    yield segmentation(
        name="unet-3d",
        source="Çiçek et al., MICCAI 2016",
        build=VolumetricUNet,
        options=("base", "levels"),
        published=_stated(19.07, None, (1, 3, 112, 128, 128), 3),
    )
    yield segmentation(
        name="unet-resenc",
        source="Isensee et al., Nature Methods 2021 and MICCAI 2024",
        build=_residual_encoder,
        options=("levels", "supervision"),
        published=_stated(None, None, (1, 1, 128, 128, 128), 2),
    )
    yield segmentation(
        name="residual-unet",
        source="own, after Ronneberger et al., MICCAI 2015 and He et al., CVPR 2016",
        build=_residual_unet,
        options=("widths",),
        published=_stated(None, None, (1, 1, 192, 288), 1),
        dims=(2,),
    )
    yield segmentation(
        name="malunet",
        source="Ruan et al., BIBM 2022",
        build=MALUNet,
        options=("widths",),
        published=_stated(0.175, 0.083, (1, 3, 256, 256), 1),
    )


def _special() -> Iterator[Entry]:
    """The tissue of a pixel from its patch, and images through a code."""
    brain = _stated(5.921156, None, (1, 1, 13, 13), 4)
    yield Entry(
        name="tissue-patch",
        task="patch",
        source="after Zhang et al., NeuroImage 2015",
        build=tissue_patch,
        options=("hidden",),
        published=brain,
    )
    yield Entry(
        name="tissue-dense",
        task="segmentation",
        source="after Zhang et al., NeuroImage 2015",
        build=_dense_tissue,
        options=(),
        published=brain,
    )
    yield Entry(
        name="autoencoder",
        task="autoencoder",
        source="Hinton and Salakhutdinov, Science 2006; Masci et al., ICANN 2011",
        build=Autoencoder,
        options=("widths", "code"),
        published=_stated(None, None, (1, 1, 64, 64), 1),
    )


NETWORKS: Mapping[str, Entry] = MappingProxyType(
    {e.name: e for e in chain(_early(), _residual(), _later(), _everywhere(), _unets(), _special())}
)
