"""The page stands alone, draws what was found where it was found, and says plainly what it does not know."""

import base64
import dataclasses
import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest

from skiagraph import codes
from skiagraph.case import Case, Signature, amended, finalised, preliminary
from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.findings import (
    Box,
    Boxes,
    Contour,
    Contours,
    Findings,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Provenance,
    Segment,
    Segmentation,
    Source,
)
from skiagraph.geometry import Grid, Plane
from skiagraph.image import Image, Window
from skiagraph.report import drafted, entry_of, reading_of, render_index, render_report
from skiagraph.report.picture import picture_of, thumbnail
from skiagraph.report.sheet import Sheet
from skiagraph.task.card import Card, InputSpec, OutputSpec, Score

FRAME = "2.25.1"
PLANE = Plane.upright(shape=(60, 80), spacing=(0.5, 0.25), frame=FRAME)
UNSIZED = Plane.upright(shape=(60, 80), spacing=None, frame=FRAME)
GREY = (np.arange(60 * 80) % 251).astype(np.uint8).reshape(60, 80)
MASK = np.zeros((60, 80), np.uint8)
MASK[20:40, 30:50] = 1
CARD = Card(
    name="fetal-head-ultrasound",
    version="1.2.3",
    task="segmentation",
    summary="Outlines a head.",
    inputs=(InputSpec(name="image", modality="US", ndim=2),),
    outputs=(OutputSpec(finding="Segmentation", concept=codes.HEAD),),
    intended_use="For <trained> readers.",
    limits=("Not for small heads.",),
    data=("pictures",),
    licence="CC-BY-4.0",
    attribution="Somebody (2018).",
    scores=(Score(name="Dice", value=0.98, low=0.97, high=0.99, n=5, on="toys"),),
)
MEASURED = (
    Segmentation(space=PLANE, labels=MASK, segments=(Segment(number=1, code=codes.HEAD, confidence=0.87),)),
    Contours(
        space=PLANE,
        items=(
            Contour(code=codes.HEAD, points=np.array([[5.0, 10.0], [12.5, 10.0], [12.5, 20.0]])),
            Contour(
                code=codes.BIPARIETAL_DIAMETER, points=np.array([[5.0, 10.0], [5.0, 20.0]]), closed=False
            ),
        ),
    ),
    Measurement(
        concept=codes.HEAD_CIRCUMFERENCE,
        value=176.32,
        unit=codes.MM,
        interval=Interval(low=170.0, high=182.0),
        method="Ramanujan (1914).",
    ),
    Measurement(concept=codes.GESTATIONAL_AGE, value=20.43, unit=codes.WEEK),
)
REFUSED = (NotApplicable(reason="wrong-content", explanation="This is a <photograph>.", score=0.03),)


def case(space=PLANE, **fields) -> Case:
    image = Image(data=GREY, space=space, modality="US")
    return Case(identifier="case <1>", images={"image": image}, uids={"image": "2.25.77"}, **fields)


def report(items=MEASURED):
    provenance = Provenance(
        sources=(Source(name="image", digest="ab" * 32),),
        model="fetal-head-ultrasound",
        model_version="1.2.3",
        model_digest="cd" * 32,
        software="0.1.0",
        engine="openvino 2026.4",
        precision="fp32",
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=0.25,
    )
    return drafted("case <1>", Findings(items=items, provenance=provenance))


class Outline(HTMLParser):
    """Checks that tags close in order, and collects attributes and text."""

    VOID = ("meta", "input", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline


PAGES = {
    "measured": lambda lang: render_report(report(), case(), CARD, lang=lang),
    "refused": lambda lang: render_report(report(REFUSED), case(), CARD, lang=lang),
    "index": lambda lang: render_index((entry_of(report(), case(), link="a.html", lang=lang),), lang=lang),
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_whole_and_needs_nothing_from_outside(kind, lang):
    page = PAGES[kind](lang)
    outline = parsed(page)
    assert outline.tags[0] == ("html", {"lang": {"en": "en", "zh": "zh-CN"}[lang]})
    assert not re.search(r"https?://|//[a-z]|url\(|@import", page), "no address outside of the page"
    assert not {tag for tag, _ in outline.tags} & {"script", "link", "iframe", "object"}
    sources = [a.get("src") or a["href"] for tag, a in outline.tags if tag in ("img", "image")]
    assert sources
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    ids = [a["id"] for _, a in outline.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_what_comes_from_files_and_models_is_escaped():
    page = render_report(report(), case(problems=("Bad <script>alert(1)</script>.",)), CARD)
    assert "<script>" not in page
    assert "case &lt;1&gt;" in page
    assert "For &lt;trained&gt; readers." in page


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            [
                "not for diagnosis without a reader",
                "Head circumference",
                "176.3 mm",
                "170.0 to 182.0 mm",
                "20 weeks + 3 days",
            ],
        ),
        ("zh", ["不得用于诊断", "头围", "176.3 mm", "170.0 至 182.0 mm", "20 周 + 3 天", "中等"]),
    ],
)
def test_the_page_says_what_was_measured_and_how_sure_it_is(lang, words):
    page = render_report(report(), case(), CARD, lang=lang)
    always = [
        "0.87",
        "Ramanujan (1914).",
        "Somebody (2018).",
        "openvino 2026.4",
        "fp32",
        "abababab",
        "2.25.77",
        "0.98",
    ]
    for each in [*words, *always, "Not for small heads.", "CC-BY-4.0", "0.5 × 0.25 mm", "60 × 80"]:
        assert each in page


