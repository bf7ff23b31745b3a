"""Single filters: answers worked out by hand, and second opinions of scikit-image, SciPy, SimpleITK and OpenCV."""

import cv2
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage, signal
from skimage import exposure, filters, restoration

from skiagraph.errors import InvalidInput
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image, pixels
from skiagraph.preprocess.filters import (
    BiasField,
    Bilateral,
    Clahe,
    Diffusion,
    Equalise,
    KNearest,
    Lee,
    Match,
    Median,
    NonLocalMeans,
    Sharpen,
    Srad,
    TotalVariation,
    Wiener,
)
from skiagraph.preprocess.filters.still import Still, noise_of

CLASSIC = np.array([[2, 7, 1, 4, 6], [3, 2, 3, 1, 4], [5, 5, 5, 8, 9], [5, 7, 4, 9, 8], [1, 2, 7, 5, 5]])


def picture(array):
    space = Plane.upright(shape=array.shape, spacing=None, frame=derived_frame("0" * 64))
    return Image(data=array, space=space)


def test_k_nearest_gives_the_textbook_example():
    # Around the 4: 5 5 8 / 7 . 9 / 2 7 5. Closest with itself: 4 5 5 5.
    assert pixels(KNearest(window=3, k=4)(picture(CLASSIC.astype(float))))[3, 2] == 4.75
    assert pixels(KNearest(window=3, k=4)(picture(CLASSIC)))[3, 2] == 5


def nearest_by_hand(array, window, k):
    """One place after the other, with fractions."""
    half, result = window // 2, np.empty(array.shape)
    for at in np.ndindex(array.shape):
        around = array[tuple(slice(max(0, i - half), i + half + 1) for i in at)].ravel().tolist()
        groups = {}
        for value in around:
            groups.setdefault(abs(value - array[at]), []).append(value)
        room, total = min(k, len(around)), 0.0
        left = room
        for _, values in sorted(groups.items()):
            total += np.mean(values) * min(left, len(values))
            left -= min(left, len(values))
        result[at] = total / room
    return result


@given(
    arrays(np.int16, st.sampled_from([(1, 1), (1, 6), (5, 4), (3, 4, 3)]), elements=st.integers(-9, 9)),
    st.sampled_from([(3, 1), (3, 4), (3, 9), (5, 7)]),
)
def test_k_nearest_agrees_with_one_place_after_the_other(array, parameters):
    from skiagraph.geometry import Grid

    window, k = parameters
    if array.ndim == 2:
        image = picture(array.astype(float))
    else:
        space = Grid(shape=array.shape, affine=np.eye(4), frame=derived_frame("0" * 64), unit="mm")
        image = Image(data=array.astype(float), space=space)
    assert_allclose(
        pixels(KNearest(window=window, k=k)(image)), nearest_by_hand(array, window, k), atol=1e-12
    )


def test_k_nearest_with_one_neighbour_changes_nothing_and_with_all_is_the_mean(rng):
    array = rng.normal(0, 1, (9, 9))
    assert_array_equal(pixels(KNearest(window=3, k=1)(picture(array))), array)
    mean = ndimage.uniform_filter(array, 3)[1:-1, 1:-1]
    assert_allclose(pixels(KNearest(window=3, k=9)(picture(array)))[1:-1, 1:-1], mean, atol=1e-12)


def test_k_nearest_takes_no_missing_number_for_a_neighbour():
    array = np.array([[1.0, 2.0, np.nan], [1.0, 1.0, 50.0], [3.0, 1.0, np.nan]])
    assert pixels(KNearest(window=3, k=7)(picture(array)))[1, 1] == np.mean([1, 2, 1, 1, 50, 3, 1])


@pytest.mark.parametrize(
    ("given_", "said"), [({"window": 4}, "odd"), ({"k": 2.5}, "whole"), ({"k": 10}, "at most")]
)
def test_k_nearest_refuses_what_it_cannot_count(given_, said):
    with pytest.raises(InvalidInput, match=said):
        KNearest(**given_)(picture(CLASSIC))


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("noise", [2.0, 12.0])
def test_noise_is_estimated_within_a_fifth_beside_edges(ndim, noise, phantom):
    _, noisy = phantom(64 if ndim == 2 else 24, noise=noise, ndim=ndim)
    known = np.ones(noisy.shape, dtype=bool)
    still = Still(numbers=noisy, known=known, wanted=known, spacing=None)
    assert noise_of(still) == pytest.approx(noise, rel=0.2)


