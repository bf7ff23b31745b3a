"""Recognition by hand-made features: from a table of numbers to a bundle, judged by nested cross-validation."""

from skiagraph.training.classical.fitted import Fitted, fitted, graph_of
from skiagraph.training.classical.learners import CLASSIFIERS, REGRESSORS, Learner, learner_of
from skiagraph.training.classical.nested import Choice, OutOfFold, Search, chosen, out_of_fold, refitted
from skiagraph.training.classical.rules import Rule, imitated, rules_of
from skiagraph.training.classical.selection import SELECTIONS, lasso, mrmr, ranked, stable
from skiagraph.training.classical.table import FeatureTable, features_of_cases, table_of_csv
from skiagraph.training.classical.taught import Answered, TaughtClassical, saved, taught

__all__ = [
    "CLASSIFIERS",
    "REGRESSORS",
    "SELECTIONS",
    "Answered",
    "Choice",
    "FeatureTable",
    "Fitted",
    "Learner",
    "OutOfFold",
    "Rule",
    "Search",
    "TaughtClassical",
    "chosen",
    "features_of_cases",
    "fitted",
    "graph_of",
    "imitated",
    "lasso",
    "learner_of",
    "mrmr",
    "out_of_fold",
    "ranked",
    "refitted",
    "rules_of",
    "saved",
    "stable",
    "table_of_csv",
    "taught",
]