def test_an_unknown_pixel_size_is_said_plainly_with_the_way_out():
    segmentation = dataclasses.replace(MEASURED[0], space=UNSIZED)
    page = render_report(report((segmentation,)), case(UNSIZED), CARD)
    assert "nothing is reported in millimetres" in page
    assert "--pixel-size" in page
    assert "not stated" in page
    assert " mm<" not in page
    assert "--pixel-size" not in render_report(report(), case(), CARD)


@pytest.mark.parametrize(("lang", "words"), [("en", "No measurement was made"), ("zh", "未进行测量")])
def test_a_refusal_has_a_clear_page_without_measurements(lang, words):
    page = render_report(report(REFUSED), case(), CARD, lang=lang)
    assert words in page
    assert "This is a &lt;photograph&gt;." in page
    assert "0.03" in page
    assert 'class="figures"' not in page
    assert 'id="overlay"' not in page


def test_a_signed_report_names_its_reader_and_is_no_draft():
    signature = Signature(reader="Dr. Reader", signed=datetime(2026, 2, 3, tzinfo=UTC))
    taken = preliminary(report(), signature)
    final = finalised(taken, signature)
    changed = amended(final, signature, findings=final.findings, reason="Wrong side.")
    for each, word in ((taken, "Preliminary."), (final, "Final."), (changed, "Wrong side.")):
        page = render_report(each, case(), CARD)
        assert "Dr. Reader" in page
        assert word in page
        assert "not for diagnosis" not in page


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_a_reader_wrote_stands_in_place_of_the_sentences(lang):
    told = dict(report().narrative)
    words = "Head of regular shape.\n\nNo further finding."
    written = dataclasses.replace(report(), narrative=tuple({**told, "en": words}.items()))
    page = render_report(written, case(), CARD, lang=lang)
    assert "<li>Head of regular shape.</li>" in page
    assert "<li>No further finding.</li>" in page
    (first, *_) = told[lang].splitlines()
    assert f"<li>{first}</li>" not in page
    sheet = Sheet(lang).content(reading_of(written, case(), CARD), picture_of(case().image, ()))
    assert sheet["findings"]["items"] == ["Head of regular shape.", "No further finding."]


def test_other_languages_and_other_cases_are_refused():
    with pytest.raises(UnknownName, match=r"en .* or zh"):
        render_report(report(), case(), CARD, lang="fr")
    with pytest.raises(InvalidInput, match="goes with the case"):
        render_report(report(), Case(identifier="another", images=dict(case().images)), CARD)


def opened(address: str) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))


def test_the_picture_is_the_image_and_lines_lie_where_they_were_found():
    picture = picture_of(case().image, MEASURED)
    assert np.array_equal(opened(picture.source), GREY)
    # A column is 0.25 mm and a row 0.5 mm: in units of a row, columns are half as wide.
    assert (picture.width, picture.height) == (40.0, 60.0)
    outline, diameter = picture.marks
    assert np.allclose(outline.points, [[10.25, 20.5], [25.25, 20.5], [25.25, 40.5]])
    assert (outline.shape, diameter.shape) == ("outline", "line")
    assert outline.tone != diameter.tone
    assert picture.tint is None, "what has an outline needs no tint"


def test_a_mask_without_an_outline_is_tinted():
    tint = opened(picture_of(case().image, MEASURED[:1]).tint)
    assert np.array_equal(tint[..., 3] > 0, MASK > 0)
    assert tint[20, 35, 3] > tint[30, 40, 3], "its edge is stronger than its inside"


