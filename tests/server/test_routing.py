"""Routing rules: what fits, why not, and what a file may say."""

import pytest

from skiagraph.errors import FormatError, InvalidInput
from skiagraph.server.routing import (
    Described,
    Route,
    SeriesFacts,
    decided,
    models_named,
    routes_of,
    usual_routes,
)


def study(*series, description=""):
    return Described(uid="1.2", description=description, series=series)


def series(uid="1.2.1", **facts):
    return SeriesFacts(uid=uid, **facts)


@pytest.mark.parametrize(
    ("rule", "facts", "said"),
    [
        ({"modality": ("US",)}, {"modality": "US"}, ""),
        ({"modality": ("CT", "US")}, {"modality": "us "}, ""),
        ({"modality": ("US",)}, {"modality": "CT"}, "modality 'CT' is none of US"),
        ({"body_part": ("HEAD*",)}, {"body_part": "HEADNECK"}, ""),
        ({"body_part": ("HEAD",)}, {"body_part": ""}, "body part '' is none of HEAD"),
        ({"description": ("*fetal*",)}, {"description": "Fetal biometry"}, ""),
        ({"station": ("US-?",)}, {"station": "US-1"}, ""),
        ({"station": ("US-?",)}, {"station": "US-12"}, "station 'US-12' is none of US-?"),
        ({"description": ("[ab]*",)}, {"description": "a"}, "description 'a' and '' is none of [ab]*"),
        ({}, {"ours": True}, "a result of ours"),
    ],
)
def test_each_condition_says_why_a_series_does_not_fit(rule, facts, said):
    (decision,) = decided([Route(name="r", **rule)], study(series(**facts)))
    assert decision.why.get("1.2.1", "") == said
    assert decision.series == (() if said else ("1.2.1",))


def test_the_description_of_the_study_counts_too():
    rule = Route(name="r", description=("*obstetric*",))
    (decision,) = decided([rule], study(series(description="loop"), description="OBSTETRIC 2nd trimester"))
    assert decision.series == ("1.2.1",)


def test_a_rule_holds_for_the_series_that_fit():
    rule = Route(name="r", modality=("US",))
    (decision,) = decided([rule], study(series("1.2.1", modality="US"), series("1.2.2", modality="SR")))
    assert decision.series == ("1.2.1",)
    assert set(decision.why) == {"1.2.2"}


def test_without_a_file_ultrasound_is_read_and_nothing_leaves(tmp_path):
    rules = routes_of(tmp_path / "routes.toml")
    assert rules == usual_routes()
    assert list(models_named(rules)) == ["fetal-head-ultrasound"]
    assert all(rule.send == "never" and not rule.destinations for rule in rules)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("[[route]\n", FormatError, "routes.toml is TOML"),
        ("[[route]]\nname = 'a'\nmodels = 3\n", InvalidInput, "route.0.models"),
        ("[[route]]\nname = 'a'\ncolour = 'red'\n", InvalidInput, "route.0.colour"),
        ("[[route]]\nname = 'a'\nsend = 'always'\n", InvalidInput, "route.0.send"),
        ("[[route]]\nname = 'a'\n[[route]]\nname = 'a'\n", InvalidInput, "a name of its own"),
        ("[[route]]\nname = 'a'\nresults = ['seg']\n", InvalidInput, "route.0.results.0"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_place(tmp_path, text, kind, words):
    file = tmp_path / "routes.toml"
    file.write_text(text)
    with pytest.raises(kind, match=words):
        routes_of(file)
