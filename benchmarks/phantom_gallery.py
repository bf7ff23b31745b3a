"""Draws one of each kind of phantom into the picture that the how-to page shows."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from skiagraph.image import pixels
from skiagraph.phantoms.breast_sonogram import breast_tumours
from skiagraph.phantoms.catalogue import KINDS
from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head

TILE = 200
# Kind, image, and the frame that shows most: an index into the array; then black and white.
SHOWN = (
    ("chest-ct", "ct", (70,), (-1250, 250)),
    ("chest-ct", "ct", (slice(None, None, -1), 132), (-1250, 250)),
    ("chest-xray", "xray", (), (0, 4095)),
    ("brain-mr", "t1", (30,), (0, 1500)),
    ("brain-mr", "t2", (30,), (0, 1500)),
    ("brain-mr", "flair", (30,), (0, 900)),
    ("cine-heart", "cine", (0, 4), (0, 3000)),
    ("cine-heart", "cine", (7, 4), (0, 3000)),
    ("pet", "pet", (20,), (8, 0)),
    ("pet", "pet", (slice(None, None, -1), 64), (8, 0)),
    ("diffusion-mr", "diffusion", (8, 8), (0, 1400)),
    ("multi-echo-mr", "echoes", (3, 8), (0, 2200)),
    ("tilted-ct", "ct", (15,), (-500, 400)),
    ("colour-doppler", "colour", (3,), (0, 255)),
    ("angiography", "run", (11,), (1500, 3100)),
    ("bone-scan", "anterior", (), (30, 0)),
    ("bone-scan", "posterior", (), (30, 0)),
    ("mammogram", "mammogram", (), (0, 3000)),
    ("fundus", "fundus", (), (0, 255)),
    ("oct", "oct", (12,), (0, 255)),
    ("whole-slide", "level-0", (slice(200, 700), slice(300, 800)), (0, 255)),
    ("whole-slide", "level-0", (slice(400, 550), slice(500, 650)), (0, 255)),
)


def tile(array: np.ndarray, ends: tuple[float, float], name: str) -> Image.Image:
    """One picture with its name, `TILE` pixels wide and high."""
    grey = np.clip((array.astype(np.float64) - ends[0]) / (ends[1] - ends[0]), 0, 1) * 255
    picture = Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    picture.thumbnail((TILE, TILE - 16), Image.Resampling.LANCZOS)
    if picture.height < TILE - 16 and picture.width < TILE:
        scale = min(TILE / picture.width, (TILE - 16) / picture.height)
        picture = picture.resize((int(picture.width * scale), int(picture.height * scale)))
    room = Image.new("RGB", (TILE, TILE), (16, 16, 16))
    room.paste(picture, ((TILE - picture.width) // 2, 16 + (TILE - 16 - picture.height) // 2))
    ImageDraw.Draw(room).text((4, 2), name, fill=(220, 220, 220))
    return room


def few_colours(page: Image.Image) -> Image.Image:
    """The page in 128 greys and 128 other colours, so that the file is small and greys show no steps."""
    array = np.asarray(page)
    coloured = array[np.ptp(array.astype(int), axis=-1) > 12].reshape(1, -1, 3)
    others = (
        Image.fromarray(coloured).quantize(128, method=Image.Quantize.MAXCOVERAGE).getpalette()[: 3 * 128]
    )
    greys = np.repeat(np.linspace(0, 255, 128).astype(int), 3).tolist()
    palette = Image.new("P", (1, 1))
    palette.putpalette(greys + others)
    return page.quantize(palette=palette, dither=Image.Dither.NONE)


def sonograms(seed: int) -> Iterator[Image.Image]:
    """The kinds that are pictures alone: a fetal head, and a breast tumour of each kind."""
    yield tile(draw_fetal_head(sample_fetal_head(np.random.default_rng(seed))), (0, 255), "fetal-head")
    for kind, malignant in (("benign", 0.0), ("malignant", 1.0)):
        drawn = breast_tumours(1, 0.3, np.random.default_rng(seed), malignant=malignant)
        yield tile(pixels(drawn.samples[0].case().image), (0, 255), f"breast-tumours {kind}")


def studies(seed: int) -> Iterator[Image.Image]:
    """All other kinds, as `SHOWN` says."""
    drawn = {}
    for kind, name, index, ends in SHOWN:
        if kind not in drawn:
            drawn = {kind: KINDS[kind](seed)}
        array = pixels(drawn[kind].images[name])[index]
        if kind in ("chest-ct", "pet") and len(index) == 2:
            array = np.repeat(array, 2, axis=0)[:, : array.shape[1]]
        yield tile(array, ends, kind if name in kind else f"{kind} {name}")


def main() -> None:
    """Draws all kinds, writes the gallery."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/phantoms.png"))
    parser.add_argument("--seed", type=int, default=4)
    given = parser.parse_args()
    tiles = [*sonograms(given.seed), *studies(given.seed)]
    columns = 5
    rows = -(-len(tiles) // columns)
    page = Image.new("RGB", (columns * TILE, rows * TILE), (16, 16, 16))
    for n, one in enumerate(tiles):
        page.paste(one, (n % columns * TILE, n // columns * TILE))
    few_colours(page).save(given.out, optimize=True)
    print(f"{given.out}: {given.out.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
