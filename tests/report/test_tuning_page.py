"""The page of a tuning: every trial stands on it, in both languages, and it needs nothing from outside."""

import json
import re
from importlib.resources import files

import pytest

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.report.tuning import TrialRow, TuningPage, render_tuning


def row(number, outcome="ended", figure=0.8, **more):
    curve = {} if outcome == "failed" else {0.5: 0.6, 1.0: figure}
    values = {"values": (f"{number}e-3", "<b>wide</b>"), "curve": curve, "seconds": 60.0}
    return TrialRow(number=number, outcome=outcome, figure=figure, **values, **more)


def page(*rows, **changes):
    given = {
        "name": "lungs <1>",
        "data": "chest",
        "figure": "auc",
        "more": True,
        "fields": ("learning_rate", "network"),
        "rows": rows or (row(0, figure=0.7), row(1), row(2, "stopped", 0.5), row(3, "failed", None, problem="No room")),
        "best": 1,
        "importance": {"learning_rate": 0.75, "network": 0.25},
    }  # fmt: skip
    return TuningPage(**{**given, **changes})


@pytest.mark.parametrize(("lang", "words"), [("en", "given up"), ("zh", "提前中止")])
def test_every_trial_stands_on_the_page_and_the_best_is_marked(lang, words):
    text = render_tuning(page(), lang=lang)
    assert len(re.findall(r'<th scope="row">', text)) == 4
    assert text.count('<tr class="best">') == 1
    assert words in text
    assert "No room" in text
    assert "75 %" in text
    assert text.count("<svg") == 2
    assert "http" not in text.replace("http://www.w3.org", "")


def test_what_others_wrote_is_no_markup():
    text = render_tuning(page())
    assert "<b>wide</b>" not in text
    assert "lungs <1>" not in text


@pytest.mark.parametrize(
    ("more", "figures", "best"), [(True, (0.7, 0.6, 0.8), 2), (False, (3.0, 4.0, 2.0), 2)]
)
def test_the_best_so_far_never_becomes_worse(more, figures, best):
    rows = tuple(row(n, figure=figure) for n, figure in enumerate(figures))
    text = render_tuning(page(*rows, more=more, figure="dice" if more else "error", best=best))
    path = re.search(r'class="line"[^>]* d="([^"]+)"', text)
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path[1])]
    assert heights[1] == heights[0]
    assert (heights[2] < heights[1]) == more


def test_one_trial_alone_and_no_importance_make_a_page():
    assert render_tuning(page(row(0), best=0, importance={})).count("<svg") == 2


def test_every_word_is_there_in_both_languages():
    words = json.loads(files("skiagraph.report").joinpath("tuning.json").read_text("utf-8"))
    assert all(set(entry) == {"en", "zh"} and all(entry.values()) for entry in words.values())


@pytest.mark.parametrize("changes", [{"best": 4}, {"fields": ("one",)}, {"rows": ()}])
def test_a_page_that_does_not_fit_together_is_refused(changes):
    with pytest.raises(InvalidInput):
        page(**changes)


def test_another_language_is_refused():
    with pytest.raises(UnknownName):
        render_tuning(page(), lang="fr")
