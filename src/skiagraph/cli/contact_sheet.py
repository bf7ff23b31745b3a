"""A contact sheet: one picture of each image, upright and in its true proportions, with what it is beneath it."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    import PIL.Image
    from numpy.typing import NDArray

    from skiagraph.image import Image

__all__ = ["Tile", "check_target", "tile_of", "upright", "write_sheet"]

_SIDE: Final = 280  # pixels of a tile
_ENOUGH: Final = 2**20  # pixels of a picture that are looked at for a tile
_LINE: Final = 17
_TEXT: Final = 13
_GAP: Final = 14
_LINES: Final = 5  # of text beneath a picture
_UNDRAWN: Final = "[...]"
_NO_LETTER: Final = "\ufffd"
_LETTERS: Final = f"{_UNDRAWN} stands for letters that a PNG sheet cannot draw; an .html sheet shows them."
_ACROSS: Final = 5
_MOST: Final = 2 * 2**30  # bytes of an image of which one picture is worth decoding
_GROUND, _INK, _DIM, _WARN = (18, 20, 23), (232, 234, 237), (160, 166, 173), (240, 190, 90)
_STYLE: Final = (
    "body{background:#121417;color:#e8eaed;font:14px system-ui,sans-serif;margin:24px}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(280px,1fr));gap:20px}"
    "figure{margin:0}.frame{height:280px;display:flex;align-items:center;justify-content:center;background:#000}"
    ".frame img{max-width:100%;max-height:100%}figcaption{padding-top:6px;overflow-wrap:anywhere}"
    "p{margin:2px 0;color:#a0a6ad}p.title{color:#e8eaed}p.problem{color:#f0be5a}"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """One picture of the sheet.

    Args:
        picture: Shape (rows, columns) or (rows, columns, 3), uint8, in true proportions; None where none is shown.
        lines: What it is; the first is its title.
        problems: What is wrong with it, one sentence each.
    """

    picture: NDArray[Any] | None
    lines: tuple[str, ...]
    problems: tuple[str, ...] = ()


def check_target(path: Path) -> None:
    """Refuses a name before the work begins.

    Raises:
        InvalidInput: It ends neither in .png nor in .html.
        MissingInput: Its folder does not exist.
    """
    from skiagraph.errors import InvalidInput, MissingInput

    if path.suffix.lower() not in (".png", ".html", ".htm"):
        raise InvalidInput("a contact sheet is written to a name that ends in .png or .html", got=path.name)
    if not path.resolve().parent.is_dir():
        raise MissingInput(f"{path.name} is written to a folder that exists", way_out="make it first")


def tile_of(image: Image, lines: tuple[str, ...], problems: tuple[str, ...]) -> Tile:
    """The middle slice of an image at its middle moment, by the window of its file or else its percentiles.

    A mask that is empty in the middle shows its fullest slice.
    """
    from skiagraph.errors import SkiagraphError

    size = math.prod(image.data.shape) * image.data.dtype.itemsize
    if size > _MOST:
        said = f"Not shown: one picture would need {size / 2**30:.0f} GiB to be decoded."
        return Tile(picture=None, lines=lines, problems=(said, *problems))
    try:
        return Tile(picture=_shown(image), lines=lines, problems=problems)
    except SkiagraphError as error:
        return Tile(picture=None, lines=lines, problems=(str(error), *problems))


def _shown(image: Image) -> NDArray[Any]:
    import numpy as np

    from skiagraph.geometry import Grid, axis_codes, spacing_of
    from skiagraph.image import is_flat, pixels, seen, to_display

    array, space = pixels(image), image.space
    if space.timeline is not None:
        array = array[len(array) // 2]
    rows, columns = (spacing_of(space) or (1.0, 1.0))[-2:]
    if isinstance(space, Grid):
        array = _telling(array)
        array, turned = upright(array, axis_codes(space)[1:])
        rows, columns = (columns, rows) if turned else (rows, columns)
    if image.channels and len(image.channels) != 3:
        array = array[..., 0]
    step = max(1, math.isqrt(array.shape[0] * array.shape[1] // _ENOUGH))
    array = array[::step, ::step]
    level = seen(array, image.windows if array.ndim == 2 else ())
    if is_flat(level):
        level = to_display(
            array.astype(np.float64)
        )  # grey levels of a file that show nothing are no help here
    return _proportioned(np.ascontiguousarray(level), rows, columns)


def _telling(array: NDArray[Any]) -> NDArray[Any]:
    """The middle slice; of a mask whose middle is empty the slice with most of it."""
    import numpy as np

    middle: NDArray[Any] = array[len(array) // 2]
    if array.dtype.kind not in "bui" or array.ndim != 3 or middle.min() != middle.max():
        return middle
    return np.asarray(array[np.count_nonzero(array != middle.flat[0], axis=(1, 2)).argmax()])


def upright(array: NDArray[Any], codes: str) -> tuple[NDArray[Any], bool]:
    """Rows toward the feet or the back and columns toward the patient's left or back, as radiologists look at it."""
    turned = codes[0] in "RL" or (codes[0] in "AP" and codes[1] in "IS")
    if turned:
        array, codes = array.swapaxes(0, 1), codes[::-1]
    array = array[::-1] if codes[0] in "AS" else array
    return (array[:, ::-1] if codes[1] in "RA" else array), turned


