"""Teaches the second look at an outline: a network that sees the picture unrolled around it, and moves it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as nnf

from skiagraph.case import Dataset, Sample
from skiagraph.errors import InvalidInput
from skiagraph.features import Ellipse, moment_ellipse
from skiagraph.features.unrolled import axes_of, basis, bent, directions, moved, unrolled
from skiagraph.findings import Segmentation
from skiagraph.geometry import index_map
from skiagraph.image import Image
from skiagraph.networks import Committee, RingNet
from skiagraph.preprocess import Blur, Gain, Gamma, Speckle, augmented, network_pixels, normalised
from skiagraph.preprocess.grey import grey
from skiagraph.preprocess.lattice import fitted
from skiagraph.task import Refine, Watch
from skiagraph.training.loop import Batch, Run, Stage, learn
from skiagraph.training.samples import in_background

__all__ = ["Ring", "RingPlan", "ring_of", "rings", "train_rings"]

Array = NDArray[np.float64]
_STEPS = (
    Gamma(gamma=1.5, brightness=1.4),
    Gain(strength=0.5, knots=(8, 4)),
    Speckle(grain=0.3, noise=0.05),
    Blur(),
)
_WIDTH = 0.03  # of the edge that a network is asked for, as a share of the radius


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RingPlan:
    """How the second look is learnt.

    Args:
        refine: The unrolling.
        normalise: Intensity normalisation of the unrolled picture.
        widths: Channels of the network at each level, the finest first.
        drop: Share of channels that are silenced at the deepest level.
        members: Networks that are learnt and later asked together.
        epochs: How often each sample is seen.
        batch: Samples a step.
        learning_rate: Largest step of AdamW.
        warmup: Steps in which it is reached.
        weight_decay: Of AdamW.
        average: Weight of the past in the running average of the weights.
        precision: Of Lightning Fabric.
        jitter: Standard deviation of the motions from which an outline is led back, as a share of its radius.
        parts: Share of the samples in which a part of the ring comes from another head that is moved alike.
        blends: Share of the samples into which another head that is moved alike is blended.

    Raises:
        InvalidInput: A number out of range.
    """

    refine: Refine = field(default_factory=Refine)
    normalise: str = "root-zscore"
    widths: tuple[int, ...] = (24, 32, 48, 64, 96)
    drop: float = 0.1
    members: int = 2
    epochs: int = 60
    batch: int = 16
    learning_rate: float = 2e-3
    warmup: int = 50
    weight_decay: float = 0.05
    average: float = 0.99
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    jitter: float = 0.03
    parts: float = 0.5
    blends: float = 0.3

    def __post_init__(self) -> None:
        if min(self.members, self.epochs, self.batch) < 1 or self.learning_rate <= 0:
            raise InvalidInput("a plan has positive numbers", got=f"epochs {self.epochs}, batch {self.batch}")
        if self.parts < 0 or self.blends < 0 or self.parts + self.blends > 1:
            raise InvalidInput(
                "shares of the samples sum to at most 1", got=f"{self.parts} and {self.blends}"
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ring:
    """One sample: a picture (rows, columns), 0 to 1, and its true ellipse in index coordinates."""

    picture: NDArray[np.float32]
    centre: Array
    axes: Array


def rings(dataset: Dataset, refine: Refine) -> list[Ring]:
    """Every sample of a data set on the lattice that is unrolled.

    Raises:
        InvalidInput: A sample without exactly one segmentation that is not empty among its references.
    """
    return [_ring(sample, refine) for sample in dataset]


def _ring(sample: Sample, refine: Refine) -> Ring:
    references = [f for f in sample.reference() if isinstance(f, Segmentation)]
    found = moment_ellipse(references[0].mask(1)) if len(references) == 1 else None
    if found is None:
        raise InvalidInput("a sample has one outline", got=f"{len(references)} in {sample.identifier}")
    return ring_of(grey(sample.case().image), found, refine)


def ring_of(image: Image, outline: Ellipse, refine: Refine) -> Ring:
    """One sample from an image (one grey channel) and its true outline, in indices of the image."""
    lattice = fitted(image.space, refine.shape)
    picture = network_pixels(image, lattice)
    picture = (picture - picture.min()) / max(float(np.ptp(picture)), 1e-6)
    way = index_map(image.space, lattice)
    true = outline.mapped(way.matrix[:-1, :-1], way.matrix[:-1, -1])
    return Ring(picture=picture.astype(np.float32), centre=np.array(true.centre), axes=axes_of(true))


def train_rings(
    samples: Sequence[Ring],
    plan: RingPlan,
    *,
    rng: Generator,
    watch: Watch,
    start: Committee | None = None,
    checkpoint: Path | None = None,
) -> Committee:
    """Learns the networks of the second look, one after the other.

    Args:
        samples: From `rings`.
        plan: Every choice.
        rng: All chance, in one draw.
        watch: Told after each epoch, counted over all networks.
        start: Networks that have learnt already, from phantoms for example; None begins with chance.
        checkpoint: File to save to and to resume from, with the number of the network at its end; None keeps nothing.

    Raises:
        InvalidInput: Fewer samples than a batch.
    """
    seed = int(rng.integers(2**31))
    steps = len(samples) // plan.batch
    if steps < 1:
        raise InvalidInput("a training has at least one batch of samples", got=f"{len(samples)} samples")
    stage = Stage(
        epochs=plan.epochs,
        steps=steps,
        learning_rate=plan.learning_rate,
        batches=lambda rng, after: _batches(samples, plan, rng, after),
        loss=lambda answer, target, _: ring_loss(answer, target, plan.refine),
    )
    members = []
    for n in range(plan.members):
        with torch.random.fork_rng():
            torch.manual_seed(seed + n)
            network = RingNet(inputs=4, widths=plan.widths, drop=plan.drop)
        if start is not None:
            network.load_state_dict(start.members[n].state_dict())

        def told(done: int, total: int, figures: Mapping[str, float], /, *, before: int = n) -> None:
            watch(before * total + done, plan.members * total, figures)

        file = None if checkpoint is None else checkpoint.with_name(f"{checkpoint.name}-{n}")
        run = Run(seed=seed + 1000 * n, watch=told, checkpoint=file)
        members.append(learn(network, [stage], plan, run).network)
    return _halved(Committee(members)).eval()


@torch.no_grad()
def _halved(network: Committee) -> Committee:
    """Kernels rounded to half precision, in which they are kept: what is measured is what ships."""
    for weight in network.parameters():
        if weight.ndim > 1:
            weight.copy_(weight.half().float())
    return network


def _batches(samples: Sequence[Ring], plan: RingPlan, rng: Generator, after: int = 0) -> Iterator[Batch]:
    """The batches of one epoch, made in the background while the last one is learnt from."""
    order = rng.permutation(len(samples))
    groups = [order[i : i + plan.batch] for i in range(0, len(order) - plan.batch + 1, plan.batch)]
    jobs = (functools.partial(_batch, [samples[i] for i in group], plan, rng.spawn(1)[0]) for group in groups)
    return in_background(jobs, after)


def _batch(samples: Sequence[Ring], plan: RingPlan, rng: Generator) -> Batch:
    partners = rng.permutation(len(samples))
    pairs = [_drawn(s, samples[k], plan, rng) for s, k in zip(samples, partners, strict=True)]
    return np.stack([x for x, _ in pairs]), np.stack([t for _, t in pairs]).astype(np.float32)


def _drawn(ring: Ring, partner: Ring, plan: RingPlan, rng: Generator) -> tuple[NDArray[np.float32], Array]:
    """One unrolled picture and its offsets. A partner that is moved alike has the same offsets, so that both mix."""
    motion = rng.normal(0.0, plan.jitter, 5) * rng.choice([0.5, 1.0, 2.0])
    turn, flip = rng.normal(0.0, 0.1), rng.choice([-1.0, 1.0], 2)
    seen, axes, centre = _seen(ring, motion, (turn, flip), plan, rng)
    chance = rng.random()
    if chance < plan.parts:
        other, *_ = _seen(partner, motion, (turn, flip), plan, rng)
        for _ in range(rng.integers(1, 3)):
            n = len(seen[0])
            part = (rng.integers(n) + np.arange(rng.integers(n // 10, n // 2))) % n
            seen[:, part] = other[:, part]
    elif chance < plan.parts + plan.blends:
        other, *_ = _seen(partner, motion, (turn, flip), plan, rng)
        share = np.float32(rng.uniform(0.6, 1.0))
        seen[0] = share * seen[0] + (1 - share) * other[0]
    return seen, true_offsets(centre, axes, ring, plan.refine.angles // 2)


def _seen(
    ring: Ring, motion: Array, pose: tuple[float, Array], plan: RingPlan, rng: Generator
) -> tuple[NDArray[np.float32], Array, Array]:
    turn, flip = pose
    centre, axes = moved(ring.centre, ring.axes, motion)
    axes = axes @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * flip
    values = unrolled(ring.picture, centre, axes, plan.refine)
    values, _ = augmented(_STEPS, rng, values, values)
    return bent(normalised(values, plan.normalise), axes, plan.refine), axes, centre


def true_offsets(centre: Array, axes: Array, truth: Ring, n: int) -> Array:
    """How far beyond an ellipse the true one lies at `n` angles, as a share of the radius.

    Args:
        centre: Of the ellipse.
        axes: Its semi-axes as columns, in any order and turn.
        truth: The true one.
        n: How many angles.

    Source: the ray ``r u`` meets the true ellipse where ``(r u - d) . inverse(G) . (r u - d) = 1``.
    """
    inverse = np.linalg.inv(axes)
    d, g = inverse @ (truth.centre - centre), inverse @ truth.axes
    form = np.linalg.inv(g @ g.T)
    u = directions(n)
    q, half, rest = np.einsum("ni,ij,nj->n", u, form, u), u @ form @ d, d @ form @ d - 1
    return np.asarray((half + np.sqrt(np.maximum(half**2 - q * rest, 0.0))) / q - 1)


def ring_loss(answer: Tensor, target: Tensor, refine: Refine) -> Tensor:
    """Punishes an ellipse that is led to the wrong place or size, and evidence at the wrong radius.

    Args:
        answer: Shape (batch, angles / 2, radii / 2 + 1), of a ring network.
        target: True offsets, shape (batch, angles / 2).
        refine: Angles and radii.
    """
    logits, said = answer[..., :-1], answer[..., -1]
    middles = torch.linspace(refine.low, refine.high, refine.radii).reshape(-1, 2).mean(1) - 1
    weights = nnf.softplus(said) + 1e-2
    weights = weights / weights.sum(-1, keepdim=True)
    way = torch.from_numpy(basis(target.shape[-1]).astype(np.float32))
    weighted = weights[..., None] * way
    normal = weighted.transpose(-1, -2) @ way + 1e-4 * torch.eye(5)
    offsets = (logits.softmax(-1) * middles).sum(-1)
    fitted = torch.linalg.solve(normal, weighted.transpose(-1, -2) @ offsets[..., None])
    off = (way @ fitted)[..., 0] - target
    near = (-(((middles - target[..., None]) / _WIDTH) ** 2) / 2).softmax(-1)
    evidence = -(near * logits.log_softmax(-1)).sum(-1).mean()
    total: Tensor = 10 * off.abs().mean() + 20 * off.mean(-1).abs().mean() + 0.2 * evidence
    return total
