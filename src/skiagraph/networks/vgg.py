"""VGG: small kernels, one after the other."""

from __future__ import annotations

from types import MappingProxyType
from typing import final

from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import Classifier, named
from skiagraph.networks.dims import Axes, Entrance, Regrid, axes, he

__all__ = ["DEPTHS", "stages", "vgg"]

DEPTHS = MappingProxyType({11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)})
_TIMES = (1, 2, 4, 8, 8)
_GRID = 7


def vgg(
    depth: int, *, inputs: int, outputs: int, ndim: int = 2, base: int = 64, hidden: int = 4096
) -> Classifier:
    """VGG-11, 16 or 19 (configurations A, D and E).

    Args:
        depth: Layers with weights.
        inputs: Channels of the image.
        outputs: Logits.
        ndim: Spatial axes, 2 or 3. A volume makes the first dense layer 7 times as large.
        base: Channels of the first stage; 64 in the paper.
        hidden: Width of the two dense layers; 4096 in the paper.

    Shape:
        (batch, inputs, *space) to (batch, outputs), at least 16 in each axis. Maps of odd extent are halved upwards,
        and the last maps are averaged into a grid of 7 in each axis: nothing changes for the paper's images of 224.

    Raises:
        InvalidInput: Another depth.

    Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition (ICLR 2015),
        section 2, table 1.
    """
    body = named(
        entrance=Entrance(f"VGG-{depth}", inputs=inputs, ndim=ndim, least=16),
        features=nn.Sequential(*(part for stage in stages(depth, inputs, ndim, base) for part in stage)),
        grid=Regrid(_GRID),
        flat=nn.Flatten(),
        classifier=nn.Sequential(
            nn.Linear(_TIMES[-1] * base * _GRID**ndim, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
        ),
    )
    return he(Classifier(body, width=hidden, outputs=outputs))


@final
class _Halved(nn.Module):
    """The largest of each two neighbours in each axis, also of a last one that stands alone.

    The zeros beside it are never above what a rectifier lets through. Engines do not agree on pooling that rounds up.
    """

    def __init__(self, layers: Axes) -> None:
        super().__init__()
        self.pool = layers.max_pool(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        alone = [extent % 2 for extent in x.shape[2:]]
        if any(alone):
            x = nnf.pad(x, [more for odd in reversed(alone) for more in (0, odd)])
        result: Tensor = self.pool(x)
        return result


def stages(depth: int, inputs: int, ndim: int, base: int = 64) -> list[nn.Sequential]:
    """The five stages of convolutions, each with the pooling that ends it.

    Raises:
        InvalidInput: A depth other than 11, 16 and 19.
    """
    if depth not in DEPTHS:
        raise InvalidInput("VGG has 11, 16 or 19 layers", got=str(depth))
    layers, before, result = axes(ndim), inputs, []
    for count, times in zip(DEPTHS[depth], _TIMES, strict=True):
        parts: list[nn.Module] = []
        for _ in range(count):
            parts += [layers.conv(before, times * base, 3, padding=1), nn.ReLU(inplace=True)]
            before = times * base
        result.append(nn.Sequential(*parts, _Halved(layers)))
    return result
