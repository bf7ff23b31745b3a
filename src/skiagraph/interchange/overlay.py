"""Pictures of an image with what was found drawn into them, a legend, and words that say what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from skiagraph.findings import SpatialFinding
from skiagraph.geometry import spacing_of
from skiagraph.image import Display, Image, Window, pixels, seen, to_display
from skiagraph.interchange.invented import shown_channels
from skiagraph.interchange.layers import Heat, Layers, Line, layers_of
from skiagraph.interchange.planes import Planes, as_frames

__all__ = ["DRAFT", "overlaid"]

DRAFT: Final = "AI draft, not for diagnosis"
_MOST: Final = 12  # pictures of one image
_SIDE: Final = (640, 1280)  # pixels of the longer side: small images are drawn larger, large ones smaller
_TEXT, _ROW, _EDGE = 15, 22, 8
_GROUND, _INK, _WARN = (18, 20, 23), (232, 234, 237), (240, 190, 90)
_TONES: Final = (  # Okabe and Ito 2008: told apart also by who sees red and green as one
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66)),
    *((204, 121, 167), (213, 94, 0), (0, 114, 178), (200, 200, 200)),
)
_TINT: Final = 0.3  # of the colour inside of a mask
_HEAT: Final = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)


def overlaid(
    image: Image, findings: Sequence[SpatialFinding], *, words: str = DRAFT
) -> list[NDArray[np.uint8]]:
    """Pictures of an image with findings drawn into them: one of each slice that holds any, in the order of the slices.

    Masks are outlined and tinted, heat maps laid over in colour from their lowest to their highest value, lines, boxes
    and points drawn in the colour of their code. Slices are shown as one is used to see them, pixels in their true
    proportions. Of more than 12 slices 12 are chosen evenly, which the pictures say; where no slice holds anything, the
    middle one is shown.

    Args:
        image: Decoded where needed.
        findings: In any spaces; what cannot be drawn here is named below the picture.
        words: Written above each picture.

    Returns:
        Each of shape (rows, columns, 3), all of one size.
    """
    layers = layers_of(image.space, findings)
    held = layers.held() or [((layers.planes.moments or 1) // 2, layers.planes.shape[0] // 2)]
    chosen = [
        held[n] for n in np.unique(np.linspace(0, len(held) - 1, min(_MOST, len(held))).round().astype(int))
    ]
    shown = _Shown.of(image, layers.planes)
    return [
        _picture(shown, layers, at, (words, _said(layers, at, (len(chosen), len(held))))) for at in chosen
    ]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """An image as frames, and how large they are drawn.

    Args:
        frames: Shape (moments, slices, rows, columns[, channel]).
        windows: How they are shown.
        scale: Drawn pixels for a (row, column).
    """

    frames: NDArray[Any]
    windows: tuple[Display, ...]
    scale: tuple[float, float]

    @classmethod
    def of(cls, image: Image, planes: Planes) -> _Shown:
        values = pixels(image)
        if image.channels:
            chosen = shown_channels(image)
            values = values[..., list(chosen)] if len(chosen) == 3 else values[..., chosen[0]]
        frames = as_frames(values, planes)
        size = spacing_of(image.space) or (1.0,) * image.space.ndim
        across = size[planes.axes[1]], size[planes.axes[2]]
        finest = min(across)
        rows, columns = planes.shape[1] * across[0] / finest, planes.shape[2] * across[1] / finest
        larger = min(max(1.0, _SIDE[0] / max(rows, columns)), _SIDE[1] / max(rows, columns))
        return cls(
            frames=frames,
            windows=_windows(image, frames),
            scale=(across[0] / finest * larger, across[1] / finest * larger),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a drawn frame."""
        rows, columns = self.frames.shape[2:4]
        return max(1, round(columns * self.scale[1])), max(1, round(rows * self.scale[0]))

    def base(self, at: tuple[int, int]) -> NDArray[np.float64]:
        """One frame in grey or colour, drawn size, axes (row, column, 3)."""
        frame = self.frames[at]
        level = seen(frame, self.windows) if frame.ndim == 2 else to_display(frame)
        return np.asarray(_sized(level, self.size).convert("RGB"), dtype=np.float64)


def _windows(image: Image, frames: NDArray[Any]) -> tuple[Display, ...]:
    """Those of the file; without any the same for all slices of a volume."""
    if image.windows or frames.dtype == np.uint8 or frames.ndim > 4:
        return image.windows
    step = max(1, round((frames.size / 2**20) ** (1 / 3)))
    sample = np.asarray(frames[:, ::step, ::step, ::step], dtype=np.float64)
    finite = sample[np.isfinite(sample)]
    low, high = np.percentile(finite, [0.5, 99.5]).tolist() if finite.size else (0.0, 0.0)
    return (Window(low=low, high=high),) if low < high else ()


def _sized(level: NDArray[Any], size: tuple[int, int]) -> PIL.Image.Image:
    picture = PIL.Image.fromarray(np.ascontiguousarray(level))
    finer = size[0] >= picture.width
    return picture.resize(size, PIL.Image.Resampling.BILINEAR if finer else PIL.Image.Resampling.BOX)


