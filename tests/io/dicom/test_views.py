"""Side, view and region as codes: from code sequences, old and new, and from the plain words of older files."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr._concepts_dict import concepts

from skiagraph import codes
from skiagraph.io.dicom.views import REGIONS, VIEWS, view_findings


def coded(value, scheme="SCT", meaning="words", **more):
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    for keyword, items in more.items():
        setattr(ds, keyword, Sequence(items))
    return ds


def header(**elements):
    ds = Dataset()
    for keyword, value in elements.items():
        setattr(ds, keyword, Sequence(value) if isinstance(value, list) else value)
    return ds


def said(header_, groups=None):
    return {name: [s.code.value for s in f.scores] for name, f in view_findings(header_, groups).items()}


CASES = [
    ({}, {}),
    ({"ImageLaterality": "L"}, {"laterality": ["7771000"]}),
    ({"Laterality": "R"}, {"laterality": ["24028007"]}),
    ({"ImageLaterality": "B", "Laterality": "R"}, {"laterality": ["51440002"]}),
    ({"ImageLaterality": "X"}, {}),
    ({"ViewPosition": "PA"}, {"view": ["272479007"]}),
    ({"ViewPosition": "MLO"}, {"view": ["399368009"]}),
    ({"ViewPosition": "NOVEL"}, {}),
    ({"ViewCodeSequence": [coded("399162004")], "ViewPosition": "MLO"}, {"view": ["399162004"]}),
    ({"ViewCodeSequence": [coded("R-10242", "SNM3")]}, {"view": ["399162004"]}),
    ({"ViewCodeSequence": [coded("R-10226", "SRT")]}, {"view": ["399368009"]}),
    ({"BodyPartExamined": "CHEST"}, {"body_part": ["51185008"]}),
    ({"BodyPartExamined": "WHOLE BODY"}, {"body_part": ["38266002"]}),
    (
        {"AnatomicRegionSequence": [coded("T-04000", "SRT")], "BodyPartExamined": "CHEST"},
        {"body_part": ["76752008"]},
    ),
    (
        {
            "AnatomicRegionSequence": [
                coded("81745001", AnatomicRegionModifierSequence=[coded("G-A101", "SRT")])
            ]
        },
        {"laterality": ["7771000"], "body_part": ["81745001"]},
    ),
    (
        {
            "ViewCodeSequence": [
                coded("399162004", ViewModifierCodeSequence=[coded("399209000"), coded("R-102D6", "SRT")])
            ]
        },
        {"view": ["399162004"], "view_modifiers": ["399209000", "399163009"]},
    ),
]


@pytest.mark.parametrize(("stated", "expected"), CASES)
def test_what_the_file_says_is_said_in_codes(stated, expected):
    assert said(header(**stated)) == expected


def test_the_anatomy_of_a_frame_stands_before_that_of_its_object():
    frame = header(FrameLaterality="R", AnatomicRegionSequence=[coded("5665001")])
    groups = header(FrameAnatomySequence=[frame])
    assert said(header(ImageLaterality="L"), groups) == {"laterality": ["24028007"], "body_part": ["5665001"]}


def test_the_concepts_are_those_of_the_standard():
    found = view_findings(header(ImageLaterality="L", ViewPosition="AP", BodyPartExamined="HEAD"))
    assert [f.concept for f in found.values()] == [
        codes.IMAGE_LATERALITY,
        codes.IMAGE_VIEW,
        codes.ANATOMIC_REGION,
    ]
    assert found["laterality"].scores[0].probability == 1.0


def test_every_code_of_the_tables_is_one_that_the_standard_knows():
    known = {value for entry in concepts["SCT"].values() for value in entry}
    assert {code.value for code in (*VIEWS.values(), *REGIONS.values())} <= known
