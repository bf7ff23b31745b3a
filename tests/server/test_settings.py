"""Settings: the file, the environment above it, the command line above both; and nothing that opens a door unsaid."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from skiagraph.errors import FormatError, InvalidInput
from skiagraph.server.settings import Destination, Dicom, Limits, OpenId, Peer, Settings, settings_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
PEER = {"title": "PACS", "host": "pacs", "port": 104}


def written(home, text):
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(text, "utf-8")
    return home


def test_without_a_word_it_is_loopback_and_sqlite(tmp_path):
    settings = settings_of(tmp_path)
    assert (settings.host, settings.dicom.host) == ("127.0.0.1", "127.0.0.1")
    assert settings.database_url == f"sqlite:///{tmp_path / 'skiagraph.sqlite'}"
    assert not settings.secure


def test_the_environment_goes_before_the_file_and_the_command_line_before_both(tmp_path, monkeypatch):
    home = written(
        tmp_path, "port = 1\nworkers = 2\nlanguage = 'zh'\n[dicom]\ntitle = 'FILE'\nreceivers = 3\n"
    )
    assert settings_of(home).port == 1
    monkeypatch.setenv("SKIAGRAPH_PORT", "4")
    monkeypatch.setenv("SKIAGRAPH_WORKERS", "5")
    monkeypatch.setenv("SKIAGRAPH_DICOM__TITLE", "ENVIRONMENT")
    settings = settings_of(home, port=6, workers=None, dicom={"port": 7})
    assert (settings.port, settings.workers, settings.language) == (6, 5, "zh")
    assert (settings.dicom.port, settings.dicom.title, settings.dicom.receivers) == (7, "ENVIRONMENT", 3)


@pytest.mark.parametrize(
    "text",
    ["unknown = 1", "port = 70000", "port = 'a'", "workers = 0", "[dicom]\ntitle = 'more than sixteen letters'",
     "[dicom]\nunknown = 1", "[limits]\nupload_bytes = 0", "log = 'xml'", "language = 'xx'"],
)  # fmt: skip
def test_what_there_is_not_or_is_out_of_range_is_refused_and_named(tmp_path, text):
    with pytest.raises(InvalidInput, match="setting"):
        settings_of(written(tmp_path, text))


@pytest.mark.parametrize("text", ["port = ", "[dicom", "\x00"])
def test_a_file_that_is_no_toml_is_refused(tmp_path, text):
    with pytest.raises(FormatError, match="TOML"):
        settings_of(written(tmp_path, text))


TLS = {"certificate": Path("c.pem"), "key": Path("k.pem")}
REMOTE = {"host": "192.0.2.1"}


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (REMOTE, "TLS"),
        ({"host": "0.0.0.0"}, "TLS"),
        ({"host": "::"}, "TLS"),
        ({"certificate": Path("c.pem")}, "its key"),
        ({"key": Path("k.pem")}, "its key"),
        ({"dicom": {"certificate": Path("c.pem")}}, "its key"),
        ({"dicom": {"host": "0.0.0.0"}}, "names its peers"),
        ({"dicom": {"host": "192.0.2.1", "peers": {"pacs": PEER}}}, "names its peers"),
        ({"destinations": {"a": {}}}, "destination"),
        ({"destinations": {"a": {"peer": "nobody"}}}, "destination"),
        (
            {"dicom": {"peers": {"pacs": PEER}}, "destinations": {"a": {"peer": "pacs", "url": "https://a"}}},
            "destination",
        ),
    ],
)
def test_what_would_open_it_unsafely_is_refused(tmp_path, said, rule):
    with pytest.raises(InvalidInput, match=rule):
        settings_of(tmp_path, **said)


@pytest.mark.parametrize(
    "said",
    [
        {**REMOTE, **TLS},
        {**REMOTE, "behind_proxy": True},
        {**REMOTE, "without_tls": True},
        {"host": "::1"},
        {"host": "localhost"},
        {"dicom": {"host": "0.0.0.0", "any_peer": False, "peers": {"pacs": PEER}}},
        {"dicom": {"host": "0.0.0.0", "enabled": False}},
    ],
)
def test_what_is_safe_or_said_twice_is_taken(tmp_path, said):
    assert settings_of(tmp_path, **said)


def test_a_refusal_does_not_repeat_what_was_said(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        settings_of(written(tmp_path, "database = 'postgresql://u:secret@h/d'\nport = 'secret'"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "model", [Settings, Dicom, Peer, Destination, Limits, OpenId], ids=lambda one: one.__name__
)
def test_the_page_of_settings_names_each_with_its_default(model: type[BaseModel]):
    part = re.search(
        rf"^## {model.__name__}$(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert part, model.__name__
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*?) \|$", part[1], re.MULTILINE))
    expected = {
        name: ""
        if field.is_required() or isinstance(field.default, BaseModel)
        else f"`{shown(field.default)}`"
        for name, field in model.model_fields.items()
    }
    assert rows == expected


def shown(value):
    """As TOML has it."""
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[]"
    return f'"{value}"' if isinstance(value, str) else f"{value}"
