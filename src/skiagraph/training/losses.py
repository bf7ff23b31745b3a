"""What a segmentation network is punished for."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as nnf

__all__ = ["overlap_and_entropy"]


def overlap_and_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy plus one minus soft Dice, the mean over the batch.

    Args:
        logits: Shape (batch, channel, rows, columns).
        target: Likewise, 0 to 1; fractions at the edge of a structure are meant.

    Returns:
        A scalar.

    Source: Milletari et al., V-Net (3DV 2016) for the overlap; the sum as in Isensee et al., nnU-Net (2021).
    """
    p = logits.sigmoid()
    axes = tuple(range(2, p.ndim))
    dice = (2 * (p * target).sum(axes) + 1) / (p.sum(axes) + target.sum(axes) + 1)
    return nnf.binary_cross_entropy_with_logits(logits, target) + 1 - dice.mean()
