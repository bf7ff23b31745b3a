"""Models, trainers, metrics and readers by name: loaded when asked for, ours through the same door."""

from importlib.metadata import EntryPoint

import pytest

from skiagraph.errors import UnknownName
from skiagraph.task import names, registered, registry


@pytest.fixture
def installed(monkeypatch):
    points = [
        EntryPoint(name="wrapped", value="textwrap:wrap", group="skiagraph.metrics"),
        EntryPoint(name="broken", value="no_such_package:thing", group="skiagraph.metrics"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [p for p in points if p.group == group])


def test_names_are_sorted_and_nothing_is_loaded_for_them(installed):
    assert names("metrics") == ("broken", "wrapped")
    assert names("models") == ()


def test_what_is_asked_for_is_loaded(installed):
    import textwrap

    assert registered("metrics", "wrapped") is textwrap.wrap
    with pytest.raises(ModuleNotFoundError):
        registered("metrics", "broken")


def test_an_unknown_name_is_answered_with_the_known_ones(installed):
    with pytest.raises(UnknownName, match="got 'dice'; there are: broken, wrapped"):
        registered("metrics", "dice")


@pytest.mark.parametrize("kind", ["models", "trainers", "metrics", "readers"])
def test_ours_are_registered_like_any_other(kind):
    assert names(kind)
    assert all(callable(registered(kind, name)) for name in names(kind))
