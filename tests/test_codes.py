"""Coded concepts: equal by value and scheme, and short enough for DICOM."""

import pytest

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

ALL = [(name, code) for name, code in vars(codes).items() if isinstance(code, Code)]


def test_two_codes_are_equal_when_value_and_scheme_are():
    german = Code(value="11984-2", scheme="LN", meaning="Kopfumfang")
    assert german == codes.HEAD_CIRCUMFERENCE
    assert len({german, codes.HEAD_CIRCUMFERENCE}) == 1
    assert german != Code(value="11984-2", scheme="SCT")
    assert german != "11984-2"


@pytest.mark.parametrize(
    ("value", "scheme"),
    [("", "LN"), ("1", ""), ("1" * 17, "LN"), ("1", "S" * 17)],
    ids=["", "no", "long", "scheme"],
)
def test_a_code_that_fits_no_dicom_field_is_refused(value, scheme):
    with pytest.raises(InvalidInput, match="1 to 16 characters"):
        Code(value=value, scheme=scheme)


@pytest.mark.parametrize(("name", "code"), ALL, ids=[name for name, _ in ALL])
def test_every_code_of_the_house_has_a_known_scheme_and_words_for_people(name, code):
    without_a_standard = code == codes.IGNORE  # says nothing of a patient
    assert code.scheme in {"UCUM", "LN", "SCT", "DCM", "RADLEX"} or without_a_standard
    assert code.meaning
