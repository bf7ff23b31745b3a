"""Batch normalisation by the statistics of the whole batch, of which each process has only a part."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["SharedBatchNorm", "with_shared_norm"]


class _Mean(torch.autograd.Function):
    """The mean over all processes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _mean(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _mean(grads[0])


def _mean(x: Tensor) -> Tensor:
    x = x.contiguous().clone()
    distributed.all_reduce(x)
    return x / distributed.get_world_size()


@final
class SharedBatchNorm(_BatchNorm):
    """Batch normalisation over all processes, for processors; PyTorch's own one needs graphics processors.

    Shape:
        As the input: (batch, channel, spatial...), or (batch, channel); each process has as many samples.

    Source: Peng et al., MegDet (CVPR 2018), section 3.3.
    """

    def forward(self, x: Tensor) -> Tensor:
        """In training by the statistics of all processes; else by the running ones."""
        if not self.training:
            return super().forward(x)
        axes = [0, *range(2, x.ndim)]
        row = (1, -1, *(1,) * (x.ndim - 2))
        wide = x.float()
        mean: Tensor = _Mean.apply(wide.mean(axes))  # type: ignore[no-untyped-call]  # as torch declares it
        off = wide - mean.reshape(row)
        var: Tensor = _Mean.apply((off**2).mean(axes))  # type: ignore[no-untyped-call]
        self._follow(mean, var, x.numel() // x.shape[1] * distributed.get_world_size())
        scale = torch.rsqrt(var + self.eps)
        answer = off * (scale if self.weight is None else scale * self.weight).reshape(row)
        return (answer if self.bias is None else answer + self.bias.reshape(row)).to(x.dtype)

    def _check_input_dim(self, x: Tensor) -> None:
        """Whatever `forward` takes."""

    @torch.no_grad()
    def _follow(self, mean: Tensor, var: Tensor, n: int) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(var * n / max(1, n - 1), share)


def with_shared_norm(network: nn.Module, device: torch.device) -> None:
    """Exchanges every batch normalisation in a network for one over all processes; names and weights stay.

    Args:
        network: Is changed in place.
        device: That it will learn on.
    """
    for name, child in network.named_children():
        if not isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            with_shared_norm(child, device)
        elif device.type == "cuda":
            setattr(network, name, nn.SyncBatchNorm.convert_sync_batchnorm(child))
        else:
            shared = SharedBatchNorm(
                child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats
            )
            shared._parameters, shared._buffers = child._parameters, child._buffers
            setattr(network, name, shared.train(child.training))
