"""Features have words in the language of a page, and the PDF says which of them decided, of which outline."""

import json
from importlib.resources import files

import numpy as np
import pytest
from tests.report.test_pdf import CARD, case, report, words

from skiagraph.codes import Code
from skiagraph.features.region import Region
from skiagraph.features.sets import FAMILIES
from skiagraph.findings import Classification, ClassScore
from skiagraph.report.glyphs import drawn
from skiagraph.report.narrative import sentences
from skiagraph.report.pdf import report_pdf
from skiagraph.report.view import signed
from skiagraph.report.words import feature_word
from skiagraph.task import Contribution, Explanation

MALIGNANT = Code(value="m", scheme="99TEST", meaning="malignant")


def reason(described: str = "mask") -> Explanation:
    added = Contribution(
        column="outline_area", name="outline: area", unit="mm2", value=61.0, typical=40.0, added=1.5
    )
    still = Contribution(column="glcm_contrast", name="glcm: contrast", value=None, typical=2.0, added=-0.001)
    return Explanation(
        described=described, label=MALIGNANT, usual=0.25, answer=1.749, contributions=(added, still)
    )


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("outline: area", "outline: area", "轮廓：面积"),
        ("outline_area", "outline: area", "轮廓：面积"),
        ("glrlm_grey_level_non_uniformity", "glrlm: grey level non uniformity", "灰度游程矩阵：灰度不均匀度"),
        ("gabor: 2.5 mm 45 degrees mean", "gabor: 2.5 mm 45 degrees mean", "Gabor 滤波：2.5 mm 45° 均值"),
        ("oriented_gradients_block_1_0", "oriented gradients: block 1 0", "方向梯度：block 1 0"),
        ("hu moments: 3", "hu moments: 3", "Hu 矩：3"),
        ("laws_l5e5_mean", "laws: l5e5 mean", "Laws 纹理：l5e5 mean"),
        ("mean_grey", "mean_grey", "mean_grey"),
    ],
)  # fmt: skip
def test_features_are_called_by_family_and_name(name, english, chinese):
    assert (feature_word(name, "en"), feature_word(name, "zh")) == (english, chinese)


def test_every_family_has_a_chinese_word_and_each_of_them_a_glyph():
    table = json.loads(files("skiagraph.report").joinpath("features.json").read_text("utf-8"))
    square = np.zeros((40, 40), bool)
    square[8:30, 10:28] = True
    numbers = np.random.default_rng(0).normal(100, 20, square.shape)
    region = Region(numbers=numbers, mask=square, spacing=(1.0, 1.0))
    families = {f.family for one in FAMILIES.values() if one.ndim != 3 for f in one(region)}
    assert families <= set(table["families"])
    for text in (*table["families"].values(), *table["names"].values()):
        assert drawn(text) == text


def test_the_pdf_says_which_features_decided(tmp_path):
    made = report_pdf(report(), case(), CARD, reasons=(reason(),))
    said = words(made, tmp_path)
    for part in ("Which features decided", "outline: area", "61.0 mm2", "+1.50", "no value"):
        assert part.replace(" ", "") in said
    chinese = words(report_pdf(report(), case(), CARD, reasons=(reason(),), lang="zh"), tmp_path)
    assert "起决定作用的特征" in chinese
    assert "轮廓：面积" in chinese


def test_each_of_several_answers_has_the_name_of_what_it_is_about():
    scores = (ClassScore(code=MALIGNANT, probability=1.0),)
    answers = [Classification(concept=MALIGNANT, scores=scores)] * 2
    alone = sentences(answers[:1], (reason("nucleus 1"),), "en")
    both = sentences(answers, (reason("nucleus 1"), reason("nucleus 2")), "en")
    assert "nucleus" not in alone[0]
    assert [one.split(":")[0] for one in both] == ["nucleus 1", "nucleus 2"]


def test_what_adds_nothing_has_no_sign():
    assert [signed(v) for v in (1.499, -0.25, -0.001, 0.0)] == ["+1.50", "−0.25", "0.00", "0.00"]
