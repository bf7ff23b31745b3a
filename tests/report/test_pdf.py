"""The PDF says what the page says, lacks no glyph in either language, takes text as text, and is the same each time."""

import dataclasses
import json
import re
import shutil
import string
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files

import numpy as np
import pytest
import typst
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagraph import codes
from skiagraph.case import Case, Report, Signature, amended, finalised, preliminary
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.findings import (
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
    Text,
)
from skiagraph.geometry import Plane
from skiagraph.image import Image
from skiagraph.report import LANGUAGES, drafted, pdf
from skiagraph.report.glyphs import drawable, drawn
from skiagraph.report.pdf import report_pdf
from skiagraph.task.card import Card, InputSpec, OutputSpec, Score

PLANE = Plane.upright(shape=(60, 80), spacing=(0.5, 0.25), frame="2.25.1")
UNSIZED = Plane.upright(shape=(60, 80), spacing=None, frame="2.25.1")
MASK = np.zeros((60, 80), np.uint8)
MASK[20:40, 30:50] = 1
CARD = Card(
    name="fetal-head-ultrasound",
    version="1.2.3",
    task="segmentation",
    summary="Outlines a head.",
    inputs=(InputSpec(name="image", modality="US", ndim=2),),
    outputs=(OutputSpec(finding="Segmentation", concept=codes.HEAD),),
    intended_use="For trained readers.",
    limits=("Not for small heads.",),
    data=("pictures",),
    licence="CC-BY-4.0",
    attribution="Somebody (2018).",
    scores=(Score(name="Dice", value=0.98, low=0.97, high=0.99, n=5, on="toys"),),
)
DIAMETER = np.array([[5.0, 10.0], [5.0, 20.0]])
MEASURED = (
    Segmentation(space=PLANE, labels=MASK, segments=(Segment(number=1, code=codes.HEAD, confidence=0.87),)),
    Contours(
        space=PLANE,
        items=(
            Contour(code=codes.HEAD, points=np.array([[5.0, 10.0], [12.5, 10.0], [12.5, 20.0]])),
            Contour(code=codes.BIPARIETAL_DIAMETER, points=DIAMETER, closed=False),
        ),
    ),
    Landmarks(space=PLANE, items=(Landmark(code=codes.FETUS, point=np.array([1.0, 1.0])),)),
    Measurement(
        concept=codes.HEAD_CIRCUMFERENCE,
        value=176.32,
        unit=codes.MM,
        interval=Interval(low=170.0, high=182.0),
        method="Ramanujan (1914).",
    ),
    Measurement(concept=codes.GESTATIONAL_AGE, value=20.43, unit=codes.WEEK),
)
TINTED = MEASURED[:1]
REFUSED = (NotApplicable(reason="wrong-content", explanation="This is a photograph.", score=0.03),)
MARKUP = '#strong[x] #panic("no") $x^2$ \\z *b* _i_ `c` @r <l> // /* "q" = - + ~'
SIGNED = Signature(reader="Dr. Anna Müller-Łukasiewicz", signed=datetime(2026, 2, 3, 8, 30, tzinfo=UTC))
LATER = Signature(reader="王喆", signed=datetime(2026, 2, 4, 18, 5, tzinfo=timezone(timedelta(hours=8))))

needs_poppler = pytest.mark.skipif(not shutil.which("pdftotext"), reason="pdftotext (poppler) is not here")


def case(space=PLANE, **fields) -> Case:
    grey = (np.arange(60 * 80) % 251).astype(np.uint8).reshape(60, 80)
    image = Image(data=grey, space=space, modality="US")
    return Case(**{"identifier": "case 1", "images": {"image": image}, "uids": {"image": "2.25.77"}} | fields)


def report(items=MEASURED, identifier="case 1") -> Report:
    provenance = Provenance(
        sources=(Source(name="image", digest="ab" * 32),),
        model="fetal-head-ultrasound",
        model_version="1.2.3",
        model_digest="cd" * 32,
        software="0.1.0",
        engine="openvino 2026.4",
        precision="fp32",
        created=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        seconds=0.25,
    )
    return drafted(identifier, Findings(items=items, provenance=provenance))


def corrected() -> Report:
    final = finalised(preliminary(report(), SIGNED), SIGNED)
    return amended(final, LATER, findings=final.findings, reason="Wrong side.")


KINDS = {
    "draft": lambda: (report(), case()),
    "refused": lambda: (report(REFUSED), case()),
    "unsized": lambda: (report((dataclasses.replace(TINTED[0], space=UNSIZED),)), case(UNSIZED)),
    "tinted": lambda: (report(TINTED), case(problems=("A remark.",))),
    "preliminary": lambda: (preliminary(report(), SIGNED), case()),
    "final": lambda: (finalised(report(), SIGNED), case()),
    "amended": lambda: (corrected(), case()),
}


def made(kind: str, lang: str) -> bytes:
    return report_pdf(*KINDS[kind](), CARD, lang=lang)