def _picture(
    shown: _Shown, layers: Layers, at: tuple[int, int], words: tuple[str, list[str]]
) -> NDArray[np.uint8]:
    drawn = shown.base(at)
    for heat in layers.heats:
        drawn = _heated(drawn, heat, at, shown.size)
    for labels in layers.labels:
        for mask, tone in labels.masks(at):
            drawn = _tinted(drawn, mask, _TONES[tone % len(_TONES)], shown.size)
    picture = PIL.Image.fromarray(np.rint(drawn).astype(np.uint8))
    draw = PIL.ImageDraw.Draw(picture)
    for line in layers.lines.get(at, ()):
        _draw_line(draw, line, shown.scale)
    return _framed(picture, layers, words)


def _heated(
    drawn: NDArray[np.float64], heat: Heat, at: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Heat laid over: the hotter the more opaque."""
    values = heat.frames[at].astype(np.float64)
    known = np.isfinite(values)
    level = np.where(
        known, np.clip((np.where(known, values, 0.0) - heat.low) / (heat.high - heat.low), 0, 1), 0.0
    )
    large = np.asarray(_sized(level.astype(np.float32), size), dtype=np.float64).clip(0, 1)
    there = np.asarray(_sized(known.astype(np.float32), size), dtype=np.float64).clip(0, 1)
    colour = np.stack(
        [np.interp(large, np.linspace(0, 1, len(_HEAT)), _HEAT[:, c]) for c in range(3)], axis=-1
    )
    alpha = (0.75 * large * there)[..., None]
    return np.asarray(drawn * (1 - alpha) + colour * alpha)


def _tinted(
    drawn: NDArray[np.float64], mask: NDArray[np.bool_], tone: tuple[int, int, int], size: tuple[int, int]
) -> NDArray[np.float64]:
    """A mask laid over: tinted inside, with a clear edge two pixels wide."""
    if not mask.any():
        return drawn
    picture = PIL.Image.fromarray((mask * np.uint8(255)).astype(np.uint8))
    large = np.asarray(picture.resize(size, PIL.Image.Resampling.BILINEAR)) >= 128
    padded = np.pad(large, 2, mode="edge")
    inner = large.copy()
    for rows, columns in ((0, 2), (4, 2), (2, 0), (2, 4), (1, 1), (1, 3), (3, 1), (3, 3)):
        inner &= padded[rows : rows + large.shape[0], columns : columns + large.shape[1]]
    alpha = np.where(large, np.where(inner, _TINT, 1.0), 0.0)[..., None]
    return np.asarray(drawn * (1 - alpha) + np.array(tone, np.float64) * alpha)


def _draw_line(draw: PIL.ImageDraw.ImageDraw, line: Line, scale: tuple[float, float]) -> None:
    places = [((column + 0.5) * scale[1], (row + 0.5) * scale[0]) for row, column in line.points]
    tone = _TONES[line.tone % len(_TONES)]
    if len(places) > 1:
        draw.line([*places, places[0]] if line.closed else places, fill=tone, width=2)
        return
    x, y = places[0]
    draw.ellipse((x - 7, y - 7, x + 7, y + 7), outline=tone, width=2)
    for dx, dy in ((12, 0), (0, 12)):
        draw.line([(x - dx, y - dy), (x + dx, y + dy)], fill=tone, width=1)


def _said(layers: Layers, at: tuple[int, int], many: tuple[int, int]) -> list[str]:
    """What the picture is, and what it does not show."""
    planes, parts = layers.planes, []
    if planes.shape[0] > 1:
        parts.append(f"slice {at[1] + 1} of {planes.shape[0]}")
    if planes.moments is not None:
        parts.append(f"moment {at[0] + 1} of {planes.moments}")
    if many[0] < many[1]:
        parts.append(f"{many[0]} of {many[1]} pictures with findings")
    said = [", ".join(parts)] if parts else []
    return [*said, *(f"not drawn: {what}" for what in dict.fromkeys(layers.undrawn))]


def _framed(picture: PIL.Image.Image, layers: Layers, words: tuple[str, list[str]]) -> NDArray[np.uint8]:
    """The picture with a band of words above and the legend below."""
    font = PIL.ImageFont.load_default(_TEXT)
    width = max(picture.width, 360)
    legend = [(_TONES[key.tone % len(_TONES)], key.words) for key in layers.keys.values()]
    foot: list[tuple[tuple[int, int, int] | None, str]] = [
        *legend,
        *((None, heat.words) for heat in layers.heats),
    ]
    foot += [(_GROUND, line) for line in words[1]]
    height = _ROW + _EDGE + picture.height + _EDGE + _ROW * len(foot)
    sheet = PIL.Image.new("RGB", (width, height), _GROUND)
    draw = PIL.ImageDraw.Draw(sheet)
    draw.text((_EDGE, 5), _plain(words[0]), fill=_WARN, font=font)
    sheet.paste(picture, ((width - picture.width) // 2, _ROW + _EDGE // 2))
    for n, (tone, line) in enumerate(foot):
        top = _ROW + _EDGE + picture.height + n * _ROW
        if tone is None:
            bar = np.stack(
                [np.interp(np.linspace(0, 4, 48), range(5), _HEAT[:, c]) for c in range(3)], axis=-1
            )
            sheet.paste(PIL.Image.fromarray(np.tile(bar.astype(np.uint8), (12, 1, 1))), (_EDGE, top + 4))
        else:
            draw.rectangle((_EDGE, top + 4, _EDGE + 47, top + 15), fill=tone)
        draw.text((_EDGE + 56, top), _plain(line), fill=_INK, font=font)
    return np.asarray(sheet, dtype=np.uint8)


def _plain(words: str) -> str:
    """Words in letters that the font has."""
    return words.encode("latin-1", "replace").decode("latin-1")
