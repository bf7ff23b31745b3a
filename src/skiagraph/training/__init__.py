"""One trainer a task, the plan that follows from data and machine, and the loop in the open."""

from skiagraph.training.card import learnt_card, measured, scores_of
from skiagraph.training.classification import ClassificationTrainer
from skiagraph.training.fingerprint import Fingerprint, Spread, fingerprint
from skiagraph.training.freeze import freeze
from skiagraph.training.loop import Learnt, Run, Stage, learn
from skiagraph.training.machine import Machine, this_machine
from skiagraph.training.plan import Plan, Settle, overridden
from skiagraph.training.planner import planned, why
from skiagraph.training.regression import RegressionTrainer
from skiagraph.training.ring import Ring, RingPlan, ring_of, rings, train_rings
from skiagraph.training.samples import Prepared, batches, prepared
from skiagraph.training.segmentation import SegmentationTrainer, train
from skiagraph.training.teach import Record, Taught, parted, teach
from skiagraph.training.timing import Clock
from skiagraph.training.transfer import begin_from

__all__ = [
    "ClassificationTrainer",
    "Clock",
    "Fingerprint",
    "Learnt",
    "Machine",
    "Plan",
    "Prepared",
    "Record",
    "RegressionTrainer",
    "Ring",
    "RingPlan",
    "Run",
    "SegmentationTrainer",
    "Settle",
    "Spread",
    "Stage",
    "Taught",
    "batches",
    "begin_from",
    "fingerprint",
    "freeze",
    "learn",
    "learnt_card",
    "measured",
    "overridden",
    "parted",
    "planned",
    "prepared",
    "ring_of",
    "rings",
    "scores_of",
    "teach",
    "this_machine",
    "train",
    "train_rings",
    "why",
]
