"""Findings and reports to and from DICOM, FHIR and research formats: the only room that knows findings and DICOM."""
