"""The chest: nodules are where they are said to be, and the X-ray is what Beer and Lambert make of the CT."""

import dataclasses
import math

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.findings import Boxes, Landmarks, Measurement
from skiagraph.geometry import to_index
from skiagraph.phantoms import concepts
from skiagraph.phantoms.chest import lung, sample_chest
from skiagraph.phantoms.chest_ct import chest_ct
from skiagraph.phantoms.chest_volume import LABELS, nodule_labels
from skiagraph.phantoms.chest_xray import WATER, Beam, attenuation, chest_xray, projected, projection

CHEST = {"shape": (80, 96, 96), "spacing": (3.4, 3.6, 3.6)}


@pytest.fixture(scope="module")
def study():
    return chest_ct(5, **CHEST, nodules=4)


def test_the_inside_of_a_nodule_has_the_attenuation_that_is_stated(study):
    values = study.images["ct"].data.astype(float)
    index = np.stack(np.indices(values.shape), axis=-1)
    for nodule in study.phantom.nodules:
        centre = to_index(study.images["ct"].space, np.array(nodule.centre))
        far = np.linalg.norm((index - centre) * study.phantom.spacing, axis=-1)
        core = values[far < nodule.diameter / 2 - 2.8]
        assert core.mean() == pytest.approx(
            nodule.attenuation, abs=5 * study.phantom.noise / math.sqrt(len(core))
        )


def test_volumes_by_counting_agree_with_the_balls(study):
    fine = dataclasses.replace(study.phantom, shape=(270, 345, 345), spacing=(1.0, 1.0, 1.0))
    labels = nodule_labels(fine)
    for number, nodule in enumerate(fine.nodules, start=1):
        assert (labels == number).sum() == pytest.approx(nodule.volume, rel=0.05)


def test_truth_states_diameter_volume_box_and_centre_of_each(study):
    boxes = next(f for f in study.findings if isinstance(f, Boxes)).items
    centres = next(f for f in study.findings if isinstance(f, Landmarks)).items
    numbers = [f for f in study.findings if isinstance(f, Measurement)]
    assert len(boxes) == len(centres) == 4
    for n, nodule in enumerate(study.phantom.nodules):
        diameter, volume = numbers[2 * n : 2 * n + 2]
        assert (diameter.concept, diameter.unit.value) == (concepts.DIAMETER, "mm")
        assert (volume.concept, volume.unit.value) == (concepts.VOLUME, "mm3")
        assert volume.value == pytest.approx(math.pi / 6 * diameter.value**3)
        size = (boxes[n].high - boxes[n].low) * study.phantom.spacing
        assert np.allclose(size, nodule.diameter)
        assert np.allclose(centres[n].point, nodule.centre)


@pytest.mark.parametrize("seed", range(12))
def test_every_nodule_lies_whole_in_the_lung(seed):
    chest = sample_chest(np.random.default_rng(seed))
    assert 2 <= len(chest.nodules) <= 5
    for nodule in chest.nodules:
        assert float(lung(chest, *nodule.centre)) < -nodule.diameter / 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_anatomy_is_that_of_an_adult(seed):
    study = chest_ct(seed, **CHEST)
    litre = np.prod(study.phantom.spacing) / 1e6
    labels = study.masks["organs"].labels
    volume = {name: float((labels == n).sum() * litre) for name, n in LABELS.items()}
    assert 2.0 < volume["right lung"] + volume["left lung"] < 7.5
    assert volume["right lung"] > volume["left lung"]
    assert 0.3 < volume["heart"] < 0.9
    values = study.images["ct"].data
    assert -900 < np.median(values[labels == LABELS["right lung"]]) < -780
    assert np.mean(values[labels == LABELS["heart"]]) == pytest.approx(44, abs=12)
    assert np.mean(values[labels == LABELS["rib"]]) > 250
    assert np.median(values[labels == LABELS["airway"]]) < -800


def test_anatomy_varies_with_the_seed():
    a, b = (sample_chest(np.random.default_rng(n)) for n in (1, 2))
    assert a.size != b.size
    assert a.heart != b.heart
    assert a.domes != b.domes


def test_the_series_holds_the_volume(study):
    stack = np.stack(
        [
            ds.pixel_array.astype(int) * int(ds.RescaleSlope) + int(ds.RescaleIntercept)
            for ds in study.datasets
        ]
    )
    assert np.array_equal(stack, study.images["ct"].data)
    for n, ds in enumerate(study.datasets):
        place = study.images["ct"].space.affine @ [n, 0, 0, 1]
        assert np.allclose([float(v) for v in ds.ImagePositionPatient], place[:3], atol=1e-6)


def test_impossible_chests_are_refused():
    chest = sample_chest(np.random.default_rng(1))
    with pytest.raises(InvalidInput, match="room for all nodules"):
        sample_chest(np.random.default_rng(1), shape=(8, 16, 16), spacing=(2.0, 2.0, 2.0), nodules=3)
    with pytest.raises(InvalidInput, match="sizes above zero"):
        dataclasses.replace(chest, fat=0.0)
    far = dataclasses.replace(chest.nodules[0], centre=(900.0, 0.0, 0.0))
    with pytest.raises(InvalidInput, match="whole in its volume"):
        dataclasses.replace(chest, nodules=(far,))


