"""The contract: models, trainers, metrics and explainers, the cards and recipes they carry, and how they are found."""

from skiagraph.task.bundle import Bundle, load_bundle, save_bundle
from skiagraph.task.card import Card, InputSpec, OutputSpec, Score
from skiagraph.task.compare import Comparison, compare, compared
from skiagraph.task.contract import Engine, Explainer, Metric, Model, Trainer, Watch
from skiagraph.task.evaluate import Estimate, estimated, evaluate
from skiagraph.task.explanation import Contribution, Explanation
from skiagraph.task.recipe import Described, Intensity, Recipe, Refine
from skiagraph.task.registry import Kind, names, registered
from skiagraph.task.tabular import Counts, Figures, Table, Tabular

__all__ = [
    "Bundle",
    "Card",
    "Comparison",
    "Contribution",
    "Counts",
    "Described",
    "Engine",
    "Estimate",
    "Explainer",
    "Explanation",
    "Figures",
    "InputSpec",
    "Intensity",
    "Kind",
    "Metric",
    "Model",
    "OutputSpec",
    "Recipe",
    "Refine",
    "Score",
    "Table",
    "Tabular",
    "Trainer",
    "Watch",
    "compare",
    "compared",
    "estimated",
    "evaluate",
    "load_bundle",
    "names",
    "registered",
    "save_bundle",
]
