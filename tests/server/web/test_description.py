"""The description of the server: whole, true, and the server keeps to it whatever it is asked."""

import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.generation import GenerationMode

from skiagraph.server.archive.admission import Admission
from skiagraph.server.web import app as application
from skiagraph.server.web.description import described
from skiagraph.server.web.guard import permissions_of

PROJECT = Path(__file__).parents[3]
ROUTES = application.application_routes()
SHOWN = [route for route in ROUTES if route.include_in_schema]
KEPT = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
"""Not that all is taken that fits the description: a rule may say more than a schema can."""
ENDLESS = {"/api/events"}
NEVER_WRONG = {"/health", "/ready", "/api/uploads"}
"""Paths that take nothing, and a form of which a field more or less does no harm."""
ENDS_THE_SESSION = {"/api/sign-out", "/api/me/sessions/{number}"}


@pytest.fixture(scope="module")
def description():
    return described(ROUTES)


def operations(description):
    for path, item in description["paths"].items():
        for method, one in item.items():
            yield f"{method.upper()} {path}", one


def test_whoever_is_signed_in_gets_the_description(browser, description):
    assert browser(None).get("/api/openapi.json").status_code == 401
    assert browser("viewer").get("/api/openapi.json").json() == description


def test_it_names_every_route_and_what_it_asks_for(description):
    asked = {
        f"{method} {route.path_format}": permissions_of(route)[0]
        for route in SHOWN
        for method in route.methods
    }
    assert {name: one["x-permission"] for name, one in operations(description)} == asked


def test_every_route_has_a_sentence_an_answer_and_refusals_as_problems(description):
    for name, one in operations(description):
        assert one["summary"].strip(), name
        assert any(status.startswith("2") for status in one["responses"]), name
        refusals = {
            status
            for status, said in one["responses"].items()
            if "application/problem+json" in said.get("content", {})
        }
        public = one["x-permission"] == "public"
        assert refusals >= ({"default"} if public else {"401", "403", "default"}), name
        assert bool(one["security"]) is not public, name


def test_the_page_of_the_api_is_made_from_it():
    command = [sys.executable, PROJECT / ".ci" / "server_api.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.both_databases
@pytest.mark.parametrize("number", ["9" * 30, "-1", "0", "1e3"])
def test_numbers_beyond_all_bounds_are_refused(browser, number):
    admin = browser("admin")
    assert admin.delete(f"/api/tokens/{number}").status_code in {404, 422}
    assert admin.delete(f"/api/me/sessions/{number}").status_code in {404, 422}
    assert admin.get("/api/studies", params={"reader": number}).status_code in {200, 422}
    assert admin.get("/api/studies", params={"text": "\0"}).status_code in {200, 422}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("PUT", "/api/studies", None, 405),
        ("POST", "/api/tokens", b"{", 422),
        ("POST", "/api/tokens", b"[]", 422),
        ("GET", "/api/studies?most=0", None, 422),
        ("GET", "/api/studies?what=1", None, 422),
        ("POST", "/api/uploads", b"x", 422),
        ("GET", "/api/studies/1.2.3.4", None, 404),
    ],
)
def test_every_refusal_is_a_problem(browser, method, path, body, status):
    answer = browser("admin").request(method, path, content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert set(said) == {"title", "status", "detail"}


def test_a_refusal_does_not_repeat_what_came(browser):
    answer = browser("admin").get("/api/studies", params={"since": "Doe^Jane"})
    assert answer.status_code == 422
    assert "Doe" not in answer.text


def test_a_defect_is_a_problem_that_says_nothing_of_it(site, browser, monkeypatch):
    client = browser("admin")

    def broken(*_):
        raise RuntimeError("Doe^Jane")

    monkeypatch.setattr(type(site.people.accounts), "listed", broken)
    quiet = TestClient(
        client.app, base_url="http://127.0.0.1", raise_server_exceptions=False, cookies=client.cookies
    )
    answer = quiet.get("/api/users")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "Doe" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["detail"]


@pytest.fixture
def study(site, head):
    """The UID of one that is in the archive, so that not every path leads nowhere."""
    uid, data = head(1)
    site.intake.take([data])
    Admission(site).step()
    return uid


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value
)
def test_the_server_keeps_to_its_description_whatever_it_is_asked(browser, study, mode, database_url):
    client = browser("reader" if mode.is_negative and database_url else "admin")
    name, secret = next(iter(client.cookies.items()))
    shown = {"Cookie": f"{name}={secret}", "X-CSRF-Token": client.headers["X-CSRF-Token"]}
    schema = schemathesis.openapi.from_dict(client.app.openapi())
    schema.app = client.app
    left = ENDLESS | ENDS_THE_SESSION | (NEVER_WRONG if mode.is_negative else set())
    for found in schema.exclude(path=sorted(left)).get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode), here=st.booleans())
        @settings(
            max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        def keeps(case, here):
            if here and "uid" in (case.path_parameters or {}):
                case.path_parameters["uid"] = study
            case.call_and_validate(base_url="http://127.0.0.1", headers=shown, checks=KEPT)

        keeps()
