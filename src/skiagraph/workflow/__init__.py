"""The whole way: from a path to readings, and from a data set to figures. Only this floor knows the order."""

from skiagraph.workflow.judge import judged
from skiagraph.workflow.shelf import Reader, model_bundle, opened_model

__all__ = ["Reader", "judged", "model_bundle", "opened_model"]
