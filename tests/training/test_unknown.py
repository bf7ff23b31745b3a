"""Places that are ignored and structures that a case does not tell: nothing is learnt from them, and nothing judged."""

import dataclasses

import numpy as np
import pytest
import torch

from skiagraph import codes
from skiagraph.case import Case, Dataset, Label, Sample, Target
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.inference import staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.preprocess import Affine, Pose
from skiagraph.task import Recipe, evaluate
from skiagraph.training import fingerprint, learnt_card, planned, prepared, teach
from skiagraph.training.baseline import fitted_baselines
from skiagraph.training.lesson import lesson_for
from skiagraph.training.losses import How
from skiagraph.training.outline_losses import moments_apart, overlap_and_entropy, structure_loss
from skiagraph.training.samples import Prepared, batches
from skiagraph.training.targets import outlines_of
from skiagraph.training.windows import drawn_window
from skiagraph.workflow.questions import questions_of

LIVER, KIDNEY = (Code(value=v, scheme="99TEST", meaning=v.lower()) for v in ("LIVER", "KIDNEY"))
SIGMOID, SOFTMAX = How(activation="sigmoid"), How(activation="softmax")


def exclusive(seed=0, shape=(2, 3, 8, 8)):
    """One of the channels is 1 at each place."""
    which = torch.from_numpy(np.random.default_rng(seed).integers(0, shape[1], (shape[0], *shape[2:])))
    return torch.nn.functional.one_hot(which, shape[1]).movedim(-1, 1).float()


def drawn_logits(shape, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@pytest.mark.parametrize("how", [SIGMOID, SOFTMAX], ids=["sigmoid", "softmax"])
@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 3, 4, 6, 8)], ids=["pictures", "volumes"])
def test_an_ignored_place_has_no_gradient_at_all(how, shape):
    target, logits = exclusive(shape=shape), drawn_logits(shape).requires_grad_()
    ignored = torch.zeros(shape[0], 1, *shape[2:], dtype=torch.bool)
    ignored[0, :, 2:4] = True
    structure_loss(how, logits, torch.where(ignored, torch.nan, target)).backward()
    there = ignored.expand(shape)
    assert (logits.grad[there] == 0).all()
    assert (logits.grad[~there] != 0).all()


@pytest.mark.parametrize("how", [SIGMOID, SOFTMAX], ids=["sigmoid", "softmax"])
def test_what_a_network_says_of_an_ignored_place_costs_nothing(how):
    target, logits = exclusive(), drawn_logits((2, 3, 8, 8))
    target[:, :, :3] = torch.nan
    other = logits.clone()
    other[:, :, :3] += 5
    assert float(structure_loss(how, logits, target)) == float(structure_loss(how, other, target))
    known = structure_loss(how, logits[:, :, 3:], target[:, :, 3:])
    assert float(structure_loss(how, logits, target)) == pytest.approx(float(known), rel=1e-5)


@pytest.mark.parametrize("how", [SIGMOID, SOFTMAX], ids=["sigmoid", "softmax"])
def test_a_batch_of_which_nothing_is_known_costs_nothing(how):
    logits = drawn_logits((1, 2, 4, 4)).requires_grad_()
    loss = structure_loss(how, logits, torch.full((1, 2, 4, 4), torch.nan))
    loss.backward()
    assert loss.item() == 0.0
    assert (logits.grad == 0).all()


def test_coarser_answers_learn_from_what_is_known_of_a_place():
    target = torch.zeros(1, 1, 4, 4)
    target[..., :2, :] = 1
    target[..., 0, :] = torch.nan
    target[..., 2:, 2:] = torch.nan
    sure = torch.tensor([[[[20.0, 20.0], [-20.0, 20.0]]]])
    fine = torch.where(target.isnan(), 3.0, (target.nan_to_num() - 0.5) * 40)
    assert float(structure_loss(SIGMOID, (fine, sure), target)) == pytest.approx(0, abs=1e-5)


def test_centre_and_extent_are_compared_where_they_are_known():
    logits, target = drawn_logits((1, 1, 8, 8)), exclusive(shape=(1, 1, 8, 8))
    target[..., 5:] = torch.nan
    other = logits.clone()
    other[..., 5:] -= 7
    assert float(moments_apart(logits, target)) == float(moments_apart(other, target))


def test_a_structure_that_is_not_told_counts_as_background():
    """By hand: p of background, liver and kidney is (.2, .3, .5), the kidney is not told."""
    logits = torch.log(torch.tensor([0.2, 0.3, 0.5]))[None, :, None, None].expand(1, 3, 1, 2)
    target = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]], [[torch.nan, torch.nan]]]])
    entropy = -(np.log(0.2 + 0.5) + np.log(0.3)) / 2
    dice = (2 * 0.3 + 1) / (0.6 + 1 + 1)
    assert float(structure_loss(SOFTMAX, logits, target)) == pytest.approx(entropy + 1 - dice, abs=1e-6)


