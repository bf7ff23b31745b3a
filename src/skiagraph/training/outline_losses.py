"""What a network is punished for that outlines: outlines that miss, or are of the wrong size, place or edge."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as nnf

from skiagraph.training.losses import How

__all__ = ["boundary_loss", "moments_apart", "overlap_and_entropy", "structure_loss"]


def overlap_and_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy plus one minus soft Dice, the mean over the batch and over what is known.

    Args:
        logits: Shape (batch, channel, rows, columns).
        target: Likewise, 0 to 1; fractions at the edge of a structure are meant, and NaN is not known.

    Returns:
        A scalar.

    Source: Milletari et al., V-Net (3DV 2016) for the overlap; the sum as in Isensee et al., nnU-Net (2021).
    """
    known = target.isfinite()
    wanted = torch.where(known, target, 0.0)
    entropy = nnf.binary_cross_entropy_with_logits(logits, wanted, known.to(logits.dtype), reduction="sum")
    missed = _missed(logits.sigmoid() * known, wanted, tuple(range(2, target.ndim)))
    told = known.flatten(2).any(2)
    total: Tensor = entropy / known.sum().clamp_min(1) + _mean(missed, told)
    return total


def _missed(p: Tensor, wanted: Tensor, axes: tuple[int, ...]) -> Tensor:
    """One minus soft Dice over some axes."""
    return 1 - (2 * (p * wanted).sum(axes) + 1) / (p.sum(axes) + wanted.sum(axes) + 1)


def _mean(values: Tensor, told: Tensor) -> Tensor:
    return (values * told).sum() / told.sum().clamp_min(1)


def moments_apart(logits: Tensor, target: Tensor) -> Tensor:
    """How far centre and extent of outlines lie from those of the reference, the mean over the batch.

    First moments and roots of second moments are, up to a factor, the centre and the semi-axes of an ellipse: what is
    measured on an outline is learnt as well as the outline.

    Args:
        logits: Shape (batch, channel, rows, columns).
        target: Likewise, 0 to 1; places that are NaN count on neither side.

    Returns:
        A scalar, in half heights of the picture.

    Source: own.
    """
    known = target.isfinite()
    return (_moments(logits.sigmoid() * known) - _moments(torch.where(known, target, 0.0))).abs().mean()


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


def structure_loss(how: How, answer: Tensor | tuple[Tensor, ...], target: Tensor) -> Tensor:
    """Cross-entropy plus one minus soft Dice, also of coarser answers, each with half the weight of the one before.

    What is NaN in the target is not known, and nothing is learnt from it. Of structures that exclude one another, those
    that are not known at a place count there as background: it is only known that none of the others is there.

    Args:
        how: Activation: ``"sigmoid"`` for structures that may overlap, ``"softmax"`` with a first background.
        answer: Shape (batch, outputs, spatial...); or several, the finest first.
        target: Shape (batch, outputs, spatial...), 0 to 1 or NaN; where the background is NaN, all is.

    Returns:
        A scalar.

    Source: Isensee et al., nnU-Net (Nature Methods 2021), online methods; for what is not known Shi et al., Marginal
        loss and exclusion loss for partially supervised multi-organ segmentation (Medical Image Analysis 2021), 3.2.
    """
    maps = answer if isinstance(answer, tuple) else (answer,)
    shares = [0.5**n for n in range(len(maps))]
    total = torch.zeros((), device=target.device)
    for share, logits in zip(shares, maps, strict=True):
        wanted = target if logits.shape == target.shape else _coarser(target, logits)
        one = (
            overlap_and_entropy(logits, wanted)
            if how.activation == "sigmoid"
            else _exclusive_overlap(logits, wanted)
        )
        total = total + one * share / sum(shares)
    return total


def _coarser(target: Tensor, like: Tensor) -> Tensor:
    """The mean of what is known; NaN where nothing is."""
    pool: Any = nnf.adaptive_avg_pool3d if target.ndim == 5 else nnf.adaptive_avg_pool2d
    known, shape = target.isfinite(), tuple(like.shape[2:])
    share = pool(known.to(like.dtype), shape)
    mean = pool(torch.where(known, target, 0.0), shape) / share.clamp_min(1e-6)
    return torch.where(share > 0, mean, torch.nan)


def _exclusive_overlap(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy, and soft Dice of each structure over the whole batch, in which few are empty."""
    known = target.isfinite()
    wanted, logs = torch.where(known, target, 0.0), logits.log_softmax(1)
    apart = torch.cat([torch.zeros_like(known[:, :1]), known[:, 1:]], 1)  # from the background
    background = logs.masked_fill(apart, -torch.inf).logsumexp(1)
    entropy = -(wanted[:, 0] * background + (wanted[:, 1:] * logs[:, 1:]).sum(1))
    axes = (0, *range(2, logits.ndim))
    missed = _missed(logs.exp() * known, wanted, axes)
    return entropy.sum() / known[:, 0].sum().clamp_min(1) + _mean(
        missed[1:], known.any(0).flatten(1).any(1)[1:]
    )


def boundary_loss(how: How, logits: Tensor, distance: Tensor) -> Tensor:
    """How far from the edge what was found too much and too little lies: the mean of probability times distance.

    Args:
        how: Activation.
        logits: Shape (batch, outputs, spatial...).
        distance: Shape (batch, structures, spatial...): from the edge of each structure, below 0 inside of it, in steps
            of the lattice (`skiagraph.training.distances.signed_distances`); 0 where it is not known.

    Returns:
        A scalar, below 0 for a good answer.

    Source: Kervadec et al., Boundary loss for highly unbalanced segmentation (MIDL 2019), equation 5.
    """
    p = logits.sigmoid() if how.activation == "sigmoid" else logits.softmax(1)[:, 1:]
    return (p * distance).mean()
