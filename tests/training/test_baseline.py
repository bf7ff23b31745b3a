"""Baselines: the same answer always, and linear models and bands of brightness on plain features."""

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.findings import Classification, ClassScore, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.task import Recipe
from skiagraph.training.baseline import fitted_baselines
from skiagraph.training.plain_features import level_of, plain_features

DARK, BRIGHT = (Code(value=v, scheme="99TEST", meaning=v) for v in ("dark", "bright"))
TONE = Code(value="tone", scheme="99TEST", meaning="tone")
CLASSES = Recipe(
    task="classification",
    labels=(DARK, BRIGHT),
    concept=TONE,
    activation="softmax",
    shape=(16, 16),
    normalise="zscore",
)


def picture(array, name="p"):
    space = Plane.upright(shape=array.shape, spacing=(1.0, 1.0), frame=derived_frame(name))
    return Image(data=array, space=space, quantity=GREY, modality="US")


def sample(number, image, reference, split="train"):
    return Sample(
        identifier=f"s{number}",
        group=f"s{number}",
        split=split,
        case=lambda: Case(identifier=f"s{number}", images={"image": image}),
        reference=lambda: reference,
    )


def told(code):
    scores = tuple(ClassScore(code=c, probability=float(c == code)) for c in (DARK, BRIGHT))
    return Classification(concept=TONE, scores=scores)


def tones(n, rng, share=0.75):
    samples = []
    for number in range(n):
        bright = number >= share * n
        image = picture(rng.normal(120 if bright else 80, 20, (16, 16)).clip(0, 255).astype(np.uint8))
        samples.append(sample(number, image, (told(BRIGHT if bright else DARK),)))
    return Dataset(name="tones", samples=tuple(samples))


def probability(findings, code):
    (found,) = findings
    return next(s.probability for s in found.scores if s.code == code)


def test_the_constant_says_the_shares_of_the_classes_and_the_simple_one_tells_them_apart(rng):
    constant, simple = fitted_baselines(tones(40, rng), CLASSES)
    assert (constant.name, simple.name, simple.fitted_on) == ("constant", "simple", 40)
    bright, dark = (
        Case(identifier="new", images={"image": picture(np.full((16, 16), v, np.uint8))}) for v in (125, 75)
    )
    assert probability(constant(bright), BRIGHT) == probability(constant(dark), BRIGHT) == 0.25
    assert probability(simple(bright), BRIGHT) > 0.9
    assert probability(simple(dark), BRIGHT) < 0.1


def test_one_class_alone_gives_a_constant_and_no_error(rng):
    constant, simple = fitted_baselines(tones(6, rng, share=1.0), CLASSES)
    case = Case(identifier="new", images={"image": picture(np.full((16, 16), 9, np.uint8))})
    assert probability(constant(case), DARK) == probability(simple(case), DARK) == 1.0


def test_a_case_without_the_image_is_not_answered(rng):
    for baseline in fitted_baselines(tones(6, rng), CLASSES):
        other = Case(identifier="new", images={"t1": picture(np.zeros((16, 16), np.uint8))})
        assert baseline(other) == ()


def test_labels_that_stand_each_for_themselves_have_a_model_each_and_unknown_ones_are_left_out(rng):
    recipe = Recipe(
        task="classification",
        labels=(DARK, BRIGHT),
        concept=TONE,
        activation="sigmoid",
        shape=(16, 16),
        normalise="zscore",
    )
    samples = []
    for number in range(20):
        bright = number % 2 == 0
        scores = (ClassScore(code=BRIGHT, probability=float(bright)),)
        if number < 10:
            scores = (*scores, ClassScore(code=DARK, probability=1.0))
        reference = Classification(concept=TONE, scores=scores, exclusive=False)
        image = picture(np.full((16, 16), 200 if bright else 50, np.uint8))
        samples.append(sample(number, image, (reference,)))
    constant, simple = fitted_baselines(Dataset(name="labels", samples=tuple(samples)), recipe)
    case = Case(identifier="new", images={"image": picture(np.full((16, 16), 200, np.uint8))})
    assert probability(constant(case), BRIGHT) == 0.5
    assert probability(simple(case), BRIGHT) > 0.7
    assert probability(simple(case), DARK) == 1.0  # wherever it is known it is true


