"""MALUNet: a U-Net of 0.175 million parameters, with attention in the place of width."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import Axes, Entrance, axes, he

__all__ = ["MALUNet"]

_DILATIONS = (7, 5, 2, 1)


def _separable(layers: Axes, before: int, after: int, kernel: int) -> nn.Sequential:
    """Each channel by itself, then all channels at each place."""
    return nn.Sequential(
        layers.conv(before, before, kernel, padding=kernel // 2, groups=before),
        nn.GroupNorm(4, before),
        layers.conv(before, after, 1),
    )


@final
class _DilatedGatedAttention(nn.Module):
    """Four quarters of the channels at four dilations, and a gate that decides what passes (section II-B)."""

    def __init__(self, layers: Axes, before: int, after: int) -> None:
        super().__init__()
        quarter = before // 4
        self.quarters = nn.ModuleList(
            layers.conv(quarter, quarter, 3, padding=d, dilation=d, groups=quarter) for d in _DILATIONS
        )
        self.norm, self.mix = nn.GroupNorm(4, before), layers.conv(before, before, 1)
        self.gate, self.value = _separable(layers, before, before, 3), _separable(layers, before, before, 5)
        self.out, self.past = _separable(layers, before, after, 3), layers.conv(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [conv(part) for conv, part in zip(self.quarters, x.chunk(4, 1), strict=True)]
        x = nnf.gelu(self.mix(self.norm(torch.cat(parts, 1))))
        passed = torch.sigmoid(self.gate(x)) * nnf.gelu(self.value(x))
        result: Tensor = nnf.gelu(self.out(passed)) + self.past(x)
        return result


@final
class _ExternalAttention(nn.Module):
    """Each place is compared with a memory that all images share, which is inverted for the answer (section II-C).

    The first kernel has no bias: the softmax over the places would take it away.
    """

    def __init__(self, layers: Axes, channels: int) -> None:
        super().__init__()
        self.before = layers.conv(channels, channels, 1, bias=False)
        self.keys = nn.Conv1d(channels, 4 * channels, 1, bias=False)
        self.values = nn.Conv1d(4 * channels, channels, 1, bias=False)
        self.after = layers.conv(channels, channels, 1, bias=False)
        self.norm = nn.GroupNorm(4, channels)

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.softmax(self.keys(self.before(x).flatten(2)), -1)
        seen = seen / (1e-9 + seen.sum(1, keepdim=True))
        inner = self.values(seen).reshape(x.shape)
        return nnf.gelu(self.norm(self.after(inner)) + x)


@final
class _Bridge(nn.Module):
    """The maps of the way down weigh each other: first each place (SAB), then each channel (CAB; section II-D)."""

    def __init__(self, layers: Axes, widths: Sequence[int]) -> None:
        super().__init__()
        self.places = layers.places
        self.place = layers.conv(2, 1, 7, padding=9, dilation=3)
        self.along = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.channel = nn.ModuleList(nn.Linear(sum(widths), width) for width in widths)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        placed = [x * torch.sigmoid(self.place(_mean_and_most(x))) for x in maps]
        both = [x + y for x, y in zip(maps, placed, strict=True)]
        whole = self.along(torch.cat([x.mean(self.places) for x in both], 1).unsqueeze(1)).squeeze(1)
        weights = [torch.sigmoid(dense(whole)) for dense in self.channel]
        return [
            x * w.reshape(w.shape + (1,) * len(self.places)) + y
            for x, w, y in zip(both, weights, placed, strict=True)
        ]


def _mean_and_most(x: Tensor) -> Tensor:
    return torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)


@final
class MALUNet(nn.Module):
    """Logits of each class at each place.

    Args:
        inputs: Channels of the image.
        outputs: Classes.
        ndim: Spatial axes; 2 in the paper, and the same in 3.
        widths: Channels of the six stages, each a multiple of 4.

    Shape:
        (batch, inputs, *space) to (batch, outputs, *space); extents are multiples of 32.

    Raises:
        InvalidInput: Not six widths that 4 divides, or no output.

    Source: Ruan et al., MALUNet: a multi-attention and light-weight UNet for skin lesion segmentation (BIBM 2022),
        section II. Where that leaves a choice, the authors' program decides. Own: the answer is logits (there: after
        the sigmoid), ways up keep the centres of pixels in place (there: the corners), and biases without effect are
        left out.
    """

    def __init__(
        self, *, inputs: int, outputs: int, ndim: int = 2, widths: Sequence[int] = (8, 16, 24, 32, 48, 64)
    ) -> None:
        super().__init__()
        if len(widths) != 6 or any(w < 4 or w % 4 for w in widths) or outputs < 1:
            rule = "MALUNet has six widths that are multiples of 4, and at least one output"
            raise InvalidInput(rule, got=f"{tuple(widths)}, {outputs}")
        layers, linear, five = axes(ndim), axes(ndim).linear, widths[:5]
        self.entrance = Entrance("MALUNet", inputs=inputs, ndim=ndim, least=32, multiple=32)
        plain = [layers.conv(a, b, 3, padding=1) for a, b in pairwise((inputs, *widths[:3]))]
        attentive = [
            nn.Sequential(_ExternalAttention(layers, a), _DilatedGatedAttention(layers, a, b))
            for a, b in pairwise(widths[2:])
        ]
        self.down = nn.ModuleList([*plain, *attentive])
        self.down_norm = nn.ModuleList(nn.GroupNorm(4, width) for width in five)
        self.pool = layers.max_pool(2, 2)
        self.bridge = _Bridge(layers, five)
        up: list[nn.Module] = [
            nn.Sequential(_DilatedGatedAttention(layers, b, a), _ExternalAttention(layers, a))
            for b, a in pairwise(widths[:1:-1])
        ]
        up += [layers.conv(b, a, 3, padding=1) for b, a in pairwise(widths[2::-1])]
        self.up = nn.ModuleList(up)
        self.up_norm = nn.ModuleList(nn.GroupNorm(4, width) for width in five[::-1])
        self.wider = nn.Upsample(scale_factor=2, mode=linear, align_corners=False)
        self.head = layers.conv(widths[0], outputs, 1)
        he(self)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        x, skips = self.entrance(x), []
        for down, norm in zip(self.down, self.down_norm, strict=False):
            x = nnf.gelu(self.pool(norm(down(x))))
            skips.append(x)
        skips, x = self.bridge(skips), nnf.gelu(self.down[-1](x))
        for level, (up, norm) in enumerate(zip(self.up, self.up_norm, strict=True)):
            x = norm(up(x))
            x = nnf.gelu(self.wider(x) if level else x) + skips[-1 - level]
        result: Tensor = self.wider(self.head(x))
        return result