def test_median_agrees_with_opencv(rng):
    array = rng.integers(0, 255, (40, 30)).astype(np.uint8)
    assert_array_equal(pixels(Median(window=5)(picture(array))), cv2.medianBlur(array, 5))


def test_bilateral_is_close_to_opencv(phantom):
    noisy = phantom()[1].astype(np.float32)
    ours = pixels(Bilateral(sigma=1.5, tone=20)(picture(noisy)))
    theirs = cv2.bilateralFilter(noisy, 9, 20, 1.5, borderType=cv2.BORDER_REPLICATE)
    assert np.abs(ours - theirs)[6:-6, 6:-6].max() < 2.0


def test_non_local_means_and_total_variation_are_those_of_scikit_image(phantom):
    noisy = phantom()[1]
    theirs = restoration.denoise_nl_means(noisy, 5, 4, 4.8, sigma=6.0, preserve_range=True)
    assert_allclose(pixels(NonLocalMeans(noise=6.0)(picture(noisy))), theirs)
    theirs = restoration.denoise_tv_chambolle(noisy, weight=6.0)
    assert_allclose(pixels(TotalVariation(weight=6.0)(picture(noisy))), theirs)


def test_diffusion_does_not_depend_on_the_scale_of_the_numbers(phantom):
    noisy = phantom()[1]
    one, other = (pixels(Diffusion()(picture(array))) for array in (noisy, noisy * 1000 - 5000))
    assert_allclose(one * 1000 - 5000, other, rtol=1e-6)
    theirs = sitk.GradientAnisotropicDiffusion(sitk.GetImageFromArray(noisy), 0.125, 1.5, 1, 10)
    assert_allclose(one, sitk.GetArrayFromImage(theirs), rtol=1e-6)


def test_wiener_agrees_with_scipy_away_from_the_edge(phantom):
    noisy = phantom()[1]
    theirs = signal.wiener(noisy, 5, noise=36.0)
    assert_allclose(pixels(Wiener(window=5, noise=6.0)(picture(noisy)))[2:-2, 2:-2], theirs[2:-2, 2:-2])


def test_lee_keeps_the_mean_where_there_is_speckle_alone_and_the_pixel_where_there_is_more():
    array = np.array([[10.0, 12.0, 8.0], [9.0, 14.0, 11.0], [10.0, 7.0, 9.0]])
    assert_allclose(pixels(Lee(window=3, speckle=1.0)(picture(array)))[1, 1], array.mean())
    variation = array.std() / array.mean()
    half = pixels(Lee(window=3, speckle=variation / np.sqrt(2))(picture(array)))[1, 1]
    assert_allclose(half, (array.mean() + 14.0) / 2)


def srad_by_hand(image, steps, rate, speckle, decay):
    """The equations of Yu and Acton place by place, with the edge repeated."""
    rows, columns = image.shape
    for number in range(steps):
        q0 = (speckle * np.exp(-decay * rate * number)) ** 2
        north, south, west, east, c = (np.zeros_like(image) for _ in range(5))
        for i, j in np.ndindex(image.shape):
            here = image[i, j]
            north[i, j] = image[max(i - 1, 0), j] - here
            south[i, j] = image[min(i + 1, rows - 1), j] - here
            west[i, j] = image[i, max(j - 1, 0)] - here
            east[i, j] = image[i, min(j + 1, columns - 1)] - here
            all_four = np.array([north[i, j], south[i, j], west[i, j], east[i, j]])
            laplacian = all_four.sum() / here
            q = (0.5 * (all_four**2).sum() / here**2 - laplacian**2 / 16) / (1 + laplacian / 4) ** 2
            c[i, j] = np.clip(1 / (1 + (q - q0) / (q0 * (1 + q0))), 0, 1) if q > q0 - q0 * (1 + q0) else 1.0
        flow = np.zeros_like(image)
        for i, j in np.ndindex(image.shape):
            below, right = c[min(i + 1, rows - 1), j], c[i, min(j + 1, columns - 1)]
            flow[i, j] = (
                below * south[i, j] + c[i, j] * north[i, j] + right * east[i, j] + c[i, j] * west[i, j]
            )
        image = image + rate / 4 * flow
    return image


