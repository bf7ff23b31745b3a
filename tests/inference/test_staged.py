"""Prepare, compute, finish: the outline lies where the image lies, whatever the shape of the image."""

import dataclasses

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.errors import InvalidInput
from skiagraph.findings import Segment, Segmentation
from skiagraph.image import Image, pixels
from skiagraph.inference import run, staged
from skiagraph.metrics import Overlap
from skiagraph.testing import check_model

SHAPES = [(96, 144), (540, 800), (120, 120), (90, 301), (301, 90), (61, 47)]
priors = pytest.mark.parametrize("prior", ["none", "ellipse"])


@pytest.fixture
def model(halfway, recipe, card):
    return lambda **choices: staged(card(), recipe(**choices), halfway)


def dice(found, mask):
    truth = Segmentation(
        space=found.space, labels=mask.astype(np.uint8), segments=(Segment(number=1, code=codes.HEAD),)
    )
    return Overlap().tally(found, truth).dice


@priors
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("spacing", [None, (0.3, 0.3), (0.4, 0.3)], ids=["pixels", "square", "oblong"])
def test_the_outline_lies_in_the_space_of_the_picture_and_on_what_is_bright(
    shape, spacing, prior, halfway, model, picture
):
    case, mask = picture(shape, spacing)
    found = model(prior=prior)(case)
    assert found.space == case.image.space
    assert found.labels.dtype == np.uint8
    assert dice(found, mask) > 0.96
    assert halfway.batches == [(1, 1, 96, 144)]


@priors
def test_a_flipped_picture_has_a_flipped_outline(prior, halfway, recipe, card, picture):
    case, _ = picture((96, 144))
    model = staged(card(), recipe(prior=prior), halfway)
    other = dataclasses.replace(case.image, data=pixels(case.image)[:, ::-1])
    flipped = model(Case(identifier="flipped", images={"image": other}))
    differing = (flipped.labels[:, ::-1] != model(case).labels).mean()
    assert differing < 0.001


def test_colours_and_grey_give_one_outline(halfway, recipe, card, picture):
    case, _ = picture((61, 47))
    three = np.repeat(pixels(case.image)[..., None], 3, axis=-1)
    coloured = Image(data=three, space=case.image.space, channels=("red", "green", "blue"), modality="US")
    model = staged(card(), recipe(), halfway)
    found = model(Case(identifier="coloured", images={"image": coloured}))
    assert np.array_equal(found.labels, model(case).labels)


@priors
@pytest.mark.parametrize("dtype", [np.uint16, np.float32], ids=["16 bit", "0 to 1"])
def test_the_depth_of_the_file_does_not_matter(dtype, prior, halfway, recipe, card, picture):
    case, _ = picture((90, 120))
    factor = 257 if dtype == np.uint16 else 1 / 255
    deep = dataclasses.replace(case.image, data=(pixels(case.image) * np.float64(factor)).astype(dtype))
    model = staged(card(), recipe(prior=prior, normalise="root-zscore"), halfway)
    found = model(Case(identifier="deep", images={"image": deep}))
    assert (found.labels != model(case).labels).mean() < 0.001


def test_where_nothing_is_found_there_is_no_segment(recipe, card, picture):
    case, _ = picture((61, 47))
    never = type("Never", (), {"name": "never", "precision": "fp32", "__call__": lambda self, x: x * 0 - 9})()
    elliptic = staged(card(), recipe(prior="ellipse"), never)(case)
    assert elliptic.segments == ()
    assert not elliptic.labels.any()
    plain = staged(card(), recipe(), never)(case)
    assert not plain.labels.any()
    assert plain.space == case.image.space


