"""GoogLeNet: Inception modules, with two auxiliary heads that help while it learns."""

from __future__ import annotations

from typing import Final, NamedTuple, final

import torch
from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import named
from skiagraph.networks.dims import Axes, Entrance, Regrid, axes, he
from skiagraph.networks.response import LocalResponse

__all__ = ["GoogLeNet"]


class _Row(NamedTuple):
    """Channels of the four ways through a module: 1x1; to a 3x3; to a 5x5 (v2: two 3x3); beside the pooling."""

    one: int
    three: tuple[int, int]
    five: tuple[int, int]
    pool: str
    beside: int
    stride: int = 1


# Szegedy et al. 2015, table 1. Between 3b and 4a, and 4e and 5a, the map is halved by pooling.
_V1: Final = {
    "3a": _Row(64, (96, 128), (16, 32), "max", 32),
    "3b": _Row(128, (128, 192), (32, 96), "max", 64),
    "4a": _Row(192, (96, 208), (16, 48), "max", 64),
    "4b": _Row(160, (112, 224), (24, 64), "max", 64),
    "4c": _Row(128, (128, 256), (24, 64), "max", 64),
    "4d": _Row(112, (144, 288), (32, 64), "max", 64),
    "4e": _Row(256, (160, 320), (32, 128), "max", 128),
    "5a": _Row(256, (160, 320), (32, 128), "max", 128),
    "5b": _Row(384, (192, 384), (48, 128), "max", 128),
}
# Ioffe and Szegedy 2015, figure 5; 3c and 4e take the stride, and pass the pooled map through. The figure states 576
# channels after 4c and 4d where its filters add up to 608: the filters count here.
_V2: Final = {
    "3a": _Row(64, (64, 64), (64, 96), "avg", 32),
    "3b": _Row(64, (64, 96), (64, 96), "avg", 64),
    "3c": _Row(0, (128, 160), (64, 96), "max", 0, 2),
    "4a": _Row(224, (64, 96), (96, 128), "avg", 128),
    "4b": _Row(192, (96, 128), (96, 128), "avg", 128),
    "4c": _Row(160, (128, 160), (128, 160), "avg", 128),
    "4d": _Row(96, (128, 192), (160, 192), "avg", 128),
    "4e": _Row(0, (128, 192), (192, 256), "max", 0, 2),
    "5a": _Row(352, (192, 320), (160, 224), "avg", 128),
    "5b": _Row(352, (192, 320), (192, 224), "max", 128),
}
_HALVED_BEFORE = {1: ("4a", "5a"), 2: ()}


