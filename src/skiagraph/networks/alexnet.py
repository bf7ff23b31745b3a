"""AlexNet: five convolutions and three dense layers, the network of 2012."""

from __future__ import annotations

from typing import Literal

from torch import nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import Classifier, named
from skiagraph.networks.dims import Axes, Entrance, Regrid, axes, he
from skiagraph.networks.response import LocalResponse

__all__ = ["alexnet"]

_CHANNELS = (96, 256, 384, 384, 256)
_FIRST = {
    "11-5": (11, 4, 2, 5),
    "5-3": (5, 1, 2, 3),
}  # kernel, stride and margin of layer 1, kernel of layer 2
_LEAST = {"11-5": 63, "5-3": 15}
_GRID = 6


def alexnet(
    *,
    inputs: int,
    outputs: int,
    ndim: int = 2,
    kernels: Literal["11-5", "5-3"] = "11-5",
    response: Literal["across", "within"] = "across",
    hidden: int = 4096,
) -> Classifier:
    """AlexNet with rectifiers, dropout, local response normalisation and the layout in two groups.

    Layers 2, 4 and 5 see one half of the channels below, layer 3 sees both halves.

    Args:
        inputs: Channels of the image.
        outputs: Logits.
        ndim: Spatial axes, 2 or 3.
        kernels: ``"11-5"``: the paper's kernels in layers 1 (stride 4) and 2; images of at least 63 in each axis.
            ``"5-3"``: smaller kernels and no stride in layer 1, for small images, of at least 15.
        response: Whether responses are normalised across channels (the paper) or within each.
        hidden: Width of the two dense layers.

    Shape:
        (batch, inputs, *space) to (batch, outputs). The maps of layer 5 are averaged into a grid of 6 in each axis,
        which changes nothing for the paper's images of 224 or 227.

    Raises:
        InvalidInput: An option is not known.

    Source: Krizhevsky et al., ImageNet classification with deep convolutional neural networks (NIPS 2012),
        sections 3.1 to 3.5 and figure 2 (whose images of 224 make maps of 55 only with a margin of 2).
    """
    if kernels not in _FIRST:
        raise InvalidInput("kernels of AlexNet are '11-5' or '5-3'", got=repr(kernels))
    body = named(
        entrance=Entrance("AlexNet", inputs=inputs, ndim=ndim, least=_LEAST[kernels]),
        features=_features(axes(ndim), inputs, _FIRST[kernels], response),
        grid=Regrid(_GRID),
        flat=nn.Flatten(),
        classifier=nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(_CHANNELS[-1] * _GRID**ndim, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
        ),
    )
    return he(Classifier(body, width=hidden, outputs=outputs))


def _features(
    layers: Axes, inputs: int, first: tuple[int, int, int, int], response: Literal["across", "within"]
) -> nn.Sequential:
    kernel, stride, margin, second = first
    a, b, c, d, e = _CHANNELS
    return nn.Sequential(
        layers.conv(inputs, a, kernel, stride, margin),
        nn.ReLU(inplace=True),
        LocalResponse(response),
        layers.max_pool(3, 2),
        layers.conv(a, b, second, padding=second // 2, groups=2),
        nn.ReLU(inplace=True),
        LocalResponse(response),
        layers.max_pool(3, 2),
        layers.conv(b, c, 3, padding=1),
        nn.ReLU(inplace=True),
        layers.conv(c, d, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        layers.conv(d, e, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        layers.max_pool(3, 2),
    )
