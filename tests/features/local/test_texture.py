"""Patterns, waves, wavelets, kernels and gradients of a region: known answers and the answers of other libraries."""

import cv2
import numpy as np
import pytest
import pywt
from scipy import fft, ndimage, signal
from skimage.feature import hog, local_binary_pattern
from skimage.filters import gabor_kernel

from skiagraph.errors import InvalidInput
from skiagraph.features.local import binary_patterns, gabor, laws, oriented_gradients, wavelets
from skiagraph.features.local.kernels import LAWS, laws_response
from skiagraph.features.local.patterns import pattern_codes
from skiagraph.features.local.waves import gabor_transfer
from skiagraph.features.region import Region


def noise(shape=(40, 44), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float64)


def region(numbers, mask=None, **more):
    return Region(numbers=numbers, mask=np.ones(numbers.shape, bool) if mask is None else mask, **more)


def disc(shape, radius):
    places = np.indices(shape) - (np.array(shape).reshape(-1, *[1] * len(shape)) - 1) / 2
    return (places**2).sum(0) <= radius**2


def values(features):
    return {f.name: f.value for f in features}


def wave(length, degrees, shape=(64, 64), spacing=(1.0, 1.0), amplitude=5.0):
    rows, columns = (np.arange(n) * s for n, s in zip(shape, spacing, strict=True))
    a = np.radians(degrees)
    return amplitude * np.cos(
        2 * np.pi * (columns[None] * np.cos(a) + rows[:, None] * np.sin(a)) / length + 0.3
    )


# --- local binary patterns


@pytest.mark.parametrize(("points", "radius"), [(8, 1.0), (16, 2.0), (24, 3.0), (12, 1.5)])
@pytest.mark.parametrize(("invariant", "method"), [(True, "uniform"), (False, "nri_uniform")])
def test_the_codes_of_patterns_are_those_of_scikit_image(points, radius, invariant, method):
    picture = noise().astype(np.int64)
    room = int(np.ceil(radius)) + 1
    theirs = local_binary_pattern(picture, points, radius, method)[room:-room, room:-room].astype(int)
    ours = pattern_codes(picture.astype(np.float64), points, radius, rotation_invariant=invariant)
    assert (ours == theirs).mean() > 0.999  # they round offsets to 5 places: neighbours as bright may differ


def test_a_code_counts_the_bright_neighbours_between_samples():
    picture = noise((9, 9))
    angles = np.arange(8) * np.pi / 4
    expected = np.empty((5, 5), int)
    for i, j in np.ndindex(5, 5):
        places = i + 2 - np.sin(angles), j + 2 + np.cos(angles)
        bright = ndimage.map_coordinates(picture, places, order=1) >= picture[i + 2, j + 2]
        expected[i, j] = bright.sum() if (bright != np.roll(bright, 1)).sum() <= 2 else 9
    assert (pattern_codes(picture, 8, 1.0) == expected).all()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_patterns_of_a_turned_picture_stay_the_same(turns):
    picture, mask = noise((31, 31)), disc((31, 31), 12)
    mask[:, 20:] = False
    whole = values(binary_patterns(region(picture, mask)))
    turned = values(binary_patterns(region(np.rot90(picture, turns), np.rot90(mask, turns))))
    assert turned == pytest.approx(whole)
    assert sum(whole.values()) == pytest.approx(3)  # each of three circles is shared out


def test_patterns_stay_nearly_the_same_when_a_smooth_picture_is_turned_by_any_angle():
    picture, mask = ndimage.gaussian_filter(noise((81, 81)), (3, 1.5)), disc((81, 81), 25)
    turned = region(ndimage.rotate(picture, 37, reshape=False, order=3, mode="reflect"), mask)
    for invariant, low, high in ((True, 0.0, 0.12), (False, 0.2, 2.0)):
        one, other = (
            np.array([f.value for f in binary_patterns(r, circles=[(8, 2.0)], rotation_invariant=invariant)])
            for r in (region(picture, mask), turned)
        )
        assert low <= np.abs(one - other).sum() < high


