"""What a segmentation network is punished for: outlines that miss, and outlines of the wrong size or place."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as nnf

__all__ = ["moments_apart", "overlap_and_entropy"]


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


def moments_apart(logits: Tensor, target: Tensor) -> Tensor:
    """How far centre and extent of outlines lie from those of the reference, the mean over the batch.

    First moments and roots of second moments are, up to a factor, the centre and the semi-axes of an ellipse: what is
    measured on an outline is learnt as well as the outline.

    Args:
        logits: Shape (batch, channel, rows, columns).
        target: Likewise, 0 to 1.

    Returns:
        A scalar, in half heights of the picture.

    Source: own.
    """
    return (_moments(logits.sigmoid()) - _moments(target)).abs().mean()


def _moments(p: Tensor) -> Tensor:
    """Centre, roots of the variances, and twice the covariance, shape (5, batch, channel), in half heights."""
    rows, columns = p.shape[-2:]
    y = torch.linspace(-1, 1, rows, device=p.device)[:, None]
    x = torch.linspace(-columns / rows, columns / rows, columns, device=p.device)[None, :]
    total = p.sum((-2, -1)) + 1e-3 * rows * columns

    def mean(of: Tensor) -> Tensor:
        return (p * of).sum((-2, -1)) / total

    my, mx = mean(y), mean(x)
    dy, dx = y - my[..., None, None], x - mx[..., None, None]
    roots = [mean(d**2).clamp_min(1e-6).sqrt() for d in (dy, dx)]
    return torch.stack([my, mx, *roots, 2 * mean(dy * dx)])
