"""The contract between all parts: what a model, a trainer, a metric and an explainer are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.case import Case, Dataset
from skiagraph.codes import Code
from skiagraph.findings import Finding, Heatmap
from skiagraph.task.card import Card

__all__ = ["Engine", "Explainer", "Metric", "Model", "Trainer", "Watch"]

F_co = TypeVar("F_co", bound=Finding, covariant=True)
F_contra = TypeVar("F_contra", bound=Finding, contravariant=True)
P_contra = TypeVar("P_contra", contravariant=True)
T = TypeVar("T")


class Model(Protocol[F_co]):
    """Maps a case to a finding. Equal cases give equal findings; a case is never changed."""

    @property
    def card(self) -> Card:
        """What the model is, for whom, how good, and where it ends."""
        ...

    def __call__(self, case: Case, /) -> F_co:
        """What the model says of the case."""
        ...


class Watch(Protocol):
    """Follows long work: a progress bar, a log file, a test."""

    def __call__(self, done: int, total: int, figures: Mapping[str, float], /) -> None:
        """Told after each step: how many are done, of how many, and the figures of the moment."""
        ...


class Trainer(Protocol[F_co, P_contra]):
    """Learns a model from a data set as a plan says. All chance comes from `rng`."""

    def fit(self, dataset: Dataset, plan: P_contra, *, rng: Generator, watch: Watch) -> Model[F_co]:
        """The model that was learnt."""
        ...


class Metric(Protocol[F_contra, T]):
    """A tally that merges, so that cases, groups, sites and federations add up."""

    def tally(self, prediction: F_contra, reference: F_contra, /) -> T:
        """What one case adds."""
        ...

    def merge(self, a: T, b: T, /) -> T:
        """Two tallies as one: associative and commutative."""
        ...

    def summary(self, total: T, /) -> Mapping[str, float]:
        """The figures of a tally, by name."""
        ...


class Explainer(Protocol[F_contra]):
    """Shows where in a case the reasons of a model lie."""

    def __call__(self, model: Model[F_contra], case: Case, concept: Code, /) -> Heatmap:
        """How much each place spoke for `concept`."""
        ...


class Engine(Protocol):
    """Runs a network: tensors in, tensors out; knows no patient."""

    @property
    def name(self) -> str:
        """The engine and its version, e.g. ``"openvino 2026.4.1"``."""
        ...

    @property
    def precision(self) -> str:
        """What it computes with: ``"fp32"`` or ``"bf16"``."""
        ...

    def __call__(self, batch: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(batch, channel, spatial...) to (batch, channel, spatial...)."""
        ...
