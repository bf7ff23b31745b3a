"""Figures beside MONAI, SimpleITK and scikit-learn: equal on random inputs, apart where those hide a failure."""

import math
import warnings

import numpy as np
import pytest
import SimpleITK
from scipy import ndimage
from sklearn import metrics as sk

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid, derived_frame
from skiagraph.metrics import classification, regression, roc_auc, segmentation
from skiagraph.metrics.surface import surface_distances

torch = pytest.importorskip("torch", reason="MONAI needs torch")
monai = pytest.importorskip("monai.metrics", reason="MONAI is not installed")

SHAPE = (12, 20, 22)
SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.5, 0.7)]
EMPTY = np.zeros((6, 7, 8), np.bool_)
ORGAN = EMPTY.copy()
ORGAN[1:4, 2:5, 3:6] = True
DIAGONAL = math.dist([0] * 3, EMPTY.shape)
DEGENERATE = {"missed": (EMPTY, ORGAN), "made up": (ORGAN, EMPTY), "neither": (EMPTY, EMPTY)}


def blob(rng, share=0.15):
    """A shape as of an organ, away from the border."""
    smooth = ndimage.gaussian_filter(rng.normal(size=SHAPE), 1.5)
    inner = tuple(slice(4, n - 4) for n in SHAPE)
    mask = np.zeros(SHAPE, np.bool_)
    mask[inner] = smooth[inner] > np.quantile(smooth[inner], 1 - share)
    return mask


