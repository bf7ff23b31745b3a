"""The patch-wise tissue network: the tissue of a pixel from the 13x13 patch around it, and so for a whole image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import Classifier, named
from skiagraph.networks.dims import Entrance, axes, he
from skiagraph.networks.response import LocalResponse

__all__ = ["PATCH", "DenseTissue", "tissue_patch"]

PATCH = 13
_CHANNELS = (64, 256, 768)


@final
class _Pixel(nn.Module):
    """The vector of a map that has shrunk to one place."""

    def forward(self, x: Tensor) -> Tensor:
        if max(x.shape[2:]) > 1:
            rule = f"the tissue network takes patches of {PATCH} in each axis"
            raise InvalidInput(rule, got="a larger image", way_out="use its dense equivalent, DenseTissue")
        return x.flatten(1)


def tissue_patch(
    *, inputs: int = 1, outputs: int = 4, ndim: int = 2, hidden: Sequence[int] = (768,)
) -> Classifier:
    """Logits of the tissue in the middle of a patch.

    Three 5x5 convolutions without margin (64, 256, 768 channels), each rectified and normalised across channels, shrink
    the patch to one place; dense layers follow, with dropout of 50 % before each.

    Args:
        inputs: Channels of the image.
        outputs: Tissues, with the background.
        ndim: Spatial axes, 2 or 3.
        hidden: Widths of the dense layers before the last.

    Shape:
        (batch, inputs, 13, 13) or (batch, inputs, 13, 13, 13) to (batch, outputs).

    Source: Zhang et al., Deep convolutional neural networks for multi-modality isointense infant brain image
        segmentation (NeuroImage 2015), "CNN architectures", table 2: with ``inputs=3, outputs=3, hidden=()`` these are
        the 5 332 995 parameters that it states. The dense layer of 768 is an addition of later work.
    """
    layers = axes(ndim)
    parts: list[nn.Module] = []
    for before, after in pairwise((inputs, *_CHANNELS)):
        parts += [layers.conv(before, after, 5), nn.ReLU(inplace=True), LocalResponse()]
    for before, after in pairwise((_CHANNELS[-1], *hidden)):
        parts += [nn.Dropout(0.5), layers.conv(before, after, 1), nn.ReLU(inplace=True)]
    parts.append(nn.Dropout(0.5))
    body = named(
        entrance=Entrance("the tissue network", inputs=inputs, ndim=ndim, least=PATCH),
        trunk=nn.Sequential(*parts),
        pixel=_Pixel(),
    )
    width = hidden[-1] if hidden else _CHANNELS[-1]
    return he(Classifier(body, width=width, outputs=outputs))


@final
class DenseTissue(nn.Module):
    """What the patch network says of every pixel of a whole image, in one pass.

    The image gets a margin of 6 zeros; each pixel then has its 13x13 patch, and what neighbouring patches share is
    computed once. Normalisation across channels looks at one place only, so that the answers are the same.

    Args:
        network: A patch network; its weights are shared, not copied.

    Shape:
        (batch, inputs, *space) to (batch, outputs, *space), of any size.

    Source: own; the idea is that of Sermanet et al., OverFeat (ICLR 2014), section 3.5.
    """

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        entrance = getattr(network.body, "entrance", None)
        if not isinstance(entrance, Entrance) or not hasattr(network.body, "trunk"):
            raise InvalidInput("a dense tissue network is made of a tissue_patch", got=type(network).__name__)
        self.patch, self.margin = network, (PATCH // 2,) * (2 * entrance.ndim)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of each tissue at each place."""
        entrance, trunk = self.patch.body.get_submodule("entrance"), self.patch.body.get_submodule("trunk")
        seen = trunk(entrance(nnf.pad(x, self.margin)))
        result: Tensor = self.patch.head(seen.movedim(1, -1)).movedim(-1, 1)
        return result
