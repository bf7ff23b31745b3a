"""Fully convolutional networks: VGG-16 that answers at every place of an image of any size."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import Entrance, axes, he
from skiagraph.networks.vgg import stages

__all__ = ["FCN"]


@final
class FCN(nn.Module):
    """FCN-32s, 16s or 8s.

    Args:
        inputs: Channels of the image.
        outputs: Classes.
        ndim: Spatial axes, 2 or 3.
        stride: 32, 16 or 8: the finest map that is scored.
        base: Channels of the first stage; 64 in the paper.
        hidden: Width of the two layers that were dense in VGG; 4096 in the paper.

    Shape:
        (batch, inputs, *space) to (batch, outputs, *space), of any size. Where the paper pads the image by 100 and
        crops, here each kernel pads its map and odd extents are halved upwards, so that cell ``i`` of a map of stride
        ``s`` stands for the places from ``s * i`` on.

    Raises:
        InvalidInput: Another stride.

    Source: Long et al., Fully convolutional networks for semantic segmentation (CVPR 2015), sections 4.1 to 4.3: ways
        up inside of the network begin as linear interpolation and learn, the last one stays linear; scores of the
        pooled maps begin at zero in the paper, and small and random here.
    """

    def __init__(
        self, *, inputs: int, outputs: int, ndim: int = 2, stride: int = 8, base: int = 64, hidden: int = 4096
    ) -> None:
        super().__init__()
        if stride not in {8, 16, 32} or outputs < 1:
            rule = "an FCN has a stride of 8, 16 or 32 and at least one output"
            raise InvalidInput(rule, got=f"stride {stride}, {outputs} outputs")
        layers = axes(ndim)
        self.entrance = Entrance(f"FCN-{stride}s", inputs=inputs, ndim=ndim)
        self.stride, self.linear = stride, layers.linear
        self.stages = nn.ModuleList(stages(16, inputs, ndim, base))
        self.dense = nn.Sequential(
            layers.conv(8 * base, hidden, 7, padding=3),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            layers.conv(hidden, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
        )
        finer = {32: (), 16: (8,), 8: (8, 4)}[stride]  # channels of pool4 and pool3, in units of `base`
        self.head = layers.conv(hidden, outputs, 1)
        self.scores = nn.ModuleList(layers.conv(times * base, outputs, 1) for times in finer)
        self.doubled = nn.ModuleList(layers.transposed(outputs, outputs, 4, 2, 1, bias=False) for _ in finer)
        he(self)
        for name, values in self.named_parameters():
            if name.startswith("scores.") and values.ndim > 1:
                nn.init.normal_(values, std=0.001)
            elif name.startswith("doubled."):
                values.data.copy_(_linear(outputs, ndim).to(values))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of each class at each place."""
        space = x.shape[2:]
        x, maps = self.entrance(x), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        x = self.head(self.dense(x))
        for score, double, seen in zip(self.scores, self.doubled, (maps[3], maps[2]), strict=False):
            x = _cropped(double(x), seen.shape[2:]) + score(seen)
        x = nnf.interpolate(x, scale_factor=float(self.stride), mode=self.linear, align_corners=False)
        return _cropped(x, space)


def _cropped(x: Tensor, space: torch.Size) -> Tensor:
    for axis, extent in enumerate(space, start=2):
        x = x.narrow(axis, 0, extent)
    return x


def _linear(channels: int, ndim: int) -> Tensor:
    """The kernel of a way up that doubles by linear interpolation, each channel for itself."""
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    kernel = line
    for _ in range(ndim - 1):
        kernel = kernel[..., None] * line
    eye = torch.eye(channels).reshape(channels, channels, *([1] * ndim))
    return eye * kernel
