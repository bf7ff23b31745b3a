"""A validator finds nothing against our objects but what its edition does not know."""

import numpy as np
import pydicom
import pytest
from battery import findings
from sources import AXIAL, DICOM_SOURCES, SOURCES, SPACING, ct
from validator import EXCEPTIONS, said
from written import exported, written_objects

from skiagraph.case import Case
from skiagraph.interchange import dataset_of, imported, save
from skiagraph.io import read_cases

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


@pytest.fixture
def gapped(tmp_path):
    """A CT of which one slice is missing, and filled from its neighbours."""
    ct(AXIAL, tmp_path / "series")
    missing = [
        path
        for path in (tmp_path / "series").iterdir()
        if pydicom.dcmread(path).ImagePositionPatient[2] == AXIAL.affine[2, 3] + 3 * SPACING[0]
    ]
    for path in missing:
        path.unlink()
    (case,) = [case for case in read_cases(tmp_path / "series", fill_gaps=True) if isinstance(case, Case)]
    assert (case.origins["image"].frames[0, :, 0] < 0).sum() == len(missing) == 1
    return case


def test_all_that_we_write_about_a_series_with_a_filled_gap_is_valid_and_comes_back(
    gapped, validator, tmp_path
):
    found = {}
    for what, made in written_objects(gapped):
        save(made, tmp_path / "object.dcm")
        found[what] = validator(tmp_path / "object.dcm")
    assert {what: lines for what, lines in found.items() if lines} == {}
    finding = findings(gapped)["exclusive"]
    (again,) = imported(dataset_of(exported(finding, gapped))).findings
    assert np.array_equal(again.labels, finding.labels)


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda e: f"{e.paragraph}: {e.says}"[:70])
def test_no_exception_stays_longer_than_it_is_needed(exception, written_files, validator):
    files = [*written_files("axial CT").values(), *written_files("X-ray").values()]
    kinds = {path: str(pydicom.dcmread(path).SOPClassUID) for path in files}
    of_this = [path for path, kind in kinds.items() if kind == (exception.sop_class or kind)]
    assert exception.paragraph.startswith("PS3.")
    assert any(exception.says in line for path in of_this for line in said(path))
