"""Cases and studies: named images, and nothing that names a patient."""

import pickle

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case, Study
from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.findings import Text
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.testing import case_digest

PLANE = Plane.upright(shape=(2, 3), spacing=(1.0, 1.0), frame=derived_frame("here"))
IMAGE = Image(data=np.zeros((2, 3)), space=PLANE)


@pytest.mark.parametrize(
    ("identifier", "images"),
    [("", {"image": IMAGE}), ("a", {}), ("a", {"": IMAGE})],
    ids=["no name", "none", "unnamed"],
)
def test_a_case_has_an_identifier_and_named_images(identifier, images):
    with pytest.raises(InvalidInput, match="at least one named image"):
        Case(identifier=identifier, images=images)


def test_the_image_of_a_case_is_asked_for_without_a_name_only_where_there_is_one():
    assert Case(identifier="a", images={"x": IMAGE}).image is IMAGE
    with pytest.raises(UnknownName, match="fixed"):
        _ = Case(identifier="a", images={"fixed": IMAGE, "moving": IMAGE}).image


def test_a_case_does_not_change_with_the_mapping_that_it_was_made_of():
    images = {"image": IMAGE}
    case = Case(identifier="a", images=images)
    images["other"] = IMAGE
    assert list(case.images) == ["image"]
    with pytest.raises(TypeError):
        case.images["other"] = IMAGE


def test_a_case_is_the_same_after_pickle():
    case = Case(
        identifier="a",
        images={"image": IMAGE},
        known={"indication": Text(text="routine", concept=codes.HEAD)},
        uids={"image": "1.2.3"},
        problems=("the size is not known",),
    )
    study = pickle.loads(
        pickle.dumps(Study(identifier="1.2", cases=(case,), problems=("one file is damaged",)))
    )
    (again,) = study.cases
    assert case_digest(again) == case_digest(case)
    assert (study.problems, again.problems) == (("one file is damaged",), case.problems)
    with pytest.raises(TypeError):
        again.images["other"] = IMAGE


def test_the_digest_of_a_case_is_of_all_that_a_model_may_look_at():
    case = Case(identifier="a", images={"image": IMAGE})
    others = [
        Case(identifier="a", images={"other": IMAGE}),
        Case(identifier="a", images={"image": Image(data=np.ones((2, 3)), space=PLANE)}),
        Case(identifier="a", images={"image": IMAGE}, known={"prompt": Text(text="here")}),
        Case(identifier="a", images={"image": IMAGE}, uids={"image": "1.2"}),
    ]
    assert len({case_digest(c) for c in [case, *others]}) == 5