def streams(document: bytes) -> bytes:
    """Everything that is packed in a PDF, unpacked."""
    packed = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    return b"\n".join(zlib.decompressobj().decompress(each) for each in packed)


def words(document: bytes, tmp_path) -> str:
    """What one copies from a PDF, without the ends of lines."""
    (tmp_path / "a.pdf").write_bytes(document)
    command = ["pdftotext", "-raw", "-enc", "UTF-8", str(tmp_path / "a.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_state_of_a_report_becomes_an_archivable_pdf_of_its_language(kind, lang):
    document = made(kind, lang)
    whole = document + streams(document)
    assert document.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>2" in whole
    assert b"<pdfaid:conformance>A" in whole
    assert b"<pdfuaid:part>1" in whole
    assert {"en": b"/Lang(en)", "zh": b"/Lang(zh-CN)"}[lang] in re.sub(rb"/Lang \(", b"/Lang(", whole)
    named = set(re.findall(rb"/BaseFont\s*/(?:\w{6}\+)?([\w-]+)", whole))
    assert named
    assert all(name.startswith(b"NotoSans") for name in named), "no other font than those that ship"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_report_gives_the_same_bytes(kind, lang):
    assert made(kind, lang) == made(kind, lang)


def test_another_process_in_another_time_zone_gives_the_same_bytes(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(files('skiagraph').joinpath('..', '..', 'tests', 'report'))!r});"
        "import test_pdf; sys.stdout.buffer.write(test_pdf.made('amended', 'zh'))"
    )
    environment = {"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], env=environment, cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout == made("amended", "zh")


@pytest.mark.parametrize(("kind", "date"), [("draft", b"20260102030405"), ("amended", b"20260204100500")])
def test_its_date_is_the_one_of_the_report_or_of_the_signature(kind, date):
    document = made(kind, "en")
    assert b"D:" + date in document + streams(document)


def test_a_pdf_takes_less_than_a_second():
    made("draft", "zh")
    fresh = (report(identifier="case 2"), case(identifier="case 2"), CARD)
    begun = time.perf_counter()
    report_pdf(*fresh, lang="zh")
    assert time.perf_counter() - begun < 1


def test_reports_may_be_made_at_the_same_time():
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(lambda kind: made(kind, "en"), list(KINDS) * 2))
    assert documents == [made(kind, "en") for kind in KINDS] * 2


SAID = {
    ("draft", "en"): [
        "Draft, not for diagnosis",
        "Not a medical device",
        "Head circumference",
        "176.3 mm",
        "170.0 to 182.0 mm",
        "20 weeks + 3 days",
        "95 % interval",
        "0.87",
        "Ramanujan (1914).",
        "Page 1 of 2",
    ],
    ("draft", "zh"): [
        "不得用于诊断",
        "不是医疗器械",
        "头围",
        "170.0 至 182.0 mm",
        "20 周 + 3 天",
        "第 1 页，共 2 页",
    ],
    ("refused", "en"): [
        "No measurement was made",
        "The image does not show",
        "This is a photograph.",
        "0.03",
    ],
    ("refused", "zh"): ["未进行测量", "图像内容不是该模型所能判读的", "This is a photograph."],
    ("unsized", "en"): ["No lengths in millimetres", "skiagraph read FILE --pixel-size 0.2", "not stated"],
    ("unsized", "zh"): ["无毫米长度", "未说明"],
    ("tinted", "en"): ["A remark.", "Noticed while reading the file"],
    ("preliminary", "en"): ["Taken over by Dr. Anna Müller-Łukasiewicz at 2026-02-03 08:30 UTC"],
    ("final", "zh"): ["最终报告", "由 Dr. Anna Müller-Łukasiewicz 于 2026-02-03 08:30 UTC 签署", "签名"],
    ("amended", "en"): ["Wrong side.", "王喆", "Signature", "It replaces version 3, signed by Dr. Anna"],
    ("amended", "zh"): ["修订报告", "Wrong side.", "取代由 Dr. Anna", "签署的第 3 版"],
}
ALWAYS = [
    "case 1",
    "Not for small heads.",
    "CC-BY-4.0",
    "Somebody (2018).",
    "0.980",
    "openvino 2026.4",
    "60 × 80",
]


@needs_poppler
@pytest.mark.parametrize(("kind", "lang"), SAID)
def test_its_words_can_be_searched_and_copied(kind, lang, tmp_path):
    text = words(made(kind, lang), tmp_path)
    for each in [*SAID[kind, lang], *ALWAYS, "ab" * 32, "cd" * 32, "2.25.77"]:
        assert re.sub(r"\s", "", each) in text, each
    assert ("notfordiagnosis" in text) == (lang == "en" and KINDS[kind]()[0].state == "draft")


