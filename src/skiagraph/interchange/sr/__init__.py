"""Structured reports: facts and marks to Comprehensive 3D SR (TID 1500), and the reports of anybody to findings."""

from skiagraph.interchange.sr.read import Read, read_report, understood
from skiagraph.interchange.sr.write import report_object

__all__ = ["Read", "read_report", "report_object", "understood"]
