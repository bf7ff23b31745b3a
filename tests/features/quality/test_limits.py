"""The limits: clean phantoms pass, and planted artefacts are named from a stated strength on."""

import dataclasses

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.features.quality import LIMITS, TOPICS, Limit, kind_of, limit_of, measured, remark
from skiagraph.phantoms.artefacts import (
    blurred,
    cut_off,
    jumped,
    moved_during_scan,
    saturated,
    with_metal,
    with_noise,
    with_rings,
)
from skiagraph.phantoms.sections import chest_film, chest_sections, fundus, head_sections

SEEDS = 4

DRAWN = {
    "ct": lambda rng: chest_sections(rng, slices=2),
    "ct volume": lambda rng: chest_sections(rng, slices=6, side=192),
    "mr": lambda rng: head_sections(rng, slices=6),
    "xray": chest_film,
    "photograph": fundus,
}

# What is planted on which kind, what must name it, and the strength from which on it must.
PLANTED = {
    "noise of 60 HU": ("ct", "noise", lambda image, rng: with_noise(image, 60.0, rng)),
    "rings of 25 HU": ("ct", "rings", lambda image, rng: with_rings(image, 25.0, rng)),
    "a steel rod of 4 mm radius": (
        "ct",
        "metal",
        lambda image, rng: with_metal(image, near_middle(rng), 4.0),
    ),
    "an eighth of the body cut off": ("ct", "field of view", lambda image, rng: cut_off(image, 0.125)),
    "a jump of 4 mm, CT": ("ct volume", "step", lambda image, rng: jumped(image, 4.0, after=2)),
    "2 % clipped, CT": ("ct", "saturation", lambda image, rng: saturated(image, 0.02)),
    "breathing of 3 pixels": ("mr", "ghosts", lambda image, rng: moved_during_scan(image, 3.0)),
    "noise of 80 where brain is 500": (
        "mr",
        "signal to noise",
        lambda image, rng: with_noise(image, 80.0, rng),
    ),
    "a jump of 4 mm, MR": ("mr", "step", lambda image, rng: jumped(image, 4.0, after=2)),
    "2 % clipped, MR": ("mr", "saturation", lambda image, rng: saturated(image, 0.02)),
    "a way of 7 pixels, film": ("xray", "blur", lambda image, rng: blurred(image, 7)),
    "noise of 300 where tissue is 2500": (
        "xray",
        "signal to noise",
        lambda image, rng: with_noise(image, 300, rng),
    ),
    "2 % clipped, film": ("xray", "saturation", lambda image, rng: saturated(image, 0.02)),
    "a way of 9 pixels, photograph": ("photograph", "blur", lambda image, rng: blurred(image, 9)),
    "noise of 15 of 255": ("photograph", "signal to noise", lambda image, rng: with_noise(image, 15.0, rng)),
    "6 % clipped, photograph": ("photograph", "saturation", lambda image, rng: saturated(image, 0.06)),
}


def near_middle(rng):
    return rng.uniform(0.42, 0.58), rng.uniform(0.45, 0.55)


@pytest.fixture(scope="session")
def clean():
    return {
        kind: [drawn(np.random.default_rng([seed, 7])) for seed in range(SEEDS)]
        for kind, drawn in DRAWN.items()
    }


def beyond(image):
    """The topics that are worth a remark."""
    kind = kind_of(image)
    found = set()
    for one in measured(image, kind):
        limit = limit_of(one.topic, kind)
        if limit is not None and one.value is not None and not limit.holds(one.value):
            found.add(one.topic)
    return found


@pytest.mark.parametrize("kind", sorted(DRAWN))
def test_clean_phantoms_pass(clean, kind):
    remarked = [beyond(image) for image in clean[kind]]
    assert not any(remarked), remarked


@pytest.mark.parametrize("planted", sorted(PLANTED))
def test_what_is_planted_is_named(clean, planted):
    kind, topic, plant = PLANTED[planted]
    images = [plant(image, np.random.default_rng([seed, 9])) for seed, image in enumerate(clean[kind])]
    named = [topic in beyond(image) for image in images]
    assert all(named), f"{sum(named)} of {len(named)}"


@pytest.mark.parametrize("kind", ["ct", "mr", "xray", "photograph", "ultrasound", "other"])
def test_no_topic_has_two_limits_for_one_kind(kind):
    topics = [row.topic for row in LIMITS if kind in row.kinds]
    assert len(topics) == len(set(topics))


def test_rings_and_metal_are_judged_in_ct_alone_and_ghosts_in_mr():
    kinds = {topic: {k for row in LIMITS if row.topic == topic for k in row.kinds} for topic in TOPICS}
    assert kinds["rings"] == kinds["metal"] == kinds["field of view"] == {"ct"}
    assert kinds["ghosts"] == {"mr"}


def test_a_limit_includes_its_ends():
    limit = Limit(topic="blur", least=1.0, most=2.0, origin="test")
    assert [limit.holds(v) for v in (0.9, 1.0, 2.0, 2.1)] == [False, True, True, False]


@pytest.mark.parametrize("ends", [{}, {"least": 2.0, "most": 1.0}])
def test_a_limit_without_ends_or_with_crossed_ones_is_refused(ends):
    with pytest.raises(InvalidInput):
        Limit(topic="blur", origin="test", **ends)


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_remark_is_one_sentence(topic):
    limit = next((row for row in LIMITS if row.topic == topic), None)
    said = remark(topic, 12.3456, limit, unit="HU", detail="Slice 2 of 3 is blank.")
    assert said.endswith(".")
    assert "{" not in said
    assert "None" not in said


@pytest.mark.parametrize(
    ("modality", "kind"),
    [("CT", "ct"), ("MR", "mr"), ("DX", "xray"), ("US", "ultrasound"), ("OP", "photograph"), ("PT", "other")],
)
def test_the_kind_follows_the_modality(modality, kind):
    image = chest_film(np.random.default_rng(0), shape=(64, 64))
    assert kind_of(dataclasses.replace(image, modality=modality)) == kind


def test_without_a_modality_the_kind_follows_quantity_and_channels(rng):
    def unnamed(image):
        return kind_of(dataclasses.replace(image, modality=None))

    assert unnamed(chest_sections(rng, slices=1, side=64)) == "ct"
    assert unnamed(head_sections(rng, slices=1, side=64)) == "mr"
    assert unnamed(fundus(rng, side=64)) == "photograph"
    assert unnamed(chest_film(rng, shape=(64, 64))) == "other"
