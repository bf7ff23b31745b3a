"""Each measure for itself: known noise comes back, geometry that cannot be meant is told, planes are found."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.features.quality.attenuation import most_dense, off_scale
from skiagraph.features.quality.blank import blank_planes
from skiagraph.features.quality.border import body_on_border
from skiagraph.features.quality.ghost import ghosting
from skiagraph.features.quality.lattice import anisotropy, far_from_origin, field_of_view, finest, tilt
from skiagraph.features.quality.measures import measured
from skiagraph.features.quality.metal import streaks
from skiagraph.features.quality.noise import noise_of_plane, noise_of_tissue
from skiagraph.features.quality.planes import planes_of
from skiagraph.features.quality.rings import ring_profile, ring_strength
from skiagraph.features.quality.saturation import black_share, white_share
from skiagraph.features.quality.sharpness import blur
from skiagraph.features.quality.step import largest_step
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.phantoms.artefacts import jumped, sheared, with_metal, with_noise, with_spacing
from skiagraph.phantoms.sections import chest_sections, head_sections


def grid(shape, spacing):
    return Grid(shape=shape, affine=np.diag([*spacing, 1.0]), frame=derived_frame("grid"))


def volume(values, spacing=(3.0, 1.0, 1.0), timeline=None):
    shape = values.shape if timeline is None else values.shape[1:]
    space = dataclasses.replace(grid(shape, spacing), timeline=timeline)
    return Image(data=values, space=space)


@pytest.mark.parametrize("sigma", [2.0, 5.0, 20.0, 60.0])
@pytest.mark.parametrize("whole", [False, True])
def test_noise_of_known_deviation_comes_back_within_a_twentieth(rng, sigma, whole):
    y, x = np.mgrid[:256, :256]
    plane = 500 + 200 * np.sin(x / 30) * np.cos(y / 40) + 300 * (np.hypot(x - 128, y - 128) < 60)
    noisy = plane + sigma * rng.standard_normal(plane.shape)
    assert noise_of_plane(np.rint(noisy) if whole else noisy) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("sigma", [10.0, 30.0, 60.0])
def test_noise_of_ct_comes_back_though_neighbours_share_it(sigma):
    for seed in range(3):
        image = chest_sections(np.random.default_rng(seed), slices=1, noise=sigma)
        assert noise_of_tissue(np.asarray(image.data)[0]) == pytest.approx(sigma, rel=0.12)


def test_background_of_one_value_is_no_sign_of_no_noise(rng):
    plane = np.zeros((128, 128))
    plane[:, 100:] = 300 + 10 * rng.standard_normal((128, 28))
    assert noise_of_plane(plane) == pytest.approx(10, rel=0.1)


def test_noise_of_an_even_plane_is_not_told():
    assert noise_of_plane(np.full((64, 64), 7)) is None
    assert noise_of_tissue(np.full((64, 64), -1000)) is None


@pytest.mark.parametrize(
    ("factors", "smallest", "longest"),
    [((1, 1, 1), 1.0, 256.0), ((10, 10, 10), 10.0, 2560.0), ((0.1, 0.1, 0.1), 0.1, 25.6)],
)
def test_sizes_are_those_of_the_space(rng, factors, smallest, longest):
    space = with_spacing(head_sections(rng, slices=4), factors).space
    assert finest(space) == pytest.approx(smallest)
    assert field_of_view(space) == pytest.approx(longest)
    assert anisotropy(space) == pytest.approx(3.0)


def test_without_a_size_none_is_told(rng):
    space = with_spacing(head_sections(rng, slices=4), None).space
    assert finest(space) is field_of_view(space) is far_from_origin(space) is None


@given(st.floats(0.0, 40.0))
def test_the_tilt_of_a_gantry_is_told(degrees):
    image = volume(np.zeros((4, 8, 8)))
    assert tilt(sheared(image, degrees).space) == pytest.approx(degrees, abs=1e-4)


def test_an_axis_of_one_sample_makes_no_anisotropy():
    assert anisotropy(grid((1, 64, 64), (500.0, 1.0, 1.0))) == 1.0


def test_air_alone_is_less_dense_than_lung_and_a_body_is_not(rng):
    assert most_dense(-1000 + 10 * rng.standard_normal(10_000)) < -300
    assert most_dense(np.asarray(chest_sections(rng, slices=1).data)) > 0


def test_stored_values_without_their_offset_are_told_from_hounsfield_units(rng):
    values = np.asarray(chest_sections(rng, slices=1).data)
    assert off_scale(values) < 0.05
    assert off_scale(values + 1024) > 0.6
    assert off_scale(np.array([-2000.0])) == 0.0


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_blank_frames_are_numbered(rng, dtype):
    frames = rng.integers(0, 200, (6, 32, 32)).astype(dtype)
    frames[[1, 4]] = 9
    low, high = planes_of(
        Image(
            data=frames,
            space=Plane.upright(
                shape=(32, 32),
                spacing=None,
                frame=derived_frame("f"),
                timeline=Timeline(times=np.arange(6.0)),
            ),
        )
    ).ranges()
    assert blank_planes(low, high) == (1, 4)


def test_blank_slices_at_the_ends_of_a_masked_volume_are_meant(rng):
    slices = rng.integers(0, 200, (6, 32, 32))
    slices[[0, 1, 3, 5]] = 0
    low, high = planes_of(volume(slices)).ranges()
    assert blank_planes(low, high, ends=False) == (3,)
    assert blank_planes(low, high) == (0, 1, 3, 5)


def test_frames_without_a_number_are_blank(rng):
    frames = rng.random((3, 8, 8))
    frames[1] = np.nan
    low, high = planes_of(volume(frames)).ranges()
    assert blank_planes(low, high) == (1,)


def test_white_counts_what_is_shown_and_black_what_does_not_reach_the_border(rng):
    plane = rng.integers(50, 200, (100, 100)).astype(np.uint8)
    plane[:, :50] = 0
    plane[40:60, 80:90] = 255
    assert white_share(plane, 255) == pytest.approx(200 / 5000)
    assert black_share(plane, 0) == 0.0
    plane[10:30, 60:70] = 0
    assert black_share(plane, 0) == pytest.approx(200 / 10_000)


def test_red_alone_at_its_end_is_no_saturation(rng):
    plane = rng.integers(10, 200, (64, 64, 3)).astype(np.uint8)
    plane[..., 0] = 255
    assert white_share(plane, 255) == 0.0
    plane[:32, :, 1] = 255
    assert white_share(plane, 255) == pytest.approx(0.5)


@pytest.mark.parametrize(("columns", "share"), [(0, 0.0), (40, 40 / 252), (64, 80 / 252)])
def test_a_body_on_the_edge_is_measured_by_its_share(rng, columns, share):
    plane = -1000 + 10 * rng.standard_normal((64, 64))
    plane[12:52, :columns] = 40
    assert body_on_border(plane) == pytest.approx(share, abs=0.01)


def test_a_body_beyond_a_round_field_of_view_is_seen():
    y, x = np.mgrid[:128, :128] - 63.5
    inside = np.hypot(x, y) < 64
    body = (np.abs(y) < 25) & inside
    plane = np.where(body, 40, np.where(inside, -990 + (x % 7), -1024))
    assert body_on_border(plane) > 0.2
    assert body_on_border(np.where(np.abs(x) < 40, plane, np.where(inside, -990, -1024))) == 0.0


def test_a_table_on_the_edge_is_no_body():
    plane = np.full((128, 128), -1000)
    plane[100:103] = 0
    assert body_on_border(plane) == 0.0


def test_ghosts_are_not_told_of_a_detail_without_background(rng):
    assert ghosting(500 + 50 * rng.standard_normal((64, 64))) is None
    assert ghosting(np.zeros((64, 64))) is None


def test_blur_rises_with_the_way_and_does_not_depend_on_the_scale(rng):
    plane = (rng.random((32, 32)) > 0.5).repeat(8, 0).repeat(8, 1).astype(float)
    blurs = [blur(np.apply_along_axis(np.convolve, 1, plane, np.ones(n) / n, "same")) for n in (1, 5, 9, 15)]
    assert blurs == sorted(blurs)
    assert blur(plane * 100 + 7) == pytest.approx(blur(plane))
    assert blur(np.ones((32, 32))) == 0.0


@pytest.mark.parametrize("mm", [2.0, 4.0, 6.0])
def test_a_jump_is_measured_in_millimetres_at_its_slice(mm):
    image = head_sections(np.random.default_rng(3), slices=8)
    step, where = largest_step(planes_of(jumped(image, mm, after=4)))
    assert step == pytest.approx(mm, rel=0.15)
    assert where == 5
    assert largest_step(planes_of(image))[0] < 1.0


def test_a_rod_without_streaks_is_no_artefact_and_its_streaks_are(rng):
    image = chest_sections(rng, slices=1, noise=12.0)
    bare, streaked = (
        np.asarray(with_metal(image, (0.5, 0.5), 4.0, strength=strength).data)[0] for strength in (0.0, 1.0)
    )
    assert streaks(np.asarray(image.data)[0], 0.8) == 0.0
    assert streaks(bare, 0.8) < 5.0
    assert streaks(streaked, 0.8) > 15.0


def test_the_radius_of_a_ring_is_where_its_profile_stands_out():
    image = with_noise(
        chest_sections(np.random.default_rng(1), slices=1, noise=3.0), 1.0, np.random.default_rng(2)
    )
    plane = np.asarray(image.data)[0].astype(float)
    y, x = np.mgrid[:512, :512] - 255.5
    plane += 40.0 * (np.abs(np.hypot(x, y) - 60.0) < 1.0)
    profile = ring_profile(plane)
    assert int(np.nanargmax(profile[0] - 4 * profile[1])) + 8 == pytest.approx(60, abs=1)
    assert ring_strength(profile[None]) > 10
    assert ring_strength(np.full((1, 2, 50), np.nan)) is None


def test_slices_follow_the_thickest_axis_wherever_it_lies():
    values = np.zeros((10, 20, 30))
    for axis in range(3):
        spacing = [1.0, 1.0, 1.0]
        spacing[axis] = 4.0
        planes = planes_of(volume(values, spacing))
        assert planes.slices == values.shape[axis]
        assert planes.gap == 4.0


def test_planes_of_a_moving_volume_are_numbered_slices_first(rng):
    values = rng.random((3, 4, 8, 8))
    planes = planes_of(volume(values, timeline=Timeline(times=np.arange(3.0))))
    assert (len(planes), planes.times, planes.slices) == (12, 3, 4)
    assert np.array_equal(planes.raw(6), values[1, 2])


@given(st.integers(1, 40), st.integers(1, 20))
def test_some_planes_are_few_rising_and_there(n, most):
    some = planes_of(volume(np.zeros((n, 4, 4)))).some(most)
    assert len(some) == min(n, most)
    assert some == sorted(set(some))
    assert 0 <= some[0] <= some[-1] < n


@pytest.mark.parametrize("kind", ["ct", "mr", "xray", "ultrasound", "photograph", "other"])
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_picture_of_nothing_raises_nothing(kind, value):
    image = Image(
        data=np.full((64, 64), value),
        space=Plane.upright(shape=(64, 64), spacing=None, frame=derived_frame("none")),
    )
    found = {one.topic: one.value for one in measured(image, kind)}
    assert found["blank"] == 1.0


@pytest.mark.parametrize("kind", ["ct", "mr", "xray", "ultrasound", "photograph", "other"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 5), (1, 40, 33), (7, 64, 64)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.bool_])
def test_noise_of_any_type_and_shape_raises_nothing(rng, kind, shape, dtype):
    values = (1000 * rng.standard_normal(shape)).astype(dtype)
    for one in measured(volume(values), kind):
        assert one.value is None or np.isfinite(one.value)
