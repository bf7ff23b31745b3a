"""The Vision Transformer: an image as a sentence of patches."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from skiagraph.errors import InvalidInput
from skiagraph.networks.classifier import Classifier
from skiagraph.networks.dims import Entrance, axes

__all__ = ["SIZES", "SelfAttention", "VisionTransformerBody", "vision_transformer"]


class _Size(NamedTuple):
    width: int
    depth: int
    heads: int


SIZES = MappingProxyType({"tiny": _Size(192, 12, 3), "small": _Size(384, 12, 6), "base": _Size(768, 12, 12)})


@final
class SelfAttention(nn.Module):
    """Each token gathers from all tokens what fits its question.

    Args:
        width: Length of a token.
        heads: Parts of a token that ask apart from each other.

    Shape:
        (batch, tokens, width), unchanged.

    Source: Vaswani et al., Attention is all you need (NIPS 2017), section 3.2.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The gathered tokens."""
        tokens = x.shape[1]
        parts = self.qkv(x).reshape(-1, tokens, 3, self.heads, self.width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        seen = nnf.scaled_dot_product_attention(query, key, value)
        result: Tensor = self.out(seen.transpose(1, 2).reshape(-1, tokens, self.width))
        return result


@final
class _Block(nn.Module):
    """Attention, then two dense layers, each normalised before and added after."""

    def __init__(self, size: _Size) -> None:
        super().__init__()
        width = size.width
        self.norm1, self.attention = nn.LayerNorm(width, eps=1e-6), SelfAttention(width, size.heads)
        self.norm2, self.up, self.down = nn.LayerNorm(width, eps=1e-6), *_dense(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        result: Tensor = x + self.down(nnf.gelu(self.up(self.norm2(x))))
        return result


def _dense(width: int) -> tuple[nn.Linear, nn.Linear]:
    return nn.Linear(width, 4 * width), nn.Linear(4 * width, width)


@final
class VisionTransformerBody(nn.Module):
    """Patches to tokens, a class token before them, and blocks of attention.

    Args:
        entrance: What may come in.
        size: Width, depth and heads.
        space: The extent of every image in each axis.
        patch: The extent of a patch.

    Shape:
        (batch, inputs, *space) to (batch, width): the class token.
    """

    def __init__(self, entrance: Entrance, size: _Size, space: Sequence[int], patch: int) -> None:
        super().__init__()
        count = 1
        for extent in space:
            count *= extent // patch
        self.entrance, self.space = entrance, tuple(space)
        self.patches = axes(entrance.ndim).conv(entrance.inputs, size.width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, size.width))
        self.position = nn.Parameter(torch.empty(1, 1 + count, size.width))
        self.blocks = nn.Sequential(*(_Block(size) for _ in range(size.depth)))
        self.norm = nn.LayerNorm(size.width, eps=1e-6)
        for values in (self.token, self.position):
            nn.init.trunc_normal_(values, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """The vector of each image.

        Raises:
            InvalidInput: The image is of another size than the network was made for.
        """
        if tuple(self.entrance(x).shape[2:]) != self.space:
            rule = f"this transformer was made for images of {self.space}"
            raise InvalidInput(rule, got=str(tuple(x.shape[2:])), way_out="resample the image")
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), tokens], 1)
        result: Tensor = self.norm(self.blocks(tokens + self.position))[:, 0]
        return result


def vision_transformer(
    scale: str,
    *,
    inputs: int,
    outputs: int,
    ndim: int = 2,
    size: int | Sequence[int] = 224,
    patch: int = 16,
) -> Classifier:
    """A Vision Transformer: tiny, small or base.

    Args:
        scale: ``"tiny"``, ``"small"`` or ``"base"``.
        inputs: Channels of the image.
        outputs: Logits.
        ndim: Spatial axes, 2 or 3.
        size: The extent of every image, one number or one for each axis; it is a multiple of `patch`.
        patch: The extent of a patch in each axis.

    Shape:
        (batch, inputs, *size) to (batch, outputs).

    Raises:
        InvalidInput: Another scale, or a size that is no multiple of the patch.

    Source: Dosovitskiy et al., An image is worth 16x16 words (ICLR 2021), section 3.1, table 1 (base); tiny and small:
        Touvron et al., Training data-efficient image transformers (ICML 2021), table 1.
    """
    if scale not in SIZES:
        raise InvalidInput(f"a Vision Transformer is one of {', '.join(SIZES)}", got=repr(scale))
    space = (size,) * ndim if isinstance(size, int) else tuple(size)
    if len(space) != ndim or any(n < patch or n % patch for n in space):
        raise InvalidInput(
            f"the image has {ndim} axes, each a multiple of the patch of {patch}", got=str(space)
        )
    entrance = Entrance(f"ViT-{scale}", inputs=inputs, ndim=ndim, least=patch, multiple=patch)
    body = VisionTransformerBody(entrance, SIZES[scale], space, patch)
    return Classifier(body, width=SIZES[scale].width, outputs=outputs)
