"""The contract as checks that anyone can run on a model, trainer, metric or reader; ships, and nobody imports it.

The checks are plain functions that need no test runner. `skiagraph.testing.strategies` needs Hypothesis.
"""

from skiagraph.testing.digest import case_digest, finding_digest
from skiagraph.testing.metric import check_metric
from skiagraph.testing.model import check_model
from skiagraph.testing.reader import check_reader
from skiagraph.testing.trainer import check_trainer

__all__ = ["case_digest", "check_metric", "check_model", "check_reader", "check_trainer", "finding_digest"]