def test_measured_values_have_their_median_and_a_ridge_regression(rng):
    age = Code(value="age", scheme="99TEST", meaning="age")
    recipe = Recipe(
        task="regression",
        labels=(age,),
        units=(codes.WEEK,),
        activation="gaussian",
        shape=(16, 16),
        normalise="zscore",
    )
    samples = []
    for number in range(30):
        image = picture((rng.normal(0, 3, (16, 16)) + 4 * number + 60).clip(0, 255).astype(np.uint8))
        samples.append(
            sample(number, image, (Measurement(concept=age, value=10.0 + number, unit=codes.WEEK),))
        )
    constant, simple = fitted_baselines(Dataset(name="ages", samples=tuple(samples)), recipe)
    case = Case(identifier="new", images={"image": picture(np.full((16, 16), 100, np.uint8))})
    (always,), (linear,) = constant(case), simple(case)
    assert (always.value, always.unit) == (24.5, codes.WEEK)
    assert linear.value == pytest.approx(20.0, abs=1.5)


def spots(n, rng):
    samples = []
    for number in range(n):
        mask = np.zeros((20, 24), np.uint8)
        mask[4 + number % 5 : 12, 6:14] = 1
        image = picture(np.where(mask > 0, 180, 60) + rng.integers(0, 30, mask.shape), f"spot {number}")
        true = Segmentation(space=image.space, labels=mask, segments=(Segment(number=1, code=codes.HEAD),))
        samples.append(sample(number, image, (true,)))
    return Dataset(name="spots", samples=tuple(samples))


def test_outlines_have_nothing_and_a_learnt_band_of_brightness(rng):
    data = spots(8, rng)
    recipe = Recipe(labels=(codes.HEAD,), shape=(16, 16), normalise="zscore")
    constant, simple = fitted_baselines(data, recipe)
    one = data.samples[0]
    (nothing,), (band,), (true,) = constant(one.case()), simple(one.case()), one.reference()
    assert not nothing.labels.any()
    assert np.array_equal(band.mask(1), true.mask(1))


def test_files_that_cannot_be_read_are_left_out_and_none_at_all_is_an_error(rng):
    def broken():
        raise FormatError("a picture can be decoded")

    whole = tones(6, rng)
    bad = Sample(identifier="bad", group="bad", split="train", case=broken, reference=lambda: ())
    mixed = Dataset(name="mixed", samples=(*whole.samples, bad))
    assert fitted_baselines(mixed, CLASSES)[0].fitted_on == 6
    with pytest.raises(InvalidInput, match="can be read"):
        fitted_baselines(Dataset(name="none", samples=(bad,)), CLASSES)


@pytest.mark.parametrize("shape", [(16, 16), (5, 300), (12, 7, 9), (2, 3, 4)])
def test_plain_features_are_finite_and_as_many_for_all_images_of_one_kind(shape, rng):
    data = rng.normal(0, 1, shape).astype(np.float32)
    data.flat[0] = np.nan
    if len(shape) == 2:
        image = picture(data)
    else:
        grid = Grid(shape=shape, affine=np.eye(4), frame=derived_frame("v"))
        image = Image(data=data, space=grid, quantity=GREY, modality="MR")
    features = plain_features(image)
    assert np.isfinite(features).all()
    assert len(features) == (78 if len(shape) == 2 else 79)
    assert 0 <= level_of(image).min() <= level_of(image).max() <= 1


def test_the_thumbnail_of_an_image_is_made_of_the_means_of_its_blocks(rng):
    array = rng.integers(0, 255, (32, 48)).astype(np.uint8)
    blocks = plain_features(picture(array))[-64:].reshape(8, 8)
    assert blocks[1, 2] == pytest.approx(array[4:8, 12:18].mean())
