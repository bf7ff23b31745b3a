"""The small studies: what a careful reader works out of each object is what its truth states."""

import math

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.findings import Boxes, Curve, Landmarks, Measurement
from skiagraph.geometry import to_index
from skiagraph.phantoms import concepts
from skiagraph.phantoms.doppler import PALETTE, VELOCITIES, colour_doppler
from skiagraph.phantoms.mammogram import mammogram
from skiagraph.phantoms.mr_stacks import diffusion_mr, multi_echo_mr
from skiagraph.phantoms.oct_volume import oct_volume
from skiagraph.phantoms.pet import pet
from skiagraph.phantoms.slide import tiled, whole_slide
from skiagraph.phantoms.spheres import Ball, axial_grid, shares
from skiagraph.phantoms.tilted_ct import tilted_ct


def numbers(study, concept):
    return [f.value for f in study.findings if isinstance(f, Measurement) and f.concept == concept]


def curve(study):
    return next(f for f in study.findings if isinstance(f, Curve))


def test_the_shares_of_a_ball_add_up_to_its_volume():
    grid = axial_grid((20, 20, 20), (2.0, 1.5, 1.5), "ball")
    ball = Ball(centre=(1.2, -0.7, 3.1), diameter=17.0, value=1.0)
    assert shares(grid, ball).sum() * 2.0 * 1.5 * 1.5 == pytest.approx(ball.volume, rel=0.005)
    assert not shares(grid, Ball(centre=(500.0, 0.0, 0.0), diameter=5.0, value=1.0)).any()


def test_pet_gives_the_stated_suv_by_weight_dose_and_decay():
    study = pet(3, noise=0.0)
    ds = study.datasets[len(study.datasets) // 2]
    info = ds.RadiopharmaceuticalInformationSequence[0]
    waited = int(ds.SeriesTime[:2]) * 3600 - int(info.RadiopharmaceuticalStartTime[:2]) * 3600
    dose = float(info.RadionuclideTotalDose) * 2 ** (-waited / float(info.RadionuclideHalfLife))
    stack = np.stack([d.pixel_array * float(d.RescaleSlope) for d in study.datasets])
    suv = stack * float(ds.PatientWeight) * 1000 / dose
    assert np.allclose(suv, study.images["pet"].data, rtol=1e-5)
    grid = study.images["pet"].space
    assert len({float(d.RescaleSlope) for d in study.datasets}) > 3
    for ball in study.phantom["balls"]:
        index = tuple(np.rint(to_index(grid, np.array(ball.centre))).astype(int))
        assert suv[index] == pytest.approx(ball.value, rel=1e-3)
    assert numbers(study, concepts.UPTAKE) == [b.value for b in study.phantom["balls"]]


def test_diffusion_gives_the_stated_coefficients_and_direction():
    study = diffusion_mr(2, shape=(4, 64, 64), spacing=(8.0, 3.2, 3.2), noise=0.0)
    steps = study.datasets[::4]
    b = np.array([ds.DiffusionBValue for ds in steps])
    values = study.images["diffusion"].data.astype(float)
    grid = study.images["diffusion"].space
    for ball, stated in zip(
        study.phantom["balls"], numbers(study, concepts.DIFFUSION_COEFFICIENT), strict=True
    ):
        index = tuple(np.rint(to_index(grid, np.array(ball.centre))).astype(int))
        signal = values[(slice(None), *index)]
        coefficients = np.log(signal[0] / signal[b == 500]) / 500
        assert coefficients[:3].mean() == pytest.approx(stated, rel=0.03)
        ways = [ds.DiffusionGradientOrientation for ds in steps if ds.DiffusionBValue == 500]
        assert np.allclose(np.linalg.norm(ways, axis=1), 1)
    assert coefficients[0] == pytest.approx(2 * coefficients[1], rel=0.05), "twice as fast along x"


def test_echoes_decay_with_the_stated_time():
    study = multi_echo_mr(2, shape=(4, 64, 64), spacing=(8.0, 3.2, 3.2), noise=0.0)
    te = np.array([float(ds.EchoTime) for ds in study.datasets[::4]])
    grid = study.images["echoes"].space
    for ball, stated in zip(study.phantom["balls"], numbers(study, concepts.T2_STAR), strict=True):
        index = tuple(np.rint(to_index(grid, np.array(ball.centre))).astype(int))
        signal = study.images["echoes"].data[(slice(None), *index)].astype(float)
        slope = np.polyfit(te[:3], np.log(signal[:3]), 1)[0]
        assert -1 / slope == pytest.approx(stated, rel=0.03)


@pytest.mark.parametrize("tilt", [20.0, -15.0, 0.0])
def test_balls_lie_where_a_tilted_series_puts_them(tilt):
    study = tilted_ct(1, tilt=tilt)
    places = np.array([ds.ImagePositionPatient for ds in study.datasets], float)
    assert np.allclose(np.diff(places, axis=0), [0, 0, 3.0])
    normal = np.cross(*np.array(study.datasets[0].ImageOrientationPatient, float).reshape(2, 3))
    assert math.degrees(math.acos(normal[2])) == pytest.approx(abs(tilt), abs=1e-6)
    values, grid = study.images["ct"].data.astype(float), study.images["ct"].space
    marks = next(f for f in study.findings if isinstance(f, Landmarks)).items
    for mark, hu in zip(marks, (300, 600, -400), strict=True):
        index = np.rint(to_index(grid, mark.point)).astype(int)
        around = values[tuple(slice(i - 1, i + 2) for i in index)]
        assert around.mean() == pytest.approx(hu, abs=15)


def test_each_doppler_colour_means_one_velocity():
    study = colour_doppler(3, frames=6)
    (_, flow) = study.datasets[0].SequenceOfUltrasoundRegions
    table = dict(zip(flow.TableOfPixelValues, flow.TableOfParameterValues, strict=True))
    assert len(table) == len(VELOCITIES) == flow.NumberOfTableEntries == 63
    assert flow.PixelComponentPhysicalUnits == 7, "cm/s"
    colours = study.datasets[0].pixel_array.astype(int)
    composite = colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]
    velocity = study.images["velocity"].data
    seen = ~np.isnan(velocity)
    assert np.allclose([table[c] for c in composite[seen]], velocity[seen], atol=1e-4)
    assert len(np.unique(PALETTE, axis=0)) == 63
    assert not (np.ptp(PALETTE, axis=1) == 0).any(), "none is grey"


