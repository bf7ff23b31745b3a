"""The page of a report goes into an object and comes out of it byte by byte."""

import pydicom
import pytest
from battery import PROVENANCE

from skiagraph.case import Signature
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.interchange.document import encapsulated_pdf, pdf_of
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded, save

SERIES = Series(number=8110, description="Report")
CONTENT = content_of(PROVENANCE, "Report of a letter")
SIGNED = Signature(reader="Dr. Ann Reader", signed=PROVENANCE.created)
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"


def written(case, pdf=PDF, content=CONTENT):
    return encapsulated_pdf(pdf, case, SKIAGRAPH, SERIES, content)


def test_over_each_source_it_is_valid_and_the_same_at_each_writing(source, validator, tmp_path):
    save(written(source), tmp_path / "page.dcm")
    assert validator(tmp_path / "page.dcm") == []
    assert encoded(written(source)) == (tmp_path / "page.dcm").read_bytes()
    assert pdf_of(pydicom.dcmread(tmp_path / "page.dcm")) == PDF


@pytest.mark.parametrize("end", [b"", b"\n", b"\0", b"\0\0", b"\n\0"])
def test_the_page_comes_back_to_the_byte(end, drawn_source):
    case = drawn_source("PNG").case
    assert pdf_of(dataset_of(written(case, PDF + end))) == PDF + end


def test_it_says_what_it_is(drawn_source):
    case = drawn_source("axial CT").case
    ds = written(case).header
    assert (ds.Modality, ds.DocumentTitle) == ("DOC", "Report of a letter")
    assert ds.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert ds.ConceptNameCodeSequence[0].CodeValue == "18748-4"
    assert ds.BurnedInAnnotation == "YES"
    assert len(ds.SourceInstanceSequence) == len(case.origins["image"].instances)
    assert "FrameOfReferenceUID" not in ds


@pytest.mark.parametrize(("signature", "flag"), [(None, "UNVERIFIED"), (SIGNED, "VERIFIED")])
def test_it_says_whether_a_reader_has_signed(signature, flag, drawn_source):
    content = content_of(PROVENANCE, "Report", signature=signature)
    assert written(drawn_source("PNG").case, content=content).header.VerificationFlag == flag


def test_what_is_no_pdf_is_refused(drawn_source):
    case = drawn_source("PNG").case
    with pytest.raises(InvalidInput, match="is a PDF"):
        written(case, b"<html>")
    ds = dataset_of(written(case))
    ds.MIMETypeOfEncapsulatedDocument = "text/XML"
    with pytest.raises(FormatError, match="is a PDF"):
        pdf_of(ds)
