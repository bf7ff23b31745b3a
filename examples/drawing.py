"""How the examples put charts and pictures side by side on a sheet: one SVG file that needs nothing else."""

import base64
import io
import sys
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

# Charts name their parts and leave the looks to the page; this is the page.
STYLE = """<style>
text{font:11px sans-serif;fill:#14212b}.title{font-size:13px;font-weight:bold}.mid{text-anchor:middle}
.end{text-anchor:end}.grid{stroke:#e3e8ea;fill:none}.axis{stroke:#4c5b66;fill:none}.line{fill:none;stroke-width:2}
.rule{fill:none;stroke:#8a969e}.band{fill:#dfe6e9}.bar{fill:#9db4bc}.whisker{fill:none}.note{fill:#4c5b66}
image{image-rendering:pixelated}
</style>"""


def folder() -> Path:
    """Where the pictures go: the folder that was named behind the program, otherwise where one stands."""
    chosen = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def picture(title: str, values: np.ndarray, *, side: int = 200) -> str:
    """An array as a picture under its title: (row, column) from 0, black, to 1, white, or (row, column, 3)."""
    file = io.BytesIO()
    Image.fromarray((255 * np.clip(values, 0, 1)).round().astype(np.uint8)).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<svg viewBox="0 0 {side} {side + 28}"><text x="{side / 2:g}" y="18" class="mid">{escape(title)}</text>'
        f'<image y="28" width="{side}" height="{side}" href="data:image/png;base64,{data}"/></svg>'
    )


def write_sheet(file: Path, rows: list[list[str]]) -> None:
    """Writes SVG elements beside each other, row below row, each in its own size."""
    placed, right, top = [], 0.0, 0.0
    for row in rows:
        x, tallest = 8.0, 0.0
        for part in row:
            width, height = map(float, part.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split())
            placed.append(
                part.replace("<svg ", f'<svg x="{x:g}" y="{top:g}" width="{width:g}" height="{height:g}" ', 1)
            )
            x, tallest = x + width + 8, max(tallest, height)
        right, top = max(right, x), top + tallest + 8
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:g} {top:g}" width="{right:g}">'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    file.write_text("\n".join([head, STYLE, ground, *placed, "</svg>", ""]), "utf-8")
