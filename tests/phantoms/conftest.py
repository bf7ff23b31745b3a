"""Every kind of study, drawn small once for all tests."""

from functools import cache

import pytest

from skiagraph.phantoms.angiography import angiography
from skiagraph.phantoms.bone_scan import bone_scan
from skiagraph.phantoms.brain_mr import brain_mr
from skiagraph.phantoms.chest_ct import chest_ct
from skiagraph.phantoms.chest_xray import chest_xray
from skiagraph.phantoms.cine_heart import cine_heart
from skiagraph.phantoms.doppler import colour_doppler
from skiagraph.phantoms.fundus import fundus
from skiagraph.phantoms.mammogram import mammogram
from skiagraph.phantoms.mr_stacks import diffusion_mr, multi_echo_mr
from skiagraph.phantoms.oct_volume import oct_volume
from skiagraph.phantoms.pet import pet
from skiagraph.phantoms.slide import whole_slide
from skiagraph.phantoms.tilted_ct import tilted_ct

CHEST = {"shape": (40, 96, 96), "spacing": (7.0, 3.7, 3.7)}
BRAIN = {"shape": (24, 80, 72), "spacing": (6.0, 2.6, 2.6), "lesions": 2}
SMALL = {
    "chest-ct": (chest_ct, CHEST),
    "chest-xray": (chest_xray, CHEST),
    "brain-mr": (brain_mr, BRAIN),
    "brain-mr-enhanced": (brain_mr, {**BRAIN, "form": "enhanced"}),
    "cine-heart": (cine_heart, {"shape": (8, 64, 64), "spacing": (12.0, 4.0, 4.0), "phases": 8}),
    "pet": (pet, {"shape": (20, 64, 64), "spacing": (6.0, 6.0, 6.0)}),
    "diffusion-mr": (diffusion_mr, {"shape": (8, 64, 64), "spacing": (8.0, 3.2, 3.2)}),
    "multi-echo-mr": (multi_echo_mr, {"shape": (8, 64, 64), "spacing": (8.0, 3.2, 3.2)}),
    "tilted-ct": (tilted_ct, {"shape": (12, 64, 64), "spacing": (6.0, 3.0, 3.0)}),
    "colour-doppler": (colour_doppler, {"frames": 4}),
    "angiography": (angiography, {"shape": (128, 128)}),
    "bone-scan": (bone_scan, {"metastases": 2}),
    "mammogram": (mammogram, {"shape": (320, 240), "pixel": 0.6}),
    "fundus": (fundus, {"size": 160, "haemorrhages": 2}),
    "oct": (oct_volume, {"shape": (9, 160, 128)}),
    "whole-slide": (whole_slide, {"size": 300, "tile": 128, "levels": 2}),
}


@cache
def small(kind, seed=1):
    """One study of a kind."""
    draw, sizes = SMALL[kind]
    return draw(seed, **sizes)


@pytest.fixture
def drawn():
    return small


@pytest.fixture
def anew():
    return small.__wrapped__
