"""What is read: cases, the studies they belong to, data sets with their splits, and the report with its legal life."""

from skiagraph.case.case import Case
from skiagraph.case.dataset import Dataset, Sample, folds
from skiagraph.case.report import Report, Signature, amended, finalised, preliminary
from skiagraph.case.study import Study

__all__ = [
    "Case",
    "Dataset",
    "Report",
    "Sample",
    "Signature",
    "Study",
    "amended",
    "finalised",
    "folds",
    "preliminary",
]
