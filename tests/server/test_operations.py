"""What those who run a server do from the shell: start it, add to it, give tokens, add workers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from served import SKIAGRAPH, served, shell

from skiagraph.server.archive.admission import Admission
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import AuditRecord, Study

PROJECT = Path(__file__).parents[2]


def test_make_serve_answers_at_its_address_with_an_archive_that_is_filled(tmp_path):
    environment = {
        **os.environ,
        "BIN": str(Path(sys.executable).parent),
        "SERVE_HOME": str(tmp_path / "serve"),
        "SERVE_PORT": "0",
        "SERVE_DICOM": "0",
        "SERVE_KINDS": "fetal-head chest-xray",
    }
    with subprocess.Popen(
        ["sh", ".ci/serve"], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            said = []
            while not said or said[-1] != "Ctrl+C ends it":
                said.append(process.stdout.readline().strip())
                assert said[-1] or process.poll() is None, said
            address = next(line for line in said if line.startswith("http"))
            link = next(line for line in said if line.startswith("first administrator"))
            assert httpx.get(f"{address}/ready").json() == {"status": "ready"}
            assert httpx.get(link.partition(": ")[2]).status_code == 200
            assert "fetal-head: DICOM objects: 3, studies: 3" in said
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def states(home):
    site = opened_site(settings_of(home, dicom={"enabled": False}))
    try:
        with site.database.reading() as session:
            return {study.uid: study.state for study in session.query(Study)}
    finally:
        site.close()


def test_what_is_added_while_no_server_runs_waits_for_it(site, head, tmp_path):
    uid, data = head(41)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "head.dcm").write_bytes(data)
    (tmp_path / "images" / "letter.txt").write_text("no image")
    home = site.settings.home
    (home / "archive").mkdir(exist_ok=True)
    assert shell("add", tmp_path / "images", "--home", home).strip() == "DICOM objects: 1, studies: 1"
    assert (tmp_path / "images" / "head.dcm").read_bytes() == data
    Admission(site).step()
    assert states(home) == {uid: "received"}
    with site.database.reading() as session:
        assert [(one.event, one.who) for one in session.query(AuditRecord)] == [("images imported", "shell")]


def test_what_is_added_while_a_server_runs_is_read(server, head, tmp_path):
    uid, data = head(42)
    (tmp_path / "head.dcm").write_bytes(data)
    shell("add", tmp_path / "head.dcm", "--home", server.home)
    token = shell("token", "watcher", "--may", "see", "--home", server.home).strip()
    with httpx.Client(base_url=server.address, headers={"Authorization": f"Bearer {token}"}) as web:
        end = time.monotonic() + 60
        while time.monotonic() < end and web.get("/api/studies").json()["states"].get("received", 0):
            time.sleep(0.1)
        assert web.get(f"/api/studies/{uid}").json()["uid"] == uid
        assert web.get("/api/users").status_code == 403


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "nothing.dcm"), "what is added is there"),
        (("token", "x y", "--may", "see"), "name"),
        (("token", "watcher", "--may", "sign"), "a token may"),
        (("work", "--name", "../x"), "worker's name"),
        (("work", "--name", "server"), "once"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(server, words, said):
    command = [*SKIAGRAPH, *words, "--home", str(server.home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert said in done.stderr


def test_one_server_runs_on_a_home(server):
    command = [*SKIAGRAPH, "serve", "--home", str(server.home), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "one server runs on a home" in done.stderr


def test_a_worker_works_beside_a_server_under_its_name_and_ends_in_order(site):
    home = site.settings.home
    (home / "archive").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [*SKIAGRAPH, "work", "--home", str(home), "--name", "second"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline().strip() == "second reads 1 at once"
        assert (home / "workers" / "second").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()


def test_a_server_that_is_told_to_end_ends_in_order_and_goes_on_at_its_next_start(tmp_path, head):
    home = tmp_path / "home"
    with served(home) as one:
        assert one.first
        with one.admin():
            pass
        assert one.stop() == 0
        assert '"ended"' in one.log.read_text()
    with served(home) as one:
        assert one.first == "", "there is an administrator"
        with one.admin() as web:
            assert web.get("/api/me").json()["role"] == "admin"