def _unit(layers: Axes, before: int, after: int, shape: tuple[int, int], version: int) -> nn.Sequential:
    """A convolution (kernel, stride) with its rectifier; in version 2 with batch normalisation."""
    kernel, stride = shape
    convolution = layers.conv(before, after, kernel, stride, kernel // 2, bias=version == 1)
    norm = [] if version == 1 else [layers.batch_norm(after)]
    return nn.Sequential(convolution, *norm, nn.ReLU(inplace=True))


@final
class _Inception(nn.Module):
    """Several ways side by side, joined along the channels."""

    def __init__(self, before: int, row: _Row, layers: Axes, version: int) -> None:
        super().__init__()
        (narrow3, three), (narrow5, five), stride = row.three, row.five, row.stride
        ways: list[nn.Module] = []
        if row.one:
            ways.append(_unit(layers, before, row.one, (1, 1), version))
        ways.append(
            nn.Sequential(
                _unit(layers, before, narrow3, (1, 1), version),
                _unit(layers, narrow3, three, (3, stride), version),
            )
        )
        wide = (
            [_unit(layers, narrow5, five, (5, 1), version)]
            if version == 1
            else [
                _unit(layers, narrow5, five, (3, 1), version),
                _unit(layers, five, five, (3, stride), version),
            ]
        )
        ways.append(nn.Sequential(_unit(layers, before, narrow5, (1, 1), version), *wide))
        pool = (
            [layers.max_pool(3, stride, 1)]
            if row.pool == "max"
            else [layers.zero_pad(1), layers.avg_pool(3, stride)]
        )
        last = [_unit(layers, before, row.beside, (1, 1), version)] if row.beside else []
        ways.append(nn.Sequential(*pool, *last))
        self.ways = nn.ModuleList(ways)
        self.width = row.one + three + five + (row.beside or before)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([way(x) for way in self.ways], 1)


@final
class _Body(nn.Module):
    """The way to the vector, in three parts: up to 4a, up to 4d, and the rest."""

    def __init__(self, entrance: Entrance, version: int) -> None:
        super().__init__()
        layers = axes(entrance.ndim)
        respond = [LocalResponse()] if version == 1 else []
        parts: list[nn.Module] = [
            _unit(layers, entrance.inputs, 64, (7, 2), version),
            layers.max_pool(3, 2, 1),
            *respond,
            _unit(layers, 64, 64, (1, 1), version),
            _unit(layers, 64, 192, (3, 1), version),
            *respond,
            layers.max_pool(3, 2, 1),
        ]
        before, widths, done = 192, [], []
        for name, row in (_V1 if version == 1 else _V2).items():
            if name in _HALVED_BEFORE[version]:
                parts.append(layers.max_pool(3, 2, 1))
            module = _Inception(before, row, layers, version)
            parts.append(module)
            before = module.width
            if name in {"4a", "4d"}:
                done.append(nn.Sequential(*parts))
                parts = []
                widths.append(before)
        self.entrance, self.places, self.widths, self.width = entrance, layers.places, widths, before
        self.first, self.second, self.third = *done, nn.Sequential(*parts)
        self.drop = nn.Dropout(0.4 if version == 1 else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.vector(self.second(self.first(self.entrance(x))))

    def vector(self, x: Tensor) -> Tensor:
        result: Tensor = self.drop(self.third(x).mean(self.places))
        return result


@final
class GoogLeNet(nn.Module):
    """GoogLeNet with Inception v1, or with v2, the batch-normalised.

    Args:
        inputs: Channels of the image.
        outputs: Logits.
        ndim: Spatial axes, 2 or 3.
        version: 1 (with local response normalisation) or 2 (batch normalisation, two 3x3 for each 5x5).
        sides: Whether it has the two auxiliary heads, after modules 4a and 4d.

    Attributes:
        body: Maps (batch, inputs, *space) to (batch, width).
        head: Maps the vector to logits.
        side_weights: What the auxiliary logits count: loss = main + .3 (first + second).

    Shape:
        (batch, inputs, *space) to (batch, outputs), at least 16 in each axis. In training mode, with sides: three
        such logits, the main ones first. The heads average their map into a grid of 4 in each axis, for any size.

    Raises:
        InvalidInput: A version other than 1 and 2.

    Source: Szegedy et al., Going deeper with convolutions (CVPR 2015), section 5, table 1; Ioffe and Szegedy, Batch
        normalization (ICML 2015), appendix, figure 5 (here with an ordinary first convolution).
    """

    def __init__(
        self, *, inputs: int, outputs: int, ndim: int = 2, version: int = 1, sides: bool = True
    ) -> None:
        super().__init__()
        if version not in {1, 2} or outputs < 1:
            rule = "GoogLeNet has Inception of version 1 or 2 and at least one output"
            raise InvalidInput(rule, got=f"version {version}, {outputs} outputs")
        entrance = Entrance("GoogLeNet", inputs=inputs, ndim=ndim, least=16)
        self.body = _Body(entrance, version)
        self.width = self.body.width
        self.head = nn.Linear(self.width, outputs)
        widths = self.body.widths if sides else []
        self.sides = nn.ModuleList(_side(axes(ndim), width, outputs, version) for width in widths)
        self.side_weights = (0.3,) * len(self.sides)
        he(self)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits; in training mode with sides, the auxiliary ones behind them."""
        if not self.training or not self.sides:
            result: Tensor = self.head(self.body(x))
            return result
        first = self.body.first(self.body.entrance(x))
        second = self.body.second(first)
        main = self.head(self.body.vector(second))
        return (main, *(side(seen) for side, seen in zip(self.sides, (first, second), strict=True)))


def _side(layers: Axes, before: int, outputs: int, version: int) -> nn.Sequential:
    """An auxiliary head (Szegedy et al. 2015, section 5)."""
    return named(
        grid=Regrid(4),
        narrow=_unit(layers, before, 128, (1, 1), version),
        flat=nn.Flatten(),
        dense=nn.Linear(128 * 4**layers.count, 1024),
        rectifier=nn.ReLU(inplace=True),
        drop=nn.Dropout(0.7),
        head=nn.Linear(1024, outputs),
    )
