"""One trainer a task, and the loop in the open."""

from skiagraph.training.freeze import freeze
from skiagraph.training.loop import train
from skiagraph.training.plan import Plan, Settle
from skiagraph.training.samples import Prepared, batches, prepared
from skiagraph.training.segmentation import SegmentationTrainer, plain_card, planned

__all__ = [
    "Plan",
    "Prepared",
    "SegmentationTrainer",
    "Settle",
    "batches",
    "freeze",
    "plain_card",
    "planned",
    "prepared",
    "train",
]
