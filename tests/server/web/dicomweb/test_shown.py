"""Rendered pictures: the greys that the windows of a file ask for, and those that a reader asks for."""

import io
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from dicom_objects import CT, OTHER, SIDE, STUDY

SLICE = f"/dicom-web/studies/{STUDY}/series/{CT}/instances/{CT}.1"
FILM = f"/dicom-web/studies/{STUDY}/series/{OTHER}/instances/{OTHER}.1"
HU = (np.arange(SIDE * SIDE, dtype=np.float64) * 7 - 1024).reshape(SIDE, SIDE)


def picture(client, path, accept="image/png"):
    answer = client.get(path, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == accept
    return PIL.Image.open(io.BytesIO(answer.content))


def greys(values, low, high):
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def test_a_slice_is_shown_through_the_first_window_of_its_file(viewer):
    shown = np.asarray(picture(viewer, f"{SLICE}/rendered"))
    assert np.array_equal(shown, greys(HU, 40 - 200, 40 + 200 - 1))


@pytest.mark.parametrize(
    ("window", "low", "high"),
    [
        ("-600,1500,linear", -1350, 149),
        ("-600,1500,linear-exact", -1350, 150),
        ("-600,1500,LINEAR", -1350, 149),
    ],
)
def test_a_slice_is_shown_through_the_window_that_is_asked_for(viewer, window, low, high):
    shown = np.asarray(picture(viewer, f"{SLICE}/rendered?window={window}"))
    assert np.array_equal(shown, greys(HU, low, high))


def test_a_soft_window_is_soft(viewer):
    shown = np.asarray(picture(viewer, f"{SLICE}/rendered?window=-600,1500,sigmoid"))
    expected = 255 / (1 + np.exp(-4 * (HU + 600) / 1500))
    assert np.abs(shown - expected).max() <= 1


def test_a_viewport_bounds_a_picture_and_cuts_it(viewer):
    assert picture(viewer, f"{SLICE}/rendered?viewport=32,64").size == (32, 32)
    cut = picture(viewer, f"{SLICE}/rendered?viewport=8,8,4,2,8,8")
    whole = np.asarray(picture(viewer, f"{SLICE}/rendered"))
    assert np.array_equal(np.asarray(cut), whole[2:10, 4:12])


def test_one_frame_of_a_film_is_shown(viewer):
    assert picture(viewer, f"{FILM}/frames/3/rendered", "image/jpeg").size == (SIDE, SIDE)
    assert viewer.get(f"{FILM}/frames/4/rendered").status_code == 404
    assert viewer.get(f"{FILM}/frames/1,2/rendered").status_code == 400


@pytest.mark.parametrize(
    "path",
    [f"/dicom-web/studies/{STUDY}", f"/dicom-web/studies/{STUDY}/series/{CT}", SLICE, f"{FILM}/frames/2"],
)
def test_thumbnails_are_small(viewer, path):
    assert picture(viewer, f"{path}/thumbnail", "image/jpeg").size == (128, 128)
    assert picture(viewer, f"{path}/thumbnail?viewport=64,64").size == (64, 64)


@pytest.mark.parametrize(
    "asked",
    ["window=1", "window=1,2", "window=1,0,linear", "window=nan,1,linear", "window=1,2,cubic", "window=1e400,1,linear",
     "window=" + "1," * 5000 + "linear", "viewport=0,0", "viewport=99999999,1", "viewport=8,8,99,99,1,1",
     "viewport=8,8,0,0,-4,-4", "viewport=x", "quality=0", "quality=101", "quality=x", "quality=" + "9" * 5000],
)  # fmt: skip
def test_what_cannot_be_shown_so_is_refused_in_one_sentence(viewer, asked):
    answer = viewer.get(f"{SLICE}/rendered?{asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("accept", ["image/gif", "text/html", "application/dicom+json"])
def test_pictures_are_jpeg_or_png(viewer, accept):
    assert viewer.get(f"{SLICE}/rendered", headers={"Accept": accept}).status_code == 406


def test_a_series_of_pictures_and_reports_is_stood_for_by_a_picture(viewer):
    path = f"/dicom-web/studies/{STUDY}/series/{OTHER}/thumbnail"
    assert picture(viewer, path, "image/png").size == (128, 128)
