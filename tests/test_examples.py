"""Every example runs as it stands, and the numbers that it prints are right."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def printed(name, folder):
    """What an example prints, run by a fresh Python in an empty folder; its pictures go to `pictures` there."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), "pictures"],
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


def drawn_parts(folder, name):
    """How many pictures and how many lines the sheet of an example holds."""
    sheet = ET.parse(folder / "pictures" / name).getroot()
    svg = "{http://www.w3.org/2000/svg}"
    return len(list(sheet.iter(f"{svg}image"))), len(list(sheet.iterfind(f".//{svg}g/{svg}path[@d]")))


def test_two_kernels_see_5_by_5_and_three_see_7_by_7_with_fewer_numbers(tmp_path):
    text = printed("03_receptive_field.py", tmp_path)
    assert "1 layer of 3 x 3 sees 3 x 3: 9 numbers, one 3 x 3 has 9" in text
    assert "2 layers of 3 x 3 see 5 x 5: 18 numbers, one 5 x 5 has 25" in text
    assert "3 layers of 3 x 3 see 7 x 7: 27 numbers, one 7 x 7 has 49" in text
    assert "without a rectifier, two layers are one kernel of 5 x 5: True" in text
    assert re.findall(r"one kernel says ([+-]\d), the stack ([+-]\d)", text) == [("+1", "+1"), ("-1", "+1")]
    assert drawn_parts(tmp_path, "receptive_field.svg") == (3, 0)


@pytest.mark.slow
def test_a_deeper_plain_network_trains_worse_and_shortcuts_cure_it(tmp_path):
    text = printed("04_degradation.py", tmp_path)
    rows = re.findall(r"^([\w-]+): training error ([\d.]+)%, ([\d,]+) numbers to learn$", text, re.MULTILINE)
    error = {name: float(share) for name, share, _ in rows}
    numbers = {name: count for name, _, count in rows}
    assert error["plain-56"] > error["plain-20"] + 20
    assert error["resnet-56"] <= error["resnet-20"] + 3
    assert error["resnet-56"] < error["plain-20"]
    assert numbers["plain-20"] == numbers["resnet-20"]
    assert numbers["plain-56"] == numbers["resnet-56"]
    assert drawn_parts(tmp_path, "degradation.svg") == (0, 4)


@pytest.mark.slow
def test_background_only_has_99_percent_of_the_pixels_and_no_lesion(tmp_path):
    text = printed("05_pixel_accuracy.py", tmp_path)
    rows = re.findall(
        r"^(.*): pixel accuracy ([\d.]+), Dice ([\d.]+), lesions found ([\d.]+), HD95 \[mm\] ([\d.]+)$",
        text,
        re.MULTILINE,
    )
    nothing, network = ([float(n) for n in row[1:]] for row in rows)
    assert nothing[0] > 0.99
    assert nothing[1:3] == [0, 0]
    assert nothing[3] == pytest.approx(64 * 2**0.5, abs=0.01)
    assert network[0] - nothing[0] < 0.01
    assert network[1] > 0.7
    assert network[2] > 0.9
    assert drawn_parts(tmp_path, "pixel_accuracy.svg") == (4, 3)


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    return printed("06_fit.py", folder), folder


@pytest.mark.slow
def test_bias_variance_and_noise_add_up_to_the_error_of_polynomials(fit):
    number = r"([\d.]+)"
    sum_of_three = rf"^ +(\d+)  {number}  {number}  {number} \+ {number} \+ {number} = {number}$"
    rows = [[float(n) for n in row] for row in re.findall(sum_of_three, fit[0], re.MULTILINE)]
    degrees, seen, new, bias2, variance, _, total = zip(*rows, strict=True)
    assert degrees == tuple(range(11))
    assert new == pytest.approx(total, rel=0.02)
    assert list(seen) == sorted(seen, reverse=True)
    assert list(variance) == sorted(variance)
    assert bias2[0] > 100 * bias2[-1]
    assert 0 < new.index(min(new)) < 10
    # Least squares fits what it sees better by the share of numbers that it has: noise^2 (1 - 11 / 15) at degree 10.
    assert seen[-1] == pytest.approx(0.3**2 * (1 - 11 / 15), rel=0.03)


@pytest.mark.slow
def test_a_network_for_100_pictures_can_be_too_small_or_too_large_and_the_latter_has_cures(fit):
    text, folder = fit
    row = r"^(.*): [\d,]+ numbers, training ([\d.]+), new ([\d.]+), new if stopped early ([\d.]+)$"
    found = {name: [float(n) for n in rest] for name, *rest in re.findall(row, text, re.MULTILINE)}
    training, new, early = ({name: row[i] for name, row in found.items()} for i in range(3))
    assert training["too small"] > training["right"] > training["too large"]
    assert training["too large"] < 0.2
    assert new["right"] + 0.05 < min(new["too small"], new["too large"])
    assert early["too large"] < new["too large"] - 0.05
    assert new["too large, with decay"] < new["too large"]
    assert early["too small"] > new["too small"] - 0.05
    assert drawn_parts(folder, "fit.svg") == (0, 10)


def test_every_example_is_listed_and_tested():
    names = sorted(p.name for p in EXAMPLES.glob("[0-9]*.py"))
    readme, tests = (EXAMPLES / "README.md").read_text("utf-8"), Path(__file__).read_text("utf-8")
    assert [name[:2] for name in names] == ["01", "02", "03", "04", "05", "06"]
    for name in names:
        assert f"[{name}]({name})" in readme
        assert f'printed("{name}"' in tests
