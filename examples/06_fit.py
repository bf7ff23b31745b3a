"""Too simple, right, too complex: under-fitting and over-fitting, first with polynomials, then with networks.

A model that is too simple is wrong everywhere, in what it has seen as in what is new: it under-fits. One that is too
complex learns by heart what it has seen, noise and all, and is wrong in what is new: it over-fits. So two errors are to
be looked at, and the second decides.

For squared errors the expected error in new points is a sum of three:

    error = bias^2 + variance + noise

bias: how far the model is from the truth on average over many sets of data; variance: how far its fits scatter around
their average from set to set; noise: what no model can know. A higher degree lowers the first and raises the second.

With polynomials all of it can be measured, because a truth can be drawn again and again. Networks show the same on
pictures: a radius is to be read from a noisy picture, and the references to learn from are noisy too, as those of human
readers are. Two cures are tried: to keep weights small (decay), and to stop early, where the error of validation
pictures is least. More data would be a third.

Source: Geman, Bienenstock and Doursat, Neural networks and the bias/variance dilemma (Neural Computation 1992).
"""

import numpy as np
import torch
from drawing import folder, write_sheet
from numpy.polynomial import legendre
from torch import Tensor, nn

from skiagraph.report.charts import Axis, Chart, Line, drawn

# 1. Polynomials. The truth is a wave, each set of data 15 noisy points of it, and there are 4,000 sets. Least squares
#    turns data into fitted values by one matrix, so that all sets are fitted at once.
POINTS, NOISE, SETS, DEGREES = 15, 0.3, 4000, range(11)
chance = np.random.default_rng(0)
x, new_x = np.linspace(-1, 1, POINTS), np.linspace(-0.95, 0.95, 96)
truth, new_truth = np.sin(4 * x), np.sin(4 * new_x)
data = truth + NOISE * chance.standard_normal((SETS, POINTS))
new_data = new_truth + NOISE * chance.standard_normal((SETS, len(new_x)))

print("polynomials: degree, error in what was fitted, error in new points, bias^2 + variance + noise")
rows = []
for degree in DEGREES:
    fit = np.linalg.pinv(legendre.legvander(x, degree))
    coefficients = data @ fit.T
    fitted = coefficients @ legendre.legvander(x, degree).T
    predicted = coefficients @ legendre.legvander(new_x, degree).T
    bias2 = ((predicted.mean(axis=0) - new_truth) ** 2).mean()
    variance = predicted.var(axis=0).mean()
    seen, new = ((fitted - data) ** 2).mean(), ((predicted - new_data) ** 2).mean()
    rows.append((seen, new, bias2, variance))
    parts = f"{bias2:.3f} + {variance:.3f} + {NOISE**2:.3f} = {bias2 + variance + NOISE**2:.3f}"
    print(f"  {degree:2}  {seen:.3f}  {new:.3f}  {parts}")
seen, new, bias2, variance = np.array(rows).T
print(f"the best degree is {new.argmin()}, the error in what was fitted is least at {seen.argmin()}")

degrees = np.array(DEGREES, dtype=float)
polynomials = Chart(
    title="Polynomials: error = bias² + variance + noise",
    x=Axis(title="degree", low=0, high=10),
    y=Axis(title="squared error", low=0, high=0.6),
    layers=(
        Line(x=degrees, y=seen, name="what was fitted"),
        Line(x=degrees, y=new, name="new points", style=2),
        Line(x=degrees, y=bias2, name="bias²", style=1),
        Line(x=degrees, y=variance, name="variance", style=3),
        Line(x=degrees, y=np.full(len(degrees), NOISE**2), name="noise", thin=True),
    ),
)

# 2. Pictures. Discs of 2 to 6 pixels radius, of unknown place and brightness; the reference is off by a pixel (SD).
SIDE, PICTURES, STEPS, LOOK_EVERY, SEEDS = 16, 100, 300, 10, 3