@pytest.mark.parametrize(
    ("hu", "expected"), [(0, WATER), (-1000, 0.0), (1000, 2 * WATER), (-1024, 0.0), (-500, WATER / 2)]
)
def test_hounsfield_units_become_attenuation(hu, expected):
    assert float(attenuation(np.array(hu))) == pytest.approx(expected, rel=1e-6)


def test_parallel_rays_through_a_block_of_water_lose_what_beer_and_lambert_say():
    block = np.full((20, 30, 40), -1000.0)
    block[5:15, 10:20, 10:30] = 0.0
    beam = Beam(source_to_detector=None, pixel=2.0)
    paths = projection(attenuation(block), (2.0, 3.0, 2.0), beam, (20, 40))
    assert paths[10, 20] == pytest.approx(WATER * 10 * 3.0, rel=1e-5)
    assert np.exp(-paths[10, 20]) == pytest.approx(math.exp(-0.02059 * 30.0), rel=1e-5)
    assert paths[0, 0] == 0.0
    assert np.argwhere(paths > 0).min(axis=0).tolist() == [5, 10]


def test_diverging_rays_run_longer_and_magnify_what_is_far_from_the_detector():
    block = np.full((80, 40, 80), 0.0)
    beam = Beam(source_to_detector=1000.0, source_to_middle=700.0, pixel=2.0)
    paths = projection(attenuation(block), (4.0, 4.0, 4.0), beam, (81, 81))
    assert paths[40, 40] == pytest.approx(WATER * 160.0, rel=1e-5)
    u = 30 * 2.0
    assert paths[40, 70] == pytest.approx(WATER * 160.0 * math.hypot(1, u / 1000.0), rel=1e-5)
    assert float(beam.magnification(0.0)) == pytest.approx(1000 / 700)


@pytest.mark.parametrize("place", [(0, 0, 0), (40, 0, 30), (-30, 50, -20), (20, -60, 10)])
def test_a_ball_appears_where_it_is_projected_to(place):
    shape, spacing = (60, 80, 60), (3.0, 3.0, 3.0)
    z, y, x = (((np.arange(n) - (n - 1) / 2) * 3.0) for n in shape)
    far = np.sqrt(
        (z[:, None, None] - place[2]) ** 2
        + (y[None, :, None] - place[1]) ** 2
        + (x[None, None, :] - place[0]) ** 2
    )
    volume = np.clip(0.5 + (9.0 - far) / 3.0, 0, 1).astype(np.float32)
    beam = Beam(source_to_detector=900.0, source_to_middle=700.0, pixel=1.0)
    size = (280, 280)
    shadow = projection(volume, spacing, beam, size)
    rows, columns = np.indices(size)
    seen = (shadow * rows).sum() / shadow.sum(), (shadow * columns).sum() / shadow.sum()
    assert np.allclose(seen, projected(beam, size, np.array(place, float)), atol=0.6)


def test_the_shadow_of_a_nodule_is_darker_film_and_lies_in_its_box():
    beam = Beam(photons=0.0, scatter=0.0)
    study = chest_xray(5, **CHEST, beam=beam)
    boxes = next(f for f in study.findings if isinstance(f, Boxes)).items
    assert len(boxes) == len(study.phantom["chest"].nodules)
    for box, nodule in zip(boxes, study.phantom["chest"].nodules, strict=True):
        size = (box.high - box.low) * beam.pixel
        magnified = nodule.diameter * float(beam.magnification(-nodule.centre[1]))
        assert np.allclose(size, magnified, rtol=0.02)


def test_the_cardiothoracic_ratio_is_that_of_the_shadows():
    study = chest_xray(5, **CHEST)
    ratio = next(f for f in study.findings if isinstance(f, Measurement))
    heart, chest = (study.masks["organs"].mask(n).any(axis=0).sum() for n in (2, 1))
    assert ratio.value == heart / chest
    assert 0.35 < ratio.value < 0.62


def test_both_photometric_interpretations_show_one_picture():
    light, dark = (chest_xray(5, **CHEST, photometric=f"MONOCHROME{n}") for n in (2, 1))
    a, b = light.datasets[0], dark.datasets[0]
    assert (a.PresentationLUTShape, b.PresentationLUTShape) == ("IDENTITY", "INVERSE")
    assert np.array_equal(a.pixel_array, 4095 - b.pixel_array)
    assert np.array_equal(light.images["xray"].data, dark.images["xray"].data)
    assert [float(v) for v in a.ImagerPixelSpacing] == [0.8, 0.8]
    assert "PixelSpacing" not in a


def test_a_beam_that_cannot_be_is_refused():
    with pytest.raises(InvalidInput, match="positive sizes"):
        Beam(pixel=0.0)
    with pytest.raises(InvalidInput, match="behind the patient"):
        Beam(source_to_detector=100.0)


def test_a_chest_without_nodules_has_nothing_to_find():
    study = chest_ct(5, **CHEST, nodules=0)
    assert study.findings == ()
    assert "nodules" not in study.masks
