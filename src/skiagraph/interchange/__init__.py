"""Findings and reports to and from DICOM, FHIR and research formats: the only room that knows findings and DICOM."""

from skiagraph.interchange.export import export
from skiagraph.interchange.identity import SKIAGRAPH, Algorithm, Content, Equipment, Series, content_of
from skiagraph.interchange.imported import imported, is_result
from skiagraph.interchange.object import DicomObject, dataset_of, encoded, save
from skiagraph.interchange.whole import Export, Exported, export_report

__all__ = [
    "SKIAGRAPH",
    "Algorithm",
    "Content",
    "DicomObject",
    "Equipment",
    "Export",
    "Exported",
    "Series",
    "content_of",
    "dataset_of",
    "encoded",
    "export",
    "export_report",
    "imported",
    "is_result",
    "save",
]
