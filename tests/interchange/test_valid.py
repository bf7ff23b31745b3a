"""A validator finds nothing against our objects but what its edition does not know."""

import pydicom
import pytest
from sources import DICOM_SOURCES, SOURCES
from validator import EXCEPTIONS, said

WHOLE = [
    name for name in DICOM_SOURCES if name != "bare CT"
]  # that one is made to lack what the standard asks for


@pytest.mark.parametrize("name", WHOLE)
def test_the_sources_themselves_are_valid(name, drawn_source, validator):
    files = sorted(drawn_source(name).folder.rglob("*.dcm"))
    assert {line for path in {files[0], files[-1]} for line in validator(path)} == set()


def test_the_validator_says_what_is_missing(drawn_source, validator):
    path, *_ = sorted(drawn_source("bare CT").folder.rglob("*.dcm"))
    assert any("PatientName" in line for line in validator(path))


@pytest.mark.parametrize("name", SOURCES)
def test_all_that_we_write_is_valid(name, written_files, validator):
    found = {what: validator(path) for what, path in written_files(name).items()}
    assert {what: lines for what, lines in found.items() if lines} == {}


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda e: f"{e.paragraph}: {e.says}"[:70])
def test_no_exception_stays_longer_than_it_is_needed(exception, written_files, validator):
    files = [*written_files("axial CT").values(), *written_files("X-ray").values()]
    kinds = {path: str(pydicom.dcmread(path).SOPClassUID) for path in files}
    of_this = [path for path, kind in kinds.items() if kind == (exception.sop_class or kind)]
    assert exception.paragraph.startswith("PS3.")
    assert any(exception.says in line for path in of_this for line in said(path))
