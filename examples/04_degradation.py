"""More layers, more error: plain networks degrade with depth, and shortcuts cure it.

A network of 56 layers can say whatever one of 20 can: let 36 of them hand on what they get. So it ought not to fit its
own training pictures worse. Without shortcuts it does, and by much. This is no over-fitting, which shows in new
pictures only: it is the training error that is higher. In the same steps the optimiser does not find the solution that
is there.

A shortcut adds what comes in to what goes out, so that a layer learns only what is to be changed, and to hand on is to
learn nothing. The same 56 layers then train as well as 20, with not one number more to learn.

The networks are those of the catalogue (plain-20, plain-56, resnet-20, resnet-56), with 4 channels in the place of 16
so that this takes seconds; pictures of 12 x 12 show a disc, a square, a cross or a ring.

Source: He et al., Deep residual learning for image recognition (CVPR 2016), sections 1 and 4.2, figures 1 and 6.
"""

import numpy as np
import torch
from drawing import folder, write_sheet
from torch import Tensor, nn

from skiagraph.networks import network
from skiagraph.report.charts import Axis, Chart, Line, drawn

SIDE, PICTURES, BATCH, STEPS, SEEDS = 12, 256, 32, 120, 2
NAMES = ("plain-20", "plain-56", "resnet-20", "resnet-56")


def draw(number: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noisy shapes, (number, 1, SIDE, SIDE), and which: 0 disc, 1 square, 2 cross, 3 ring."""
    places = torch.arange(SIDE) - (SIDE - 1) / 2
    middle = 0.4 * SIDE * (torch.rand(2, number, 1, 1, generator=rng) - 0.5)
    size = SIDE * (0.18 + 0.12 * torch.rand(number, 1, 1, generator=rng))
    y, x = (places[:, None] - middle[0]).abs() / size, (places - middle[1]).abs() / size
    far = torch.hypot(x, y)
    cross = torch.minimum(torch.maximum(3 * x, y), torch.maximum(x, 3 * y))
    shapes = torch.stack([far, torch.maximum(x, y), cross, 4 * (far - 0.75).abs()])
    kind = torch.arange(number) % 4
    clean = (shapes[kind, torch.arange(number)] < 1).float()
    return (clean + 0.4 * torch.randn(number, SIDE, SIDE, generator=rng))[:, None], kind


def train(net: nn.Module, images: Tensor, kinds: Tensor, rng: torch.Generator) -> list[float]:
    """Adam over random batches, its rate rising and falling; the loss of every step."""
    adam = torch.optim.Adam(net.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, max_lr=0.006, total_steps=STEPS)
    losses = []
    for _ in range(STEPS):
        batch = torch.randperm(PICTURES, generator=rng)[:BATCH]
        loss = nn.functional.cross_entropy(net(images[batch]), kinds[batch])
        adam.zero_grad()
        loss.backward()
        adam.step()
        rate.step()
        losses.append(loss.item())
    return losses


def training_error(net: nn.Module, images: Tensor, kinds: Tensor) -> float:
    """The share of its own training pictures that it gets wrong."""
    net.eval()
    with torch.no_grad():
        return float((net(images).argmax(1) != kinds).float().mean())


torch.set_num_threads(1)
images, kinds = draw(PICTURES, torch.Generator().manual_seed(0))
print(f"{PICTURES} pictures of 4 kinds, {STEPS} steps, mean of {SEEDS} seeds; guessing is wrong in 75 %")

lines = []
for style, name in enumerate(NAMES):
    errors, losses = [], []
    for seed in range(SEEDS):
        torch.manual_seed(seed)  # the first weights; batches have a generator of their own
        net = network(name, inputs=1, outputs=4, base=4)
        losses.append(train(net, images, kinds, torch.Generator().manual_seed(seed)))
        errors.append(training_error(net, images, kinds))
    numbers = sum(p.numel() for p in net.parameters())
    print(f"{name}: training error {np.mean(errors):.1%}, {numbers:,} numbers to learn")
    smooth = np.convolve(np.mean(losses, axis=0), np.ones(10) / 10, mode="valid")
    lines.append(Line(x=np.arange(10.0, STEPS + 1), y=smooth, name=name, style=style))

chart = Chart(
    title="Deeper is worse without shortcuts, and is not with them",
    x=Axis(title="step", low=0, high=STEPS),
    y=Axis(title="training loss, mean of 10 steps", low=0, high=2),
    layers=tuple(lines),
)
write_sheet(folder() / "degradation.svg", [[drawn(chart)]])
