"""Every example runs as it stands, and the numbers that it prints are right."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def printed(name, folder):
    """What an example prints, run by a fresh Python in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def matrix(text, title):
    """The numbers below a title, as rows."""
    rows = re.search(rf"^{re.escape(title)}\n((?:  .*\n)+)", text, re.MULTILINE).group(1)
    return [[float(n) for n in row.split()] for row in rows.splitlines()]


@pytest.fixture(scope="module")
def convolution(tmp_path_factory):
    return printed("01_convolution.py", tmp_path_factory.mktemp("convolution"))


def test_the_convolution_by_hand_gives_the_known_answers(convolution):
    assert matrix(convolution, "picture convolved with kernel") == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    assert convolution.count("SciPy says the same: True") == 2


def test_a_valid_convolution_of_96_by_8_gives_7921_values(convolution):
    assert "96 x 96 convolved with 8 x 8 gives 89 x 89 = 7,921 values" in convolution


def test_the_weights_are_counted_by_hand(convolution):
    counts = re.findall(r"^weights, .*: +([\d,]+)$", convolution, re.MULTILINE)
    assert counts == [f"{n:,}" for n in (96 * 96 * 89 * 89, 8 * 8 * 89 * 89, 8 * 8)]
    assert "a moved picture gives moved answers: True" in convolution


def test_pooling_by_hand_gives_the_known_answers(convolution):
    assert matrix(convolution, "its largest in each 2 x 2") == [[4, 2], [2, 8]]
    assert matrix(convolution, "its mean in each 2 x 2") == [[2.5, 1], [1, 6.5]]


def test_the_first_reading_is_within_three_millimetres_of_the_truth(tmp_path):
    text = printed("02_first_reading.py", tmp_path)
    found = re.search(r"^Head Circumference: ([\d.]+) mm.*, in truth ([\d.]+)$", text, re.MULTILINE)
    assert found, text
    value, true = map(float, found.groups())
    assert abs(value - true) < 3.0
    assert "the outline lies in the space of the picture: True" in text
    assert re.search(r"^Gestational Age: [\d.]+ wk", text, re.MULTILINE)


def test_every_example_is_listed_and_tested():
    names = sorted(p.name for p in EXAMPLES.glob("*.py"))
    readme, tests = (EXAMPLES / "README.md").read_text("utf-8"), Path(__file__).read_text("utf-8")
    assert names == ["01_convolution.py", "02_first_reading.py"]
    for name in names:
        assert f"[{name}]({name})" in readme
        assert f'printed("{name}"' in tests
