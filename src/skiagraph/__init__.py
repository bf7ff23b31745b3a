"""Skiagraph takes a medical image all the way to a report, and learns from what its readers correct."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from skiagraph.version import __version__

if TYPE_CHECKING:
    from skiagraph.case import Case, Dataset, Report, Study
    from skiagraph.errors import SkiagraphError
    from skiagraph.findings import Finding, Findings
    from skiagraph.findings.resample import resample
    from skiagraph.geometry import Grid, Plane, Transform
    from skiagraph.image import Image
    from skiagraph.io import read_case, read_study
    from skiagraph.workflow import Reader, Request, opened_model, read_case_with
    from skiagraph.workflow.read import read

_HOMES: Final = {
    "Case": "case",
    "Dataset": "case",
    "Finding": "findings",
    "Findings": "findings",
    "Grid": "geometry",
    "Image": "image",
    "Plane": "geometry",
    "Reader": "workflow",
    "Report": "case",
    "Request": "workflow",
    "SkiagraphError": "errors",
    "Study": "case",
    "Transform": "geometry",
    "opened_model": "workflow",
    "read": "workflow",
    "read_case": "io",
    "read_case_with": "workflow",
    "read_study": "io",
    "resample": "findings.resample",
}

__all__ = [
    "Case",
    "Dataset",
    "Finding",
    "Findings",
    "Grid",
    "Image",
    "Plane",
    "Reader",
    "Report",
    "Request",
    "SkiagraphError",
    "Study",
    "Transform",
    "__version__",
    "opened_model",
    "read",
    "read_case",
    "read_case_with",
    "read_study",
    "resample",
]


def __getattr__(name: str) -> Any:
    """Loads a name of the face when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'skiagraph' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"skiagraph.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
