"""How the gate before the fetal head model is fitted: what it learns from, its weights, and its threshold."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from gate_images import LEARNT_PHANTOMS
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

from skiagraph.inference.content import ContentGate, likeness

SHIPPABLE = (
    "blood_cells",
    "brain_ms_registration",
    "breast_ultrasound",
    "cardiac_cine",
    "chest_xray_pneumonia",
    "cxr_retrieval",
    "nuclei",
)
"""Folders marked "weights: yes" from which the gate learns; the other folders only judge it."""

KINDS = {
    "brain": ("brain_ms_registration", "brain_tissue", "dicom_geometry", "drawn head CT", "hippocampus"),
    "cells": ("blood_cells", "nuclei"),
    "chest": ("chest_ct", "chest_xray_pneumonia", "cxr_retrieval", "deidentification"),
    "frame": ("empty frame", "one grey level", "probe in air"),
    "noise": (
        "Gaussian noise",
        "noise like photographs",
        "smooth noise",
        "smooth speckle",
        "speckle",
        "white noise",
    ),
}
"""Sources that show the same are left out together; every other source is a kind of its own."""

KIND_OF = {source: kind for kind, sources in KINDS.items() for source in sources}

CAP = 150  # pictures of one source that are learnt from
HEADS_LOST = 0.01  # share of unseen heads that the threshold gives up
INNER_FOLDS = 5
C = 0.05  # strength of the penalty, inverted
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """The evidence of many pictures; one row each, columns as of `gate_images.Picture`."""

    role: NDArray[np.str_]
    source: NDArray[np.str_]
    patient: NDArray[np.str_]
    evidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.role)

    @property
    def kind(self) -> NDArray[np.str_]:
        """What a picture shows: sources of one kind are left out together."""
        return np.array([KIND_OF.get(str(source), str(source)) for source in self.source])

    @property
    def of_heads(self) -> Flags:
        """Pictures made from real heads, which belong to a patient of the data pack."""
        return np.isin(self.role, ("head", "changed", "without head"))

    @property
    def wanted(self) -> Flags:
        """Pictures that are to pass."""
        return np.isin(self.role, ("head", "changed", "phantom"))

    @property
    def learnt(self) -> Flags:
        """Pictures from which a gate that ships may learn; they show something."""
        may = (
            self.of_heads
            | ((self.role == "folder") & np.isin(self.source, SHIPPABLE))
            | (self.role == "drawn")
        )
        first = [f"seed {seed}" for seed in LEARNT_PHANTOMS]
        may |= (self.role == "phantom") & np.isin(self.patient, first)
        may &= np.isfinite(self.evidence[:, 0])
        rng = np.random.default_rng(0)
        for source in sorted(set(self.source[may & ~self.of_heads])):
            which = np.flatnonzero(may & (self.source == source))
            may[rng.permutation(which)[CAP:]] = False
        return may

    def only(self, which: Flags) -> Table:
        """Some rows."""
        columns = {field.name: getattr(self, field.name)[which] for field in dataclasses.fields(self)}
        return Table(**columns)

    def without(self, source: str) -> Table:
        """The rows of other sources."""
        return self.only(self.source != source)

    def without_kind(self, kind: str) -> Table:
        """The rows of other kinds; phantoms are what is to pass, and no kind to leave out."""
        return self.only((self.kind != kind) | (self.role == "phantom"))

    def folds(self, n: int) -> NDArray[np.int_]:
        """The fold of each row, by patient; -1 where it is not made from a real head."""
        patients = sorted(set(self.patient[self.of_heads]))
        place = dict(zip(patients, np.random.default_rng(0).permutation(len(patients)) % n, strict=True))
        return np.array(
            [place[p] if head else -1 for p, head in zip(self.patient, self.of_heads, strict=True)]
        )

    def first_of_each_patient(self) -> Flags:
        """The first row of each patient in each source."""
        names = [f"{s}/{p}" for s, p in zip(self.source, self.patient, strict=True)]
        first: Flags = np.zeros(len(self), dtype=bool)
        first[np.unique(names, return_index=True)[1]] = True
        return first


def fitted(seen: Table) -> ContentGate:
    """The gate that learns from these pictures, with its threshold."""
    gate = weighted(seen)
    return dataclasses.replace(gate, threshold=gate.threshold + margin(seen))


def margin(seen: Table) -> float:
    """What all but few of the heads score beyond an even chance, by gates that did not see their patients."""
    fold, scores = seen.folds(INNER_FOLDS), list[float]()
    for k in range(INNER_FOLDS):
        gate = weighted(seen.only(fold != k))
        unseen = seen.evidence[(fold == k) & (seen.role == "head")]
        scores += [gate.score(row) - gate.threshold for row in unseen]
    return float(np.quantile(scores, HEADS_LOST))


def weighted(seen: Table) -> ContentGate:
    """A gate whose threshold makes heads and the rest equally likely."""
    used = seen.only(seen.learnt)
    x, y = used.evidence, used.wanted
    mean, deviation = x[y].mean(0), x[y].std(0) + 1e-9
    shape = LedoitWolf().fit(np.clip((x[y] - mean) / deviation, -6.0, 6.0))
    numbers: dict[str, Any] = {
        "mean": mean,
        "deviation": deviation,
        "centre": shape.location_,
        "precision": shape.precision_,
    }
    model = LogisticRegression(C=C, solver="newton-cholesky")
    model.fit(likeness(x, **numbers), y, sample_weight=_importance(used))
    return ContentGate(**numbers, weights=model.coef_[0], threshold=-float(model.intercept_[0]))


def _importance(used: Table) -> NDArray[np.float64]:
    """Heads weigh as much as all others; among these a source weighs as the root of its number."""
    weight = np.ones(len(used))
    for source in set(used.source[~used.wanted]):
        which = (used.source == source) & ~used.wanted
        weight[which] = 1.0 / np.sqrt(which.sum())
    for which in (used.wanted, ~used.wanted):
        weight[which] *= len(used) / 2.0 / weight[which].sum()
    return weight