def test_patterns_stay_when_the_picture_gets_brighter_and_richer_in_contrast():
    picture = noise()
    assert values(binary_patterns(region(3 * picture + 100))) == values(binary_patterns(region(picture)))


def test_patterns_of_a_flat_region_are_all_bright_and_of_a_bright_dot_all_dark():
    flat = values(binary_patterns(region(np.full((9, 9), 0.1)), circles=[(8, 1.0)]))
    assert flat["radius 1 pattern 8"] == 1
    dot, mask = np.zeros((9, 9)), np.zeros((9, 9), bool)
    dot[4, 4], mask[4, 4] = 1, True
    assert values(binary_patterns(region(dot, mask), circles=[(8, 1.0)]))["radius 1 pattern 0"] == 1


# --- Gabor filters


@pytest.mark.parametrize("degrees", [0, 45, 90, 135])
@pytest.mark.parametrize("length", [4.0, 8.0])
def test_a_wave_answers_with_its_amplitude_at_its_length_and_direction(length, degrees):
    picture = 40 + wave(length, degrees)
    found = values(gabor(region(picture, disc(picture.shape, 15)), wavelengths=(4.0, 8.0, 16.0)))
    means = {name: value for name, value in found.items() if name.endswith("mean")}
    own = f"{length:g} samples {degrees} degrees mean"
    assert max(means, key=means.get) == own
    assert means[own] == pytest.approx(5.0, rel=0.01)
    assert sorted(means.values())[-2] < 2.5


def test_wavelengths_are_in_mm_where_the_size_of_a_sample_is_known():
    spacing = (0.5, 0.25)
    picture = wave(4.0, 45, (80, 160), spacing)
    features = gabor(region(picture, disc(picture.shape, 30), spacing=spacing, unit="[hnsf'U]"))
    found = values(features)
    assert found["4 mm 45 degrees mean"] == pytest.approx(5.0, rel=0.01)
    assert found["4 mm 135 degrees mean"] < 0.1
    assert {f.unit for f in features} == {"[hnsf'U]"}


@pytest.mark.parametrize("degree", [0, 30, 120])
def test_the_kernel_is_that_of_scikit_image_without_its_answer_to_a_constant(degree):
    theirs = gabor_kernel(1 / 6, np.radians(degree), bandwidth=1, n_stds=6)
    envelope = np.abs(theirs)
    theirs = theirs - theirs.sum() * envelope / envelope.sum()
    picture = noise((101, 101))
    expected = 2 * np.abs(signal.fftconvolve(picture, theirs, "same"))[45:56, 45:56]
    transfer = gabor_transfer(picture.shape, (1.0, 1.0), 6.0, degree)
    ours = np.abs(fft.ifft2(fft.fft2(picture) * transfer))[45:56, 45:56]
    assert ours == pytest.approx(expected, rel=2e-3, abs=0.02)


def test_the_kernel_has_the_form_of_that_of_opencv():
    sigma = 3 * np.sqrt(np.log(2) / 2) / np.pi * 8
    theirs = cv2.getGaborKernel((41, 41), sigma, np.radians(30), 8.0, 1.0, 0.0)
    ours = np.real(fft.fftshift(fft.ifft2(gabor_transfer((41, 41), (1.0, 1.0), 8.0, 30))))
    # OpenCV turns the kernel by the angle about an axis that points up
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999


def test_a_constant_and_an_offset_give_no_answer():
    found = values(gabor(region(np.full((30, 30), 1234.5))))
    assert max(found.values()) < 1e-9
    picture, mask = noise((50, 50)), disc((50, 50), 8)
    assert values(gabor(region(picture + 1000, mask))) == pytest.approx(values(gabor(region(picture, mask))))


def test_a_wavelength_that_cannot_be_seen_has_a_reason():
    features = gabor(region(noise((20, 20)), spacing=(1.0, 1.0)), wavelengths=(1.5, 30.0), directions=1)
    assert [f.reason for f in features[::2]] == [
        "the wavelength is shorter than two samples",
        "the wavelength is longer than the picture",
    ]