def test_srad_agrees_with_the_equations_place_by_place(rng):
    array = rng.gamma(9, 10, (12, 10))
    ours = pixels(Srad(steps=6, rate=0.5, speckle=0.3, decay=0.2)(picture(array)))
    assert_allclose(ours, srad_by_hand(array, 6, 0.5, 0.3, 0.2), rtol=1e-9)


@pytest.mark.parametrize("filtering", [Lee(), Srad()])
def test_speckle_falls_where_tissue_is_even_and_the_edge_stays(filtering, rng):
    clean = np.where(np.arange(64) < 32, 40.0, 120.0) * np.ones((64, 1))
    speckled = clean * rng.gamma(16, 1 / 16, clean.shape)
    done = pixels(filtering(picture(speckled)))
    assert done[:, 40:].std() < 0.5 * speckled[:, 40:].std()
    assert done[:, 34:36].mean() - done[:, 28:30].mean() > 60


def test_the_bias_field_goes_and_the_mean_stays(phantom):
    clean, noisy = phantom(64, low=0.0, high=100.0, noise=1.0)
    shaded = np.abs(noisy) * np.linspace(0.7, 1.3, 64)
    inside = clean > 0
    done = pixels(BiasField()(picture(shaded), inside))
    assert done[inside].std() / done[inside].mean() < 0.35 * shaded[inside].std() / shaded[inside].mean()
    assert_allclose(done[inside].mean(), shaded[inside].mean(), rtol=1e-6)
    with pytest.raises(InvalidInput, match="four samples"):
        BiasField()(picture(shaded[:3]))


def test_equalised_grey_levels_are_evenly_frequent(rng):
    array = rng.gamma(2, 20, (64, 64))
    done = pixels(Equalise()(picture(array)))
    assert_allclose([done.min(), done.max()], [array.min(), array.max()])
    count, _ = np.histogram(done, bins=8)
    assert count.max() < 1.2 * count.min()
    level = exposure.equalize_hist(array)
    assert_allclose(np.corrcoef(done.ravel(), level.ravel())[0, 1], 1.0)


def test_clahe_is_that_of_scikit_image_in_the_range_of_the_image(phantom):
    noisy = phantom()[1]
    level = (noisy - noisy.min()) / np.ptp(noisy)
    theirs = exposure.equalize_adapthist(level, kernel_size=6, clip_limit=0.02)
    assert_allclose(pixels(Clahe(clip=0.02)(picture(noisy))), noisy.min() + np.ptp(noisy) * theirs)


@pytest.mark.parametrize("shape", [(40, 3), (40, 4), (6, 40, 3)])
def test_clahe_takes_a_narrow_picture_for_no_colours(shape, imaged, rng):
    array = rng.normal(100, 10, shape)
    wide = np.swapaxes(pixels(Clahe(tiles=1)(imaged(np.swapaxes(array, -1, -2)))), -1, -2)
    assert np.corrcoef(pixels(Clahe(tiles=1)(imaged(array))).ravel(), wide.ravel())[0, 1] > 0.98


def test_a_matched_image_has_the_values_of_its_reference(rng):
    source, reference = rng.normal(0, 1, (32, 32)), rng.gamma(2, 5, (20, 50))
    done = pixels(Match(reference=picture(reference))(picture(source)))
    assert_allclose(done, exposure.match_histograms(source, reference))
    quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert_allclose(np.quantile(done, quantiles), np.quantile(reference, quantiles), rtol=0.02)


def test_sharpen_is_the_unsharp_mask_of_scikit_image(phantom):
    noisy = phantom()[1] / 255
    theirs = filters.unsharp_mask(noisy, radius=1.5, amount=0.7, preserve_range=True)
    assert_allclose(pixels(Sharpen(sigma=1.5, amount=0.7)(picture(noisy))), theirs, atol=1e-9)


def test_sharpened_colour_keeps_its_hue(rng):
    colour = rng.uniform(80, 160, (12, 12, 3))
    space = Plane.upright(shape=(12, 12), spacing=None, frame=derived_frame("0" * 64))
    image = Image(data=colour, space=space, channels=("red", "green", "blue"))
    change = pixels(Sharpen()(image)) - colour
    assert_allclose(change[..., 0], change[..., 1])
    assert_allclose(change[..., 0], change[..., 2])
    assert np.abs(change).max() > 5