@needs_poppler
def test_markup_and_long_names_stay_the_text_that_they_are(tmp_path):
    name = f"{MARKUP} {'0123456789' * 20}"
    document = report_pdf(report(identifier=name), case(identifier=name), CARD)
    assert re.sub(r"\s", "", name) in words(document, tmp_path)


@needs_poppler
def test_a_character_without_a_glyph_is_written_as_its_code_point(tmp_path):
    name = "王喆 \U0001f600 \u202egnp.exe"
    document = report_pdf(report(identifier=name), case(identifier=name), CARD)
    assert "王喆‹U+1F600›‹U+202E›gnp.exe" in words(document, tmp_path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Łódź, Đặng, Αθήνα, Київ, 王喆 堃 玥 祎, 臺灣, かな",
            "Łódź, Đặng, Αθήνα, Київ, 王喆 堃 玥 祎, 臺灣, かな",
        ),
        ("e\u0301", "é"),
        ("a\r\nb\tc", "a\nb c"),
        ("a\u2009b\u3000c", "a\u2009b\u3000c"),
        ("\U0002ebf0", "‹U+2EBF0›"),
        ("\x07\u200b\u202e\xad\ufeff", "‹U+0007›‹U+200B›‹U+202E›‹U+00AD›‹U+FEFF›"),
        ("\ue000\udc80", "‹U+E000›‹U+DC80›"),
    ],
    ids=["names", "accent", "lines", "spaces", "rare", "unseen", "private"],
)
def test_what_the_fonts_lack_is_never_a_silent_box(text, shown):
    assert drawn(text) == shown


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_the_fonts_hold_the_characters_that_we_say_they_hold(weight):
    folder = files("skiagraph.report").joinpath("fonts")
    held = set()
    for name in (f"NotoSans-{weight}.ttf", f"NotoSansCJKsc-{weight}.otf"):
        path = folder.joinpath(name)
        assert len(path.read_bytes()) < 3_000_000
        held |= set(TTFont(str(path)).getBestCmap())
    assert {ord(character) for character in drawable()} == held


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("table", ["phrases.json", "words.json"])
def test_no_phrase_and_no_word_lacks_a_glyph(table, lang):
    entries = json.loads(files("skiagraph.report").joinpath(table).read_text("utf-8")).values()
    for text in [*(entry[lang] for entry in entries), *(entry.get("short", "") for entry in entries)]:
        assert drawn(text) == text


def test_a_missing_glyph_would_not_pass_unseen():
    source = b'#set text(font: ("Noto Sans", "Noto Sans CJK SC"), fallback: false)\n\xf0\x9f\x98\x80'
    with pytest.raises(typst.TypstError):
        typst.compile(source, format="pdf", font_paths=pdf._fonts(), pdf_standards=["a-2a"])


ANY = st.text(min_size=1) | st.text(st.sampled_from(sorted(drawable())), min_size=1)


@settings(max_examples=60)
@given(ANY.filter(str.strip), st.sampled_from(LANGUAGES))
def test_every_text_makes_a_pdf(text, lang):
    said = (Text(concept=codes.HEAD, text=text, language="en"), *REFUSED)
    reader = Signature(reader=text, signed=SIGNED.signed)
    final = finalised(report(said, identifier=text), reader)
    changed = amended(final, reader, findings=final.findings, reason=text)
    card = dataclasses.replace(CARD, summary=text, limits=(text, text), attribution=text)
    document = report_pdf(changed, case(identifier=text, problems=(text,)), card, lang=lang)
    assert document.startswith(b"%PDF")


@pytest.mark.parametrize("shape", [(4, 900), (900, 4), (1, 1)])
def test_pictures_of_every_shape_find_their_place(shape):
    plane = Plane.upright(shape=shape, spacing=None, frame="2.25.1")
    image = Image(data=np.zeros(shape, np.uint8), space=plane)
    found = Landmarks(space=plane, items=(Landmark(code=codes.HEAD, point=np.zeros(2)),))
    assert report_pdf(report((found,)), case(images={"image": image}), CARD).startswith(b"%PDF")


def test_long_names_and_many_findings_go_on_over_pages_without_starving_a_column():
    name = Code(
        value="1",
        scheme="99TEST",
        meaning="mean diffusion of the posterior limb of the internal capsule " * 2,
    )
    many = tuple(
        Measurement(concept=name, value=float(n), unit=codes.MM, method=string.ascii_letters * 2)
        for n in range(40)
    )
    document = report_pdf(report(many), case(), CARD)
    (pages,) = re.findall(rb"/Type\s*/Pages.*?/Count (\d+)", document + streams(document), re.DOTALL)
    assert 3 <= int(pages) <= 9


def test_other_languages_and_other_cases_are_refused():
    with pytest.raises(UnknownName, match=r"en .* or zh"):
        report_pdf(report(), case(), CARD, lang="fr")
    with pytest.raises(InvalidInput, match="goes with the case"):
        report_pdf(report(), case(identifier="another"), CARD)
