"""The page about an evaluation: one file, two languages, nothing from elsewhere, and words for every figure."""

import datetime as dt
import json
import math
import re
from importlib.resources import files

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.findings import Classification, ClassScore, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.metrics import classification, multi_label, regression, segmentation
from skiagraph.report.evaluated import ClassGraphs, Evaluated, Judged, Path, Share, Subgroup, Verdict, Worst
from skiagraph.report.evaluation import Section, render_evaluation
from skiagraph.report.evaluation_pictures import shown
from skiagraph.report.evaluation_sections import features_section, rules_section
from skiagraph.report.evaluation_words import figure_name, figure_text, p_text, signed
from skiagraph.report.words import name_said
from skiagraph.task import Card, Estimate, InputSpec, OutputSpec

CLASS = Code(value="hostile", scheme="99TEST", meaning="<b>mass</b>")
OTHER = Code(value="none", scheme="99TEST", meaning="none & nothing")


def estimate(value):
    return Estimate(value=value, low=value - 0.05, high=value + 0.05, n=40, excluded=2)


def classified(p):
    scores = (ClassScore(code=OTHER, probability=1 - p), ClassScore(code=CLASS, probability=p))
    return Classification(concept=CLASS, scores=scores)


def picture(shape=(30, 40)):
    space = Plane.upright(shape=shape, spacing=(0.5, 0.5), frame=derived_frame("page"))
    return Image(data=np.arange(np.prod(shape), dtype=np.uint16).reshape(shape), space=space, quantity=GREY)


@pytest.fixture
def found():
    curve = Path(name="<b>mass</b>", x=np.array([0.0, 0.2, 1.0]), y=np.array([0.0, 0.9, 1.0]), area=0.85)
    judged = Judged(
        name="",
        kind="classes",
        figures={"accuracy": estimate(0.84), "roc auc": estimate(0.85), "npv": estimate(np.nan)},
        graphs=ClassGraphs(
            labels=("none & nothing", "<b>mass</b>"),
            roc=(curve,),
            pr=(curve,),
            share=(0.3,),
            bins=np.array([[10.0, 30.0], [0.2, 0.8], [0.1, 0.9], [0.1, 0.7], [0.2, 0.8]]),
            calibration_error=0.1,
            confusion=np.array([[20.0, 5.0], [3.0, 12.0]]),
        ),
        baselines={"constant": {"accuracy": estimate(0.9)}},
        verdicts=(
            Verdict(
                figure="accuracy", baseline="constant", model=0.84, other=0.9, low=-0.1, high=0, answer="no better"
            ),
        ),
        subgroups=(Subgroup(attribute="site", value="<i>A</i>", cases=20, figures={"accuracy": estimate(0.8)}),),
        worst=(
            Worst(case="<case>", image=picture(), prediction=classified(0.9), reference=classified(0.0), score=0.1),
        ),
    )  # fmt: skip
    card = Card(
        name="<model>",
        version="1.0.0",
        task="classification",
        summary="<script>alert(1)</script>",
        inputs=(InputSpec(name="image", modality="US", ndim=2),),
        outputs=(OutputSpec(finding="Classification", concept=CLASS),),
    )
    return Evaluated(
        card=card,
        digest="ab" * 32,
        engine="openvino, fp32",
        data="set & more",
        licence="CC0-1.0",
        split="test",
        learnt_from=False,
        cases=42,
        groups=40,
        refusals={"wrong-content": 2},
        problems=tuple(f"case {n}: broken." for n in range(25)),
        fitted_on=100,
        judged=(judged,),
        software="0.1.0",
        seed=0,
        created=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    )


@pytest.mark.parametrize(("lang", "word"), [("en", "Evaluation of"), ("zh", "模型评估")])
def test_a_page_is_one_file_that_asks_nothing_of_the_network(found, lang, word):
    page = render_evaluation(found, lang=lang)
    assert word in page
    assert not re.search(r"https?://|<script|<link|@import|url\((?!#)", page)
    assert set(re.findall(r'(?:src|href)="([^":]*:)', page)) <= {"data:"}
    assert page.count('<svg class="chart"') == 4


def test_words_of_files_stay_words_on_the_page(found):
    page = render_evaluation(found)
    for hostile in ("<model>", "<script>", "<b>mass", "<case>", "<i>A"):
        assert hostile not in page
    assert "&lt;case&gt;" in page


def test_everything_that_the_page_owes_is_on_it(found):
    page = render_evaluation(found, sections=(Section(title="Fit", sentences=("Over-fits.",)),))
    for word in (
        "0.840", "0.790 to 0.890", "Excluded", "No better than the constant answer: accuracy 0.840 against 0.900",
        "ROC curve", "Precision and recall", "Reliability", "calibration error 0.100", "Confusion matrix", "site",
        "The worst cases", "truth: none &amp; nothing", "and 5 more", "Over-fits.", "ab" * 32, "CC0-1.0", "seed 0",
        "openvino, fp32", "Skiagraph 0.1.0", "42 cases in 40 groups",
    ):  # fmt: skip
        assert word in page, word


def test_another_language_is_refused(found):
    with pytest.raises(UnknownName, match="en"):
        render_evaluation(found, lang="de")


def labelled(shape, where, space):
    labels = np.zeros(shape, np.uint8)
    labels[where] = 1
    return Segmentation(space=space, labels=labels, segments=(Segment(number=1, code=codes.HEAD),))


