"""What holds for every filter: space, type, mask, missing numbers, constant pictures, noise and edges."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagraph.errors import GeometryError, InvalidInput, UnknownSize
from skiagraph.image import pixels
from skiagraph.image.quantity import GREY, HU
from skiagraph.preprocess.filters import FILTERS, Match

SMOOTHERS = [
    "k-nearest",
    "median",
    "bilateral",
    "non-local-means",
    "diffusion",
    "total-variation",
    "wiener",
    "lee",
    "srad",
]
MEAN_KEPT = ["diffusion", "total-variation", "srad"]
# The others look at one neighbour before the other by their definition, or fit splines and tiles from one corner.
EVEN = ["k-nearest", "median", "bilateral", "diffusion", "wiener", "lee", "equalise", "match", "sharpen"]
NEW_SCALE = ["equalise", "clahe", "match"]
HAS_UNIT = [name for name, cls in FILTERS.items() if "unit" in {f.name for f in dataclasses.fields(cls)}]


def made(name, image=None, **given):
    return FILTERS[name](reference=image) if name == "match" else FILTERS[name](**given)


@pytest.mark.parametrize("name", FILTERS)
def test_space_modality_type_and_channels_are_kept(name, kind):
    done = made(name, kind)(kind)
    assert done.space is kind.space
    assert (done.modality, done.channels) == (kind.modality, kind.channels)
    assert pixels(done).dtype == pixels(kind).dtype
    assert pixels(done).shape == pixels(kind).shape
    assert np.isfinite(pixels(done)).all()


@pytest.mark.parametrize("name", FILTERS)
def test_a_unit_is_kept_but_where_grey_levels_get_a_new_meaning(name, imaged, phantom):
    image = imaged(phantom(16)[1].astype(np.int16), quantity=HU)
    assert made(name, image)(image).quantity == (GREY if name in NEW_SCALE else HU)


@pytest.mark.parametrize("name", FILTERS)
def test_outside_of_a_mask_nothing_changes_by_a_bit(name, kind):
    inside = np.zeros(kind.space.shape, dtype=bool)
    inside[3:-3, 3:-3] = True
    before, after = pixels(kind), pixels(made(name, kind)(kind, inside))
    time = (slice(None),) if kind.space.timeline is not None else ()
    assert_array_equal(after[(*time, ~inside)], before[(*time, ~inside)])
    if name != "match":  # which is matched to itself here
        assert (after[(*time, inside)] != before[(*time, inside)]).any()


@pytest.mark.parametrize("name", FILTERS)
def test_an_empty_mask_changes_nothing(name, kind):
    done = made(name, kind)(kind, np.zeros(kind.space.shape, dtype=bool))
    assert_array_equal(pixels(done), pixels(kind))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("shape", [(9, 11), (5, 6, 7), (1, 1), (1, 9), (1, 6, 7)])
@pytest.mark.parametrize("value", [7, 0, 0.3])
def test_a_constant_picture_stays_as_it_is(name, shape, value, imaged):
    image = imaged(np.full(shape, value))
    assert_array_equal(pixels(made(name, image)(image)), pixels(image))


@pytest.mark.parametrize("name", FILTERS)
def test_places_without_a_number_keep_none_and_spoil_nobody_else(name, imaged, phantom):
    array = phantom(24)[1]
    array[10:12, 5:9], array[0, 0], array[20, 20] = np.nan, np.inf, -np.inf
    image = imaged(array)
    done = pixels(made(name, imaged(phantom(24)[1]))(image))
    missing = ~np.isfinite(array)
    assert_array_equal(done[missing], array[missing])
    assert np.isfinite(done[~missing]).all()


@pytest.mark.parametrize("name", FILTERS)
def test_a_picture_without_any_number_stays_as_it_is(name, imaged):
    image = imaged(np.full((8, 8), np.nan))
    assert np.isnan(pixels(made(name, imaged(np.eye(4)))(image))).all()


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "bias-field"])
@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (2, 2), (3, 40), (1, 5, 4), (2, 2, 2)])
def test_the_smallest_pictures_are_filtered(name, shape, imaged):
    image = imaged(np.arange(np.prod(shape), dtype=float).reshape(shape))
    given = {"k": 2} if name == "k-nearest" else {}
    assert np.isfinite(pixels(made(name, image, **given)(image))).all()


@pytest.mark.parametrize("name", FILTERS)
def test_whole_numbers_stay_in_the_range_of_their_type(name, imaged, rng):
    image = imaged(rng.choice([0, 1, 120, 254, 255], (24, 24)).astype(np.uint8))
    done = pixels(made(name, image)(image)).astype(float)
    exact = pixels(made(name, image)(imaged(pixels(image).astype(float))))
    assert_allclose(done, np.rint(exact).clip(0, 255), atol=1)


@pytest.mark.parametrize("name", SMOOTHERS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_noise_falls_and_edges_stay(name, ndim, imaged, phantom):
    clean, noisy = phantom(48 if ndim == 2 else 24, ndim=ndim)
    given = {"k": 13} if (name, ndim) == ("k-nearest", 3) else {}
    done = pixels(made(name, **given)(imaged(noisy)))
    middle = tuple(slice(side // 2 - 3, side // 2 + 4) for side in clean.shape)
    assert done[middle].std() < 0.75 * noisy[middle].std()
    assert np.sqrt(np.mean((done - clean) ** 2)) < 0.95 * np.sqrt(np.mean((noisy - clean) ** 2))
    assert done[clean > 100].mean() - done[clean < 100].mean() > 0.9 * 80


@pytest.mark.parametrize("name", MEAN_KEPT)
@pytest.mark.parametrize("spacing", [None, (1.0, 3.0)])
def test_the_mean_is_kept(name, spacing, imaged, phantom):
    image = imaged(phantom()[1], spacing=spacing)
    assert_allclose(pixels(made(name)(image)).mean(), pixels(image).mean(), rtol=1e-4)


@pytest.mark.parametrize("name", EVEN)
def test_a_mirrored_picture_gives_the_mirrored_result(name, imaged, phantom):
    array = np.rint(phantom(24)[1])
    one = pixels(made(name, imaged(array))(imaged(array)))
    other = pixels(made(name, imaged(array))(imaged(array[:, ::-1])))[:, ::-1]
    assert_allclose(one, other, atol=2.0 if name == "bilateral" else 0.2)


@pytest.mark.parametrize("name", HAS_UNIT)
def test_a_width_in_mm_is_the_same_in_pixels_of_a_millimetre(name, imaged, phantom):
    array = phantom(24)[1]
    in_mm = made(name, unit="mm")(imaged(array, spacing=(1.0, 1.0)))
    assert_allclose(pixels(in_mm), pixels(made(name)(imaged(array))), atol=1e-9)


@pytest.mark.parametrize("name", HAS_UNIT)
def test_a_width_in_mm_needs_a_size(name, imaged, phantom):
    with pytest.raises(UnknownSize, match="pixel size is known"):
        made(name, unit="mm")(imaged(phantom(16)[1]))
    with pytest.raises(InvalidInput, match="pixel or in mm"):
        made(name, unit="cm")


@pytest.mark.parametrize(
    "name", [name for name in SMOOTHERS if name not in ("srad", "diffusion", "bilateral")]
)
def test_slices_far_apart_are_not_mixed(name, imaged, rng):
    array = rng.normal(100, 10, (3, 16, 16)) + np.array([0, 500, 1000])[:, None, None]
    given = {"noise": 10.0} if name in ("non-local-means", "wiener") else {}
    given |= {"weight": 10.0} if name == "total-variation" else {}
    given |= {"speckle": 0.1} if name == "lee" else {}
    done = pixels(made(name, **given)(imaged(array, spacing=(20.0, 1.0, 1.0))))
    each = [pixels(made(name, **given)(imaged(sheet, spacing=(1.0, 1.0)))) for sheet in array]
    assert_allclose(done, each, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("bilateral", {"tone": 200.0}),
        ("diffusion", {"conductance": 50.0}),
        ("srad", {"speckle": 1.0}),
        ("sharpen", {}),
    ],
)
def test_rows_far_apart_are_hardly_mixed(name, given, imaged, rng):
    stripes = rng.normal(100, 10, (16, 32)) + 40 * (np.arange(16) % 2)[:, None]

    def contrast(spacing):
        done = pixels(made(name, **given)(imaged(stripes, spacing=spacing)))
        return done[1::2].mean() - done[::2].mean()

    near, far = contrast((1.0, 1.0)), contrast((20.0, 1.0))
    assert far == pytest.approx(40, abs=10)
    assert near > 60 if name == "sharpen" else near < 5


@pytest.mark.parametrize("name", FILTERS)
def test_truth_values_are_no_image_to_filter(name, imaged):
    image = imaged(np.eye(8, dtype=bool))
    with pytest.raises(InvalidInput, match="truth values"):
        made(name, imaged(np.eye(8)))(image)


@pytest.mark.parametrize("name", FILTERS)
def test_a_mask_of_another_shape_is_refused(name, imaged):
    image = imaged(np.eye(8))
    with pytest.raises(GeometryError, match="shape of its image"):
        made(name, image)(image, np.ones((8, 7), dtype=bool))


def numbers_of(cls):
    return [f.name for f in dataclasses.fields(cls) if isinstance(f.default, int | float)]


@pytest.mark.parametrize(("name", "field"), [(n, f) for n, c in FILTERS.items() for f in numbers_of(c)])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_parameters_are_above_zero(name, field, value):
    with pytest.raises(InvalidInput, match=field):
        FILTERS[name](**{field: value})


@pytest.mark.parametrize("name", ["lee", "srad", "bias-field"])
def test_what_multiplies_is_not_sought_in_negative_numbers(name, imaged, phantom):
    with pytest.raises(InvalidInput, match="not negative"):
        made(name)(imaged(phantom(16)[1] - 100))


def test_a_moving_mask_acts_on_each_moment(imaged, phantom):
    array = np.stack([phantom(16)[1]] * 2)
    image, mask = imaged(array, times=2), np.zeros((2, 16, 16), dtype=bool)
    mask[1] = True
    done = pixels(FILTERS["median"]()(image, mask))
    assert_array_equal(done[0], array[0])
    assert (done[1] != array[1]).any()


def test_the_reference_of_a_match_has_as_many_channels_and_some_number(imaged):
    grey, colour = imaged(np.eye(4)), imaged(np.zeros((4, 4, 3)), channels=("red", "green", "blue"))
    with pytest.raises(InvalidInput, match="as many channels"):
        Match(reference=colour)(grey)
    with pytest.raises(InvalidInput, match="none that is finite"):
        Match(reference=imaged(np.full((4, 4), np.nan)))(grey)
