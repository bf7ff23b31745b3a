"""One trainer a task, and the loop in the open."""

from skiagraph.training.freeze import freeze
from skiagraph.training.plan import Plan, Settle
from skiagraph.training.ring import Ring, RingPlan, ring_of, rings, train_rings
from skiagraph.training.samples import Prepared, batches, prepared
from skiagraph.training.segmentation import SegmentationTrainer, plain_card, planned, train

__all__ = [
    "Plan",
    "Prepared",
    "Ring",
    "RingPlan",
    "SegmentationTrainer",
    "Settle",
    "batches",
    "freeze",
    "plain_card",
    "planned",
    "prepared",
    "ring_of",
    "rings",
    "train",
    "train_rings",
]
