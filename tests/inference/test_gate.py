"""The gate in front of a model: what cannot be the kind of image it reads gets a reason, and is not computed."""

import dataclasses

import numpy as np
import pytest

from skiagraph.case import Case
from skiagraph.errors import InvalidInput
from skiagraph.findings import NotApplicable, Segmentation
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.inference import Gated, gate_of, staged
from skiagraph.testing import check_model

FRAME = derived_frame("gate")
FLAT = Plane.upright(shape=(20, 30), spacing=(0.5, 0.5), frame=FRAME)
CINE = Plane.upright(shape=(20, 30), spacing=(0.5, 0.5), frame=FRAME, timeline=Timeline(times=np.arange(3.0)))
VOLUME = Grid(shape=(4, 20, 30), affine=np.eye(4), frame=FRAME)
PIXELS = Plane.upright(shape=(20, 30), spacing=None, frame=FRAME)
RGB = ("red", "green", "blue")


def image(space=FLAT, channels=(), modality="US"):
    time = () if space.timeline is None else (len(space.timeline),)
    shape = (*time, *space.shape, *((len(channels),) if channels else ()))
    data = np.indices(shape).sum(0).astype(np.uint8)
    return Image(data=data, space=space, channels=channels, modality=modality)


@pytest.fixture
def gated(halfway, recipe, card):
    return Gated(model=staged(card(), recipe(shape=(32, 48)), halfway))


PASSED = {
    "a sonogram": image(),
    "a file that states no modality": image(modality=None),
    "colours": image(channels=RGB),
    "a size that is not known": image(space=PIXELS),
}
REFUSED = {
    "a chest X-ray": (image(modality="DX"), "wrong-modality", "US, and this one is DX"),
    "magnetic resonance": (image(modality="MR"), "wrong-modality", "US, and this one is MR"),
    "a cine": (image(space=CINE), "wrong-shape", "2-D over time"),
    "a volume": (image(space=VOLUME), "wrong-shape", "this one is 3-D"),
    "a volume of another modality": (image(space=VOLUME, modality="CT"), "wrong-shape", "3-D"),
    "velocity beside power": (image(channels=("velocity", "power")), "wrong-shape", "other channels"),
    "transparency": (image(channels=(*RGB, "alpha")), "wrong-shape", "other channels"),
}


@pytest.mark.parametrize("passed", PASSED.values(), ids=PASSED)
def test_what_fits_is_answered(passed, gated):
    found = gated(Case(identifier="c", images={"image": passed}))
    assert isinstance(found, Segmentation)
    assert found.space == passed.space


@pytest.mark.parametrize(("refused", "reason", "said"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_with_the_reason_and_not_computed(refused, reason, said, gated, halfway):
    answer = gated(Case(identifier="c", images={"image": refused}))
    assert isinstance(answer, NotApplicable)
    assert answer.reason == reason
    assert said in answer.explanation
    assert halfway.batches == []


def test_a_case_without_the_image_is_refused(gated):
    answer = gated(Case(identifier="c", images={"t1": image()}))
    assert (answer.reason, "'image'" in answer.explanation) == ("wrong-shape", True)


def test_a_model_that_needs_a_size_refuses_a_picture_without(halfway, recipe, card):
    model = Gated(model=staged(card(needs_size=True), recipe(shape=(32, 48)), halfway))
    answer = model(Case(identifier="c", images={"image": image(space=PIXELS)}))
    assert answer.reason == "unknown-size"
    assert isinstance(model(Case(identifier="c", images={"image": image()})), Segmentation)


def test_the_gate_is_shown_one_grey_channel_and_its_refusal_is_the_answer(gated, halfway):
    seen = []
    refusal = NotApplicable(reason="wrong-content", explanation="This is no head.", score=0.02)

    def gate(shown):
        seen.append(shown)
        return refusal if len(seen) == 1 else None

    model = dataclasses.replace(gated, gate=gate)
    case = Case(identifier="c", images={"image": image(channels=RGB)})
    assert model(case) is refusal
    assert halfway.batches == []
    assert isinstance(model(case), Segmentation)
    assert [s.channels for s in seen] == [(), ()]


def test_the_gate_is_not_asked_about_what_cannot_fit(gated):
    def gate(shown):
        raise AssertionError("a volume was shown to the gate")

    answer = dataclasses.replace(gated, gate=gate)(
        Case(identifier="c", images={"image": image(space=VOLUME)})
    )
    assert answer.reason == "wrong-shape"


def test_a_recipe_without_a_gate_opens_to_every_content(recipe):
    assert gate_of(recipe()) is None


def test_a_gate_of_an_unknown_kind_is_refused(recipe):
    with pytest.raises(InvalidInput, match="horoscope"):
        gate_of(recipe(gate={"kind": "horoscope"}))


def test_the_contract_holds_for_answers_and_for_refusals(gated):
    check_model(gated, Case(identifier="c", images={"image": image()}))
    check_model(gated, Case(identifier="c", images={"image": image(modality="DX")}))


class Oval:
    """Sees one oval wherever it looks."""

    name, precision = "oval", "fp32"

    def __call__(self, batch, /):
        rows, columns = np.indices(batch.shape[2:])
        inside = ((rows - 16) / 9) ** 2 + ((columns - 24) / 14) ** 2 <= 1
        return np.broadcast_to(np.where(inside, 4.0, -4.0).astype(np.float32), batch.shape)


@pytest.mark.parametrize(("least", "kind"), [(0.0, Segmentation), (0.4, Segmentation), (0.6, NotApplicable)])
def test_an_outline_that_is_too_unsure_is_not_measured(least, kind, recipe, card):
    calibration = {"confidence": {"intercept": 0.0, "slope": 0.0}, "least confidence": least}
    unsure = recipe(shape=(32, 48), prior="ellipse", calibration=calibration)
    found = Gated(model=staged(card(), unsure, Oval()))(Case(identifier="c", images={"image": image()}))
    assert isinstance(found, kind)
    if isinstance(found, NotApplicable):
        assert (found.reason, found.score) == ("poor-quality", 0.5)
