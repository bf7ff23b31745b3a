"""Plans for volumes: what the time, the memory, the spacing and the thickness of structures choose."""

import dataclasses
import math

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.training import Machine
from skiagraph.training.fingerprint import Fingerprint, Spread
from skiagraph.training.forms import thickness
from skiagraph.training.plan_volumes import volume_plan

FLAT = Spread(low=0.0, median=1.0, high=2.0, mean=1.0, deviation=1.0)
SMALL = Fingerprint(
    samples=100,
    groups=100,
    ndim=3,
    channels=1,
    shape=(36, 50, 35),
    least=(26, 40, 31),
    largest=(46, 58, 43),
    spacing=(1.0, 1.0, 1.0),
    intensity=FLAT,
    thickness={"organ": 0.12},
)
PARTS = {"labels": (codes.HEAD,), "activation": "sigmoid", "channels": 1, "normalise": "zscore"}
PROCESSOR = Machine(cores=2, memory=8.0, bf16=True)
CARD = Machine(cores=8, memory=64.0, gpu="a card", gpu_memory=24.0, bf16=True)


def planned(machine=PROCESSOR, seconds=300.0, **changes):
    return volume_plan(dataclasses.replace(SMALL, **changes), machine, seconds, PARTS, {})


def base(plan):
    return plan.options["levels"][0]["width"]


def product(plan):
    return np.prod([level["stride"] for level in plan.options["levels"]], axis=0)


def test_a_processor_computes_at_half_resolution_unless_a_structure_is_thin():
    assert planned().options["levels"][0]["stride"] == [2, 2, 2]
    assert "half resolution" in planned().reasons["network"]
    thin = planned(thickness={"organ": 0.12, "cortex": 0.03})
    assert thin.options["levels"][0]["stride"] == [1, 1, 1]
    assert planned(CARD).options["levels"][0]["stride"] == [1, 1, 1]


def test_more_time_and_more_cores_pay_for_a_larger_network():
    sizes = [base(planned(seconds=seconds)) for seconds in (120.0, 600.0, 2400.0)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert base(planned(dataclasses.replace(PROCESSOR, cores=16), 600.0)) > sizes[1]
    assert base(planned(dataclasses.replace(PROCESSOR, bf16=False), 600.0)) <= sizes[1]


def test_a_window_holds_the_usual_volume_or_what_time_and_memory_allow():
    plan = planned()
    assert all(w >= n for w, n in zip(plan.recipe.shape, SMALL.shape, strict=True))
    assert "whole" in plan.reasons["recipe.shape"]
    large = {"shape": (300, 512, 512), "largest": (400, 512, 512)}
    windows = [math.prod(planned(m, **large).recipe.shape) for m in (PROCESSOR, CARD)]
    assert 48**3 < windows[0] < 80**3
    assert windows[1] > 128**3
    little = dataclasses.replace(PROCESSOR, memory=0.25)
    assert math.prod(planned(little, **large).recipe.shape) < windows[0]


@pytest.mark.parametrize("spacing", [(5.0, 1.0, 1.0), (1.0, 1.0, 4.0)])
def test_an_axis_of_thick_slices_is_halved_later(spacing):
    plan = planned(spacing=spacing, shape=(40, 60, 40))
    thick = spacing.index(max(spacing))
    assert plan.options["levels"][0]["stride"][thick] == 1
    assert product(plan)[thick] < max(product(plan))
    assert plan.steps[0].thin == thick
    assert all(n % s == 0 for n, s in zip(plan.recipe.shape, product(plan), strict=True))


def test_the_thickness_of_a_ball_and_of_a_sheet():
    at = np.indices((40, 40, 40)) - 19.5
    ball = np.linalg.norm(at, axis=0) < 12
    assert thickness(ball) * 40 == pytest.approx(8, rel=0.05)
    normal = np.array([1, 2, 3]) / math.sqrt(14)
    sheet = abs(np.tensordot(normal, at, 1)) < 2
    assert thickness(sheet) * 40 == pytest.approx(4, rel=0.15)
