"""Residual networks, and the plain ones that they are measured against."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal, final

from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.blocks import Attention, attention
from skiagraph.networks.classifier import Classifier
from skiagraph.networks.dims import Axes, Entrance, axes, he

__all__ = ["Layout", "ResNetBody", "cifar_resnet", "resnet"]

Shortcut = Literal["project", "pad", "none"]
_DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the literature varies in a residual network.

    Attributes:
        stride_in: The kernel of a bottleneck that takes the stride: ``"1x1"`` as in the paper (v1), ``"3x3"`` as in
            the variant that is known as v1.5.
        shortcut: Where the size changes: ``"project"`` (option B), ``"pad"`` with zeros (option A); ``"none"`` leaves
            out every way past, which makes a plain network.
        attention: What weighs the map before it is added: ``"none"``, ``"se"`` or ``"cbam"``.
        stem: ``"7x7"``: stride 2 and pooling before the stages; ``"3x3"``: neither, for images such as 28x28.
        base: Channels of the first stage; each further stage doubles them.
        dilated: Stages 3 and 4 dilate their kernels by 2 and 4 in the place of a stride, as MedicalNet does.

    Raises:
        InvalidInput: A choice is not known.
    """

    stride_in: Literal["1x1", "3x3"] = "1x1"
    shortcut: Shortcut = "project"
    attention: Attention = "none"
    stem: Literal["7x7", "3x3"] = "7x7"
    base: int = 64
    dilated: bool = False

    def __post_init__(self) -> None:
        if self.stride_in not in {"1x1", "3x3"}:
            raise InvalidInput("the stride lies in the '1x1' or the '3x3'", got=repr(self.stride_in))
        if self.shortcut not in {"project", "pad", "none"}:
            raise InvalidInput("a shortcut is 'project', 'pad' or 'none'", got=repr(self.shortcut))
        if self.stem not in {"7x7", "3x3"}:
            raise InvalidInput("the stem of a residual network is '7x7' or '3x3'", got=repr(self.stem))


@final
class _Pad(nn.Module):
    """Every second value, and channels of zeros behind: a way past without parameters (option A)."""

    def __init__(self, more: int, stride: int, ndim: int) -> None:
        super().__init__()
        self.more, self.stride, self.ndim = more, stride, ndim

    def forward(self, x: Tensor) -> Tensor:
        every = slice(None, None, self.stride)
        x = x[:, :, every, every] if self.ndim == 2 else x[:, :, every, every, every]
        return nnf.pad(x, (0, 0) * self.ndim + (0, self.more))


@final
class _Block(nn.Module):
    """Two convolutions (basic) or three (bottleneck: 1x1, 3x3, 1x1), and a way past them.

    `place` is the stride and the dilation.
    """

    def __init__(self, before: int, after: int, place: tuple[int, int], layout: Layout, layers: Axes) -> None:
        super().__init__()
        stride, dilation = place
        self.conv1 = layers.conv(before, after, 3, stride, dilation, dilation, bias=False)
        self.norm1 = layers.batch_norm(after)
        self.conv2 = layers.conv(after, after, 3, 1, dilation, dilation, bias=False)
        self.norm2 = layers.batch_norm(after)
        self.attention = attention(layout.attention, after, layers.count)
        self.plain = layout.shortcut == "none"
        self.shortcut = _shortcut(before, after, stride, layout.shortcut, layers)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(nnf.relu(self.norm1(self.conv1(x)))))
        inner = self.attention(inner)
        return nnf.relu(inner if self.plain else inner + self.shortcut(x))


@final
class _Bottleneck(nn.Module):
    """Three convolutions, the middle one narrow, and a way past them; `place` is the stride and the dilation."""

    def __init__(self, before: int, after: int, place: tuple[int, int], layout: Layout, layers: Axes) -> None:
        super().__init__()
        stride, dilation = place
        width, (early, late) = after // 4, (stride, 1) if layout.stride_in == "1x1" else (1, stride)
        self.conv1 = layers.conv(before, width, 1, early, bias=False)
        self.norm1 = layers.batch_norm(width)
        self.conv2 = layers.conv(width, width, 3, late, dilation, dilation, bias=False)
        self.norm2 = layers.batch_norm(width)
        self.conv3 = layers.conv(width, after, 1, bias=False)
        self.norm3 = layers.batch_norm(after)
        self.attention = attention(layout.attention, after, layers.count)
        self.plain = layout.shortcut == "none"
        self.shortcut = _shortcut(before, after, stride, layout.shortcut, layers)

    def forward(self, x: Tensor) -> Tensor:
        inner = nnf.relu(self.norm1(self.conv1(x)))
        inner = self.norm3(self.conv3(nnf.relu(self.norm2(self.conv2(inner)))))
        inner = self.attention(inner)
        return nnf.relu(inner if self.plain else inner + self.shortcut(x))


