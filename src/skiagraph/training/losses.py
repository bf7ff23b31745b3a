"""What a network is punished for that speaks of a whole image: wrong classes and wrong values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

import torch
from torch import Tensor
from torch.nn import functional as nnf

__all__ = ["How", "class_loss", "gaussian_loss", "with_sides"]

SIDE_WEIGHT: Final = 0.3  # of each auxiliary head


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How an answer is read, and what is punished most.

    Args:
        activation: As in `skiagraph.task.Recipe`.
        loss: As in `skiagraph.training.Plan`.
        smoothing: Likewise.
        weights: Of the labels; empty for all alike.
    """

    activation: str
    loss: str = "cross-entropy"
    smoothing: float = 0.0
    weights: tuple[float, ...] = ()


def class_loss(how: How, logits: Tensor, target: Tensor) -> Tensor:
    """How far an answer about a whole image is from the truth, the mean over the batch.

    Args:
        how: Activation, kind of loss, smoothing and weights of the labels.
        logits: Shape (batch, outputs).
        target: Shape (batch, labels), 0 to 1; for labels that exclude one another it sums to 1, else NaN is not known.

    Returns:
        A scalar.

    Source: label smoothing: Szegedy et al., Rethinking the Inception architecture (CVPR 2016), section 7; focal: Lin et
        al., Focal loss (ICCV 2017), with an exponent of 2; asymmetric: Ridnik et al., Asymmetric loss (ICCV 2021), with
        exponents of 0 and 4 and a margin of 0.05; ordered labels: Frank and Hall, A simple approach to ordinal
        classification (ECML 2001).
    """
    n = target.shape[1]
    weights = torch.tensor(how.weights or (1.0,) * n, device=target.device)
    if how.activation == "softmax":
        wanted = target * (1 - how.smoothing) + how.smoothing / n
        logs = logits.log_softmax(1)
        easy = (1 - logs.exp()) ** 2 if how.loss == "focal" else torch.ones_like(logs)
        each = (weights * target).sum(1)
        total: Tensor = -(wanted * easy * logs).sum(1) @ each / each.sum()
        return total
    if how.activation == "ordinal":
        each = (weights * target).sum(1, keepdim=True)
        beyond = target.flip(1).cumsum(1).flip(1)[:, 1:]  # that it is more than label 0, 1, ...
        return (_binary(how, logits, beyond) * each).sum() / (each.sum() * logits.shape[1])
    known = target.isfinite()
    each = _binary(how, logits, torch.where(known, target, 0.0)) * weights * known
    return each.sum() / known.sum().clamp_min(1)


def with_sides(loss: Callable[[Tensor, Tensor], Tensor], answer: Any, target: Tensor) -> Tensor:
    """A loss of an answer about a whole image, and of the answers of auxiliary heads: main + 0.3 (first + second).

    Args:
        loss: Of one answer and the target.
        answer: One tensor, or several, the main one first.
        target: What all of them are to say.

    Source: Szegedy et al., Going deeper with convolutions (CVPR 2015), section 5.
    """
    if not isinstance(answer, tuple):
        return loss(answer, target)
    main, *sides = (loss(one, target) for one in answer)
    return main + SIDE_WEIGHT * sum(sides, torch.zeros_like(main))


def _binary(how: How, logits: Tensor, target: Tensor) -> Tensor:
    """Of labels that stand each for itself, shape (batch, outputs)."""
    wanted = target * (1 - how.smoothing) + how.smoothing / 2
    if how.loss == "cross-entropy":
        return nnf.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    p = logits.sigmoid()
    if how.loss == "focal":
        yes, no = (1 - p) ** 2 * nnf.logsigmoid(logits), p**2 * nnf.logsigmoid(-logits)
    else:
        shifted = (p - 0.05).clamp_min(0)
        yes, no = nnf.logsigmoid(logits), shifted**4 * torch.log1p(-shifted.clamp_max(1 - 1e-6))
    return -(wanted * yes + (1 - wanted) * no)


def gaussian_loss(answer: Tensor, target: Tensor) -> Tensor:
    """How unlikely the true values are under means and variances, the mean over the batch and over what is known.

    Where a network is very unsure it would stop learning the mean; so each term is weighted by its deviation.

    Args:
        answer: Shape (batch, 2 values): means, then logarithms of variances.
        target: Shape (batch, values), of about unit variance; NaN where it is not known.

    Returns:
        A scalar.

    Source: Seitzer et al., On the pitfalls of heteroscedastic uncertainty estimation (ICLR 2022), beta of 1/2.
    """
    mean, log_variance = answer.chunk(2, 1)
    log_variance = log_variance.clamp(-10, 10)
    known = target.isfinite()
    off = torch.where(known, target - mean, 0.0)
    each = (off**2 * torch.exp(-log_variance) + log_variance) / 2 * torch.exp(log_variance / 2).detach()
    total: Tensor = (each * known).sum() / known.sum().clamp_min(1)
    return total
