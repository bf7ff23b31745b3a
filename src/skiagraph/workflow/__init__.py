"""The whole way: from a path to readings, and from a data set to figures (`judge`). Only this floor knows the order."""

from skiagraph.workflow.read import Also, Outcome, Request, read, read_all, read_case_with
from skiagraph.workflow.shelf import Reader, model_bundle, opened_model

__all__ = [
    "Also",
    "Outcome",
    "Reader",
    "Request",
    "model_bundle",
    "opened_model",
    "read",
    "read_all",
    "read_case_with",
]
