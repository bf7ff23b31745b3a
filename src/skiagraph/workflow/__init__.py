"""The whole way: from a path to readings, and from a data set to figures. Only this floor knows the order."""

from skiagraph.workflow.judge import judged
from skiagraph.workflow.read import Outcome, Request, read, read_all, read_case_with
from skiagraph.workflow.shelf import Reader, model_bundle, opened_model

__all__ = [
    "Outcome",
    "Reader",
    "Request",
    "judged",
    "model_bundle",
    "opened_model",
    "read",
    "read_all",
    "read_case_with",
]