def test_flow_is_parabolic_and_follows_the_pulse():
    study = colour_doppler(3, frames=10, peak=50.0)
    fastest = np.nanmax(np.abs(study.images["velocity"].data), axis=(1, 2))
    assert np.allclose(fastest, np.abs(curve(study).values), atol=2.0)
    assert curve(study).values.max() == pytest.approx(50.0)
    assert curve(study).values.min() < 0, "flow turns back in early diastole"
    with pytest.raises(InvalidInput, match="at most 60 cm/s"):
        colour_doppler(1, peak=80.0)


def test_subtraction_of_the_mask_leaves_the_arteries(drawn):
    study = drawn("angiography")
    ds = study.datasets[0]
    (how,) = ds.MaskSubtractionSequence
    frames = ds.pixel_array.astype(float)
    mask = frames[np.array(how.MaskFrameNumbers) - 1].mean(axis=0)
    left = frames - mask
    where = study.masks["arteries"].mask(1)
    strongest = curve(study).values.max()
    assert left[-3][~where].mean() == pytest.approx(0.0, abs=10.0)
    assert left.min() == pytest.approx(-620.0 * strongest, rel=0.15)
    assert how.ApplicableFrameRange[1] == len(frames)


def test_metastases_are_hot_in_both_views(drawn):
    study = drawn("bone-scan")
    scan = study.datasets[0].pixel_array.astype(float)
    for frame, boxes in enumerate(f for f in study.findings if isinstance(f, Boxes)):
        assert len(boxes.items) == 2
        for box in boxes.items:
            row, column = np.rint((box.low + box.high) / 2).astype(int)
            assert scan[frame, row - 1 : row + 2, column - 1 : column + 2].mean() > 12


