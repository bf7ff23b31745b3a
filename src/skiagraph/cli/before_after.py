"""A picture of what a filter did: before, after, and the difference, through one window and side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.cli.contact_sheet import upright
from skiagraph.codecs import written
from skiagraph.findings import Segmentation
from skiagraph.geometry import Grid, axis_codes, spacing_of
from skiagraph.image import Display, Image, Window, is_flat, pixels, to_display

__all__ = ["before_after"]

_SIDE: Final = 560  # pixels of the longer side of a panel
_GAP, _LINE, _TEXT = 12, 22, 15
_GROUND, _INK, _OUTLINE = (18, 20, 23), (232, 234, 237), (255, 196, 0)


def before_after(
    before: Image, after: Image, path: Path, *, said: tuple[str, str], region: Segmentation | None = None
) -> None:
    """Writes the picture as PNG, whole or not at all.

    A volume shows its middle slice, a moving image its middle moment, upright and in true proportions; or, where
    nothing is outlined or changed there, the nearest with something to see. Both panels are seen through the window of
    the file, or from the darkest to the brightest half percent of both; the difference is grey where nothing changed,
    and is left away where no filter acted.

    Args:
        before: The image as it came.
        after: In the same space.
        path: Ends in .png; a file that is there is replaced.
        said: The filters, and the method that found the region, for the captions; empty where there is none.
        region: Is outlined in the second panel, where there is one.

    Raises:
        WriteFailed: It could not be written; nothing was left.
    """
    at = _place(before, after, region)
    first, second = _slice(before, pixels(before), at), _slice(after, pixels(after), at)
    window, size = _window(first, second, after.windows), _size(before, first)
    filters, method = said
    caption = " + ".join((f"after {filters}" if filters else "", f"outline by {method}" if method else ""))
    panels = [
        (_panel(first, window, size), "before" if filters else "image"),
        (_outlined(_panel(second, window, size), region, at), caption.strip(" +")),
    ]
    if filters:
        panels.append(_difference(first, second, after, size))
    with written(path) as temporary:
        _sheet(panels).save(temporary, format="PNG")


def _difference(
    first: NDArray[Any], second: NDArray[Any], after: Image, size: tuple[int, int]
) -> tuple[PIL.Image.Image, str]:
    """The panel of what changed, and its caption."""
    change = _change(first, second)
    reach = float(np.percentile(np.abs(change), 99.5)) or float(np.abs(change).max())
    unit = "" if after.quantity.unit is None else f" {after.quantity.unit.meaning}s"
    panel = _panel(change, Window(low=-(reach or 1.0), high=reach or 1.0), size)
    if not reach:
        return panel, "after - before: nothing changed here"
    return panel, f"after - before, black to white: -{reach:.3g} to {reach:.3g}{unit}"


def _place(before: Image, after: Image, region: Segmentation | None) -> tuple[int, ...]:
    """Moment and slice that are shown, of those axes that there are."""
    if region is not None and region.labels.any():
        there = np.asarray(region.labels > 0)
    else:
        first, second = pixels(before), pixels(after)
        there = (first != second) & ((first == first) | (second == second))  # noqa: PLR0124  NaN is no change
    moving, solid = before.space.timeline is not None, isinstance(before.space, Grid)
    there = np.asarray(there.any(axis=tuple(range(moving + solid, there.ndim))))
    middle = np.array(there.shape, dtype=np.intp) // 2
    seen = np.argwhere(there)
    nearest = seen[np.abs(seen - middle).sum(axis=1).argmin()] if len(seen) and middle.size else middle
    return tuple(int(n) for n in nearest)


def _slice(image: Image, array: NDArray[Any], at: tuple[int, ...]) -> NDArray[Any]:
    """Shape (rows, columns) or (rows, columns, 3): the slice and moment at a place, upright."""
    space = image.space
    channels = array.ndim - space.ndim - (space.timeline is not None)
    for n in at:
        array = array[n]
    if isinstance(space, Grid):
        array, _ = upright(array, axis_codes(space)[1:])
    return array[..., 0] if channels and array.shape[-1] != 3 else array


def _size(image: Image, shown: NDArray[Any]) -> tuple[int, int]:
    """Columns and rows of a panel."""
    rows, columns = (spacing_of(image.space) or (1.0, 1.0))[-2:]
    if isinstance(image.space, Grid) and upright(np.zeros((1, 1)), axis_codes(image.space)[1:])[1]:
        rows, columns = columns, rows
    high, wide = shown.shape[0] * rows, shown.shape[1] * columns
    scale = _SIDE / max(high, wide)
    return max(1, round(wide * scale)), max(1, round(high * scale))


def _window(shown: NDArray[Any], after: NDArray[Any], windows: tuple[Display, ...]) -> Display:
    """One for both pictures."""
    if shown.dtype == after.dtype == np.uint8 and not is_flat(shown):
        return Window(low=0.0, high=255.0)
    for window in windows:
        if shown.ndim == 2 and not is_flat(to_display(shown, window)):
            return window
    both = np.concatenate([shown.ravel(), after.ravel()]).astype(np.float64)
    there = both[np.isfinite(both)]
    low, high = np.percentile(there, [0.5, 99.5]).tolist() if there.size else (0.0, 1.0)
    return Window(low=low, high=high if high > low else low + max(1.0, abs(low) * 1e-9))


def _change(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Shape (rows, columns); 0 where there is no number."""
    change = second.astype(np.float64) - first.astype(np.float64)
    change = np.where(np.isfinite(change), change, 0.0)
    return np.asarray(change.mean(axis=-1) if change.ndim == 3 else change)


def _panel(array: NDArray[Any], window: Display, size: tuple[int, int]) -> PIL.Image.Image:
    level = PIL.Image.fromarray(np.ascontiguousarray(to_display(array, window))).convert("RGB")
    grows = size[0] > level.width
    return level.resize(size, PIL.Image.Resampling.BICUBIC if grows else PIL.Image.Resampling.LANCZOS)


def _outlined(panel: PIL.Image.Image, region: Segmentation | None, at: tuple[int, ...]) -> PIL.Image.Image:
    """The panel with the rims of all objects on it."""
    if region is None:
        return panel
    shown = Image(data=region.labels.astype(np.int32), space=region.space)
    labels = np.ascontiguousarray(_slice(shown, pixels(shown), at))
    wide = np.asarray(PIL.Image.fromarray(labels).resize(panel.size, PIL.Image.Resampling.NEAREST))
    rim = ndimage.maximum_filter(wide, 3) != ndimage.minimum_filter(wide, 3)
    colours = np.array(panel)
    colours[rim] = _OUTLINE
    return PIL.Image.fromarray(colours)


def _sheet(panels: list[tuple[PIL.Image.Image, str]]) -> PIL.Image.Image:
    font = PIL.ImageFont.load_default(_TEXT)
    wide, high = panels[0][0].size
    sheet = PIL.Image.new("RGB", (len(panels) * (wide + _GAP) + _GAP, high + 2 * _GAP + _LINE), _GROUND)
    draw = PIL.ImageDraw.Draw(sheet)
    for number, (panel, caption) in enumerate(panels):
        left = _GAP + number * (wide + _GAP)
        sheet.paste(panel, (left, _GAP))
        while len(caption) > 1 and font.getlength(caption) > wide:
            caption = f"{caption.rstrip('.')[:-1]}..."  # noqa: PLW2901  cut until it fits
        draw.text((left, _GAP + high + 4), caption, fill=_INK, font=font)
    return sheet
