"""Synthetic breast tumours: their truth is exact, the generator decides all, and difficulty is what it says."""

import dataclasses
import json
import math

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from skiagraph.case import Dataset
from skiagraph.cli.phantom import phantom
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, Segmentation
from skiagraph.geometry import spacing_of
from skiagraph.io import read_dataset
from skiagraph.phantoms.breast_files import write_breast_tumours
from skiagraph.phantoms.breast_sonogram import breast_tumours, draw_breast_tumour
from skiagraph.phantoms.breast_tumour import (
    SHAPE,
    BreastTumour,
    outline_of,
    radius_at,
    rasterised_tumour,
    sample_breast_tumour,
)
from skiagraph.phantoms.concepts import MALIGNANT

APP = typer.Typer()
APP.command()(phantom)


def tumour(seed: int = 1, *, malignant: bool = True, difficulty: float = 0.0) -> BreastTumour:
    return sample_breast_tumour(np.random.default_rng(seed), malignant=malignant, difficulty=difficulty)


def roughness(one: BreastTumour) -> float:
    """How much longer the outline is than that of an ellipse of its moments."""
    points = outline_of(one, 1440)
    way = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum()
    wide, tall = one.radius / math.sqrt(one.aspect), one.radius * math.sqrt(one.aspect)
    h = ((wide - tall) / (wide + tall)) ** 2
    return float(way / (math.pi * (wide + tall) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))))


def signs(difficulty: float, *, malignant: bool) -> np.ndarray:
    drawn = [tumour(seed, malignant=malignant, difficulty=difficulty) for seed in range(60)]
    return np.array([(t.roughness, t.echo, t.blur, t.shadow, t.aspect, roughness(t)) for t in drawn])


def test_the_mask_is_what_lies_within_the_outline():
    one = tumour()
    y, x = np.nonzero(rasterised_tumour(one))
    away = np.hypot(y * one.pixel_size - one.centre[1], x * one.pixel_size - one.centre[0])
    edge = radius_at(one, np.arctan2(y * one.pixel_size - one.centre[1], x * one.pixel_size - one.centre[0]))
    assert (away <= edge).all()
    fine = np.linspace(0, 2 * math.pi, 20_000, endpoint=False)
    area = float((radius_at(one, fine) ** 2).mean() * math.pi)
    assert len(y) * one.pixel_size**2 == pytest.approx(area, rel=0.01)


def test_without_ripples_and_spicules_it_is_its_ellipse():
    one = dataclasses.replace(tumour(), ripples=(), spicules=(), tilt=0.0, radius=4.0, aspect=0.5)
    assert radius_at(one, np.array([0.0, math.pi / 2])) == pytest.approx([4 / 0.5**0.5, 4 * 0.5**0.5])
    assert rasterised_tumour(one).sum() * one.pixel_size**2 == pytest.approx(math.pi * 16, rel=0.01)


def test_the_same_value_gives_the_same_picture_and_the_same_generator_the_same_value():
    assert tumour(3) == tumour(3) != tumour(4)
    first, again = draw_breast_tumour(tumour(3)), draw_breast_tumour(tumour(3))
    assert first.shape == SHAPE
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)


def test_at_difficulty_0_every_sign_tells_the_kinds_apart():
    benign, malignant = signs(0.0, malignant=False), signs(0.0, malignant=True)
    assert (benign.max(0) < malignant.min(0)).all()


def test_at_difficulty_1_nothing_does():
    benign, malignant = signs(1.0, malignant=False), signs(1.0, malignant=True)
    assert np.array_equal(benign, malignant)


def test_the_roughness_of_the_kinds_comes_nearer_with_difficulty():
    gaps = []
    for difficulty in (0.0, 0.4, 0.8):
        benign, malignant = (signs(difficulty, malignant=kind)[:, -1] for kind in (False, True))
        gaps.append(float(np.median(malignant) - np.median(benign)))
    assert gaps[0] > gaps[1] > gaps[2] > 0


def test_a_tumour_is_darker_than_the_gland_and_a_malignant_one_casts_a_shadow():
    for malignant in (False, True):
        one = tumour(2, malignant=malignant)
        picture, mask = draw_breast_tumour(one).astype(float), rasterised_tumour(one)
        rows, columns = np.nonzero(mask)
        middle = int(np.median(columns))
        below = picture[rows.max() + 8 : rows.max() + 40, middle - 10 : middle + 10].mean()
        beside = picture[rows.max() + 8 : rows.max() + 40, 10:60].mean()
        around = picture[rows.min() : rows.max(), 10:60].mean()
        assert picture[mask].mean() < 0.8 * around
        assert (below < 0.8 * beside) == malignant


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.2, 2), (0.0, 0), (1.0, 10)])
def test_a_data_set_has_the_chosen_share_of_malignant_ones(share, expected):
    data = breast_tumours(10, 0.5, np.random.default_rng(0), malignant=share)
    assert isinstance(data, Dataset)
    assert sum(sample.stratum for sample in data) == expected
    assert len({sample.group for sample in data}) == len(data) == 10


def test_the_references_of_a_sample_are_its_class_and_its_outline():
    data = breast_tumours(2, 0.0, np.random.default_rng(0))
    assert [target.kind for target in data.targets] == ["multi-class", "segmentation"]
    for sample in data:
        kind, outline = sample.reference()
        image = sample.case().image
        assert isinstance(kind, Classification)
        assert isinstance(outline, Segmentation)
        assert {s.code: s.probability for s in kind.scores}[MALIGNANT] == sample.stratum
        assert outline.space == image.space
        assert outline.mask(1).any()


def test_a_data_set_that_is_written_is_read_back_as_it_was(tmp_path):
    data = breast_tumours(3, 0.3, np.random.default_rng(5), malignant=1 / 3)
    back = read_dataset(write_breast_tumours(data, tmp_path / "tumours"))
    for sample, other in zip(data, back, strict=True):
        image, same = sample.case().image, other.case().image
        assert np.array_equal(image.data, same.data)
        assert spacing_of(same.space) == pytest.approx(spacing_of(image.space), rel=1e-5)
        (_, outline), findings = sample.reference(), other.reference()
        (mask,) = (f for f in findings if isinstance(f, Segmentation))
        (kind,) = (f for f in findings if isinstance(f, Classification))
        assert np.array_equal(mask.mask(1), outline.mask(1))
        likely = max(kind.scores, key=lambda score: score.probability)
        assert (likely.code.value == "malignant") == bool(sample.stratum)


def test_the_command_writes_a_data_set(tmp_path):
    done = CliRunner().invoke(APP, ["breast-tumours", str(tmp_path), "--count", "2", "--json"])
    assert done.exit_code == 0, done.output
    assert len(read_dataset(json.loads(done.output)["table"])) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: tumour(difficulty=1.5),
        lambda: dataclasses.replace(tumour(), radius=-1.0),
        lambda: dataclasses.replace(tumour(), echo=2.0),
        lambda: dataclasses.replace(tumour(), centre=(0.0, 0.0)),
        lambda: breast_tumours(0, 0.5, np.random.default_rng(0)),
        lambda: breast_tumours(4, 0.5, np.random.default_rng(0), malignant=1.5),
    ],
)
def test_what_cannot_be_drawn_is_refused(make):
    with pytest.raises(InvalidInput):
        make()
