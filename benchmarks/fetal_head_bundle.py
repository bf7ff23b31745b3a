"""Writes the bundle of the fetal head model with its card, and judges it on the test split."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fetal_head_predictions import network
from fetal_head_rings import PHANTOMS, RINGS, committee
from fetal_head_training import CACHE, PLAN

from skiagraph import codes
from skiagraph.case import Dataset
from skiagraph.codes import Code
from skiagraph.metrics import binomial_p, wilson
from skiagraph.task import Card, InputSpec, OutputSpec, Score
from skiagraph.training import Plan, RingPlan, freeze
from skiagraph.workflow import opened_model
from skiagraph.workflow.judge import judged

GATE = CACHE.parent / "gate.json"
GATE_RESULTS = Path(__file__).parent / "results" / "gate.json"
NAME = "fetal-head-ultrasound"
REGIONS = tuple(
    Code(value=value, scheme="SCT", meaning=meaning)
    for value, meaning in (
        ("69536005", "Head"),
        ("12738006", "Brain"),
        ("89546000", "Skull"),
        ("83418008", "Fetus"),
        ("35039007", "Uterus"),
        ("113345001", "Abdomen"),
        ("12921003", "Pelvis"),
    )
)
DATA = (
    "outline: HC18 subset, 217 images of 171 fetuses",
    f"second look at the outline: {PHANTOMS} drawn heads (skiagraph.phantoms), then the same images",
    "gate: the same heads",
    "gate, as strangers: BreastMNIST and PneumoniaMNIST (MedMNIST v2)",
    "gate, as strangers: BCCD, Sunnybrook Cardiac Data, Data Science Bowl 2018 nuclei",
    "gate, as strangers: COVID-19 image repository (Hannover), MS lesions (Ljubljana)",
)
ATTRIBUTION = (
    "van den Heuvel TLA et al., Automated measurement of fetal head circumference using 2D ultrasound images, "
    "PLoS ONE 2018;13(8):e0200412, data doi 10.5281/zenodo.1322001 (CC BY 4.0); "
    "Yang J et al., MedMNIST v2, Sci Data 2023 (CC BY 4.0); "
    "Winther HB et al., COVID-19 image repository, Hannover Medical School (CC BY 3.0); "
    "Lesjak Z et al., University of Ljubljana (CC BY); "
    "BCCD (MIT), Sunnybrook Cardiac Data and Data Science Bowl 2018 nuclei (CC0)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """How both networks were learnt, for the record."""

    outline: Plan
    rings: RingPlan


def card(figures: Mapping[str, float]) -> Card:
    """What stands on the label of the model."""

    def score(name: str, key: str, unit: str = "") -> Score:
        low, high = figures[f"{key} low"], figures[f"{key} high"]
        on = "grouped five-fold cross-validation on train + val"
        values = {"value": figures[key], "low": low, "high": high}
        return Score(
            name=name, n=int(figures["n"]), on=on, unit=unit, **{k: round(v, 4) for k, v in values.items()}
        )

    def gate_score(name: str, on: str) -> Score:
        figure = json.loads(GATE_RESULTS.read_text("utf-8"))[name]
        low, high = round(figure["low"], 4), round(figure["high"], 4)
        return Score(
            name=f"gate: {name}", value=round(figure["value"], 4), low=low, high=high, n=figure["n"], on=on
        )

    spoken = (*(("Measurement", c) for c in (codes.HEAD_CIRCUMFERENCE, codes.BIPARIETAL_DIAMETER)),)
    return Card(
        name=NAME,
        version="1.0.0",
        task="segmentation",
        summary="Outlines the fetal head in the standard plane and measures it.",
        inputs=(InputSpec(name="image", modality="US", ndim=2, regions=REGIONS),),
        outputs=(
            OutputSpec(finding="Segmentation", concept=codes.HEAD),
            *(OutputSpec(finding=kind, concept=concept) for kind, concept in spoken),
            OutputSpec(finding="Measurement", concept=codes.OCCIPITOFRONTAL_DIAMETER),
            OutputSpec(finding="Measurement", concept=codes.GESTATIONAL_AGE),
        ),
        intended_use="A draft of head biometry for research and teaching, checked by a reader. Not a medical device.",
        limits=(
            "Learnt from the machines of one hospital (Radboud UMC, Nijmegen); other machines are untested.",
            "Heads of the first trimester are rare in the data.",
            "Malformed heads are not in the data: an ellipse is always drawn.",
            "It does not judge whether the plane is right beyond refusing what looks unlike a head.",
            "Confidence is the calibrated probability that Dice with a reader's outline is at least 0.97.",
        ),
        data=DATA,
        licence="CC-BY-4.0",
        attribution=ATTRIBUTION,
        scores=(
            score("Dice", "dice"),
            score("HC mean absolute error", "HC mean absolute error, mm", "mm"),
            score("coverage of the 95 % interval of HC", "interval coverage"),
            gate_score("heads passed", "patients that it did not learn from, grouped five folds"),
            gate_score("other images refused", "kinds of images that it never saw, one a patient"),
        ),
        precisions=("fp32", "bf16"),
    )


def ship(to: Path, calibration: Mapping[str, Any], figures: Mapping[str, float]) -> None:
    """Writes the bundle of the network that learnt from train + val."""
    recipe = dataclasses.replace(
        PLAN.recipe,
        prior="ellipse",
        refine=RINGS.refine,
        measure="fetal-head",
        calibration=dict(calibration),
        gate=json.loads(GATE.read_text("utf-8")),
    )
    freeze(network("all"), card(figures), recipe, Plans(outline=PLAN, rings=RINGS), to, committee("all"))


def on_test(whole: Dataset) -> dict[str, float]:
    """The figures of the shipped bundle on the test split."""
    data = whole.split("test")
    estimates = judged(opened_model(NAME), data, rng=np.random.default_rng(0), watch=lambda *_: None)
    coverage = estimates["Head Circumference: coverage"]
    hits = round(coverage.value * coverage.n)
    figures: dict[str, float] = {"n": len(data), "refused": coverage.excluded}
    for name, e in estimates.items():
        figures |= {name: e.value, f"{name} low": e.low, f"{name} high": e.high}
    low, high = wilson(hits, coverage.n)
    return figures | {
        "coverage Wilson low": low,
        "coverage Wilson high": high,
        "coverage binomial p": binomial_p(hits, coverage.n, 0.95),
    }
