"""Files and folders to studies: stable names, sizes that the user states, and readers of other packages."""

import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from skiagraph.case import Case, Study
from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.geometry import spacing_of
from skiagraph.image import pixels
from skiagraph.io import read_case, read_cases, read_pixel_sizes, read_study, study, write_image

GREY = np.arange(35, dtype=np.uint8).reshape(5, 7)


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.png", "deep/er/a.png", ".hidden.png", "twin.png", "twin.bmp"):
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(GREY).save(path)
    return tmp_path / "study"


def test_cases_have_the_order_and_the_names_of_their_paths(folder):
    found = read_study(folder)
    assert [case.identifier for case in found.cases] == ["a", "b", "deep/er/a", "twin.bmp", "twin.png"]
    assert (found.identifier, found.problems) == ("study", ())


def test_files_beside_the_images_are_named_in_one_sentence(folder):
    for name in ("notes.txt", "LICENSE", "table.csv", "empty"):
        (folder / name).write_text("" if name == "empty" else "words")
    assert read_study(folder).problems == (
        "Other files hold no image that is read here (4): LICENSE, empty, notes.txt, ....",
    )


def test_the_pixels_of_an_mhd_are_no_file_of_their_own(folder, tmp_path):
    (tmp_path / "m").mkdir()
    write_image(read_case(folder / "a.png").image, tmp_path / "m" / "x.mhd")
    found = read_study(tmp_path / "m")
    assert ([case.identifier for case in found.cases], found.problems) == (["x"], ())


def test_one_case_is_asked_for_and_several_are_there(folder):
    with pytest.raises(FormatError, match="got 5"):
        read_case(folder)


def test_cases_come_one_after_the_other(folder):
    assert isinstance(next(iter(read_cases(folder))), Case)


def test_a_pixel_size_is_taken_from_the_table_before_the_common_one(folder):
    sizes = {"a.png": (0.1, 0.2), "deep/er/a.png": (0.5, 0.5), "gone.png": (1.0, 1.0)}
    found = read_study(folder, pixel_size=(0.3, 0.3), pixel_sizes=sizes)
    spacings = [spacing_of(case.image.space) for case in found.cases]
    assert spacings == [(0.1, 0.2), (0.3, 0.3), (0.5, 0.5), (0.3, 0.3), (0.3, 0.3)]
    assert found.problems == ("Pixel sizes were given for files that are not here: gone.png.",)


def test_a_size_that_contradicts_the_file_is_used_and_said(folder, tmp_path):
    image = read_case(folder / "a.png", pixel_size=(0.25, 0.5)).image
    write_image(image, tmp_path / "a.nii")
    case = read_case(tmp_path / "a.nii", pixel_size=(0.5, 0.5))
    assert spacing_of(case.image.space) == (0.5, 0.5)
    assert (
        "The file states 0.25 x 0.5 mm; the 0.5 x 0.5 mm that were given are used instead." in case.problems
    )


def test_the_table_of_pixel_sizes_has_one_size_or_two(tmp_path):
    path = tmp_path / "sizes.csv"
    path.write_text("﻿file,pixel_size_mm,row_mm,column_mm\na.png,0.1,,\nb.png,,0.2,0.3\n", encoding="utf-8")
    assert read_pixel_sizes(path) == {"a.png": (0.1, 0.1), "b.png": (0.2, 0.3)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,pixel_size_mm\na.png,0.1\nb.png,wide\n", "sizes.csv, line 3"),
        ("file,pixel_size_mm\na.png,-1\n", "sizes.csv, line 2"),
        ("file,pixel_size_mm\na.png,\n", "sizes.csv, line 2"),
        ("file,row_mm,column_mm\na.png,0.1,\n", "given together"),
        ("file,pixel_size_mm\na.png,1\na.png,1\n", "line 3"),
        ("name,size\na.png,1\n", "line 2"),
    ],
)
def test_a_line_that_does_not_hold_is_named(tmp_path, text, said):
    path = tmp_path / "sizes.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read_pixel_sizes(path)


def test_a_table_that_is_missing_empty_or_no_text(tmp_path):
    with pytest.raises(MissingInput):
        read_pixel_sizes(tmp_path / "gone.csv")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)))
    for name in ("empty.csv", "bytes.csv"):
        with pytest.raises(FormatError):
            read_pixel_sizes(tmp_path / name)


def test_a_reader_of_another_package_is_asked_for_what_is_not_one_of_ours(tmp_path, folder, monkeypatch):
    case = read_case(folder / "a.png")
    (tmp_path / "own.fmt").write_text("a format of somebody else")

    def reader(path):
        if path.suffix != ".fmt":
            raise FormatError("not mine")
        return Study(identifier="own", cases=(case,))

    monkeypatch.setattr(study, "names", lambda kind: ("files", "other"))
    monkeypatch.setattr(study, "registered", lambda kind, name: reader)
    assert np.array_equal(pixels(read_case(tmp_path / "own.fmt").image), GREY)
    (tmp_path / "words.txt").write_text("words")
    with pytest.raises(FormatError, match="none of the formats"):
        read_case(tmp_path / "words.txt")


def test_reading_a_png_loads_no_other_codec(folder):
    code = (
        "import sys; from skiagraph.io import read_study; read_study(sys.argv[1]);"
        "print({'SimpleITK', 'nibabel', 'pydicom', 'tifffile', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