class Two:
    """Bright, and less surely the left half; before them, where it is asked for, a background."""

    name, precision = "two", "fp32"

    def __init__(self, *, background):
        self.background = background

    def __call__(self, batch, /):
        left = np.where(np.arange(batch.shape[-1]) < batch.shape[-1] // 2, 2.0, -2.0)
        parts = [batch * 0] * self.background + [np.where(batch > 0, 5.0, -5.0), batch * 0 + left]
        return np.concatenate(parts, 1).astype(np.float32)


def test_of_labels_that_exclude_one_another_the_likeliest_wins(recipe, card, picture):
    case, mask = picture((96, 144))
    wanted = recipe(labels=(codes.HEAD, codes.FETUS), activation="softmax")
    found = staged(card(), wanted, Two(background=True))(case)
    left = np.arange(144) < 72
    assert [(s.number, s.code) for s in found.segments] == [(1, codes.HEAD), (2, codes.FETUS)]
    assert (found.kind, wanted.outputs) == ("exclusive", 3)
    assert np.array_equal(found.labels, np.where(mask, 1, np.where(left, 2, 0)))


def test_labels_that_stand_each_for_itself_overlap(recipe, card, picture):
    case, mask = picture((96, 144))
    wanted = recipe(labels=(codes.HEAD, codes.FETUS))
    found = staged(card(), wanted, Two(background=False))(case)
    assert (found.kind, wanted.outputs) == ("overlapping", 2)
    assert np.array_equal(found.mask(1), mask)
    assert np.array_equal(found.mask(2), np.broadcast_to(np.arange(144) < 72, mask.shape))


def test_the_threshold_decides_what_belongs(recipe, card, picture):
    class Slope:
        """Probability rises from 0 at the left to 1 at the right."""

        name, precision = "slope", "fp32"

        def __call__(self, batch, /):
            p = (np.arange(batch.shape[-1]) + 0.5) / batch.shape[-1]
            return (batch * 0 + np.log(p / (1 - p))).astype(np.float32)

    case, _ = picture((96, 144))
    for threshold in (0.25, 0.5, 0.75):
        found = staged(card(), recipe(threshold=threshold), Slope())(case)
        assert found.labels.mean() == pytest.approx(1 - threshold, abs=0.01)


def test_confidence_is_lower_where_the_outline_is_no_ellipse(halfway, recipe, card, picture):
    calibration = {"confidence": {"intercept": 0.0, "slope": -1.0}}
    model = staged(card(), recipe(prior="ellipse", calibration=calibration), halfway)
    case, _ = picture((96, 144))
    broken = pixels(case.image).copy()
    broken[30:60, 60:75] = 20
    other = Case(identifier="b", images={"image": dataclasses.replace(case.image, data=broken)})
    sure, unsure = (model(c).segments[0].confidence for c in (case, other))
    assert 0.0 < unsure < sure < 1.0
    assert staged(card(), recipe(prior="ellipse"), halfway)(case).segments[0].confidence is None


def test_many_cases_come_back_in_order_and_are_computed_together(halfway, recipe, card, picture):
    cases = [picture(shape)[0] for shape in SHAPES * 2]
    model = staged(card(), recipe(), halfway)
    together = list(model.each(iter(cases)))
    assert halfway.batches == [(8, 1, 96, 144), (4, 1, 96, 144)]
    for found, case in zip(together, cases, strict=True):
        assert found.space == case.image.space
        assert np.array_equal(found.labels, model(case).labels)


def test_run_streams_cases_one_by_one(halfway, recipe, card, picture):
    asked = []

    def cases():
        for shape in SHAPES[:3]:
            asked.append(shape)
            yield picture(shape)[0]

    results = run(staged(card(), recipe(), halfway), cases())
    case, found = next(results)
    assert asked == SHAPES[:1]
    assert found.space == case.image.space
    assert len(list(results)) == 2


def test_a_missing_image_is_named(halfway, recipe, card, picture):
    case, _ = picture((61, 47))
    other = Case(identifier="other", images={"t1": case.image})
    with pytest.raises(InvalidInput, match=r"an image named image; got \['t1'\]"):
        staged(card(), recipe(), halfway)(other)


@priors
def test_the_contract_holds(prior, halfway, recipe, card, picture):
    check_model(staged(card(), recipe(prior=prior, mirror=(1,)), halfway), picture((61, 90))[0])
