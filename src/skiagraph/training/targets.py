"""What a data set asks: which of its questions a training takes, and the true answers as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.case import Dataset, Sample, Target
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, Finding, Measurement, Segmentation
from skiagraph.geometry import Space
from skiagraph.image import Image
from skiagraph.preprocess import network_pixels
from skiagraph.task import Recipe

__all__ = ["KINDS", "Outlines", "Task", "chosen_targets", "outlines_of", "reference_of", "true_vector"]

_TOUCHED: Final = 1e-6  # share of an ignored place from which a place of a lattice is ignored

Task: TypeAlias = Literal["segmentation", "classification", "regression"]

KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "segmentation": ("segmentation", "overlapping"),
        "classification": ("multi-class", "multi-label", "ordinal"),
        "regression": ("regression",),
    }
)
"""Which kinds of questions a task answers."""


def chosen_targets(dataset: Dataset, task: Task, name: str = "") -> tuple[Target, ...]:
    """The questions that a training answers: the first of its kind, or for a regression all of them.

    Args:
        dataset: With targets.
        task: What is learnt.
        name: The name of the one that is meant; empty takes the choice above.

    Raises:
        InvalidInput: No such question.
    """
    fitting = [t for t in dataset.targets if t.kind in KINDS[task]]
    named = [t for t in fitting if t.name == name] if name else fitting
    if not named:
        there = ", ".join(f"{t.name} ({t.kind})" for t in dataset.targets) or "none"
        raise InvalidInput(
            f"a data set for {task} has a target of the kind {' or '.join(KINDS[task])}",
            got=name or "none",
            way_out=f"its targets are: {there}",
        )
    return tuple(named) if task == "regression" else (named[0],)


def reference_of(sample: Sample, kind: type[Finding], concept: Code | None) -> Finding:
    """The one reference of a sample that answers a question.

    Raises:
        InvalidInput: None, or several.
    """
    found = [
        f
        for f in sample.reference()
        if isinstance(f, kind) and (concept is None or getattr(f, "concept", None) == concept)
    ]
    if len(found) != 1:
        what = kind.__name__.lower()
        raise InvalidInput(f"a sample has one reference {what}", got=f"{len(found)} in {sample.identifier}")
    return found[0]


def true_vector(sample: Sample, recipe: Recipe) -> NDArray[np.float32]:
    """The true answer about a whole image, as the recipe orders it.

    Returns:
        Shape (labels,): 1 for each class that is true, else 0, and NaN for a label that stands for itself and of which
        nothing is known; or the value of each concept.

    Raises:
        InvalidInput: No reference, or one with a class that the recipe does not know.
    """
    if recipe.task == "regression":
        items = [reference_of(sample, Measurement, concept) for concept in recipe.labels]
        return np.array([m.value for m in items if isinstance(m, Measurement)], dtype=np.float32)
    found = reference_of(sample, Classification, recipe.concept)
    if not isinstance(found, Classification):
        raise InvalidInput("a class is a Classification", got=type(found).__name__)
    told = {s.code: s.probability for s in found.scores}
    strange = [code.meaning or code.value for code in told if code not in recipe.labels and told[code] > 0]
    if strange:
        raise InvalidInput(
            f"a label stands in the list of labels ({sample.identifier})", got=", ".join(sorted(strange))
        )
    silent = np.nan if recipe.activation == "sigmoid" else 0.0
    vector = np.array([told.get(code, silent) for code in recipe.labels], dtype=np.float32)
    if recipe.activation != "sigmoid" and abs(float(vector.sum()) - 1) > 1e-3:
        raise InvalidInput("one class of a sample is true", got=f"{vector.sum():g} in {sample.identifier}")
    return vector


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlines:
    """What a reference says of named structures.

    Args:
        space: Where it lies.
        masks: Shape (structures, spatial...).
        told: Shape (structures,): whether the reference speaks of each; of the others its mask says nothing.
        ignored: Shape (spatial...): places of which nothing is known.
    """

    space: Space
    masks: NDArray[np.bool_]
    told: NDArray[np.bool_]
    ignored: NDArray[np.bool_]

    def on(self, lattice: Space, *, exclusive: bool) -> NDArray[np.float32]:
        """The share of each place of a lattice that belongs to each structure; NaN where that is not known.

        Args:
            lattice: Any, in the frame of the outlines.
            exclusive: A first channel is background; where it is not known which of the structures it is, it holds what
                none of the known ones takes.

        Returns:
            Shape (structures, spatial...), or one channel more. A place that touches an ignored one is NaN throughout.

        Raises:
            InvalidInput: Nothing is known anywhere.
        """
        silent = np.full(tuple(lattice.shape), np.nan, np.float32)
        shares = [
            self._share(mask, lattice) if told else silent
            for mask, told in zip(self.masks, self.told, strict=True)
        ]
        if exclusive:
            rest = 1 - np.nansum(shares, axis=0, dtype=np.float32)
            shares = [rest.clip(0.0, 1.0).astype(np.float32), *shares]
        target = np.stack(shares)
        if self.ignored.any():
            target[:, self._share(self.ignored, lattice) > _TOUCHED] = np.nan
            if np.isnan(target).all():
                raise InvalidInput("a reference tells something of its image", got="all of it ignored")
        return target

    def _share(self, mask: NDArray[np.bool_], lattice: Space) -> NDArray[np.float32]:
        image = Image(data=mask.astype(np.uint8), space=self.space)
        return network_pixels(image, lattice).astype(np.float32)


def outlines_of(sample: Sample, labels: Sequence[Code]) -> Outlines:
    """The reference segmentation of a sample, as masks of the named structures.

    A reference speaks of its segments; one without any says that nothing is there.

    Raises:
        InvalidInput: Not exactly one reference segmentation, one over time, one of objects that are counted, or one
            that speaks of no structure that is asked for.
    """
    found = reference_of(sample, Segmentation, None)
    if not isinstance(found, Segmentation) or found.space.timeline is not None or found.kind == "instances":
        raise InvalidInput("a reference here is the segmentation of a still image", got=sample.identifier)
    numbers = {s.code: s.number for s in found.segments}
    empty = np.zeros(tuple(found.space.shape), np.bool_)
    told = np.array([not numbers or c in numbers for c in labels])
    if not told.any():
        asked = ", ".join(c.meaning or c.value for c in labels)
        raise InvalidInput(f"a reference speaks of {asked}", got=f"of none of them in {sample.identifier}")
    return Outlines(
        space=found.space,
        masks=np.stack([found.mask(numbers[c]) if c in numbers else empty for c in labels]),
        told=told,
        ignored=found.mask(numbers[codes.IGNORE]) if codes.IGNORE in numbers else empty,
    )