def _shortcut(before: int, after: int, stride: int, kind: Shortcut, layers: Axes) -> nn.Module:
    if kind == "none" or (stride == 1 and before == after):
        return nn.Identity()
    if kind == "pad":
        return _Pad(after - before, stride, layers.count)
    return nn.Sequential(layers.conv(before, after, 1, stride, bias=False), layers.batch_norm(after))


@final
class ResNetBody(nn.Module):
    """Stem, stages and the mean over the last map.

    Args:
        entrance: What may come in.
        depths: Blocks in each stage.
        layout: How it is made.
        bottleneck: Three convolutions a block in the place of two, and four times as many channels out.

    Shape:
        (batch, inputs, *space) to (batch, width).
    """

    def __init__(
        self, entrance: Entrance, depths: tuple[int, ...], layout: Layout, *, bottleneck: bool
    ) -> None:
        super().__init__()
        layers, large, base = axes(entrance.ndim), layout.stem == "7x7", layout.base
        kernel, stride = (7, 2) if large else (3, 1)
        self.entrance, self.places = entrance, layers.places
        self.conv1 = layers.conv(entrance.inputs, base, kernel, stride, kernel // 2, bias=False)
        self.norm1 = layers.batch_norm(base)
        self.pool = layers.max_pool(3, 2, 1) if large else nn.Identity()
        kind, times = (_Bottleneck, 4) if bottleneck else (_Block, 1)
        before, stages = base, OrderedDict[str, nn.Module]()
        for stage, depth in enumerate(depths):
            after = base * times * 2**stage
            place = (1, 2 ** (stage - 1)) if layout.dilated and stage > 1 else (min(stage + 1, 2), 1)
            blocks = [kind(before, after, place, layout, layers)]
            blocks += [kind(after, after, (1, place[1]), layout, layers) for _ in range(depth - 1)]
            stages[f"stage{stage + 1}"], before = nn.Sequential(*blocks), after
        self.stages, self.width = nn.Sequential(stages), before

    def forward(self, x: Tensor) -> Tensor:
        """The vector of each image."""
        x = nnf.relu(self.norm1(self.conv1(self.entrance(x))))
        result: Tensor = self.stages(self.pool(x)).mean(self.places)
        return result


def resnet(
    depth: int, *, inputs: int, outputs: int, ndim: int = 2, layout: Layout | None = None
) -> Classifier:
    """ResNet-18, 34, 50, 101 or 152.

    Args:
        depth: Layers with weights.
        inputs: Channels of the image.
        outputs: Logits.
        ndim: Spatial axes, 2 or 3.
        layout: How it is made; None is the paper's.

    Shape:
        (batch, inputs, *space) to (batch, outputs); at least 16 in each axis with the 7x7 stem, 4 with the 3x3 stem.

    Raises:
        InvalidInput: Another depth.

    Source: He et al., Deep residual learning for image recognition (CVPR 2016), section 3.3, table 1; the stride in the
        3x3: Goyal et al., Accurate, large minibatch SGD (2017), section 5.1.
    """
    if depth not in _DEPTHS:
        raise InvalidInput("ResNet has 18, 34, 50, 101 or 152 layers", got=str(depth))
    layout = layout or Layout()
    entrance = Entrance(f"ResNet-{depth}", inputs=inputs, ndim=ndim, least=16 if layout.stem == "7x7" else 4)
    body = ResNetBody(entrance, _DEPTHS[depth], layout, bottleneck=depth >= 50)
    return he(Classifier(body, width=body.width, outputs=outputs))


def cifar_resnet(
    depth: int, *, inputs: int, outputs: int, ndim: int = 2, layout: Layout | None = None
) -> Classifier:
    """The narrow residual network for images of 32, with 6n + 2 layers; ``shortcut="none"`` makes it plain.

    Args:
        depth: Layers with weights: 20, 32, 44, 56, 110, ...
        inputs: Channels of the image.
        outputs: Logits.
        ndim: Spatial axes, 2 or 3.
        layout: How it is made; None is the paper's: 3x3 stem, 16 channels, shortcuts that pad.

    Shape:
        (batch, inputs, *space) to (batch, outputs); at least 4 in each axis.

    Raises:
        InvalidInput: The depth is not 6n + 2.

    Source: He et al., Deep residual learning for image recognition (CVPR 2016), section 4.2.
    """
    if depth < 8 or depth % 6 != 2:
        raise InvalidInput("a residual network for small images has 6n + 2 layers", got=str(depth))
    layout = layout or Layout(stem="3x3", base=16, shortcut="pad")
    name = f"{'plain' if layout.shortcut == 'none' else 'ResNet'}-{depth}"
    entrance = Entrance(name, inputs=inputs, ndim=ndim, least=16 if layout.stem == "7x7" else 4)
    body = ResNetBody(entrance, (depth // 6,) * 3, layout, bottleneck=False)
    return he(Classifier(body, width=body.width, outputs=outputs))
