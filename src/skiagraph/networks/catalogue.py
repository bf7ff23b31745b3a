"""Every network of the house by its name: what it is for, who published it, and how it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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
from skiagraph.networks.residual_encoder_unet import ResidualEncoderUNet
from skiagraph.networks.resnet import Layout, cifar_resnet, resnet
from skiagraph.networks.tissue import DenseTissue, tissue_patch
from skiagraph.networks.vgg import vgg
from skiagraph.networks.vision_transformer import vision_transformer
from skiagraph.networks.volumetric_unet import VolumetricUNet

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
    inner = network(encoder, inputs=inputs, outputs=outputs, ndim=ndim)
    if NETWORKS[encoder].task != "classification" or not isinstance(inner, Classifier):
        raise InvalidInput("the encoder of a sequence is a Classifier of the catalogue", got=encoder)
    return recurrent(inner, outputs=outputs, hidden=hidden, both_ways=both_ways)


def _resnet(depth: int, *, inputs: int, outputs: int, ndim: int = 2, **options: Any) -> Classifier:
    """A residual network, its layout by options."""
    return resnet(depth, inputs=inputs, outputs=outputs, ndim=ndim, layout=Layout(**options))


def _cifar(depth: int, *, inputs: int, outputs: int, ndim: int = 2, **options: Any) -> Classifier:
    """A residual network for small images, its layout by options."""
    layout = Layout(**{"stem": "3x3", "base": 16, "shortcut": "pad", **options})
    return cifar_resnet(depth, inputs=inputs, outputs=outputs, ndim=ndim, layout=layout)


def _dense_tissue(*, inputs: int, outputs: int, ndim: int = 2) -> DenseTissue:
    """The tissue network for whole images."""
    return DenseTissue(tissue_patch(inputs=inputs, outputs=outputs, ndim=ndim))


_RESNET = ("stride_in", "shortcut", "attention", "stem", "base", "dilated")
_IMAGE = (1, 3, 224, 224)


def _image(parameters: float | None, multiply_adds: float | None) -> Published:
    """For ImageNet: colour images of 224, a thousand classes."""
    return Published(parameters=parameters, multiply_adds=multiply_adds, shape=_IMAGE, outputs=1000)


def _classification(
    name: str, source: str, build: Callable[..., nn.Module], options: tuple[str, ...], published: Published
) -> Entry:
    return Entry(
        name=name, task="classification", source=source, build=build, options=options, published=published
    )


def _segmentation(
    name: str, source: str, build: Callable[..., nn.Module], options: tuple[str, ...], published: Published
) -> Entry:
    return Entry(
        name=name, task="segmentation", source=source, build=build, options=options, published=published
    )


def _classifiers() -> list[Entry]:
    krizhevsky = "Krizhevsky et al., NIPS 2012"
    entries = [
        _classification("alexnet", krizhevsky, alexnet, ("kernels", "response", "hidden"), _image(60, None))
    ]
    entries += [
        _classification(
            f"vgg-{n}",
            "Simonyan and Zisserman, ICLR 2015",
            partial(vgg, n),
            ("base", "hidden"),
            _image(size, work),
        )
        for n, size, work in ((11, 133, None), (16, 138, 15.3), (19, 144, 19.6))
    ]
    entries += [
        _classification(
            f"googlenet{suffix}", source, partial(GoogLeNet, version=version), ("sides",), published
        )
        for suffix, version, source, published in (
            ("", 1, "Szegedy et al., CVPR 2015", _image(6.8, 1.5)),
            ("-v2", 2, "Ioffe and Szegedy, ICML 2015", _image(None, None)),
        )
    ]
    he = "He et al., CVPR 2016"
    entries += [
        _classification(f"resnet-{n}", he, partial(_resnet, n), _RESNET, _image(size, work))
        for n, size, work in (
            (18, 11.69, 1.81),
            (34, 21.80, 3.66),
            (50, 25.56, 3.86),
            (101, 44.55, 7.57),
            (152, 60.19, 11.28),
        )
    ]
    small = {
        n: Published(parameters=size, multiply_adds=None, shape=(1, 3, 32, 32), outputs=10)
        for n, size in ((20, 0.27), (56, 0.85))
    }
    for n, published in small.items():
        plain = partial(_cifar, n, shortcut="none")
        entries.append(_classification(f"plain-{n}", he, plain, ("base",), published))
        entries.append(
            _classification(
                f"resnet-{n}", he, partial(_cifar, n), ("shortcut", "attention", "base"), published
            )
        )
    entries += [
        _classification(
            f"densenet-{n}",
            "Huang et al., CVPR 2017",
            partial(densenet, n),
            ("stem", "growth"),
            _image(size, None),
        )
        for n, size in ((121, 7.98), (169, 14.15), (201, 20.01))
    ]
    dosovitskiy, touvron = "Dosovitskiy et al., ICLR 2021", "Touvron et al., ICML 2021"
    entries += [
        _classification(
            f"vit-{scale}",
            source,
            partial(vision_transformer, scale),
            ("size", "patch"),
            _image(size, work),
        )
        for scale, source, size, work in (
            ("tiny", touvron, 5.7, None),
            ("small", touvron, 22.05, 4.6),
            ("base", dosovitskiy, 86.57, 17.56),
        )
    ]
    return entries


def _others() -> list[Entry]:
    voc = {
        n: Published(parameters=134, multiply_adds=None, shape=(1, 3, 500, 500), outputs=21)
        for n in (32, 16, 8)
    }
    entries = [
        _segmentation(
            f"fcn-{n}s", "Long et al., CVPR 2015", partial(FCN, stride=n), ("base", "hidden"), voc[n]
        )
        for n in voc
    ]
    one = Published(parameters=31.0, multiply_adds=None, shape=(1, 1, 512, 512), outputs=2)
    entries.append(
        _segmentation("unet", "Ronneberger et al., MICCAI 2015", UNet, ("base", "levels", "norm"), one)
    )
    frog = Published(parameters=19.07, multiply_adds=None, shape=(1, 3, 112, 128, 128), outputs=3)
    entries.append(
        _segmentation("unet-3d", "Çiçek et al., MICCAI 2016", VolumetricUNet, ("base", "levels"), frog)
    )
    patch = Published(parameters=None, multiply_adds=None, shape=(1, 1, 128, 128, 128), outputs=2)
    nnunet = "Isensee et al., Nature Methods 2021 and MICCAI 2024"
    entries.append(
        _segmentation("unet-resenc", nnunet, ResidualEncoderUNet, ("levels", "supervision"), patch)
    )
    skin = Published(parameters=0.175, multiply_adds=0.083, shape=(1, 3, 256, 256), outputs=1)
    entries.append(_segmentation("malunet", "Ruan et al., BIBM 2022", MALUNet, ("widths",), skin))
    brain = Published(parameters=5.921156, multiply_adds=None, shape=(1, 1, 13, 13), outputs=4)
    zhang = "after Zhang et al., NeuroImage 2015"
    entries.append(
        Entry(
            name="tissue-patch",
            task="patch",
            source=zhang,
            build=tissue_patch,
            options=("hidden",),
            published=brain,
        )
    )
    entries.append(_segmentation("tissue-dense", zhang, _dense_tissue, (), brain))
    film = Published(parameters=None, multiply_adds=None, shape=(1, 16, 3, 112, 112), outputs=101)
    entries.append(
        Entry(
            name="recurrent",
            task="sequence",
            source="Cho et al., EMNLP 2014; Donahue et al., CVPR 2015",
            build=_sequence,
            options=("encoder", "hidden", "both_ways"),
            published=film,
        )
    )
    picture = Published(parameters=None, multiply_adds=None, shape=(1, 1, 64, 64), outputs=1)
    entries.append(
        Entry(
            name="autoencoder",
            task="autoencoder",
            source="Hinton and Salakhutdinov, Science 2006; Masci et al., ICANN 2011",
            build=Autoencoder,
            options=("widths", "code"),
            published=picture,
        )
    )
    return entries


NETWORKS: Mapping[str, Entry] = MappingProxyType({e.name: e for e in [*_classifiers(), *_others()]})
