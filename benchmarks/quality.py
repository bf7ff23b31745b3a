"""How many clean phantoms pass the checks of quality, how many planted artefacts are named, and the time."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from skiagraph.features.quality import kind_of, limit_of, measured
from skiagraph.image import Image
from skiagraph.phantoms import artefacts
from skiagraph.phantoms.sections import chest_film, chest_sections, fundus, head_sections

KEPT = Path(__file__).parent / "results" / "quality.json"
DRAWN: dict[str, Callable[[Generator], Image]] = {
    "ct": lambda rng: chest_sections(rng, slices=2),
    "ct volume": lambda rng: chest_sections(rng, slices=6, side=256),
    "mr": lambda rng: head_sections(rng, slices=6),
    "film": chest_film,
    "photograph": fundus,
}


class Plan(NamedTuple):
    """An artefact: on which phantom, what must name it, how it is planted, and how strongly."""

    drawn: str
    topic: str
    plant: Callable[[Image, Any, Generator], Image]
    strengths: tuple[float, ...]


def rod(image: Image, radius: float, rng: Generator) -> Image:
    """A rod of steel somewhere near the middle of the chest."""
    return artefacts.with_metal(image, (rng.uniform(0.42, 0.58), rng.uniform(0.45, 0.55)), radius)


PLANS = {
    "noise in CT, HU": Plan("ct", "noise", artefacts.with_noise, (30, 40, 50, 60)),
    "rings, HU": Plan("ct", "rings", artefacts.with_rings, (5, 10, 15, 20, 25)),
    "steel rod, mm": Plan("ct", "metal", rod, (1, 2, 3, 4)),
    "body cut off, share": Plan(
        "ct", "field of view", lambda i, s, _: artefacts.cut_off(i, s), (0.05, 0.1, 0.125)
    ),
    "step in CT, mm": Plan(
        "ct volume", "step", lambda i, s, _: artefacts.jumped(i, s, after=2), (1, 2, 3, 4)
    ),
    "step in MR, mm": Plan("mr", "step", lambda i, s, _: artefacts.jumped(i, s, after=2), (1, 2, 3, 4)),
    "breathing in MR, pixels": Plan(
        "mr", "ghosts", lambda i, s, _: artefacts.moved_during_scan(i, s), (1, 2, 3, 4)
    ),
    "noise in MR, of 500": Plan("mr", "signal to noise", artefacts.with_noise, (40, 60, 80)),
    "motion of a film, pixels": Plan("film", "blur", lambda i, s, _: artefacts.blurred(i, int(s)), (3, 5, 7)),
    "noise of a film, of 2500": Plan("film", "signal to noise", artefacts.with_noise, (100, 200, 300)),
    "motion of a photograph, pixels": Plan(
        "photograph", "blur", lambda i, s, _: artefacts.blurred(i, int(s)), (3, 5, 7, 9)
    ),
    "clipped film, share": Plan(
        "film", "saturation", lambda i, s, _: artefacts.saturated(i, s), (0.005, 0.01, 0.02)
    ),
    "clipped photograph, share": Plan(
        "photograph", "saturation", lambda i, s, _: artefacts.saturated(i, s), (0.02, 0.04, 0.06)
    ),
}


def named(image: Image) -> set[str]:
    """The topics that are worth a remark."""
    kind = kind_of(image)
    found = ((one, limit_of(one.topic, kind)) for one in measured(image, kind))
    return {
        one.topic for one, limit in found if limit and one.value is not None and not limit.holds(one.value)
    }


def seconds(image: Image) -> float:
    """The shortest of three checks."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        measured(image, kind_of(image))
        times.append(time.perf_counter() - begun)
    return min(times)


def main() -> None:
    """Prints the tables and keeps them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    seeds = parser.parse_args().seeds
    kept: dict[str, Any] = {"seeds": seeds, "clean": {}, "planted": {}, "seconds": {}}
    clean = {
        name: [draw(np.random.default_rng([s, 7])) for s in range(seeds)] for name, draw in DRAWN.items()
    }
    for name, images in clean.items():
        kept["clean"][name] = sum(not named(image) for image in images) / seeds
        print(f"clean {name}: {kept['clean'][name]:.0%} pass", flush=True)
    for name, plan in PLANS.items():
        rates = {}
        for strength in plan.strengths:
            images = (
                plan.plant(image, strength, np.random.default_rng([s, 9]))
                for s, image in enumerate(clean[plan.drawn])
            )
            rates[str(strength)] = sum(plan.topic in named(image) for image in images) / seeds
        kept["planted"][name] = rates
        print(f"{name}: " + ", ".join(f"{s} {rate:.0%}" for s, rate in rates.items()), flush=True)
    film = chest_film(np.random.default_rng(1), shape=(512, 512))
    part = np.asarray(chest_sections(np.random.default_rng(1), slices=10).data)
    ct = chest_sections(np.random.default_rng(1), slices=300, side=8)
    volume = Image(
        data=np.tile(part, (30, 1, 1)),
        space=type(ct.space)(
            shape=(300, 512, 512), affine=np.diag([3.0, 0.8, 0.8, 1.0])[[2, 1, 0, 3]], frame="1.2.3"
        ),
        quantity=ct.quantity,
        modality="CT",
    )
    kept["seconds"] = {"film of 512 x 512": seconds(film), "CT of 300 x 512 x 512": seconds(volume)}
    for name, taken in kept["seconds"].items():
        print(f"{name}: {taken:.3f} s")
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
