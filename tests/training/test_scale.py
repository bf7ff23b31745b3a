"""Values in mm and of brightness: plans keep what is measured, lattices have one scale, and sizes are learnt."""

import dataclasses

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample, Target
from skiagraph.codes import Code
from skiagraph.errors import UnknownSize
from skiagraph.findings import Measurement
from skiagraph.geometry import Grid, Plane, axis_codes, derived_frame, spacing_of, to_world
from skiagraph.image import Image
from skiagraph.image.quantity import GREY, HU, SUV
from skiagraph.inference import staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.preprocess import Affine, Erase, Gamma, Pose, network_input, network_space
from skiagraph.training import fingerprint, learnt_card, planned, prepared, teach

DIAMETER = Code(value="DIAMETER", scheme="99TEST", meaning="Diameter")
DENSITY = Code(value="DENSITY", scheme="99TEST", meaning="Density")
SIZE = Target(name="diameter", kind="regression", concept=DIAMETER, unit=codes.MM)


def made(number, data, space, value, *, quantity=GREY, concept=DIAMETER, split="train"):
    case = Case(
        identifier=f"m{number}",
        images={"image": Image(data=data, space=space, quantity=quantity, modality="DX")},
    )
    truth = (Measurement(concept=concept, value=float(value), unit=codes.MM),)
    return Sample(
        identifier=f"m{number}",
        group=f"m{number}",
        split=split,
        case=lambda: case,
        reference=lambda: truth,
        stratum=float(value),
    )


def disc(number, *, pixel=None, split="train"):
    """A disc of 6 to 12 mm, in pixels of 0.4 to 0.8 mm, in a picture of 30 to 44 pixels: neither tells its size."""
    rng = np.random.default_rng([6, number])
    steps = rng.uniform(0.4, 0.8) * np.ones(2) if pixel is None else np.array(pixel)
    shape = tuple(int(n) for n in rng.integers(30, 45, 2))
    diameter = rng.uniform(6, 12)
    at = (np.indices(shape) - ((np.array(shape) - 1) / 2)[:, None, None]) * steps[:, None, None]
    inside = np.hypot(*(at - rng.uniform(-1, 1, 2)[:, None, None])) < diameter / 2
    level = rng.uniform(80, 200)
    data = (30 + level * inside + rng.normal(0, 8, shape)).clip(0, 255).astype(np.uint8)
    space = Plane.upright(shape=shape, spacing=tuple(steps), frame=derived_frame(f"disc {number}"))
    return made(number, data, space, diameter, split=split)


def discs(n, test=0):
    samples = tuple(disc(k, split="train" if k < n else "test") for k in range(n + test))
    return Dataset(name="discs", samples=samples, licence="CC0-1.0", targets=(SIZE,))


def silent(*_):
    pass


def test_a_plan_for_values_brings_all_images_to_one_scale(machine):
    plan = planned(discs(30), "regression", machine)
    step, other = plan.recipe.spacing
    assert step == other
    assert 0.4 <= step <= 0.8
    reach = max(
        max(np.array(s.case().image.space.shape) * spacing_of(s.case().image.space)) for s in discs(30)
    )
    assert max(plan.recipe.shape) * step >= 0.9 * reach
    assert "a size can be learnt" in plan.reasons["recipe.spacing"]
    (affine,) = (step for step in plan.steps if isinstance(step, Affine))
    assert (affine.shrink, affine.grow, affine.stretch, affine.shear) == (1.0, 1.0, 1.0, 0.0)
    assert not any(isinstance(step, Erase) for step in plan.steps), "a hole would change what is measured"


@pytest.mark.parametrize("pixel", [(0.4, 0.4), (0.8, 0.8), (0.5, 0.9)])
def test_a_disc_covers_the_same_area_of_the_lattice_whatever_its_pixels(machine, pixel):
    plan = planned(discs(30), "regression", machine)
    sample = disc(3, pixel=pixel)
    (one,) = prepared(Dataset(name="one", samples=(sample,), licence="x"), plan.recipe)
    assert one.picture.shape == (1, *plan.recipe.shape)
    area = (one.picture > 0.5 * one.picture.max()).sum() * np.prod(plan.recipe.spacing)
    diameter = sample.reference()[0].value
    assert 2 * np.sqrt(area / np.pi) == pytest.approx(diameter, rel=0.06)


def test_planes_and_volumes_are_cut_and_padded_about_their_middle(machine):
    plan = planned(discs(30), "regression", machine)
    flat = plan.recipe
    for shape, steps in (((10, 12), (0.5, 0.7)), ((400, 90), (0.2, 0.6))):
        plane = Plane.upright(shape=shape, spacing=steps, frame=derived_frame("x"))
        space = network_space(plane, flat)
        assert space.shape == flat.shape
        np.testing.assert_allclose(spacing_of(space), flat.spacing)
        ends = to_world(space, (np.array(space.shape) - 1) / 2), to_world(plane, (np.array(shape) - 1) / 2)
        assert np.abs(ends[0] - ends[1]).max() <= max(flat.spacing)
    deep = dataclasses.replace(flat, shape=(8, 8, 16), spacing=(2.0, 1.0, 1.0), orientation="SPL", mirror=())
    grid = Grid(shape=(30, 20, 10), affine=np.diag([1.0, 1.0, 2.0, 1.0]), frame=derived_frame("y"))
    space = network_space(grid, deep)
    assert space.shape == (8, 8, 16)
    np.testing.assert_allclose(spacing_of(space), (2.0, 1.0, 1.0))


