"""Every kind of synthetic study by name, each drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from skiagraph.phantoms.angiography import angiography
from skiagraph.phantoms.bone_scan import bone_scan
from skiagraph.phantoms.brain_mr import brain_mr
from skiagraph.phantoms.chest_ct import chest_ct
from skiagraph.phantoms.chest_xray import chest_xray
from skiagraph.phantoms.cine_heart import cine_heart
from skiagraph.phantoms.doppler import colour_doppler
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.fundus import fundus
from skiagraph.phantoms.mammogram import mammogram
from skiagraph.phantoms.mr_stacks import diffusion_mr, multi_echo_mr
from skiagraph.phantoms.oct_volume import oct_volume
from skiagraph.phantoms.pet import pet
from skiagraph.phantoms.slide import whole_slide
from skiagraph.phantoms.tilted_ct import tilted_ct

__all__ = ["KINDS"]

KINDS: Final[Mapping[str, Callable[[int], Drawn]]] = MappingProxyType(
    {
        "chest-ct": chest_ct,
        "chest-xray": chest_xray,
        "brain-mr": brain_mr,
        "brain-mr-enhanced": partial(brain_mr, form="enhanced"),
        "cine-heart": cine_heart,
        "pet": pet,
        "diffusion-mr": diffusion_mr,
        "multi-echo-mr": multi_echo_mr,
        "tilted-ct": tilted_ct,
        "colour-doppler": colour_doppler,
        "angiography": angiography,
        "bone-scan": bone_scan,
        "mammogram": mammogram,
        "fundus": fundus,
        "oct": oct_volume,
        "whole-slide": whole_slide,
    }
)
"""The way to draw each kind: from a seed to a study with its truth."""
