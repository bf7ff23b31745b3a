"""DenseNet: each layer sees all layers before it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import Classifier
from skiagraph.networks.dims import Axes, Entrance, axes, he

__all__ = ["DenseNetBody", "densenet"]

_DEPTHS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}


@final
class _Layer(nn.Module):
    """A bottleneck of four times the growth, and a 3x3 that adds `growth` channels (DenseNet-B)."""

    def __init__(self, before: int, growth: int, layers: Axes) -> None:
        super().__init__()
        self.norm1 = layers.batch_norm(before)
        self.conv1 = layers.conv(before, 4 * growth, 1, bias=False)
        self.norm2 = layers.batch_norm(4 * growth)
        self.conv2 = layers.conv(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        more = self.conv1(nnf.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(nnf.relu(self.norm2(more)))], 1)


@final
class _Transition(nn.Module):
    """Half the channels, half the extent (DenseNet-C)."""

    def __init__(self, before: int, layers: Axes) -> None:
        super().__init__()
        self.norm = layers.batch_norm(before)
        self.conv = layers.conv(before, before // 2, 1, bias=False)
        self.pool = layers.avg_pool(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.pool(self.conv(nnf.relu(self.norm(x))))
        return result


@final
class DenseNetBody(nn.Module):
    """Stem, dense blocks with transitions between, and the mean over the last map.

    Args:
        entrance: What may come in.
        depths: Layers in each block.
        growth: Channels that each layer adds.
        stem: ``"7x7"``: stride 2 and pooling before the blocks; ``"3x3"``: neither.

    Shape:
        (batch, inputs, *space) to (batch, width).
    """

    def __init__(
        self, entrance: Entrance, depths: tuple[int, ...], growth: int, stem: Literal["7x7", "3x3"]
    ) -> None:
        super().__init__()
        layers = axes(entrance.ndim)
        kernel, stride = (7, 2) if stem == "7x7" else (3, 1)
        before = 2 * growth
        self.entrance, self.places = entrance, layers.places
        self.conv0 = layers.conv(entrance.inputs, before, kernel, stride, kernel // 2, bias=False)
        self.norm0 = layers.batch_norm(before)
        self.pool0 = layers.max_pool(3, 2, 1) if stem == "7x7" else nn.Identity()
        blocks = OrderedDict[str, nn.Module]()
        for number, depth in enumerate(depths, start=1):
            parts = OrderedDict[str, nn.Module]()
            for layer in range(1, depth + 1):
                parts[f"layer{layer}"] = _Layer(before, growth, layers)
                before += growth
            blocks[f"block{number}"] = nn.Sequential(parts)
            if number < len(depths):
                blocks[f"transition{number}"] = _Transition(before, layers)
                before //= 2
        self.blocks = nn.Sequential(blocks)
        self.norm5, self.width = layers.batch_norm(before), before

    def forward(self, x: Tensor) -> Tensor:
        """The vector of each image."""
        x = self.pool0(nnf.relu(self.norm0(self.conv0(self.entrance(x)))))
        return nnf.relu(self.norm5(self.blocks(x))).mean(self.places)


def densenet(
    depth: int,
    *,
    inputs: int,
    outputs: int,
    ndim: int = 2,
    stem: Literal["7x7", "3x3"] = "7x7",
    growth: int = 32,
) -> Classifier:
    """DenseNet-BC 121, 169 or 201. With one output a finding it is CheXNet: each logit goes to a sigmoid of its own.

    Args:
        depth: Layers with weights.
        inputs: Channels of the image.
        outputs: Logits; 14 in CheXNet.
        ndim: Spatial axes, 2 or 3.
        stem: ``"7x7"`` (the paper), or ``"3x3"`` without stride and pooling, for images such as 28x28.
        growth: Channels that each layer adds; 32 in the paper.

    Shape:
        (batch, inputs, *space) to (batch, outputs); at least 29 in each axis with the 7x7 stem, 8 with the 3x3 stem.

    Raises:
        InvalidInput: An option is not known.

    Source: Huang et al., Densely connected convolutional networks (CVPR 2017), section 3, table 1; Rajpurkar et al.,
        CheXNet (2017), section 2.
    """
    if depth not in _DEPTHS or stem not in {"7x7", "3x3"}:
        rule = "DenseNet has 121, 169 or 201 layers and a stem of '7x7' or '3x3'"
        raise InvalidInput(rule, got=f"{depth}, {stem!r}")
    least = 29 if stem == "7x7" else 8
    entrance = Entrance(f"DenseNet-{depth} with a {stem} stem", inputs=inputs, ndim=ndim, least=least)
    body = DenseNetBody(entrance, _DEPTHS[depth], growth, stem)
    return he(Classifier(body, width=body.width, outputs=outputs))
