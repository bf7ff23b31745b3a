"""The page of a report as an encapsulated PDF, and the page out of one."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput, NoDicomHome
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import begun, sealed
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.places import origin_of
from skiagraph.interchange.references import instance_item

__all__ = ["encapsulated_pdf", "pdf_of"]

_REPORT: Final = Code(value="18748-4", scheme="LN", meaning="Diagnostic imaging report")
_PDF: Final = "application/pdf"
_BEGINNING: Final = b"%PDF-"
_MOST: Final = 2**32 - 2  # bytes of one element (DICOM PS3.5 section 7.1.1)


def encapsulated_pdf(
    pdf: bytes, case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """The page as a DICOM object that refers to all images of its case.

    Args:
        pdf: The page; it shows who the patient is, which is stated.
        case: What it is about.
        equipment: What made it.
        series: Where it stands.
        content: Its description is the title; whether a reader has signed stands in it too.

    Raises:
        InvalidInput: No PDF.
        NoDicomHome: 4 GiB or more.

    Source: DICOM PS3.3 A.45.1, C.24.2 (encapsulated document).
    """
    if not pdf.startswith(_BEGINNING):
        raise InvalidInput("an encapsulated page is a PDF", got=f"{len(pdf)} bytes of something else")
    if len(pdf) > _MOST:
        raise NoDicomHome("a page in DICOM has less than 4 GiB", got=f"{len(pdf)} bytes")
    origins = [origin_of(case, name) for name in case.images]
    ds = begun(EncapsulatedPDFStorage, "DOC", origins[0], equipment, series, content)
    ds.ConversionType, ds.BurnedInAnnotation, ds.AcquisitionDateTime = "WSD", "YES", ""
    ds.DocumentTitle, ds.ConceptNameCodeSequence = content.description, [coded(_REPORT)]
    ds.VerificationFlag = "VERIFIED" if content.verified else "UNVERIFIED"
    found = {i.sop_instance_uid: i for origin in origins for i in origin.instances}
    ds.SourceInstanceSequence = [instance_item(instance) for instance in found.values()]
    ds.MIMETypeOfEncapsulatedDocument = _PDF
    ds.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    ds.EncapsulatedDocumentLength = len(pdf)
    return sealed(ds)


def pdf_of(ds: Dataset) -> bytes:
    """The page in an object, without the byte that made its length even.

    Raises:
        FormatError: It holds none.
    """
    data = bytes(ds.get("EncapsulatedDocument") or b"")
    if str(ds.get("MIMETypeOfEncapsulatedDocument") or "") != _PDF or not data.startswith(_BEGINNING):
        raise FormatError("an encapsulated page is a PDF", got="another document")
    length = int(ds.get("EncapsulatedDocumentLength") or 0)
    return data[:length] if 0 < length <= len(data) else data.rstrip(b"\0")
