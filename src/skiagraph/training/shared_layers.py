"""Layers that act as over the whole batch, of which each process has only a part: batch norm and dropout."""

from __future__ import annotations

from typing import Any, Final, final

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["SharedBatchNorm", "SharedDropout", "with_shared_layers"]

_LAST: Final = {4: torch.channels_last, 5: torch.channels_last_3d}


class _Mean(torch.autograd.Function):
    """The mean over all processes."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return _mean(x)

    @staticmethod
    def backward(_: Any, *grads: Tensor) -> Tensor:
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
        if not self.affine:
            return (off * scale.reshape(row)).to(x.dtype)
        return (off * (scale * self.weight).reshape(row) + self.bias.reshape(row)).to(x.dtype)

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


@final
class SharedDropout(nn.Module):
    """Dropout of which all processes draw the same, for the whole batch, and each takes its rows.

    Args:
        drop: The layer that draws.

    Shape:
        As the input, whose first axis is the batch.
    """

    def __init__(self, drop: nn.Module) -> None:
        super().__init__()
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        """In training with some parts silenced; else as it is."""
        if not self.training:
            return x
        n, size = len(x), distributed.get_world_size()
        rows = slice(distributed.get_rank() * n, (distributed.get_rank() + 1) * n)
        ones = torch.ones_like(x).repeat(size, *(1,) * (x.ndim - 1))
        if x.ndim > 3 and not x.is_contiguous():
            ones = ones.contiguous(memory_format=_LAST[x.ndim])  # in which a single process would draw
        kept: Tensor = self.drop(ones)
        return x * kept[rows]


def with_shared_layers(network: nn.Module, device: torch.device) -> None:
    """Exchanges every batch normalisation and dropout in a network for one over all processes; names and weights stay.

    Args:
        network: Is changed in place.
        device: That it will learn on.
    """
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            setattr(network, name, _norm(child, device))
        elif isinstance(child, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d):
            child.inplace = False
            setattr(network, name, SharedDropout(child))
        else:
            with_shared_layers(child, device)


def _norm(own: _BatchNorm, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        synced: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(own)  # type: ignore[no-untyped-call]
        return synced
    shared = SharedBatchNorm(own.num_features, own.eps, own.momentum, own.affine, own.track_running_stats)
    shared.weight, shared.bias = own.weight, own.bias
    shared.running_mean, shared.running_var = own.running_mean, own.running_var
    shared.num_batches_tracked = own.num_batches_tracked
    return shared.train(own.training)
