"""A picture of outlines and of what a few Fourier harmonics rebuild of each: how smooth or spiculated they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from skiagraph.codecs import written
from skiagraph.errors import InvalidInput
from skiagraph.features.region import Region
from skiagraph.features.shape import contour, fourier_descriptors, rebuilt
from skiagraph.image import Window, to_display

__all__ = ["rebuilt_outlines"]

_HARMONICS: Final = (1, 2, 4, 8, 16)
_MOST: Final = 8  # rows of a picture
_SIDE, _GAP, _LINE, _TEXT = 260, 10, 20, 13
_ROOM: Final = 0.15  # of the longer side of an outline, around it
_GROUND, _INK, _TRUE, _REBUILT = (18, 20, 23), (232, 234, 237), (90, 170, 255), (255, 196, 0)


def rebuilt_outlines(regions: Iterable[tuple[str, Region]], path: Path) -> None:
    """Writes the picture as PNG, whole or not at all: a row a structure, a panel a number of harmonics.

    Each panel shows the outline in blue and over it, in yellow, the contour that is rebuilt from its Fourier
    coefficients k = -K .. K, and says the distance between both relative to that from the centre.

    Args:
        regions: Of pictures, each with its name.
        path: Ends in .png; a file that is there is replaced.

    Raises:
        InvalidInput: A region without an outline, or more regions than a picture has room for.
        WriteFailed: It could not be written; nothing was left.
    """
    rows: list[list[tuple[PIL.Image.Image, str]]] = []
    for name, region in regions:
        if len(rows) == _MOST:
            raise InvalidInput(
                f"a picture of outlines has room for {_MOST}",
                got="more",
                way_out="name fewer images, or a --label",
            )
        rows.append(_row(name, region))
    wide, high = len(rows[0]) * (_SIDE + _GAP) + _GAP, len(rows) * (_SIDE + _GAP + _LINE) + _GAP
    sheet = PIL.Image.new("RGB", (wide, high), _GROUND)
    draw, font = PIL.ImageDraw.Draw(sheet), PIL.ImageFont.load_default(_TEXT)
    for i, row in enumerate(rows):
        for j, (panel, caption) in enumerate(row):
            left, top = _GAP + j * (_SIDE + _GAP), _GAP + i * (_SIDE + _GAP + _LINE)
            sheet.paste(panel, (left, top))
            draw.text((left, top + _SIDE + 3), _cut(caption, font), fill=_INK, font=font)
    with written(path) as temporary:
        sheet.save(temporary, format="PNG")


def _row(name: str, region: Region) -> list[tuple[PIL.Image.Image, str]]:
    """Panels and captions: the outline alone, then with what each number of harmonics gives."""
    said = {one.name: one for one in fourier_descriptors(region)}
    if why := said["error 1"].reason:
        raise InvalidInput(f"an outline is drawn of {name}", got=f"none, for {why}")
    spacing = np.array(region.spacing or (1.0, 1.0))
    outline = contour(region.mask) * spacing
    ground, corner, scale = _ground(region, outline, spacing)

    def panel(*curves: tuple[NDArray[np.float64], tuple[int, int, int]]) -> PIL.Image.Image:
        drawn = ground.copy()
        for points, colour in curves:
            places = (points - corner) * scale
            PIL.ImageDraw.Draw(drawn).line([(x, y) for y, x in places], fill=colour, width=4, joint="curve")
        return drawn.resize((_SIDE, _SIDE), PIL.Image.Resampling.LANCZOS)

    row = [(panel((outline, _TRUE)), name)]
    for k in _HARMONICS:
        curves = (outline, _TRUE), (rebuilt(outline, k), _REBUILT)
        row.append((panel(*curves), f"k = -{k}..{k}: error {said[f'error {k}'].value:.3f}"))
    return row


def _ground(
    region: Region, outline: NDArray[np.float64], spacing: NDArray[np.float64]
) -> tuple[PIL.Image.Image, NDArray[np.float64], float]:
    """The picture around an outline, twice as large as it is shown; the place of its corner; pixels a length."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    side = float((high - low).max()) * (1 + 2 * _ROOM)
    corner, scale = (low + high - side) / 2, 2 * _SIDE / side
    inside = region.numbers[np.isfinite(region.numbers)]
    dark, bright = np.percentile(inside, [0.5, 99.5]).tolist() if inside.size else (0.0, 1.0)
    shown = to_display(region.numbers, Window(low=dark, high=bright if bright > dark else dark + 1.0))
    # The centre of a sample lies at its index, that of a pixel of the panel half a pixel further.
    (top, left), (down, right) = corner / spacing + 0.5, 1 / (scale * spacing)
    picture = PIL.Image.fromarray(np.ascontiguousarray(shown)).convert("RGB")
    size = (2 * _SIDE, 2 * _SIDE)
    way = (right, 0.0, left, 0.0, down, top)
    ground = picture.transform(size, PIL.Image.Transform.AFFINE, way, PIL.Image.Resampling.BILINEAR)
    return ground, corner, scale


def _cut(text: str, font: PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont) -> str:
    while len(text) > 1 and font.getlength(text) > _SIDE:
        text = f"{text.rstrip('.')[:-1]}..."
    return text
