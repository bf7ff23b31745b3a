"""The examples of deployment: each is what its program reads."""

import re
import shutil
import subprocess
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from skiagraph.cli import app
from skiagraph.server.settings import Settings, settings_of

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "examples" / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
PAGE = (PROJECT / "docs" / "how-to" / "deploy.md").read_text("utf-8")


def test_every_example_stands_on_the_page_and_every_one_there_is_a_file():
    named = set(re.findall(r'--8<-- "examples/deploy/([^"]+)"', PAGE))
    assert named == {one.name for one in DEPLOY.iterdir()}


def test_the_settings_are_taken(tmp_path):
    shutil.copy(DEPLOY / "settings.toml", tmp_path)
    settings = settings_of(tmp_path)
    assert settings.secure
    said = tomllib.loads((DEPLOY / "settings.toml").read_text("utf-8"))
    assert set(said) <= set(Settings.model_fields)


@pytest.mark.parametrize("unit", UNITS, ids=lambda one: one.name)
def test_units_run_commands_that_there_are(unit):
    commands = get_command(app).commands
    for line in unit.read_text("utf-8").splitlines():
        if line.startswith("ExecStart="):
            words = line.partition("=")[2].split()
            command = commands[words[1]]
            command = getattr(command, "commands", {}).get(words[2], command)
            known = {option for row in command.params for option in row.opts}
            assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("unit", UNITS, ids=lambda one: one.name)
def test_units_are_what_systemd_reads(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    for one in UNITS:
        text = one.read_text("utf-8").replace("/opt/skiagraph/bin/skiagraph", shutil.which("true"))
        (tmp_path / one.name).write_text(text, "utf-8")
    name = unit.name.replace("@.", "@second.")
    if name != unit.name:
        (tmp_path / unit.name).rename(tmp_path / name)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", tmp_path / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "skiagraph" not in done.stderr, done.stderr


def test_nginx_takes_its_file(tmp_path):
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("nginx is not here")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=a"]
    pair = ["-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.pem"]
    subprocess.run(["openssl", *words, *pair], check=True, capture_output=True)
    text = (DEPLOY / "nginx.conf").read_text("utf-8").replace("/etc/skiagraph", str(tmp_path))
    text = f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}\n}}\n"
    (tmp_path / "nginx.conf").write_text(text, "utf-8")
    done = subprocess.run(
        ["nginx", "-t", "-q", "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_largest_upload_passes_the_proxy():
    most = tomllib.loads((DEPLOY / "settings.toml").read_text("utf-8"))["limits"]["upload_bytes"]
    said = re.search(r"client_max_body_size (\d+)g;", (DEPLOY / "nginx.conf").read_text("utf-8"))
    assert int(said[1]) << 30 >= most


def test_prometheus_has_its_token():
    (job,) = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert job["authorization"]["credentials_file"].endswith(".token")


def test_the_timer_belongs_to_a_service():
    timer = ConfigParser(strict=False)
    timer.optionxform = str
    timer.read(DEPLOY / "skiagraph-backup.timer")
    assert timer["Timer"]["OnCalendar"]
    assert (DEPLOY / "skiagraph-backup.service").is_file()
