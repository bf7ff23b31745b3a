"""What is read: cases, the studies they belong to, data sets with their splits, and the report with its legal life."""

from skiagraph.case.case import Case
from skiagraph.case.dataset import Dataset, Sample, folds
from skiagraph.case.origin import Instance, Origin, picture_frame
from skiagraph.case.report import Report, Signature, amended, finalised, preliminary
from skiagraph.case.study import Study
from skiagraph.case.target import Label, Target, TargetKind

__all__ = [
    "Case",
    "Dataset",
    "Instance",
    "Label",
    "Origin",
    "Report",
    "Sample",
    "Signature",
    "Study",
    "Target",
    "TargetKind",
    "amended",
    "finalised",
    "folds",
    "picture_frame",
    "preliminary",
]