def test_points_and_boxes_are_drawn_and_other_frames_are_not():
    box = Box(code=codes.HEAD, low=np.array([9.5, 19.5]), high=np.array([29.5, 39.5]))
    spot = Landmark(code=codes.FETUS, point=np.array([1.0, 1.0]))
    elsewhere = dataclasses.replace(PLANE, frame="2.25.2")
    items = (
        Boxes(space=PLANE, items=(box,)),
        Landmarks(space=PLANE, items=(spot,)),
        Boxes(space=dataclasses.replace(PLANE, shape=(30, 40)), items=(box,)),
        Landmarks(space=elsewhere, items=(spot,)),
    )
    marks = picture_of(case().image, items).marks
    assert [m.shape for m in marks] == ["outline", "point"]
    assert np.allclose(marks[0].points, [[10, 10], [20, 10], [20, 30], [10, 30]])
    assert np.allclose(marks[1].points, [[2.25, 2.5]])


def test_a_volume_shows_the_slice_with_the_most_in_it():
    grid = Grid(shape=(5, 8, 8), affine=np.diag([1.0, 1, 1, 1]), frame=FRAME)
    data = np.broadcast_to(np.arange(5, dtype=np.uint8)[:, None, None] * 50, (5, 8, 8))
    labels = np.zeros((5, 8, 8), np.uint8)
    labels[3, 2:6, 2:6] = 1
    labels[1, 2, 2] = 1
    found = Segmentation(space=grid, labels=labels, segments=(Segment(number=1, code=codes.HEAD),))
    image = Image(data=data, space=grid)
    picture = picture_of(image, (found,))
    assert picture.slice == (4, 5)
    assert (opened(picture.source) == 150).all()
    assert np.array_equal(opened(picture.tint)[..., 3] > 0, labels[3] > 0)
    assert picture_of(image, ()).slice == (3, 5)


def test_the_window_of_the_file_decides_what_is_black_and_white():
    grid = Grid(shape=(3, 8, 8), affine=np.diag([1.0, 1, 1, 1]), frame=FRAME)
    data = np.broadcast_to(np.linspace(-1000, 1000, 9, dtype=np.float32)[:8], (3, 8, 8))

    def black_and_white(*windows):
        image = Image(data=data, space=grid, windows=windows)
        row = opened(picture_of(image, ()).source)[0]
        assert np.array_equal(opened(thumbnail(image))[0], row)
        return int((row == 0).sum()), int((row == 255).sum())

    assert black_and_white(Window(low=-160, high=240)) == (4, 3)
    assert black_and_white() == (1, 1)
    assert black_and_white(Window(low=5000, high=6000)) == (1, 1)  # one that shows nothing is no help
    assert black_and_white(Window(low=5000, high=6000), Window(low=-160, high=240)) == (4, 3)


def test_colour_pictures_keep_their_colour_and_large_ones_are_made_smaller():
    colour = np.zeros((10, 3000, 3), np.uint8)
    colour[..., 0] = 200
    plane = Plane.upright(shape=(10, 3000), spacing=None, frame=FRAME)
    image = Image(data=colour, space=plane, channels=("red", "green", "blue"))
    shown = opened(picture_of(image, ()).source)
    assert shown.shape[1] == 1600
    assert shown[2, 100].tolist() == [200, 0, 0]
    assert max(opened(thumbnail(image)).shape) == 240


def test_the_list_links_each_case_and_names_what_was_refused():
    entries = (
        entry_of(report(), case(), link="a/report.html"),
        entry_of(report(REFUSED), case(), link="b/report.html"),
    )
    page = render_index(entries)
    assert "2 cases, 1 without a measurement." in page
    assert "HC 176.3 mm" in page
    assert "0.87 (moderate)" in page
    assert "The image does not show what this model reads" in page
    assert {"a/report.html", "b/report.html"} <= {a.get("href") for _, a in parsed(page).tags}


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "Gestational age is not told"), ("zh", "未给出孕周")], ids=["en", "zh"]
)
def test_one_thing_that_is_not_told_does_not_refuse_the_rest(lang, words):
    missing = NotApplicable(reason="out-of-range", explanation="Too small.", concept=codes.GESTATIONAL_AGE)
    made = report((*MEASURED, missing))
    page = render_report(made, case(), CARD, lang=lang)
    assert words in page
    assert 'id="refused"' not in page
    assert not entry_of(made, case(), link="a.html", lang=lang).refused
