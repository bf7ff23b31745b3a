"""The head and the heart: signal equations against numbers worked out by hand, volumes against geometry."""

import math

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.findings import Curve, Measurement
from skiagraph.phantoms import concepts
from skiagraph.phantoms.brain import TISSUES, draw_tissues
from skiagraph.phantoms.brain_mr import WEIGHTINGS, brain_mr, rician, signals
from skiagraph.phantoms.cine_heart import BeatingHeart, cine_heart
from skiagraph.phantoms.relaxation import (
    BRAIN,
    HEART,
    Tissue,
    balanced_signal,
    gradient_echo,
    inversion_recovery,
    nulling_time,
    spin_echo,
)

WATER = Tissue(density=1.0, t1=1000.0, t2=100.0, t2_star=50.0)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (spin_echo(WATER, tr=1000.0, te=100.0), (1 - 1 / math.e) / math.e),
        (spin_echo(WATER, tr=1e9, te=0.0), 1.0),
        (inversion_recovery(WATER, tr=1e9, te=0.0, ti=0.0), 1.0),
        (inversion_recovery(WATER, tr=1e9, te=0.0, ti=1000.0 * math.log(2.0)), 0.0),
        (inversion_recovery(WATER, tr=1e9, te=100.0, ti=1e9), 1 / math.e),
        (gradient_echo(WATER, tr=1e9, te=0.0, flip=90.0), 1.0),
        (gradient_echo(WATER, tr=1e9, te=50.0, flip=30.0), 0.5 / math.e),
        (gradient_echo(WATER, tr=1000.0, te=0.0, flip=90.0), 1 - 1 / math.e),
    ],
)
def test_signal_equations_give_what_paper_and_pencil_give(signal, expected):
    assert signal == pytest.approx(expected, abs=1e-12)


def test_balanced_signal_depends_on_the_ratio_of_relaxation_times_where_repetition_is_short():
    limit = math.sin(math.radians(60)) / (
        1 + math.cos(math.radians(60)) + (1 - math.cos(math.radians(60))) * 10
    )
    assert balanced_signal(WATER, tr=1e-3, flip=60.0) == pytest.approx(limit, rel=1e-4)


def test_flair_nulls_csf_and_the_order_of_tissues_is_that_of_real_images():
    t1, t2, flair = (dict(zip(TISSUES, signals(WEIGHTINGS[n]), strict=True)) for n in ("t1", "t2", "flair"))
    assert t1["fat"] > t1["white"] > t1["grey"] > t1["csf"]
    assert t2["csf"] > t2["lesion"] > t2["grey"] > t2["white"]
    assert flair["csf"] == pytest.approx(0.0, abs=1e-6)
    assert flair["lesion"] > flair["grey"] > flair["white"]
    assert nulling_time(BRAIN["csf"], tr=1e9) == pytest.approx(BRAIN["csf"].t1 * math.log(2))


@pytest.mark.parametrize("name", ["t1", "t2", "flair"])
def test_the_mean_of_each_tissue_is_its_signal_where_coil_and_noise_are_taken_away(name, drawn):
    study = drawn("brain-mr")
    labels = draw_tissues(study.phantom["head"])
    values = study.images[name].data / 2600.0
    expected = signals(WEIGHTINGS[name])
    tissue = TISSUES.index("muscle" if name == "t1" else "white")
    ratio = np.median(values[labels == tissue]) / expected[tissue]
    assert ratio == pytest.approx(1.0, abs=0.25), "the coil is uneven by no more than that"


def test_noise_of_magnitude_images_is_rician(rng):
    assert rician(np.zeros(200_000, np.float32), 2.0, rng).mean() == pytest.approx(
        2 * math.sqrt(math.pi / 2), rel=0.01
    )
    strong = rician(np.full(200_000, 100.0, np.float32), 2.0, rng)
    assert strong.std() == pytest.approx(2.0, rel=0.02)
    assert strong.mean() == pytest.approx(math.hypot(100.0, 2.0), rel=1e-3)


def test_lesions_have_the_volume_that_is_stated():
    study = brain_mr(3, shape=(48, 144, 128), spacing=(1.5, 1.3, 1.3), lesions=3, noise=0.0)
    mask = study.masks["lesions"]
    stated = [f.value for f in study.findings if isinstance(f, Measurement) and f.concept == concepts.VOLUME]
    assert len(stated) == 3
    for number, volume in enumerate(stated, start=1):
        assert mask.mask(number).sum() * 1.5 * 1.3 * 1.3 == pytest.approx(volume, rel=0.15)
    bright = study.images["flair"].data[mask.labels > 0].mean()
    assert (
        bright > 1.2 * study.images["flair"].data[study.masks["tissues"].mask(TISSUES.index("white"))].mean()
    )


