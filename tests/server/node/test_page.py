"""The page of how to connect a PACS: its settings are read, and its commands run against Orthanc and DCMTK."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from pacs import running_archive
from senders import OTHERS, OWN, admitted, dcmtk, free_port, written

from skiagraph.server.node.node import Node
from skiagraph.server.routing import routes_of
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-a-pacs.md"
STUDY = "1.2.826.0.1.3680043.8.498.1"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_examples_of_settings_are_settings(tmp_path):
    ours, rules, safe = blocks("toml")
    for text in (ours, safe):
        (tmp_path / "settings.toml").write_text(text)
        assert settings_of(tmp_path).dicom.peers["pacs"].title == "ORTHANC"
    (tmp_path / "routes.toml").write_text(rules)
    (route,) = routes_of(tmp_path / "routes.toml")
    assert route.priors is not None
    assert tomllib.loads(ours)["dicom"]["any_peer"] is False


def test_the_table_of_settings_names_them_all():
    from skiagraph.server.settings import Dicom

    text = PAGE.read_text("utf-8")
    assert [name for name in Dicom.model_fields if name != "peers" and f"`{name}`" not in text] == []


def test_the_commands_of_the_page_do_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dcmtk("echoscu", "--version")
    port = str(free_port())
    more = json.loads(blocks("json")[0].replace("11112", port))
    with running_archive(tmp_path, **more) as archive:
        written(tmp_path / "study", "1.2.826.0.1.3680043.8.498.2", 2)
        archive.c_store(written(tmp_path / "there", STUDY, 3, patient="4711"))
        home = tmp_path / "skiagraph-server"
        home.mkdir()
        ports = {"11112": port, "4242": str(archive.port)}
        (home / "settings.toml").write_text(_with(blocks("toml")[0], ports))
        site = opened_site(settings_of(home))
        node = Node(site)
        node.start()
        try:
            said = [_run(_with(text, ports)) for text in blocks("sh")]
            refused = blocks("text")[0].split("$ ")[1:]
            for command, _, answer in (_with(text, ports).partition("\n") for text in refused):
                assert _run(f"{command} 2>&1 || true") == answer
            here = admitted(site)
        finally:
            node.stop()
            site.close()
    assert len(here) == 2 + 3
    assert "pacs answers." in said[1]
    assert f"{STUDY}\t20260101\tCT\t3\t4711" in said[1]
    assert "3 objects came." in said[1]


def _with(text, ports):
    return re.sub("|".join(ports), lambda found: ports[found[0]], text)


def _run(commands):
    path = os.pathsep.join([*OTHERS, str(OWN)])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        pytest.fail(f"{commands}\n{done.stdout}\n{done.stderr}")
    return done.stdout
