"""The picture of outlines and what few harmonics rebuild of them: places, captions' numbers, refusals."""

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.cli.rebuilt_outlines import rebuilt_outlines
from skiagraph.errors import InvalidInput
from skiagraph.features.region import Region


def star(amplitude, spacing=(1.0, 1.0)):
    y, x = np.mgrid[-40:41, -40:41]
    y = y * spacing[0] / spacing[1]
    mask = np.hypot(y, x) < 30 * (1 + amplitude * np.cos(9 * np.arctan2(y, x)))
    return Region(numbers=mask * 50.0, mask=mask, spacing=spacing)


def drawn(path):
    """Where the picture is blue and where it is yellow, panel by panel: shape (rows, panels, 260, 260)."""
    sheet = np.asarray(PIL.Image.open(path)).astype(int)
    rows, panels = (sheet.shape[0] - 10) // 290, (sheet.shape[1] - 10) // 270
    red, _, blue = np.moveaxis(sheet, -1, 0)
    places = [[(10 + 290 * i, 10 + 270 * j) for j in range(panels)] for i in range(rows)]
    return np.array(
        [
            [[colour[y : y + 260, x : x + 260] for y, x in row] for row in places]
            for colour in (blue - red > 60, red - blue > 90)
        ]
    )


def test_an_outline_lies_on_its_edge_and_is_covered_by_what_is_rebuilt_of_it(tmp_path):
    rebuilt_outlines([("round", star(0.0)), ("spiculated", star(0.25))], tmp_path / "o.png")
    blue, yellow = drawn(tmp_path / "o.png")
    assert blue.shape[:2] == (2, 6)
    assert not yellow[:, 0].any()
    rows, columns = np.nonzero(blue[0, 0])
    # The outline of a circle takes 1 / 1.3 of the side of a panel.
    assert np.hypot(rows - 129.5, columns - 129.5) == pytest.approx(np.full(len(rows), 100.0), abs=6)
    left = blue[:, 1:].sum(axis=(-1, -2)) / blue[:, :1].sum(axis=(-1, -2))
    assert (left[0] < 0.35).all()
    assert left[1, 0] > 0.7
    assert left[1, -1] < 0.45
    assert yellow[:, 1:].any(axis=(-1, -2)).all()


def test_millimetres_are_as_long_along_rows_as_along_columns(tmp_path):
    rebuilt_outlines([("coarse rows", star(0.0, (3.0, 1.0)))], tmp_path / "o.png")
    blue, _ = drawn(tmp_path / "o.png")
    rows, columns = np.nonzero(blue[0, 0])
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.05)


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        ([star(0.0)] * 9, "room for 8"),
        ([Region(numbers=np.zeros((5, 5)), mask=np.zeros((5, 5), bool))], "the region is empty"),
        ([Region(numbers=np.zeros((3, 5, 5)), mask=np.ones((3, 5, 5), bool))], "this is a volume"),
    ],
)
def test_what_has_no_outline_is_refused_and_nothing_is_written(regions, said, tmp_path):
    with pytest.raises(InvalidInput, match=said):
        rebuilt_outlines([("one", region) for region in regions], tmp_path / "o.png")
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_none_are_drawn_as_dark(tmp_path):
    region = star(0.1)
    rebuilt_outlines(
        [("dark", Region(numbers=np.full(region.mask.shape, np.nan), mask=region.mask))], tmp_path / "o.png"
    )
    assert drawn(tmp_path / "o.png")[0, 0, 0].any()


def test_the_command_draws_the_outlines_of_a_mask(tmp_path):
    mask = star(0.2).mask
    PIL.Image.fromarray((mask * 90).astype(np.uint8)).save(tmp_path / "image.png")
    PIL.Image.fromarray((mask * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    words = ["features", "image.png", "--mask", "mask.png", "--set", "hu-moments", "--outlines"]
    words[1], words[3] = str(tmp_path / "image.png"), str(tmp_path / "mask.png")
    done = CliRunner().invoke(app, [*words, str(tmp_path / "o.png")], catch_exceptions=False)
    assert done.exit_code == 0
    assert "o.png (outlines" in done.stdout
    assert drawn(tmp_path / "o.png")[0, 0, 0].any()
    with pytest.raises(InvalidInput, match=r"ends in \.png"):
        CliRunner().invoke(app, [*words, str(tmp_path / "o.jpg")], catch_exceptions=False)
    with pytest.raises(InvalidInput, match="does not replace"):
        CliRunner().invoke(app, [*words, str(tmp_path / "mask.png")], catch_exceptions=False)