def test_an_image_of_unknown_size_is_refused_where_sizes_are_told(machine):
    recipe = planned(discs(30), "regression", machine).recipe
    plane = Plane.upright(shape=(30, 40), spacing=None, frame=derived_frame("x"))
    with pytest.raises(UnknownSize, match="pixel size"):
        network_space(plane, recipe)


def test_without_sizes_pictures_are_fitted_as_before(drawn, machine):
    plan = planned(drawn(24, 3), "regression", machine)
    assert plan.recipe.spacing is None
    assert plan.recipe.shape == (16, 16)


def levelled(number, *, quantity=GREY, telling=True, shape=(16, 16)):
    """Noise about a level, which the value follows or not."""
    rng = np.random.default_rng([7, number])
    level = rng.uniform(50, 150)
    data = (level + rng.normal(0, 10, shape)).astype(np.float32)
    place = {"shape": shape, "frame": derived_frame(f"level {number}")}
    space = (
        Plane.upright(**place, spacing=None)
        if len(shape) == 2
        else Grid(**place, affine=np.diag([1.0, 2.0, 3.0, 1.0])[[2, 0, 1, 3]])
    )
    return made(
        number, data, space, level if telling else rng.uniform(0, 1), quantity=quantity, concept=DENSITY
    )


def levels(n, **changes):
    target = Target(name="density", kind="regression", concept=DENSITY, unit=codes.MM)
    samples = tuple(levelled(k, **changes) for k in range(n))
    return Dataset(name="levels", samples=samples, licence="CC0-1.0", targets=(target,))


def test_brightness_is_kept_where_it_tells_the_value(machine):
    plan = planned(levels(40), "regression", machine)
    assert plan.recipe.normalise == "window"
    assert plan.recipe.intensity.low < 60
    assert plan.recipe.intensity.high > 140
    assert "brightness tells something of density" in plan.reasons["recipe.normalise"]
    assert not any(isinstance(step, Gamma) for step in plan.steps)
    dark, bright = sorted((s.case().image for s in levels(40)), key=lambda image: image.data.mean())[::39]
    shown = [
        network_input(i, network_space(i.space, plan.recipe), plan.recipe).mean() for i in (dark, bright)
    ]
    assert shown[1] - shown[0] > 1.5


def test_brightness_is_taken_out_where_it_tells_nothing(machine):
    plan = planned(levels(40, telling=False), "regression", machine)
    assert (plan.recipe.normalise, plan.recipe.intensity) == ("zscore", None)
    assert any(isinstance(step, Gamma) for step in plan.steps)


@pytest.mark.parametrize("quantity", [HU, SUV], ids=["HU", "SUV"])
def test_units_that_mean_the_same_everywhere_are_kept(machine, quantity):
    plan = planned(levels(12, quantity=quantity, telling=False), "regression", machine)
    assert plan.recipe.normalise == "window"
    assert f"measure {quantity.name}" in plan.reasons["recipe.normalise"]


def test_volumes_are_measured_along_the_axes_of_the_recipe(machine):
    """Sagittal slices, 3 mm apart: the recipe has them as its last axis, and head to feet as its first."""
    data = levels(12, shape=(10, 24, 20))
    assert axis_codes(data.samples[0].case().image.space) == "PSL"
    found = fingerprint(data, data.targets)
    assert (found.shape, found.spacing, found.extent) == ((24, 10, 20), (2.0, 1.0, 3.0), (48.0, 10.0, 60.0))
    plan = planned(data, "regression", machine)
    assert plan.recipe.spacing == (2.0, 1.0, 3.0)
    assert plan.recipe.shape == (24, 16, 24)
    (pose,) = (step for step in plan.steps if isinstance(step, Pose))
    assert (pose.shrink, pose.grow) == (1.0, 1.0)


def test_diameters_in_mm_are_learnt_from_pixels_of_any_size(machine):
    data = discs(96, test=32)
    plan = planned(data.split("train"), "regression", machine)
    plan = dataclasses.replace(
        plan, options={**plan.options, "base": 16}, epochs=16, batch=16, average=0.9, precision="32-true"
    )
    taught = teach(data.split("train"), plan, rng=np.random.default_rng(0), watch=silent)
    card = learnt_card("discs", taught.plan.recipe, "DX", data)
    model = staged(card, taught.plan.recipe, TorchEngine(taught.network))
    true = np.array([s.reference()[0].value for s in data.split("test")])
    told = np.array([model.findings(s.case())[0].value for s in data.split("test")])
    constant = np.median([s.reference()[0].value for s in data.split("train")])
    error, plain = np.abs(told - true).mean(), np.abs(constant - true).mean()
    assert error < 0.35 * plain
