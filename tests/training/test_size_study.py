"""Trainings with parts of the data: parts keep groups whole and classes present, and more data is seen to help."""

import numpy as np
import pytest

from skiagraph.case import Case, Dataset, Sample
from skiagraph.errors import InvalidInput
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.training.fit_measures import Measure, SizePoint, fitted_sizes
from skiagraph.training.size_study import part_of, size_points

SPACE = Plane.upright(shape=(2, 2), spacing=(1.0, 1.0), frame=derived_frame("sizes"))
SQUARED = Measure(name="squared error", higher=False, best=0.0)


def numbered(n, stratum):
    def case():
        image = Image(data=np.zeros((2, 2), np.uint8), space=SPACE, quantity=GREY, modality="US")
        return Case(identifier="c", images={"image": image})

    samples = tuple(
        Sample(
            identifier=str(k), group=f"g{k // 2}", split="train", case=case, reference=lambda: (), stratum=stratum(k)
        )
        for k in range(n)
    )  # fmt: skip
    return Dataset(name="numbers", samples=samples)


@pytest.mark.parametrize("stratum", [lambda k: float(k >= 196), float], ids=["two classes", "many sizes"])
def test_a_part_keeps_groups_whole_and_has_something_of_every_kind(stratum):
    data = numbered(200, stratum)
    part = part_of(data, 0.25, np.random.default_rng(0))
    groups = {s.group for s in part}
    assert len(part) == 2 * len(groups)
    assert abs(len(groups) - 25) <= 1
    assert any(int(s.identifier) >= 192 for s in part)
    assert len(part_of(data, 1.0, np.random.default_rng(0))) == 200


def test_more_data_is_seen_to_help_and_by_how_much():
    rng = np.random.default_rng(3)
    x = np.linspace(-1, 1, 300)

    def score(part, rng):
        u = rng.uniform(-1, 1, len(part))
        model = np.polynomial.Chebyshev.fit(u, np.sin(3 * u) + rng.normal(0, 0.5, len(u)), 5, domain=[-1, 1])
        return SizePoint(n=len(part), score=float(((model(x) - np.sin(3 * x)) ** 2).mean()), error=1.0)

    points = size_points(numbered(400, lambda _: 0.0), score, rng=rng, seeds=8)
    assert all(0 < p.error < 1 for p in points), "over trainings"
    assert [p.n for p in points] == [100, 200, 400]
    assert points[0].score > points[1].score > points[2].score
    doubling = fitted_sizes(points, SQUARED, rng).doubling
    assert 0 < doubling.value < points[2].score


def test_one_training_of_each_size_keeps_its_own_error():
    points = size_points(
        numbered(40, lambda _: 0.0),
        lambda part, _: SizePoint(n=len(part), score=2 / len(part), error=0.03),
        rng=np.random.default_rng(0),
        seeds=1,
    )
    assert [(p.n, p.score, p.error) for p in points] == [(10, 0.2, 0.03), (20, 0.1, 0.03), (40, 0.05, 0.03)]


@pytest.mark.parametrize("bad", [{"shares": (0.0, 1.0)}, {"shares": (2.0,)}, {"seeds": 0}])
def test_what_is_no_study_is_refused(bad):
    with pytest.raises(InvalidInput):
        size_points(numbered(4, float), lambda *_: None, rng=np.random.default_rng(0), **bad)