def test_background_and_what_is_not_told_may_change_places_freely():
    """Where neither is the liver, nothing says which of the two it is."""
    logits = torch.zeros(1, 3, 2, 2, requires_grad=True)
    target = torch.zeros(1, 3, 2, 2)
    target[:, 0], target[:, 2] = 1, torch.nan
    structure_loss(SOFTMAX, logits, target).backward()
    assert (logits.grad[:, 1] > 0).all()
    torch.testing.assert_close(logits.grad[:, 0], logits.grad[:, 2])


def test_of_structures_that_overlap_one_that_is_not_told_is_not_learnt():
    logits, target = drawn_logits((2, 2, 4, 4)).requires_grad_(), exclusive(shape=(2, 2, 4, 4))
    target[0, 1] = torch.nan
    loss = overlap_and_entropy(logits, target)
    loss.backward()
    assert (logits.grad[0, 1] == 0).all()
    assert (logits.grad[0, 0] != 0).all()
    target[1, 1], logits = torch.nan, logits.detach()
    alone = overlap_and_entropy(logits[:, :1], target[:, :1])
    assert float(overlap_and_entropy(logits, target)) == pytest.approx(float(alone), rel=1e-6)


def segmented(labels, pairs, kind="exclusive", spacing=None, name="x"):
    labels = np.asarray(labels)
    space = Plane.upright(shape=labels.shape[-2:], spacing=spacing, frame=derived_frame(name))
    segments = tuple(Segment(number=n, code=code) for n, code in pairs)
    return Segmentation(space=space, labels=labels, segments=segments, kind=kind)


def sample_of(truth, data=None, number=0, split="train"):
    data = np.zeros(truth.space.shape, np.uint8) if data is None else data
    case = Case(
        identifier=f"u{number}",
        images={"image": Image(data=data, space=truth.space, quantity=GREY, modality="DX")},
    )
    return Sample(
        identifier=f"u{number}",
        group=f"g{number}",
        split=split,
        case=lambda: case,
        reference=lambda: (truth,),
    )


def lattice(shape, name="x"):
    return Plane.upright(shape=shape, spacing=None, frame=derived_frame(name))


def test_a_place_of_the_lattice_that_touches_an_ignored_one_is_ignored():
    labels = np.zeros((12, 12), np.uint8)
    labels[:6], labels[8, 4] = 1, 9
    truth = segmented(labels, ((1, LIVER), (9, codes.IGNORE)))
    space = dataclasses.replace(
        truth.space, shape=(4, 4), affine=truth.space.affine @ np.diag([3.0, 3.0, 1.0])
    )
    target = outlines_of(sample_of(truth), [LIVER]).on(space, exclusive=True)
    assert target.shape == (2, 4, 4)
    unknown = np.isnan(target)
    assert (unknown[0] == unknown[1]).all()
    assert unknown[0, 3, 1], "its middle is one pixel away"
    assert 1 <= unknown[0].sum() <= 4
    np.testing.assert_allclose(np.nansum(target, 0)[~unknown[0]], 1, atol=1e-6)


def test_a_structure_without_a_segment_is_not_known_and_no_segment_says_nowhere():
    labels = np.zeros((6, 6), np.uint8)
    labels[:2] = 1
    partial = outlines_of(sample_of(segmented(labels, ((1, LIVER),))), [LIVER, KIDNEY])
    assert partial.told.tolist() == [True, False]
    target = partial.on(lattice((6, 6)), exclusive=True)
    assert np.isnan(target[2]).all()
    np.testing.assert_array_equal(target[0], labels == 0)
    nothing = outlines_of(sample_of(segmented(labels * 0, ())), [LIVER, KIDNEY])
    assert nothing.told.all()
    assert not nothing.on(lattice((6, 6)), exclusive=False).any()
    with pytest.raises(InvalidInput, match="speaks of kidney"):
        outlines_of(sample_of(segmented(labels, ((1, LIVER),))), [KIDNEY])


def test_a_reference_that_ignores_everything_is_refused():
    truth = segmented(np.full((6, 6), 9, np.uint8), ((1, LIVER), (9, codes.IGNORE)))
    with pytest.raises(InvalidInput, match="all of it ignored"):
        outlines_of(sample_of(truth), [LIVER]).on(truth.space, exclusive=False)