def test_classic_and_enhanced_objects_hold_the_same_head(drawn):
    classic, enhanced = drawn("brain-mr"), drawn("brain-mr-enhanced")
    slices = len(classic.datasets) // 3
    for n, ds in enumerate(enhanced.datasets):
        stack = np.stack([d.pixel_array for d in classic.datasets[n * slices : (n + 1) * slices]])
        assert np.array_equal(ds.pixel_array, stack)
        places = [
            g.PlanePositionSequence[0].ImagePositionPatient for g in ds.PerFrameFunctionalGroupsSequence
        ]
        assert places == [d.ImagePositionPatient for d in classic.datasets[n * slices : (n + 1) * slices]]


def test_a_negative_noise_is_refused():
    with pytest.raises(InvalidInput, match="at least 0"):
        brain_mr(1, noise=-1.0)
    with pytest.raises(InvalidInput, match="relaxation times"):
        Tissue(density=1.0, t1=0.0, t2=1.0, t2_star=1.0)


@pytest.fixture(scope="module")
def beating():
    return cine_heart(4, shape=(11, 120, 120), spacing=(9.0, 1.5, 1.5), phases=10)


def test_volumes_by_counting_are_those_of_the_half_ellipsoid(beating):
    heart = beating.phantom
    voxel = np.prod(heart.spacing) / 1000.0
    counted = beating.masks["ventricle"].mask(1).sum(axis=(1, 2, 3)) * voxel
    assert np.allclose(counted, heart.volumes, rtol=0.02)
    stated = {f.concept: f.value for f in beating.findings if isinstance(f, Measurement)}
    assert counted.max() == pytest.approx(stated[concepts.END_DIASTOLIC_VOLUME], rel=0.02)
    assert counted.min() == pytest.approx(stated[concepts.END_SYSTOLIC_VOLUME], rel=0.02)
    fraction = 100 * (1 - counted.min() / counted.max())
    assert fraction == pytest.approx(stated[concepts.EJECTION_FRACTION], abs=1.0)


def test_the_muscle_keeps_its_volume_while_the_heart_beats(beating):
    counted = beating.masks["ventricle"].mask(2).sum(axis=(1, 2, 3))
    assert counted.std() / counted.mean() < 0.02


def test_the_cycle_begins_full_empties_once_and_fills_again(beating):
    (curve,) = (f for f in beating.findings if isinstance(f, Curve))
    heart = beating.phantom
    assert curve.values[0] == heart.volumes.max() == heart.end_diastolic
    assert heart.volumes.min() == pytest.approx(heart.end_systolic)
    lowest = int(curve.values.argmin())
    assert (np.diff(curve.values[: lowest + 1]) < 0).all()
    assert (np.diff(curve.values[lowest:]) >= -1e-9).all()


def test_the_series_says_when_each_phase_was_taken(beating):
    heart, slices = beating.phantom, 11
    times = [float(ds.TriggerTime) for ds in beating.datasets[::slices]]
    assert np.allclose(times, heart.times)
    assert np.allclose(beating.images["cine"].space.timeline.times * 1000, times)
    normal = np.cross(*np.array(beating.datasets[0].ImageOrientationPatient, float).reshape(2, 3))
    assert min(abs(normal)) > 0.3, "the slices are oblique"


def test_blood_is_bright_and_muscle_dark(beating):
    values, mask = beating.images["cine"].data, beating.masks["ventricle"]
    expected = balanced_signal(HEART["blood"], tr=3.2, flip=55) / balanced_signal(
        HEART["myocardium"], tr=3.2, flip=55
    )
    assert values[mask.mask(1)].mean() / values[mask.mask(2)].mean() == pytest.approx(expected, rel=0.2)


def test_a_heart_that_does_not_empty_is_refused():
    fields = {"seed": 1, "shape": (8, 64, 64), "spacing": (9.0, 2.0, 2.0), "phases": 8, "cycle": 900.0}
    more = {"length": 70.0, "wall": 9.0, "noise": 0.0}
    with pytest.raises(InvalidInput, match="empties"):
        BeatingHeart(**fields, **more, end_diastolic=100.0, end_systolic=100.0)
    with pytest.raises(InvalidInput, match="sizes above zero"):
        BeatingHeart(**fields, **{**more, "wall": 0.0}, end_diastolic=100.0, end_systolic=50.0)