def test_of_a_volume_the_slice_with_the_largest_difference_is_shown_in_its_proportions():
    shape = (5, 8, 10)
    space = Grid(shape=shape, affine=np.diag([4.0, 2.0, 1.0, 1.0]), frame=derived_frame("volume"))
    image = Image(data=np.zeros(shape, np.int16), space=space, quantity=GREY, modality="MR")
    true = labelled(shape, np.s_[1:4, 2:6, 2:6], space)
    found = labelled(shape, np.s_[1:3, 2:6, 2:6], space)
    one = shown(Worst(case="v", image=image, prediction=found, reference=true, score=0.8), "en")
    assert one.lines == ("Dice 0.800", "slice 4 of 5")
    assert (one.predictions, one.columns, one.rows) == (("",), 10, 8)
    assert one.reference.startswith("M")
    assert one.width / one.height == pytest.approx(10 * 1.0 / (8 * 2.0))


def figures_of_every_metric():
    space = Plane.upright(shape=(12, 12), spacing=(1.0, 1.0), frame=derived_frame("names"))
    solid = Grid(shape=(3, 4, 5), affine=np.eye(4), frame=derived_frame("solid"))
    age = Code(value="age", scheme="99TEST")
    many = tuple(Code(value=f"c{n}", scheme="99TEST") for n in range(6))
    ranked = Classification(
        concept=age, scores=tuple(ClassScore(code=c, probability=float(c == many[0])) for c in many)
    )
    free = Classification(concept=age, scores=ranked.scores, exclusive=False)
    value = Measurement(concept=age, value=3.0, unit=codes.WEEK)
    pairs = [
        (classification(ordinal=True), ranked),
        (classification(), classified(1.0)),
        (multi_label(), free),
        (regression(), value),
        (segmentation(structures=(codes.HEAD,)), labelled((12, 12), np.s_[2:5, 2:5], space)),
        (segmentation(structures=(codes.HEAD,)), labelled((3, 4, 5), np.s_[1:2, 2:4, 2:5], solid)),
    ]
    for metric, answer in pairs:
        yield from metric.summary(metric.tally(answer, answer))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_figure_of_every_metric_has_a_word_of_its_own(lang):
    table = json.loads(files("skiagraph.report").joinpath("figure_names.json").read_text("utf-8"))
    for name in set(figures_of_every_metric()):
        plain = name.rpartition(": ")[2].removeprefix("macro ")
        assert plain in table, name
        assert table[plain][lang] in figure_name(name, lang)


@pytest.mark.parametrize("name", ["evaluation.json", "figure_names.json"])
def test_every_phrase_has_the_same_parts_in_both_languages(name):
    table = json.loads(files("skiagraph.report").joinpath(name).read_text("utf-8"))
    for key, words in table.items():
        parts = [set(re.findall(r"\{(\w+)\}", words[lang])) for lang in ("en", "zh")]
        assert set(words) == {"en", "zh"}, key
        assert parts[0] == parts[1], key


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8437, "0.844"),
        (1.0, "1.000"),
        (0, "0"),
        (1e-17, "0"),
        (12.345, "12.3"),
        (np.nan, "–"),
        (2e-5, "2.0e-05"),
    ],
)
def test_figures_are_written_as_people_read_them(value, text):
    assert figure_text(value) == text


def test_names_of_classes_and_splits_are_words_of_the_language_where_there_is_one():
    assert name_said("malignant", "zh") == "恶性"
    assert name_said("malignant", "en") == "malignant"
    assert name_said("test", "zh") == "测试集"
    assert name_said("grade 3", "zh") == "grade 3"


def test_a_share_is_so_many_of_so_many():
    with pytest.raises(InvalidInput, match="3 of 2"):
        Share(hits=3, cases=2, low=0.0, high=1.0)


def test_differences_have_their_sign_and_p_values_are_never_zero():
    assert (signed(0.02), signed(-0.02), signed(0.0)) == ("+0.020", "−0.020", "0")
    assert (p_text(0.0), p_text(0.0312), p_text(np.nan)) == ("< 0.001", "= 0.031", "–")


def test_kept_features_and_rules_read_in_both_languages():
    rules = (
        ((("glcm_contrast", 0.41, math.inf), ("area", -math.inf, 120.0)), "malignant", 17, 19),
        ((("area", 10.0, 20.0),), "benign", 3, 3),
    )
    for lang, title, of, answer, feature in (
        ("en", "The decision as rules", "17 of 19", "malignant", "glcm:\u00a0contrast"),
        ("zh", "以规则表示的判定", "19 例中 17 例", "恶性", "灰度共生矩阵：对比度"),
    ):
        section = rules_section(rules, 0.98, lang)
        first, second = section.rows[1:]
        assert section.title == title
        assert "98" in section.sentences[0]
        assert (first[0], first[2]) == (answer, of)
        assert first[1].startswith(f"{feature}\u00a0>\u00a00.41 ")
        assert first[1].endswith("area\u00a0≤\u00a0120")
        assert second[1] == "10\u00a0<\u00a0area\u00a0≤\u00a020"
    some = features_section({"glcm_contrast": 5, "area": 2}, 5, "zh")
    assert some.title == "保留的特征"
    assert some.rows[1:] == (("灰度共生矩阵：对比度", "5"), ("area", "2"))
    every = features_section({f"f{n}": 5 for n in range(40)}, 5, "en")
    assert every.rows == ()
    assert every.sentences[1] == "And 10 more, which stand in plan.json."