def window_plan(plan, activation, shape, **changes):
    recipe = Recipe(
        labels=(LIVER, KIDNEY),
        activation=activation,
        shape=shape,
        normalise="zscore",
        spacing=(1.0,) * len(shape),
        overlap=0.5,
    )
    return dataclasses.replace(plan, recipe=recipe, balance=0.0, **changes)


@pytest.mark.parametrize("foreground", [0.0, 0.5])
def test_no_window_is_ignored_throughout(plan, foreground):
    target = np.full((3, 40, 40), np.nan, np.float32)
    target[:, 30:33, 5:8] = np.array([1, 0, 0], np.float32)[:, None, None]
    picture, rng = np.zeros((1, 40, 40), np.float32), np.random.default_rng(0)
    plan = window_plan(plan, "softmax", (8, 8), foreground=foreground)
    for _ in range(50):
        seen, outlined = drawn_window(picture, target, plan, rng)
        assert seen.shape[1:] == outlined.shape[1:] == (8, 8)
        assert np.isfinite(outlined).any()


def test_a_window_beyond_the_image_shows_background_there_and_keeps_what_is_unknown(plan):
    target = np.zeros((3, 4, 4), np.float32)
    target[0], target[:, 1], target[2, 2:] = 1, np.nan, np.nan
    _, outlined = drawn_window(
        np.zeros((1, 4, 4), np.float32),
        target,
        window_plan(plan, "softmax", (8, 8)),
        np.random.default_rng(0),
    )
    assert (outlined[0, [0, 1, 6, 7]] == 1).all()
    assert (outlined[1:, [0, 1, 6, 7]] == 0).all()
    np.testing.assert_array_equal(outlined[:, 2:6, 2:6], target)


