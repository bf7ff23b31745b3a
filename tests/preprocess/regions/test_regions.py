"""Regions of interest: known discs and balls are found in every kind of image and in its space."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage import filters
from skimage.segmentation import flood

from skiagraph.errors import GeometryError, InvalidInput, MissingPackage, UnknownSize
from skiagraph.image import Image, pixels
from skiagraph.preprocess.regions import REGIONS, grab_cut, grown, otsu, random_walk, snake, watershed

RGB = ("red", "green", "blue")


def seeded(name, image):
    return {"seeds": (tuple(side // 2 for side in image.space.shape),)} if name == "grown" else {}


def dice(one, other):
    return 2 * np.sum(one & other) / (one.sum() + other.sum())


@pytest.mark.parametrize("name", [name for name in REGIONS if name != "grab-cut"])
def test_every_method_answers_in_the_space_of_every_kind_of_image(name, kind):
    found = REGIONS[name](kind, **seeded(name, kind))
    assert found.space is kind.space
    assert found.labels.shape == pixels(kind).shape[: found.labels.ndim]
    assert all((segment.code.value, segment.code.scheme) == ("111099", "DCM") for segment in found.segments)
    assert (found.kind == "instances") == (name == "watershed")


@pytest.mark.parametrize(
    ("name", "given", "least"),
    [
        ("otsu", {}, 0.97),
        ("grown", {"tolerance": 30.0}, 0.97),
        ("snake", {}, 0.97),
        ("snake", {"method": "geodesic"}, 0.85),
        ("watershed", {}, 0.95),
        ("random-walk", {}, 0.97),
        ("random-walk", {"seeds": ((24, 24), (20, 28))}, 0.9),
        ("grab-cut", {}, 0.95),
    ],
)
def test_a_disc_is_found(name, given, least, imaged, phantom):
    clean, noisy = phantom(noise=4.0)
    image = imaged(noisy)
    found = REGIONS[name](image, **(seeded(name, image) | given))
    assert dice(found.labels > 0, clean > 100) > least


@pytest.mark.parametrize("name", ["otsu", "grown", "snake", "watershed", "random-walk"])
def test_a_ball_is_found(name, imaged, phantom):
    clean, noisy = phantom(20, noise=4.0, ndim=3)
    image = imaged(noisy)
    given = seeded(name, image) | ({"tolerance": 30.0} if name == "grown" else {})
    assert dice(REGIONS[name](image, **given).labels > 0, clean > 100) > 0.9


@pytest.mark.parametrize("name", REGIONS)
def test_a_picture_of_one_value_has_no_region(name, imaged):
    image = imaged(np.full((12, 12), 3.0))
    assert not REGIONS[name](image, **seeded(name, image)).labels.any()


@pytest.mark.parametrize("name", REGIONS)
def test_places_without_a_number_belong_to_no_region(name, imaged, phantom):
    array = phantom(32, noise=4.0)[1]
    array[14:17, 10:20] = np.nan
    image = imaged(array)
    given = {"seeds": ((20, 20),)} if name == "grown" else {}
    found = REGIONS[name](image, **given).labels
    assert found.any()
    assert not found[np.isnan(array)].any()


@pytest.mark.parametrize("name", REGIONS)
def test_two_runs_give_one_answer(name, imaged, phantom):
    image = imaged(phantom()[1])
    one, other = (REGIONS[name](image, **seeded(name, image)).labels for _ in range(2))
    assert_array_equal(one, other)


@pytest.mark.parametrize("name", REGIONS)
def test_truth_values_hold_no_region_to_seek(name, imaged):
    image = imaged(np.eye(8, dtype=bool))
    if name == "grab-cut":  # which sees a picture as on a screen
        assert grab_cut(image).labels.shape == (8, 8)
        return
    with pytest.raises(InvalidInput, match="truth values"):
        REGIONS[name](image, **seeded(name, image))


def test_otsu_agrees_with_scikit_image_and_opencv(imaged, phantom):
    array = phantom()[1].clip(0, 255).astype(np.uint8)
    _, mask = cv2.threshold(array, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ours = otsu(imaged(array)).labels
    assert_array_equal(ours, array > filters.threshold_otsu(array))
    assert_array_equal(ours, mask)
    assert_array_equal(otsu(imaged(array), bright=False).labels, 1 - ours)


def test_region_growing_agrees_with_a_flood(imaged, phantom):
    clean, _ = phantom()
    array = clean + np.arange(48)
    found = grown(imaged(array), seeds=((24, 24),), tolerance=5.0).labels
    assert_array_equal(found, flood(array, (24, 24), tolerance=5.0, connectivity=1))
    assert found.sum() < (clean > 100).sum()


def test_two_seeds_grow_two_parts(imaged):
    array = np.zeros((9, 9))
    array[1:4, 1:4] = array[5:8, 5:8] = 10
    assert grown(imaged(array), seeds=((2, 2),), tolerance=6.0).labels.sum() == 9
    assert grown(imaged(array), seeds=((2, 2), (6, 6)), tolerance=6.0).labels.sum() == 18


@pytest.mark.parametrize("seeds", [(), ((1,),), ((1, 2, 3),), ((-1, 0),), ((0, 8),)])
def test_a_seed_lies_in_the_picture(seeds, imaged):
    for method in (grown, random_walk):
        with pytest.raises(GeometryError, match="inside of the picture"):
            method(imaged(np.eye(8)), seeds=seeds)


def test_touching_discs_are_parted_and_numbered(imaged):
    i, j = np.indices((40, 70))
    discs = [np.hypot(i - 20, j - at) < 11 for at in (14, 33, 55)]
    found = watershed(imaged(np.where(np.any(discs, axis=0), 200.0, 20.0)))
    assert [segment.number for segment in found.segments] == [1, 2, 3]
    for disc in discs:
        assert max(dice(found.mask(n), disc) for n in (1, 2, 3)) > 0.93


def test_small_objects_are_dropped_and_moments_are_numbered_through(imaged):
    array = np.zeros((2, 30, 30))
    array[:, 4:14, 4:14], array[:, 22:25, 22:25] = 100, 100
    assert len(watershed(imaged(array[0])).segments) == 1
    both = watershed(imaged(array, times=2), smallest=4)
    assert np.unique(both.labels[0]).tolist() == [0, 1, 2]
    assert np.unique(both.labels[1]).tolist() == [0, 3, 4]


def test_a_distance_in_mm_needs_a_size(imaged, phantom):
    array = phantom(24)[1]
    with pytest.raises(UnknownSize, match="pixel size is known"):
        watershed(imaged(array), unit="mm")
    assert watershed(imaged(array, spacing=(0.5, 0.5)), apart=3.5, unit="mm").labels.any()


def test_a_snake_begins_where_it_is_told(imaged, phantom):
    clean, _ = phantom()
    start = np.zeros(clean.shape, dtype=bool)
    start[20:28, 20:28] = True
    grew = snake(imaged(clean), start=start, method="geodesic", balloon=1).labels
    assert 1.5 * start.sum() < grew.sum() < 1.2 * (clean > 100).sum()
    with pytest.raises(GeometryError, match="shape of one moment"):
        snake(imaged(clean), start=start[:-1])


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        (snake, {"method": "adder"}, "chan-vese"),
        (snake, {"steps": 0}, "steps"),
        (snake, {"balloon": 3}, "balloon"),
        (watershed, {"apart": 0}, "apart"),
        (watershed, {"smallest": 0}, "smallest"),
        (watershed, {"unit": "cm"}, "pixel or in mm"),
        (random_walk, {"beta": -1}, "beta"),
        (grown, {"seeds": ((1, 1),), "tolerance": 0}, "tolerance"),
        (grab_cut, {"steps": 0}, "steps"),
        (grab_cut, {"box": (0, 0, 8, 8)}, "around it"),
        (grab_cut, {"box": (4, 4, 8, 2)}, "in the picture"),
    ],
)
def test_what_makes_no_sense_is_refused(method, given, said, imaged):
    with pytest.raises(InvalidInput, match=said):
        method(imaged(np.eye(8)), **given)


def test_grab_cut_parts_colours_and_knows_no_volumes(imaged, rng):
    array = np.full((40, 40, 3), (40, 90, 160), dtype=np.uint8)
    array[12:28, 12:28] = (160, 60, 40)
    array = (array + rng.integers(0, 12, array.shape)).astype(np.uint8)
    found = grab_cut(imaged(array, channels=RGB), box=(6, 6, 28, 28)).labels
    truth = np.zeros((40, 40), dtype=bool)
    truth[12:28, 12:28] = True
    assert dice(found > 0, truth) > 0.98
    with pytest.raises(InvalidInput, match="random_walk"):
        grab_cut(imaged(np.zeros((4, 4, 4))))


def test_grab_cut_says_what_to_install(imaged, monkeypatch, phantom):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(MissingPackage, match=r"skiagraph\[opencv\]"):
        grab_cut(imaged(phantom(24)[1]))


def test_other_channels_than_colours_are_refused(imaged):
    image = imaged(np.zeros((4, 4, 2)), channels=("a", "b"))
    assert isinstance(image, Image)
    with pytest.raises(InvalidInput, match="red, green and blue"):
        otsu(image)
