"""Values of elements as numbers, whatever they are held in."""

import numpy as np
import pytest
from pydicom.multival import MultiValue
from pydicom.valuerep import DSfloat

from skiagraph.io.dicom.quick import number_of, numbers_of

VALUES = [
    # what an element holds, its numbers
    (None, ()),
    ("", ()),
    ("1.5", (1.5,)),
    ("words", ()),
    (7, (7.0,)),
    (10**400, ()),
    (DSfloat("2.5"), (2.5,)),
    (MultiValue(float, [1, 2]), (1.0, 2.0)),
    (np.array([1.0, 2.0, 3.0]), (1.0, 2.0, 3.0)),
    ([1.0, float("nan")], ()),
    (["1", ""], ()),
]


@pytest.mark.parametrize(("value", "numbers"), VALUES, ids=str)
def test_a_value_is_its_finite_numbers_or_none(value, numbers):
    assert numbers_of(value) == numbers
    assert number_of(value) == (numbers[0] if numbers else None)
