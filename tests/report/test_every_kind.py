"""Every kind of finding has its sentence in both languages, its place in reading.json, and its page."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import get_args

import jsonschema
import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    ClassScore,
    Contour,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Finding,
    Findings,
    Heatmap,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Provenance,
    RankedItem,
    Ranking,
    Segment,
    Segmentation,
    Source,
    Text,
    Track,
    Tracks,
    Transform,
)
from skiagraph.geometry import Grid, Plane, Timeline
from skiagraph.image import Image
from skiagraph.plain import to_plain
from skiagraph.report import (
    LANGUAGES,
    drafted,
    narrative,
    reading_from_plain,
    reading_of,
    reading_to_plain,
    render_report,
    sentence,
)
from skiagraph.report.schema import reading_schema
from skiagraph.task.card import Card, InputSpec, OutputSpec, Score

FRAME = "2.25.1"
PLANE = Plane.upright(shape=(6, 8), spacing=(5.0, 5.0), frame=FRAME)
UNSIZED = Plane.upright(shape=(6, 8), spacing=None, frame=FRAME)
MOVING = Plane.upright(shape=(6, 8), spacing=(5.0, 5.0), frame=FRAME, timeline=Timeline(times=np.arange(2.0)))
GRID = Grid(shape=(4, 6, 8), affine=np.diag([5.0, 5.0, 5.0, 1.0]), frame=FRAME)
HEAD, OTHER = codes.HEAD, Code(value="1", scheme="99TEST", meaning="other thing")
BLOB = np.zeros((6, 8), np.uint8)
BLOB[1:5, 2:6] = 1
SURE = Segment(number=1, code=HEAD, confidence=0.98)


def measurement(value, unit=codes.MM, concept=codes.HEAD_CIRCUMFERENCE, interval=None):
    return Measurement(concept=concept, value=value, unit=unit, interval=interval)


SAID: list[tuple[Finding, str, str]] = [
    (
        measurement(176.32, interval=Interval(low=173.0, high=179.66)),
        "Head circumference: 176.3 mm (95 % interval 173.0 to 179.7 mm).",
        "头围\uff1a176.3 mm\uff0895% 区间 173.0 至 179.7 mm\uff09。",
    ),
    (measurement(45.0), "Head circumference: 45.0 mm.", "头围\uff1a45.0 mm。"),
    (
        measurement(20.43, codes.WEEK, codes.GESTATIONAL_AGE, Interval(low=19.0, high=21.99, level=0.9)),
        "Gestational age: 20 weeks + 3 days (90 % interval 19w 0d to 22w 0d).",
        "孕周\uff1a20 周 + 3 天\uff0890% 区间 19 周 0 天 至 22 周 0 天\uff09。",
    ),
    (
        Segmentation(space=PLANE, labels=BLOB, segments=(SURE,)),
        "Outlined: head, area 4.00 cm² (confidence 0.98, high).",
        "已勾画\uff1a头部\uff0c面积 4.00 cm²\uff08可信度 0.98\uff0c高\uff09。",
    ),
    (
        Segmentation(space=UNSIZED, labels=BLOB, segments=(Segment(number=1, code=HEAD, confidence=0.85),)),
        "Outlined: head, 16 pixels, size in millimetres unknown (confidence 0.85, moderate).",
        "已勾画\uff1a头部\uff0c16 个像素\uff0c毫米尺寸未知\uff08可信度 0.85\uff0c中等\uff09。",
    ),
    (
        Segmentation(space=GRID, labels=np.stack([BLOB] * 4), segments=(Segment(number=1, code=OTHER),)),
        "Outlined: other thing, volume 8.00 ml.",
        "已勾画\uff1aother thing\uff0c体积 8.00 ml。",
    ),
    (
        Segmentation(
            space=MOVING, labels=np.stack([BLOB, 0 * BLOB]), segments=(Segment(number=1, code=HEAD),)
        ),
        "Outlined: head, area 2.00 cm² on average over 2 frames.",
        "已勾画\uff1a头部\uff0c2 帧平均面积 2.00 cm²。",
    ),
    (
        Segmentation(space=PLANE, labels=0 * BLOB, segments=()),
        "Nothing was outlined.",
        "未勾画任何结构。",
    ),
    (
        Contours(
            space=PLANE,
            items=(Contour(code=HEAD, points=np.eye(2) * 9), Contour(code=HEAD, points=np.eye(2))),
        ),
        "Drawn in the picture: head × 2.",
        "图中标出\uff1a头部 × 2。",
    ),
    (
        Landmarks(space=PLANE, items=(Landmark(code=HEAD, point=np.array([10.0, 12.0])),)),
        "Marked places: head.",
        "已标记位置\uff1a头部。",
    ),
    (Boxes(space=PLANE, items=()), "Nothing was detected.", "未检出目标。"),
    (
        Boxes(space=PLANE, items=(Box(code=HEAD, low=np.array([0.5, 1.5]), high=np.array([4.5, 5.5])),)),
        "Detected: head.",
        "已检出\uff1a头部。",
    ),
    (
        Tracks(space=MOVING, items=(Track(code=HEAD, moments=np.array([0, 1]), points=np.eye(2)),)),
        "Followed through time: head.",
        "随时间追踪\uff1a头部。",
    ),
    (
        Heatmap(space=PLANE, values=np.where(BLOB, 0.5, np.nan), concept=HEAD, unit=codes.ONE),
        "Map of head: 0.500 to 0.500.",
        "头部分布图\uff1a0.500 至 0.500。",
    ),
    (
        Heatmap(space=PLANE, values=np.full((6, 8), np.nan), concept=HEAD, unit=codes.ONE),
        "Map of head: no values.",
        "头部分布图\uff1a无数值。",
    ),
    (
        DisplacementField(space=PLANE, vectors=np.full((6, 8, 2), [3.0, 4.0]), target="2.25.2"),
        "Displacement to the other image: 5.00 mm on average, at most 5.00 mm.",
        "到另一图像的位移\uff1a平均 5.00 mm\uff0c最大 5.00 mm。",
    ),
    (
        DerivedImage(image=Image(data=BLOB, space=PLANE), kind="synthetic"),
        "A synthetic image was made; it shows no patient.",
        "已生成合成图像\uff1b它不显示任何患者。",
    ),
    (
        Classification(
            concept=OTHER,
            scores=(ClassScore(code=OTHER, probability=0.3), ClassScore(code=HEAD, probability=0.7)),
            prediction_set=(HEAD, OTHER),
            level=0.9,
        ),
        "Other thing: head 70 %, other thing 30 %. At the 90 % level these cannot be excluded: head, other thing.",
        "Other thing\uff1a头部 70%、other thing 30%。在 90% 水平上不能排除\uff1a头部、other thing。",
    ),
    (
        Classification(concept=OTHER, scores=(ClassScore(code=HEAD, probability=1.0),), level=0.9),
        "Other thing: head 100 %. At the 90 % level no class fits.",
        "Other thing\uff1a头部 100%。在 90% 水平上没有符合的类别。",
    ),
    (
        Curve(
            concept=HEAD,
            at=np.arange(3.0),
            at_unit=codes.SECOND,
            values=np.array([1.0, np.nan, 3.0]),
            unit=codes.MM,
        ),
        "Head: 2 values over 0.0 to 2.00 s, highest 3.0 mm, lowest 1.0 mm.",
        "头部\uff1a0.0 至 2.00 秒 内共 2 个值\uff0c最高 3.0 mm\uff0c最低 1.0 mm。",
    ),
    (
        Curve(
            concept=HEAD, at=np.arange(1.0), at_unit=codes.SECOND, values=np.array([np.nan]), unit=codes.MM
        ),
        "Head: could not be measured.",
        "头部\uff1a无法测量。",
    ),
    (Text(text="Seen <clearly>."), "Seen <clearly>.", "Seen <clearly>."),
    (
        Embedding(vector=np.arange(4.0), model="m 1"),
        "The case was placed in the feature space of m 1 (4 numbers).",
        "该病例已映射到 m 1 的特征空间\uff084 维\uff09。",
    ),
    (
        Ranking(items=(RankedItem(identifier="a", score=0.9), RankedItem(identifier="b", score=0.5))),
        "2 similar cases; the nearest is a (score 0.900).",
        "2 个相似病例\uff1b最接近的是 a\uff08得分 0.900\uff09。",
    ),
    (Ranking(items=()), "No similar case.", "没有相似病例。"),
    (
        Transform(
            matrix=np.array([[0.0, -1, 0, 3], [1, 0, 0, 4], [0, 0, 1, 0], [0, 0, 0, 1]]),
            source=FRAME,
            target="2.25.2",
        ),
        "The images are aligned by a rotation of 90.0° and a shift of 5.0 in the unit of the images.",
        "图像对齐\uff1a旋转 90.0°\uff0c平移 5.0\uff08图像单位\uff09。",
    ),
    (
        Transform(matrix=np.diag([2.0, 2.0, 1.0]), source=FRAME, target="2.25.2"),
        "The images are aligned by an affine map that scales volume by 4.00.",
        "图像以仿射变换对齐\uff0c容积缩放 4.00 倍。",
    ),
    (
        NotApplicable(reason="wrong-content", explanation="A photograph.", score=0.01),
        "No measurement was made: the image does not show what this model reads.",
        "未进行测量\uff1a图像内容不是该模型所能判读的。",
    ),
]
FINDINGS = [finding for finding, _, _ in SAID]
IDS = [f"{n}-{type(f).__name__}" for n, f in enumerate(FINDINGS)]
CARD = Card(
    name="toy",
    version="1.0.0",
    task="segmentation",
    summary="A toy.",
    inputs=(InputSpec(name="image", modality="US", ndim=2),),
    outputs=(OutputSpec(finding="Segmentation", concept=HEAD),),
    limits=("Toys only.",),
    scores=(Score(name="Dice", value=0.98, low=0.97, high=0.99, n=5, on="toys"),),
)
CASE = Case(
    identifier="case-1",
    images={"image": Image(data=BLOB * 200, space=PLANE, modality="US")},
    problems=("Odd.",),
)
PROVENANCE = Provenance(
    sources=(Source(name="image", digest="ab" * 32),),
    model="toy",
    model_version="1.0.0",
    software="0.1.0",
    created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def reading(*items: Finding):
    return reading_of(drafted("case-1", Findings(items=items, provenance=PROVENANCE)), CASE, CARD)


def test_the_table_has_every_kind_of_the_union():
    assert {type(f) for f in FINDINGS} == set(get_args(Finding))


@pytest.mark.parametrize(("finding", "english", "chinese"), SAID, ids=IDS)
def test_each_kind_has_its_sentence(finding, english, chinese):
    assert sentence(finding, "en") == english
    assert sentence(finding, "zh") == chinese


@pytest.mark.parametrize(
    "reason",
    [
        "wrong-content",
        "wrong-modality",
        "wrong-shape",
        "unknown-size",
        "no-outline",
        "poor-quality",
        "out-of-range",
    ],
)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_reason_of_a_refusal_has_its_words(reason, lang):
    assert len(sentence(NotApplicable(reason=reason, explanation="x"), lang)) > 12


@pytest.mark.parametrize("kind", ["enhanced", "translated", "synthetic"])
def test_each_kind_of_made_image_is_named_as_made(kind):
    words = sentence(DerivedImage(image=Image(data=BLOB, space=PLANE), kind=kind), "en")
    assert "not what was measured" in words or "no patient" in words


def test_the_narrative_has_one_line_a_finding_in_order():
    assert narrative(FINDINGS[:3], "en").splitlines() == [english for _, english, _ in SAID[:3]]


def test_the_stored_schema_is_that_of_the_values():
    stored = json.loads(files("skiagraph.report").joinpath("reading.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(stored)
    assert stored == reading_schema(), "write reading.schema.json anew with reading_schema()"


@pytest.mark.parametrize("finding", FINDINGS, ids=IDS)
def test_each_kind_in_a_reading_obeys_the_schema_and_comes_back(finding):
    document = json.loads(json.dumps(reading_to_plain(reading(finding)), allow_nan=False))
    jsonschema.Draft202012Validator(reading_schema()).validate(document)
    back = reading_from_plain(document)
    assert to_plain(back.report.findings.items[0]) == to_plain(finding)
    assert reading_to_plain(back) == document


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("finding", FINDINGS, ids=IDS)
def test_each_kind_has_its_page(finding, lang):
    r = reading(finding)
    page = render_report(r.report, CASE, CARD, lang=lang)
    said = sentence(finding, lang).replace("<", "&lt;").replace(">", "&gt;")
    assert isinstance(finding, NotApplicable) or said in page