# --- wavelets


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_bands_of_a_periodic_picture_are_those_of_pywavelets(wavelet):
    tile = noise((16, 16)) - 128
    picture, mask = np.tile(tile, (7, 7)), np.zeros((112, 112), bool)
    mask[48:64, 48:64] = True
    found = values(wavelets(region(picture, mask), wavelet=wavelet, levels=2))
    parts = pywt.swt2(tile, wavelet, level=2, trim_approx=True)  # of one tile, which goes on periodically
    for level, bands in ((2, parts[1]), (1, parts[2])):
        for key, band in zip(("hl", "lh", "hh"), bands, strict=True):
            assert found[f"level {level} {key} energy"] == pytest.approx((band**2).mean())
            assert found[f"level {level} {key} mean"] == pytest.approx(np.abs(band).mean())
    assert found["level 2 ll energy"] == pytest.approx((parts[0] ** 2).mean())


@pytest.mark.parametrize("ndim", [2, 3])
def test_energies_of_a_decimated_orthogonal_transform_sum_to_that_of_the_picture(ndim):
    shape = (16,) * ndim
    picture = noise((48,) * ndim)
    mask = np.zeros(picture.shape, bool)
    mask[(slice(16, 32),) * ndim] = True
    found = values(wavelets(region(picture, mask), wavelet="haar", levels=2, stationary=False))
    block = picture[mask].reshape(shape)
    total = sum(
        value * (16 // 2 ** int(name.split()[1])) ** ndim
        for name, value in found.items()
        if name.endswith("energy")
    )
    assert total == pytest.approx((block**2).sum())
    theirs = pywt.wavedecn(block, "haar", level=2)[-1]
    assert found[f"level 1 {'h' * ndim} energy"] == pytest.approx((theirs["d" * ndim] ** 2).mean())


def test_a_volume_that_changes_along_its_first_axis_alone_has_energy_in_no_other_detail():
    numbers = np.broadcast_to(noise((24,))[:, None, None], (24, 10, 12)).copy()
    found = values(wavelets(region(numbers, unit="a"), levels=1))
    energies = {name.split()[2]: value for name, value in found.items() if name.endswith("energy")}
    assert {key for key, value in energies.items() if value > 0} == {"hll", "lll"}


def test_entropy_is_near_one_for_noise_and_low_for_one_edge():
    edge = np.zeros((40, 40))
    edge[:, 20:] = 1
    low, high = (values(wavelets(region(p)))["level 1 lh entropy"] for p in (edge, noise((40, 40))))
    assert 0 < low < 0.7
    assert 0.85 < high < 1


def test_a_stationary_transform_does_not_care_where_the_region_begins():
    picture = noise((80, 80))
    mask = np.zeros((80, 80), bool)
    mask[30:45, 33:50] = True
    moved = Region(numbers=np.roll(picture, (3, 5), (0, 1)), mask=np.roll(mask, (3, 5), (0, 1)))
    assert values(wavelets(moved)) == pytest.approx(values(wavelets(region(picture, mask))))


# --- Laws


def test_e5l5_finds_an_edge_that_lies_across_it_and_nothing_along():
    picture = np.zeros((20, 20))
    picture[10:] = 1
    across, along = laws_response(picture, "e5", "l5"), laws_response(picture, "l5", "e5")
    assert np.abs(along).max() < 1e-12
    assert set(np.unravel_index(np.abs(across).argmax(), across.shape)) & {9, 10}
    assert np.abs(across[:7]).max() < 1e-12
    means = {n: v for n, v in values(laws(region(picture))).items() if n.endswith("mean")}
    assert max(means, key=means.get) == "l5e5 mean"


def test_a_response_is_the_convolution_with_the_outer_product():
    picture = noise()
    kernel = np.outer(LAWS["w5"], LAWS["s5"])
    assert laws_response(picture, "w5", "s5") == pytest.approx(ndimage.correlate(picture, kernel))
    assert laws_response(picture, "w5", "s5")[2:-2, 2:-2] == pytest.approx(
        cv2.filter2D(picture, -1, kernel)[2:-2, 2:-2]
    )


def test_kernels_are_those_of_laws_of_length_one():
    level, edge = LAWS["l5"], LAWS["e5"]
    assert level * 70**0.5 == pytest.approx([1, 4, 6, 4, 1])
    assert edge * 10**0.5 == pytest.approx([-1, -2, 0, 2, 1])
    assert [LAWS[k].sum() for k in ("e5", "s5", "w5", "r5")] == pytest.approx([0, 0, 0, 0], abs=1e-12)


def test_merged_energies_stay_when_the_picture_is_turned_and_when_it_gets_brighter():
    picture, mask = noise((40, 40)), disc((40, 40), 10)
    whole = values(laws(region(picture, mask)))
    assert len(whole) == 28
    assert values(laws(region(np.rot90(picture), np.rot90(mask)))) == pytest.approx(whole)
    assert values(laws(region(picture + 500, mask))) == pytest.approx(whole)
    assert values(laws(region(2 * picture, mask)))["s5w5 mean"] == pytest.approx(2 * whole["s5w5 mean"])


# --- oriented gradients


def test_gradients_of_a_box_of_the_right_size_are_those_of_scikit_image():
    picture, mask = noise((50, 60)), np.zeros((50, 60), bool)
    mask[10:42, 20:52] = True
    box = picture[10:42, 20:52]
    scaled = (box - box.mean()) / np.abs(box - box.mean()).max()
    theirs = hog(scaled, 9, (8, 8), (2, 2), block_norm="L2-Hys")
    assert [f.value for f in oriented_gradients(region(picture, mask))] == pytest.approx(theirs)


def test_one_cell_is_a_histogram_of_directions_weighted_with_their_strength():
    picture = ndimage.gaussian_filter(noise((16, 16)), 1.5)
    down, right = np.zeros((2, 16, 16))
    down[1:-1], right[:, 1:-1] = picture[2:] - picture[:-2], picture[:, 2:] - picture[:, :-2]
    direction = np.floor(np.degrees(np.arctan2(down, right)) % 180 / 20).astype(int)
    counts = np.bincount(direction.ravel(), np.hypot(down, right).ravel(), 9)
    cut = np.minimum(counts / np.linalg.norm(counts), 0.2)
    found = oriented_gradients(region(picture), cells=1, cell=16, block=1)
    assert [f.value for f in found] == pytest.approx(cut / np.linalg.norm(cut), rel=1e-3)


def test_an_edge_answers_in_its_direction_whatever_the_size_of_the_box():
    for side in (24, 48, 100):
        picture = np.tile(np.linspace(0, 1, side), (side, 1))
        found = np.array([f.value for f in oriented_gradients(region(picture, unit="a"))]).reshape(-1, 9)
        assert set(found.argmax(axis=1)) == {0} or set(found.argmax(axis=1)) == {8}


# --- volumes and refusals


@pytest.mark.parametrize("family", [binary_patterns, gabor, laws, oriented_gradients])
def test_a_volume_of_equal_slices_is_described_as_one_of_them(family):
    picture, mask = noise(), disc((40, 44), 12)
    slices = np.zeros((5, 40, 44), bool)
    slices[1:4] = mask
    volume = region(np.stack([picture] * 5), slices, spacing=(3.0, 1.0, 1.0))
    flat = region(picture, mask, spacing=(1.0, 1.0))
    assert values(family(volume)) == pytest.approx(values(family(flat)))


@pytest.mark.parametrize(
    ("family", "parameters", "rule"),
    [
        (binary_patterns, {"circles": [(2, 1.0)]}, "3 or more neighbours"),
        (gabor, {"wavelengths": [0.0]}, "positive wavelengths"),
        (gabor, {"directions": 0}, "one direction or more"),
        (wavelets, {"wavelet": "morl"}, "discrete, of PyWavelets"),
        (wavelets, {"levels": 0}, "1 to 6 levels"),
        (laws, {"reach": -1}, "reaches 0 samples"),
        (oriented_gradients, {"block": 5}, "no larger than the box"),
    ],
)
def test_parameters_without_a_meaning_are_refused(family, parameters, rule):
    with pytest.raises(InvalidInput, match=rule):
        family(region(noise()), **parameters)
