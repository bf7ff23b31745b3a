"""How good: tallies that merge, one a case, and the figures that they sum up to."""

from skiagraph.metrics.agreement import Agreement, AgreementTally
from skiagraph.metrics.calibration import Reliability, calibration_error, reliability
from skiagraph.metrics.classification import classification
from skiagraph.metrics.detection import COCO_OVERLAPS, detection
from skiagraph.metrics.intervals import binomial_p, clopper_pearson, wilson
from skiagraph.metrics.landmarks import landmarks
from skiagraph.metrics.masks import Structure
from skiagraph.metrics.multi_label import multi_label
from skiagraph.metrics.objects import lesions, panoptic
from skiagraph.metrics.outcomes import Outcomes, outcomes
from skiagraph.metrics.overlap import Overlap, OverlapTally
from skiagraph.metrics.paired import AreaDifference, delong, mcnemar_p
from skiagraph.metrics.ranking import Curves, average_precision, curves, roc_auc
from skiagraph.metrics.regression import Limits, bland_altman, regression
from skiagraph.metrics.segmentation import segmentation
from skiagraph.metrics.surface import SurfaceDistances, surface_distances, surface_elements

__all__ = [
    "COCO_OVERLAPS",
    "Agreement",
    "AgreementTally",
    "AreaDifference",
    "Curves",
    "Limits",
    "Outcomes",
    "Overlap",
    "OverlapTally",
    "Reliability",
    "Structure",
    "SurfaceDistances",
    "average_precision",
    "binomial_p",
    "bland_altman",
    "calibration_error",
    "classification",
    "clopper_pearson",
    "curves",
    "delong",
    "detection",
    "landmarks",
    "lesions",
    "mcnemar_p",
    "multi_label",
    "outcomes",
    "panoptic",
    "regression",
    "reliability",
    "roc_auc",
    "segmentation",
    "surface_distances",
    "surface_elements",
    "wilson",
]
