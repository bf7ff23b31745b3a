"""Runs a network with PyTorch itself: right after training, and as the peer of the other engines."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["TorchEngine"]


@final
class TorchEngine:
    """Runs a network with PyTorch, in fp32.

    Args:
        network: Maps (batch, channel, spatial...) to logits; is put into evaluation mode, and runs where it lies.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network.eval()
        self._device = next((p.device for p in network.parameters()), torch.device("cpu"))

    @property
    def name(self) -> str:
        """The engine and its version."""
        return f"torch {torch.__version__}"

    @property
    def precision(self) -> str:
        """Always ``"fp32"``."""
        return "fp32"

    @torch.inference_mode()
    def __call__(self, batch: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(batch, channel, spatial...) to (batch, channel, spatial...)."""
        result: NDArray[np.float32] = self._network(torch.from_numpy(batch).to(self._device)).cpu().numpy()
        return result