@pytest.mark.parametrize("laterality", ["L", "R"])
def test_the_mass_and_the_calcifications_lie_in_their_boxes_whatever_the_side(laterality):
    study = mammogram(2, laterality=laterality, shape=(320, 240))
    grey = study.images["mammogram"].data.astype(float)
    for box in next(f for f in study.findings if isinstance(f, Boxes)).items[1:]:
        row, column = np.rint((box.low + box.high) / 2).astype(int)
        near = grey[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        assert near.max() > 1.2 * np.median(grey[study.masks["breast"].mask(1)])
    wall = grey[:, :3] if laterality == "L" else grey[:, -3:]
    assert wall.mean() > 300, "the chest wall is at the side of the other hand"
    assert study.datasets[0].ImageLaterality == laterality


def test_the_fundus_has_its_disc_and_cup(drawn):
    study = drawn("fundus")
    disc, cup = (study.masks["disc"].mask(n) for n in (1, 2))
    heights = [m.any(axis=1).sum() for m in (disc, cup)]
    assert heights[1] / heights[0] == pytest.approx(numbers(study, concepts.CUP_TO_DISC)[0], abs=0.12)
    green = study.images["fundus"].data[..., 1]
    bright = [np.percentile(green[where], 80) for where in (cup, disc & ~cup, ~disc)]  # beside vessels
    assert bright == sorted(bright, reverse=True)
    assert study.images["fundus"].space.unit == "pixel"


def test_the_retina_is_as_thick_as_stated():
    study = oct_volume(2)
    mask = study.masks["retina"].mask(1)
    step = study.images["oct"].space.affine[1, 1]
    middle = mask.shape[0] // 2, mask.shape[2] // 2
    pit, beside = numbers(study, concepts.THICKNESS)
    assert mask[middle[0], :, middle[1]].sum() * step * 1000 == pytest.approx(pit, abs=6)
    column = middle[1] + round(1.5 / study.images["oct"].space.affine[0, 2])
    assert mask[middle[0], :, column].sum() * step * 1000 == pytest.approx(beside, abs=8)


def test_tiles_make_up_the_slide_and_each_level_is_half_as_fine(drawn):
    study = drawn("whole-slide")
    for level, ds in enumerate(study.datasets):
        picture = study.images[f"level-{level}"].data
        rows, columns = ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns
        along = -(-columns // ds.Columns)
        canvas = np.zeros((-(-rows // ds.Rows) * ds.Rows, along * ds.Columns, 3), np.uint8)
        for n, tile in enumerate(ds.pixel_array):
            row, column = n // along * ds.Rows, n % along * ds.Columns
            canvas[row : row + ds.Rows, column : column + ds.Columns] = tile
        assert np.array_equal(canvas[:rows, :columns], picture)
    fine, coarse = (study.images[f"level-{n}"].space for n in (0, 1))
    ends = [np.array([-0.5, -0.5]), np.array(fine.shape) - 0.5]
    for end, other in zip(ends, (ends[0], np.array(coarse.shape) - 0.5), strict=True):
        assert np.allclose(fine.affine @ [*end, 1], coarse.affine @ [*other, 1])


def test_nuclei_are_dark_and_blue_and_counted():
    study = whole_slide(2, size=300, tile=100, levels=1)
    points = next(f for f in study.findings if isinstance(f, Landmarks)).items
    picture = study.images["level-0"].data.astype(float)
    for mark in points:
        row, column = np.rint(to_index(study.images["level-0"].space, mark.point)).astype(int)
        red, _, blue = picture[row, column]
        assert red < 150 < blue + 60
    assert numbers(study, concepts.NUMBER) == [len(points)]
    assert tiled(np.zeros((5, 5, 3), np.uint8), 4).shape == (4, 4, 4, 3)


@pytest.mark.parametrize(
    ("draw", "rule"),
    [
        (lambda: pet(1, noise=-1.0), "not below zero"),
        (lambda: tilted_ct(1, tilt=45.0), "at most 30"),
        (lambda: diffusion_mr(1, b_values=()), "b-values"),
        (lambda: multi_echo_mr(1, echoes=(5.0, 3.0)), "rise"),
        (lambda: whole_slide(1, levels=0), "at least one pixel"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, rule):
    with pytest.raises(InvalidInput, match=rule):
        draw()