def draw(number: int, seed: int, reader: float) -> tuple[Tensor, Tensor]:
    """Pictures (number, 1, SIDE, SIDE) and radii less 4 pixels, as a reader with an error of `reader` pixels says."""
    rng = torch.Generator().manual_seed(seed)
    places = torch.arange(SIDE) - (SIDE - 1) / 2
    middle = 4 * (torch.rand(2, number, 1, 1, generator=rng) - 0.5)
    radius, brightness = (
        2 + 4 * torch.rand(number, generator=rng),
        0.5 + torch.rand(number, 1, 1, generator=rng),
    )
    far = torch.hypot(places[:, None] - middle[0], places - middle[1])
    clean = brightness * torch.sigmoid(3 * (radius[:, None, None] - far))
    noisy = clean + 0.3 * torch.randn(number, SIDE, SIDE, generator=rng)
    return noisy[:, None], radius - 4 + reader * torch.randn(number, generator=rng)


def mean_brightness() -> nn.Sequential:
    """Knows the mean brightness only, and so takes a large dim disc for a small bright one."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1))


def same_everywhere() -> nn.Sequential:
    """Two convolutions, then the mean over all places: where the disc lies is nothing to be learnt."""
    first, second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
    mean = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1)]
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), *mean)


def place_by_place() -> nn.Sequential:
    """Two wider convolutions, then layers with a number for every place: enough to know 100 pictures by heart."""
    first, second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
    head = [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 1)]
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), *head)


def rmse(net: nn.Module, images: Tensor, radii: Tensor) -> float:
    """Root mean square error, in pixels."""
    with torch.no_grad():
        return float((net(images)[:, 0] - radii).square().mean().sqrt())


def learnt(net: nn.Module, seed: int, rate: float, decay: float) -> np.ndarray:
    """Trains; three RMSE at every look: of training and of validation against readers, new pictures against truth."""
    training, validation, test = draw(PICTURES, seed, 1.0), draw(PICTURES, 50 + seed, 1.0), draw(200, 99, 0.0)
    adam = torch.optim.AdamW(net.parameters(), rate, weight_decay=decay)
    looks = []
    for step in range(1, STEPS + 1):
        loss = (net(training[0])[:, 0] - training[1]).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % LOOK_EVERY == 0:
            looks.append([rmse(net, *pictures) for pictures in (training, validation, test)])
    return np.array(looks)


torch.set_num_threads(1)
trials = {
    "too small": (mean_brightness, 0.1, 0.0),
    "right": (same_everywhere, 0.004, 0.0),
    "too large": (place_by_place, 0.004, 0.0),
    "too large, with decay": (place_by_place, 0.004, 3.0),
}
print(
    f"networks for {PICTURES} pictures, mean of {SEEDS} seeds: RMSE in pixels, of training against readers who are off"
)
print("by 1.00, of new pictures against the truth")
curves = {}
for name, (built, rate, decay) in trials.items():
    runs = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        net = built()
        runs.append(learnt(net, seed, rate, decay))
    curves[name] = np.mean(runs, axis=0)
    last = curves[name][-1]
    early = np.mean([run[run[:, 1].argmin(), 2] for run in runs])
    numbers = sum(p.numel() for p in net.parameters())
    print(
        f"{name}: {numbers:,} numbers, training {last[0]:.2f}, new {last[2]:.2f}, new if stopped early {early:.2f}"
    )

steps = np.arange(LOOK_EVERY, STEPS + 1, LOOK_EVERY, dtype=float)
networks = Chart(
    title="Networks: error in new pictures while they learn",
    x=Axis(title="step", low=0, high=STEPS),
    y=Axis(title="root mean square error [pixel]", low=0, high=1.3),
    layers=(
        *(Line(x=steps, y=c[:, 2], name=name, style=n) for n, (name, c) in enumerate(curves.items())),
        Line(x=steps, y=curves["too large"][:, 0], name="too large: training", style=4),
    ),
)
write_sheet(folder() / "fit.svg", [[drawn(polynomials), drawn(networks)]])
