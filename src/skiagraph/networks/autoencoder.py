"""A convolutional autoencoder: through a narrow code and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

from torch import Tensor, nn

from skiagraph.errors import InvalidInput
from skiagraph.networks.dims import Entrance, axes, he

__all__ = ["Autoencoder"]


@final
class Autoencoder(nn.Module):
    """Each level halves the image; one kernel of extent 1 narrows the channels to the code; then all the way back.

    Args:
        inputs: Channels of the image.
        outputs: Channels of the answer, as a rule those of the image.
        ndim: Spatial axes, 2 or 3.
        widths: Channels at each level, the finest first.
        code: Channels of the code.

    Attributes:
        body: Maps (batch, inputs, *space) to the code, (batch, code, *space / 2 ** levels).
        head: Maps the code back.

    Shape:
        (batch, inputs, *space) to (batch, outputs, *space); extents are multiples of 2 ** len(widths).

    Raises:
        InvalidInput: There is no level.

    Source: Hinton and Salakhutdinov, Reducing the dimensionality of data with neural networks (Science 2006); Masci et
        al., Stacked convolutional auto-encoders (ICANN 2011), section 3. Strides and batch normalisation are our own.
    """

    def __init__(
        self,
        *,
        inputs: int,
        outputs: int,
        ndim: int = 2,
        widths: Sequence[int] = (32, 64, 128, 256),
        code: int = 16,
    ) -> None:
        super().__init__()
        if not widths or outputs < 1:
            rule = "an autoencoder has at least one level and one output channel"
            raise InvalidInput(rule, got=f"{tuple(widths)}, {outputs}")
        layers, step = axes(ndim), 2 ** len(widths)
        entrance = Entrance("an autoencoder", inputs=inputs, ndim=ndim, least=step, multiple=step)
        down = [
            nn.Sequential(layers.conv(a, b, 3, 2, 1, bias=False), layers.batch_norm(b), nn.ReLU(inplace=True))
            for a, b in pairwise((inputs, *widths))
        ]
        up = [
            nn.Sequential(
                layers.transposed(b, a, 2, 2, bias=False), layers.batch_norm(a), nn.ReLU(inplace=True)
            )
            for b, a in pairwise((code, *reversed(widths)))
        ]
        self.body = nn.Sequential(entrance, *down, layers.conv(widths[-1], code, 1))
        self.head = nn.Sequential(*up, layers.conv(widths[0], outputs, 3, padding=1))
        he(self)

    def forward(self, x: Tensor) -> Tensor:
        """The image as the code remembers it."""
        result: Tensor = self.head(self.body(x))
        return result
