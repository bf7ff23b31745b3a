"""`skiagraph users`: who may enter, from the machine of the server."""

import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.errors import InvalidInput, MissingInput, StateError, UnknownName
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site

GOOD = "seven grey herons wait"


@pytest.fixture
def users(tmp_path):
    """Runs the command on a server; what it prints, or raises what it raises."""
    home = tmp_path / "home"
    opened_site(settings_of(home, dicom={"enabled": False})).close()

    def run(*words):
        done = CliRunner().invoke(app, ["users", *words, "--home", str(home)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    run.home = home
    return run


def accept(users, link, name):
    site = opened_site(settings_of(users.home, dicom={"enabled": False}))
    site.people.invitations.accept(link.strip().partition("invitation=")[2], name, GOOD, address="")
    site.close()


def test_people_are_invited_listed_disabled_and_let_in_again(users):
    link = users("invite", "admin")
    assert link.startswith("http://127.0.0.1:8765/sign-in?invitation=")
    accept(users, link, "root")
    accept(users, users("invite", "reader"), "lee")
    assert users("list") == "lee\treader\nroot\tadmin\n"
    assert users("disable", "lee") == ""
    assert users("list") == "lee\treader\tdisabled\nroot\tadmin\n"
    users("enable", "lee")
    users("unlock", "lee")
    accept(users, users("renew", "lee"), "")
    assert users("list") == "lee\treader\nroot\tadmin\n"


def test_the_link_has_the_name_of_the_server(users):
    (users.home / "settings.toml").write_text('behind_proxy = true\nnames = ["pacs.example"]\n')
    assert users("invite", "viewer").startswith("https://pacs.example/sign-in?invitation=")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("invite", "service"), InvalidInput),
        (("disable", "nobody"), UnknownName),
        (("renew", "nobody"), UnknownName),
        (("disable", "root"), StateError),
    ],
)
def test_what_makes_no_sense_is_refused(users, words, error):
    accept(users, users("invite", "admin"), "root")
    with pytest.raises(error):
        users(*words)


def test_there_is_no_server_where_there_is_no_home(tmp_path):
    done = CliRunner().invoke(app, ["users", "list", "--home", str(tmp_path / "none")])
    assert isinstance(done.exception, MissingInput)