def by_monai(function, found, true, *settings, **named):
    """One number from MONAI of two masks; what it warns of is what this page is about."""
    tensors = [torch.from_numpy(m[None, None].astype(np.float32)) for m in (found, true)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(function(*tensors, *settings, include_background=True, **named))


def by_simpleitk(judge, found, true, spacing=(1.0, 1.0, 1.0)):
    images = [SimpleITK.GetImageFromArray(m.astype(np.uint8)) for m in (found, true)]
    for image in images:
        image.SetSpacing(spacing[::-1])
    judge.Execute(*images)
    return judge


def outlined(mask, spacing):
    space = Grid(shape=mask.shape, affine=np.diag([*spacing, 1.0]), frame=derived_frame("peers"))
    segments = (Segment(number=1, code=codes.HEAD),)
    return Segmentation(space=space, labels=mask.astype(np.uint8), segments=segments)


def figures_of(metric, *pairs):
    total = metric.tally(*pairs[0])
    for pair in pairs[1:]:
        total = metric.merge(total, metric.tally(*pair))
    return metric.summary(total)


def outlines(found, true, spacing=(1.0, 1.0, 1.0)):
    return figures_of(segmentation(), (outlined(found, spacing), outlined(true, spacing)))


@pytest.mark.parametrize("spacing", SPACINGS, ids=["cubes", "thick slices"])
@pytest.mark.parametrize("seed", range(4))
def test_overlap_and_surface_dice_of_random_outlines_are_those_of_monai_and_simpleitk(seed, spacing):
    rng = np.random.default_rng(seed)
    a, b = blob(rng), blob(rng, 0.3)
    ours = outlines(a, b, spacing)
    judge = by_simpleitk(SimpleITK.LabelOverlapMeasuresImageFilter(), a, b)
    dice, iou = (by_monai(f, a, b) for f in (monai.compute_dice, monai.compute_iou))
    assert ours["dice"] == pytest.approx(dice) == pytest.approx(judge.GetDiceCoefficient())
    assert ours["iou"] == pytest.approx(iou) == pytest.approx(judge.GetJaccardCoefficient())
    near = {"spacing": list(spacing), "use_subvoxels": True}
    expected = by_monai(monai.compute_surface_dice, a, b, [2.0], **near)
    assert ours["surface dice at 2 mm"] == pytest.approx(expected, abs=0.01), (
        "areas of patches differ a little"
    )


@pytest.mark.parametrize("spacing", SPACINGS, ids=["cubes", "thick slices"])
@pytest.mark.parametrize("seed", range(4))
def test_distances_of_random_outlines_are_those_of_monai_but_for_the_size_of_a_voxel(seed, spacing):
    """MONAI measures between the centres of voxels at the border, we between elements of the surface around them.

    Each element is within half the diagonal of a voxel of such a centre: the largest distances differ by one at most.
    """
    rng = np.random.default_rng(10 + seed)
    a, b = blob(rng), blob(rng, 0.3)
    ours, voxel, where = outlines(a, b, spacing), math.hypot(*spacing), {"spacing": list(spacing)}
    expected = {
        "hausdorff [mm]": by_monai(monai.compute_hausdorff_distance, a, b, **where),
        "hd95 [mm]": by_monai(monai.compute_hausdorff_distance, a, b, percentile=95, **where),
        "mean surface distance [mm]": by_monai(
            monai.compute_average_surface_distance, a, b, symmetric=True, **where
        ),
    }
    assert {name: ours[name] for name in expected} == pytest.approx(expected, abs=voxel)
    judge = by_simpleitk(SimpleITK.HausdorffDistanceImageFilter(), a, b, spacing)
    assert ours["hausdorff [mm]"] == pytest.approx(judge.GetHausdorffDistance(), abs=voxel)


@pytest.mark.parametrize("spacing", SPACINGS, ids=["cubes", "thick slices"])
@pytest.mark.parametrize("shift", [(0, 0, 3), (2, 0, 0), (1, 2, 3), (0, 0, 0)])
def test_equal_boxes_are_as_far_apart_for_all_three(shift, spacing):
    a, b = np.zeros(SHAPE, np.bool_), np.zeros(SHAPE, np.bool_)
    a[2:5, 4:9, 4:10] = True
    b[tuple(slice(n + s, n + s + w) for n, s, w in zip((2, 4, 4), shift, (3, 5, 6), strict=True))] = True
    expected = math.dist([0] * 3, np.multiply(shift, spacing))
    assert outlines(a, b, spacing)["hausdorff [mm]"] == pytest.approx(expected)
    assert by_monai(monai.compute_hausdorff_distance, a, b, spacing=list(spacing)) == pytest.approx(expected)
    judge = by_simpleitk(SimpleITK.HausdorffDistanceImageFilter(), a, b, spacing)
    assert judge.GetHausdorffDistance() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_sensitivity_and_precision_of_voxels_are_those_of_monai(seed):
    rng = np.random.default_rng(20 + seed)
    a, b = blob(rng), blob(rng, 0.3)
    ours = outlines(a, b)
    table = monai.get_confusion_matrix(*(torch.from_numpy(m[None, None].astype(np.float32)) for m in (a, b)))
    for name in ("sensitivity", "precision"):
        (theirs,) = monai.compute_confusion_matrix_metric(name, table).flatten().tolist()
        assert ours[name] == pytest.approx(theirs), name


@pytest.mark.parametrize(
    ("case", "ours", "theirs"),
    [
        ("missed", (0.0, DIAGONAL, DIAGONAL), (0.0, None, math.inf)),
        ("made up", (0.0, DIAGONAL, DIAGONAL), (None, None, math.inf)),
        ("neither", (1.0, None, None), (None, None, None)),
    ],
)
def test_a_structure_that_is_missed_or_made_up_counts_here_and_drops_out_of_the_mean_of_monai(
    case, ours, theirs
):
    """Dice, HD95 and mean distance. None is no number: MONAI leaves it out of its mean, also what was made up."""
    found, true = DEGENERATE[case]
    figures = outlines(found, true)
    said = (
        by_monai(monai.compute_dice, found, true),
        by_monai(monai.compute_hausdorff_distance, found, true, percentile=95),
        by_monai(monai.compute_average_surface_distance, found, true, symmetric=True),
    )
    here = tuple(figures[name] for name in ("dice", "hd95 [mm]", "mean surface distance [mm]"))
    assert tuple(None if math.isnan(n) else n for n in said) == theirs
    assert tuple(None if math.isnan(n) else n for n in here) == pytest.approx(ours)


def test_the_mean_hd95_of_monai_stays_where_it_is_though_half_of_the_structures_are_missed():
    """MONAI 9095; the same cases in both."""
    off = np.roll(ORGAN, 2, axis=2)
    cases = [(off, ORGAN)] * 4 + [(EMPTY, ORGAN)] * 4
    mean = monai.HausdorffDistanceMetric(include_background=True, percentile=95)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for pair in cases:
            mean(*(torch.from_numpy(m[None, None].astype(np.float32)) for m in pair))
    assert float(mean.aggregate()) == pytest.approx(2.0)
    one = (1.0, 1.0, 1.0)
    ours = figures_of(segmentation(), *[(outlined(a, one), outlined(b, one)) for a, b in cases])
    assert ours["hd95 [mm]"] == pytest.approx((2.0 + DIAGONAL) / 2)
    assert (ours["missed"], ours["penalised"]) == (4, 4)


@pytest.mark.parametrize("case", DEGENERATE)
def test_simpleitk_refuses_a_distance_from_nothing(case):
    found, true = DEGENERATE[case]
    with pytest.raises(RuntimeError, match="pixelcount is equal to 0"):
        by_simpleitk(SimpleITK.HausdorffDistanceImageFilter(), found, true)
    apart = surface_distances(found, true, np.eye(3), DIAGONAL)
    assert math.isnan(apart.hausdorff()) if case == "neither" else apart.hausdorff() == DIAGONAL


def test_nothing_where_nothing_is_has_no_overlap_for_simpleitk_and_the_full_one_here():
    judge = by_simpleitk(SimpleITK.LabelOverlapMeasuresImageFilter(), EMPTY, EMPTY)
    assert not 0 <= judge.GetDiceCoefficient() <= 1
    assert not 0 <= judge.GetJaccardCoefficient() <= 1
    assert (outlines(EMPTY, EMPTY)["dice"], outlines(EMPTY, EMPTY)["iou"]) == (1.0, 1.0)
    assert math.isnan(outlines(EMPTY, EMPTY)["dice where present"])


@pytest.mark.parametrize("seed", range(3))
def test_the_area_under_a_curve_is_that_of_monai_also_with_ties(seed):
    rng = np.random.default_rng(seed)
    scores, truth = rng.integers(0, 9, 60) / 8, rng.integers(0, 2, 60)
    theirs = monai.compute_roc_auc(torch.from_numpy(scores), torch.from_numpy(truth))
    assert roc_auc(scores, truth)[0] == pytest.approx(theirs)


def test_a_score_that_is_no_number_is_ranked_by_monai_and_refused_here():
    scores, truth = [0.1, math.nan, 0.3, 0.3], [0, 1, 1, 0]
    assert 0 < monai.compute_roc_auc(torch.tensor(scores), torch.tensor(truth)) < 1
    with pytest.raises(InvalidInput, match="finite"):
        roc_auc(scores, truth)


KIND, NO, YES = (Code(value=w, scheme="99TEST", meaning=w) for w in ("kind", "no", "yes"))


def classes(p, truth):
    """The figures of two classes."""

    def says(q):
        scores = (ClassScore(code=NO, probability=1 - q), ClassScore(code=YES, probability=q))
        return Classification(concept=KIND, scores=scores)

    return figures_of(classification(), *[(says(q), says(float(t))) for q, t in zip(p, truth, strict=True)])


def by_scikit_learn(p, truth):
    """None for what it refuses or has no number for; it gives 0.0 with a warning where a figure has no meaning."""
    said = np.array(p) > 0.5
    asked = {
        "accuracy": lambda: sk.accuracy_score(truth, said),
        "balanced accuracy": lambda: sk.balanced_accuracy_score(truth, said),
        "sensitivity": lambda: sk.recall_score(truth, said),
        "precision": lambda: sk.precision_score(truth, said),
        "f1": lambda: sk.f1_score(truth, said),
        "roc auc": lambda: sk.roc_auc_score(truth, p),
        "pr auc": lambda: sk.average_precision_score(truth, p),
        "kappa": lambda: sk.cohen_kappa_score(truth, said),
        "matthews": lambda: sk.matthews_corrcoef(truth, said),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: float(ask()) for name, ask in asked.items()}


@pytest.mark.parametrize(
    ("p", "truth", "apart"),
    [
        ([0.9, 0.8, 0.2], [1, 1, 1], set()),
        ([0.1, 0.2, 0.3], [0, 1, 1], set()),
        ([0.4] * 4, [0, 1, 1, 0], set()),
        ([0.1, 0.2, 0.9], [0, 0, 0], {"sensitivity", "pr auc"}),
        ([0.1, 0.2, 0.3], [0, 0, 0], {"sensitivity", "precision", "f1", "pr auc", "matthews"}),
    ],
    ids=["positives alone", "never found", "a constant", "negatives alone", "negatives alone, and all right"],
)
def test_of_one_class_alone_scikit_learn_gives_zeros_where_nothing_could_be_found(p, truth, apart):
    """0.0 would read as a failure although there was nothing to find; here such a figure is none."""
    ours, theirs = classes(p, truth), by_scikit_learn(p, truth)
    for name, value in theirs.items():
        if name in apart:
            assert value == 0.0, name
            assert math.isnan(ours[name]), name
        else:
            assert ours[name] == pytest.approx(value, nan_ok=True), name


@pytest.mark.parametrize(
    ("found", "true", "theirs"), [([1, 2, 3], [5, 5, 5], 0.0), ([5, 5, 5], [5, 5, 5], 1.0)]
)
def test_of_equal_references_scikit_learn_has_a_share_that_is_explained_and_here_there_is_none(
    found, true, theirs
):
    pairs = [
        tuple(Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=float(n), unit=codes.MM) for n in pair)
        for pair in zip(found, true, strict=True)
    ]
    figures = figures_of(regression(), *pairs)
    assert sk.r2_score(true, found) == theirs
    assert math.isnan(figures["r2"])
    assert figures["mean absolute error"] == sk.mean_absolute_error(true, found)
    assert figures["root mean square error"] == sk.root_mean_squared_error(true, found)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_value_that_is_no_number_never_reaches_a_metric(number):
    with pytest.raises(InvalidInput):
        Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=number, unit=codes.MM)
    with pytest.raises(InvalidInput):
        ClassScore(code=YES, probability=number)