@pytest.mark.parametrize(
    ("shape", "step"),
    [
        ((24, 24), Affine(turn=30.0, any_turn=0.0, shrink=1.5, shift=0.0)),
        ((12, 14, 16), Pose(share=1.0, shift=0.0)),
    ],
    ids=["pictures", "volumes"],
)
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_augmentation_moves_what_is_ignored_with_the_picture(plan, activation, shape, step):
    """Ignored is what is bright: wherever brightness comes to lie, nothing is known."""
    first = int(activation == "softmax")
    target = np.zeros((2 + first, *shape), np.float32)
    target[:first] = 1
    picture = np.zeros(shape, np.float32)
    middle = tuple(slice(n // 2 - 2, n // 2 + 3) for n in shape)
    picture[middle] = 1
    target[(slice(None), *middle)] = np.nan
    target[-1, :2] = np.nan
    plan = window_plan(plan, activation, shape, batch=1, steps=(step,))
    sample = Prepared(picture=picture[None], target=target)
    for pictures, targets in batches([sample] * 8, plan, np.random.default_rng(0)):
        bright = pictures[0, 0] > pictures.min() + 0.5 * np.ptp(pictures)
        unknown = np.isnan(targets[0, 0])
        assert unknown[bright].all()
        assert 0 < unknown.mean() < 0.3
        if first:
            np.testing.assert_allclose(np.nansum(targets[0], 0)[~unknown], 1, atol=1e-5)


def test_figures_of_validation_leave_out_what_is_not_known(plan):
    lesson = lesson_for(window_plan(plan, "softmax", (4, 4)))
    target = np.zeros((3, 4, 4), np.float32)
    target[1, :2], target[0, 2:] = 1, 1
    right = (target - 0.5) * 8
    target[:, 0], target[2] = np.nan, np.nan
    wrong = right.copy()
    wrong[[0, 1], 0] = wrong[[1, 0], 0]
    assert lesson.figures([right], [target]) == lesson.figures([wrong], [target]) == {"dice": 1.0}
    wrong[[0, 1], 1:] = wrong[[1, 0], 1:]
    assert lesson.figures([wrong], [target])["dice"] < 0.1


def phantom(number, kind, told):
    """A bright liver and a dark kidney in noise; the reference outlines what is told."""
    rng = np.random.default_rng([3, number])
    rows, columns = np.indices((24, 32))
    liver = np.hypot(rows - rng.uniform(9, 14), columns - rng.uniform(7, 11)) < 5.5
    kidney = np.hypot(rows - rng.uniform(9, 14), columns - rng.uniform(21, 25)) < 4.5
    data = (110 + 90 * liver - 80 * kidney + rng.normal(0, 12, liver.shape)).clip(0, 255).astype(np.uint8)
    masks = {LIVER: liver, KIDNEY: kidney}
    pairs = tuple((n, code) for n, code in enumerate(masks, 1) if code in told)
    if kind == "overlapping":
        truth = segmented(np.stack([masks[c] for _, c in pairs]), pairs, kind, (1.0, 1.0), f"p{number}")
    else:
        numbered = sum(n * masks[c].astype(np.uint8) for n, c in pairs)
        truth = segmented(numbered, pairs, spacing=(1.0, 1.0), name=f"p{number}")
    return truth, data


@pytest.fixture(scope="module", params=["segmentation", "overlapping"])
def halves(request):
    """Sixteen cases with a liver alone, sixteen with a kidney alone, and six with both to judge on."""

    def sample(number):
        told = (LIVER, KIDNEY) if number >= 32 else ((LIVER,), (KIDNEY,))[number % 2]
        truth, data = phantom(number, request.param, told)
        return sample_of(truth, data, number, "test" if number >= 32 else "train")

    labels = (Label(number=1, code=LIVER), Label(number=2, code=KIDNEY))
    target = Target(name="organs", kind=request.param, concept=codes.HEAD, labels=labels)
    return Dataset(name="halves", samples=tuple(map(sample, range(38))), licence="CC0-1.0", targets=(target,))


def test_two_sets_that_tell_one_structure_each_teach_both(halves, machine):
    learnt_from = halves.split("train")
    plan = planned(learnt_from, "segmentation", machine)
    plan = dataclasses.replace(
        plan,
        recipe=dataclasses.replace(plan.recipe, shape=(32, 32)),
        options={"widths": [8, 16, 24]},
        network="residual-unet",
        epochs=14,
        batch=4,
        steps=(),
        settle=None,
        average=0.8,
        warmup=3,
        learning_rate=1e-2,
        validation=0.0,
        balance=0.0,
        precision="32-true",
    )
    taught = teach(learnt_from, plan, rng=np.random.default_rng(0), watch=lambda *_: None)
    model = staged(learnt_card("halves", plan.recipe, "DX", halves), plan.recipe, TorchEngine(taught.network))
    assert fingerprint(learnt_from, halves.targets).counts == {"liver": 16, "kidney": 16}
    (question,) = questions_of(model.recipe, model.card)

    def figures(data):
        pairs = ((s.group, model(s.case()), s.reference()[0]) for s in data)
        return evaluate(pairs, question.metric, rng=np.random.default_rng(0), resamples=20)

    whole, half = figures(halves.split("test")), figures(learnt_from)
    assert whole["liver: dice"].value > 0.85
    assert whole["kidney: dice"].value > 0.85
    assert half["kidney: dice"].value > 0.85
    assert half["kidney: dice"].excluded == half["liver: dice"].excluded == 16
    assert half["kidney: made up"].value == 0, "a kidney that nobody outlined was not made up"


def test_what_a_sample_ignores_is_not_known_on_the_lattice_of_the_network():
    truth, data = phantom(1, "segmentation", (LIVER,))
    labels = truth.labels.copy()
    labels[12:] = 9
    ignoring = segmented(labels, ((1, LIVER), (9, codes.IGNORE)), spacing=(1.0, 1.0), name="p1")
    recipe = Recipe(labels=(LIVER,), shape=(24, 32), normalise="zscore")
    (one,) = prepared(Dataset(name="upper", samples=(sample_of(ignoring, data),), licence="CC0-1.0"), recipe)
    assert np.isnan(one.target[:, 12:]).all()
    np.testing.assert_array_equal(one.target[0, :12], truth.labels[:12])


def test_the_baseline_of_outlines_looks_at_what_is_known_too():
    """Liver is what is 200; where nothing is known the same brightness is called background."""

    def sample(number, pairs):
        labels = np.zeros((10, 10), np.uint8)
        data = np.zeros((10, 10), np.uint8)
        data[:4], data[6:] = 200, 100
        labels[:2], labels[2:4], labels[6:] = 1, 9, 2
        labels[~np.isin(labels, [n for n, _ in pairs])] = 0
        return sample_of(segmented(labels, pairs, name=f"b{number}"), data, number)

    liver = sample(0, ((1, LIVER), (9, codes.IGNORE)))
    kidney = sample(1, ((2, KIDNEY),))
    recipe = Recipe(labels=(LIVER, KIDNEY), activation="softmax", shape=(10, 10), normalise="zscore")
    data = Dataset(name="bands", samples=(liver, kidney), licence="CC0-1.0")
    _, simple = fitted_baselines(data, recipe)
    (found,) = simple(liver.case())
    assert (found.labels[:4] == 1).all()
    assert (found.labels[6:] == 2).all()
    assert not found.labels[4:6].any()
    assert [band.share for band in simple.parts[0].bands] == [1.0, 1.0]