def _proportioned(level: NDArray[Any], rows: float, columns: float) -> NDArray[Any]:
    """Scaled so that its longer side has the side of a tile, with the proportions that its pixel size gives."""
    import numpy as np
    import PIL.Image

    height, width = level.shape[0] * rows, level.shape[1] * columns
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(PIL.Image.fromarray(level).resize(size, PIL.Image.Resampling.LANCZOS))


def write_sheet(tiles: Sequence[Tile], path: Path, title: str) -> None:
    """Writes the sheet, whole or not at all.

    Args:
        tiles: At least one.
        path: Ends in .png or .html; a file that is there is replaced.
        title: What the sheet shows.

    Raises:
        WriteFailed: It could not be written; nothing was left.
    """
    from skiagraph.codecs import written

    content = _png(_sheet(tiles)) if path.suffix.lower() == ".png" else _page(tiles, title).encode()
    with written(path) as temporary:
        temporary.write_bytes(content)


def _png(picture: PIL.Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def _sheet(tiles: Sequence[Tile]) -> PIL.Image.Image:
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    font = PIL.ImageFont.load_default(_TEXT)
    across = min(_ACROSS, len(tiles))
    down = -(-len(tiles) // across)
    width, height = _SIDE + _GAP, _SIDE + 6 + _LINES * _LINE + _GAP
    drawn = [_drawable(tile, font) for tile in tiles]
    marked = any(_UNDRAWN in text for tile in drawn for text in (*tile.lines, *tile.problems))
    foot = _wrapped(_LETTERS, font, across * width - _GAP) if marked else []
    tall = down * height + _GAP + len(foot) * _LINE
    sheet = PIL.Image.new("RGB", (across * width + _GAP, tall), _GROUND)
    draw = PIL.ImageDraw.Draw(sheet)
    for at, line in enumerate(foot):
        draw.text((_GAP, down * height + at * _LINE), line, fill=_DIM, font=font)
    for n, tile in enumerate(drawn):
        left, top = _GAP + (n % across) * width, _GAP + (n // across) * height
        draw.rectangle((left, top, left + _SIDE - 1, top + _SIDE - 1), fill=(0, 0, 0))
        if tile.picture is not None:
            picture = PIL.Image.fromarray(tile.picture).convert("RGB")
            sheet.paste(picture, (left + (_SIDE - picture.width) // 2, top + (_SIDE - picture.height) // 2))
        for at, (line, colour) in enumerate(_captions(tile, font)):
            draw.text((left, top + _SIDE + 6 + at * _LINE), line, fill=colour, font=font)
    return sheet


def _drawable(tile: Tile, font: Any) -> Tile:
    """The tile itself; or where its font lacks letters, these without their accents, or a mark in their place."""
    texts = (*tile.lines, *tile.problems)
    missing = bytes(font.getmask("\U0010ffff"))
    absent = {letter for letter in set("".join(texts)) if bytes(font.getmask(letter)) == missing}
    if not absent:
        return tile
    plain = {letter: unicodedata.normalize("NFKD", letter)[0] for letter in absent}
    table = str.maketrans({a: _NO_LETTER if b in absent or b > "~" else b for a, b in plain.items()})
    run = re.compile(f"{_NO_LETTER}+")

    def drawn(text: str) -> str:
        return run.sub(_UNDRAWN, text.translate(table))

    return dataclasses.replace(
        tile, lines=tuple(map(drawn, tile.lines)), problems=tuple(map(drawn, tile.problems))
    )


def _captions(tile: Tile, font: Any) -> list[tuple[str, tuple[int, int, int]]]:
    """The lines beneath a picture with their colours: what it is, and as much of its first problem as there is room."""
    lines = [(_fitted(line, font), _INK if at == 0 else _DIM) for at, line in enumerate(tile.lines)]
    said = _wrapped(tile.problems[0], font, _SIDE) if tile.problems else []
    room = _LINES - len(lines)
    if len(said) > room:
        said = [*said[: room - 1], " ".join(said[room - 1 :])]
    return [*lines, *((_fitted(line, font), _WARN) for line in said)]


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    """The text in lines of at most `width` pixels, broken between words; a longer word is a line."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _fitted(line: str, font: Any) -> str:
    """As much of a line as fits beneath a picture."""
    if font.getlength(line) <= _SIDE:
        return line
    end = len(line)
    while end and font.getlength(line[:end] + "...") > _SIDE:
        end -= 1
    return line[:end].rstrip() + "..."


def _page(tiles: Sequence[Tile], title: str) -> str:
    figures = "\n".join(_figure(tile) for tile in tiles)
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    return f"<!doctype html><html><head>{head}</head><body><main>\n{figures}\n</main></body></html>\n"


def _figure(tile: Tile) -> str:
    import PIL.Image

    picture = ""
    if tile.picture is not None:
        data = base64.b64encode(_png(PIL.Image.fromarray(tile.picture))).decode("ascii")
        picture = f'<img alt="{html.escape(tile.lines[0])}" src="data:image/png;base64,{data}">'
    words = [
        *(f'<p class="{"title" if at == 0 else ""}">{html.escape(x)}</p>' for at, x in enumerate(tile.lines)),
        *(f'<p class="problem">{html.escape(x)}</p>' for x in tile.problems),
    ]
    return f'<figure><div class="frame">{picture}</div><figcaption>{"".join(words)}</figcaption></figure>'
