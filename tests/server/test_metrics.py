"""Health, readiness and counters: what a watcher sees when the disk is full, and when the database is gone."""

import shutil
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from skiagraph.server.archive.admission import Admission
from skiagraph.server.people.people import SHELL
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.web.app import application


def counted(site, name, **labels):
    """One line of what Prometheus reads."""
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    wanted = f"{name}{{{inside}}} " if inside else f"{name} "
    return next(
        (
            float(line.rpartition(" ")[2])
            for line in site.metrics.exposed().decode().splitlines()
            if line.startswith(wanted)
        ),
        None,
    )


def test_on_a_full_disk_it_lives_and_is_not_ready(site, browser, monkeypatch):
    nobody = browser(None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    assert nobody.get("/health").status_code == 200
    answer = nobody.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "reason": "the disk is full"})
    monkeypatch.undo()
    assert nobody.get("/ready").json() == {"status": "ready"}


def test_while_the_database_is_gone_it_lives_refuses_and_recovers(tmp_path, postgres):
    site = opened_site(settings_of(tmp_path / "home", database=postgres.new(), dicom={"enabled": False}))
    web = TestClient(application(site), base_url="http://127.0.0.1", raise_server_exceptions=False)
    try:
        token = site.people.tokens.make(SHELL, "tests", ["see", "audit"], 1)
        shown = {"Authorization": f"Bearer {token}"}
        postgres.stop()
        try:
            assert web.get("/health").status_code == 200
            assert web.get("/ready").status_code == 503
            refused = web.get("/api/studies", headers=shown)
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        finally:
            postgres.start()
        assert web.get("/ready").status_code == 200
        assert web.get("/api/studies", headers=shown).status_code == 200
    finally:
        site.close()


@pytest.mark.both_databases
def test_what_is_in_the_archive_is_counted(site, head):
    assert counted(site, "skiagraph_instances") == 0
    site.intake.take([head(1)[1]])
    Admission(site).step()
    assert counted(site, "skiagraph_instances") == 1
    assert counted(site, "skiagraph_studies", state="received") == 1
    assert counted(site, "skiagraph_instances_admitted_total") == 1
    assert counted(site, "skiagraph_database_up") == 1


def test_requests_are_counted_by_route_and_never_by_what_was_asked_for(site, browser):
    admin = browser("admin")
    for uid in ("1.2.3", "1.2.4"):
        admin.get(f"/api/studies/{uid}")
    browser(None).get("/api/studies/1.2.5")
    browser(None).get("/nothing")
    assert (
        counted(site, "skiagraph_requests_total", method="GET", route="/api/studies/{uid}", status="404") == 2
    )
    assert counted(site, "skiagraph_requests_total", method="", route="none", status="401") == 2
    assert counted(site, "skiagraph_request_seconds_count", route="/api/studies/{uid}") == 2
    assert b"1.2.3" not in site.metrics.exposed()


def test_a_server_shows_its_counters_to_who_may_see_them(server):
    with server.admin() as web:
        said = web.get("/metrics").text
    assert "# TYPE skiagraph_readings_total counter" in said
    assert "# TYPE skiagraph_stage_seconds histogram" in said
