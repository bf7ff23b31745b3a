"""Attacks on the web: what a browser is told, other sites, other names, and requests that are too big or too slow."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from skiagraph.server.people.people import SHELL
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.web.app import application
from skiagraph.server.web.layers import layered

INVITE = {"role": "viewer"}


@pytest.fixture
def sited(tmp_path):
    """Opens sites with other settings."""
    opened = []

    def make(**settings):
        opened.append(opened_site(settings_of(tmp_path / "other", dicom={"enabled": False}, **settings)))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_every_answer_tells_browsers_what_a_page_may_do(browser):
    for path in ("/health", "/sign-in", "/api/me", "/nothing"):
        told = browser(None).get(path).headers
        policy = dict(part.split(" ", 1) for part in told["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe-inline" not in told["content-security-policy"]
        assert told["x-content-type-options"] == "nosniff"
        assert told["cache-control"] == "no-store"
        assert told["cross-origin-opener-policy"] == "same-origin"
        assert told["cross-origin-embedder-policy"] == "require-corp"
        assert told["referrer-policy"] == "same-origin"
        assert len(told["x-request-id"]) == 32
        assert "server" not in told


def test_answers_to_faults_of_ours_have_the_same_headers(site, monkeypatch):
    monkeypatch.setattr(type(site), "unready", lambda _self: 1 / 0)
    client = TestClient(application(site), base_url="http://127.0.0.1", raise_server_exceptions=False)
    answer = client.get("/ready")
    assert answer.status_code == 500
    assert "content-security-policy" in answer.headers
    assert "division" not in answer.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8765", 200),
        ("localhost:8765", 200),
        ("LOCALHOST", 200),
        ("[::1]:8765", 200),
        ("10.1.2.3", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("user@localhost", 421),
        ("localhost/x", 421),
        ("localhost:x", 421),
        ("", 421),
    ],
)
def test_other_names_than_our_own_are_not_answered(browser, host, status):
    assert browser(None).get("/health", headers={"Host": host}).status_code == status


def test_a_name_that_is_listed_is_answered(sited):
    app = application(sited(names=["pacs.hospital.example"]))
    client = TestClient(app, base_url="http://PACS.hospital.example:8443")
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": "another"}, 403),
        ({"X-CSRF-Token": "é"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403),
        ({"Origin": "https://127.0.0.1"}, 403),
        ({"Origin": "http://127.0.0.1:8766"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_a_page_of_another_site_changes_nothing_with_the_cookie(browser, headers, status):
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    assert browser("admin").post("/api/invitations", json=INVITE, headers=sent).status_code == status


def test_the_token_of_another_session_does_not_count(browser):
    one, other = browser("admin"), browser("admin")
    one.headers["X-CSRF-Token"] = other.headers["X-CSRF-Token"]
    assert one.post("/api/invitations", json=INVITE).status_code == 403


@pytest.mark.parametrize("path", ["/sign-in", "/api/sign-in", "/sign-out", "/sign-in/invitation"])
@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_page_of_another_site_signs_nobody_in_or_out(browser, path, headers):
    answer = browser("admin").post(path, data={"name": "eve", "password": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_cookie_in_a_query_or_a_token_in_a_cookie_are_none(browser, site):
    token = site.people.tokens.make(SHELL, "pump", ["see"], 1)
    nobody = browser(None)
    assert nobody.get("/api/me", params={"access_token": token, "skiagraph": token}).status_code == 401
    assert nobody.get("/api/me", headers={"Cookie": f"skiagraph={token}"}).status_code == 401
    assert nobody.get("/api/me", headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert nobody.get("/api/me", headers={"Authorization": "Bearer"}).status_code == 401
    assert nobody.get("/api/me", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_a_token_needs_no_other_token_to_change_something(browser, site):
    token = site.people.tokens.make(SHELL, "pump", ["manage"], 1)
    answer = browser(None).post("/api/invitations", json=INVITE, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201


def test_bodies_that_are_too_big_are_refused_before_they_have_come(browser):
    nobody, admin = browser(None), browser("admin")
    big = "x" * (64 << 10)
    assert nobody.post("/api/sign-in", json={"name": big, "password": ""}).status_code == 413
    assert nobody.post("/sign-in", data={"name": big}).status_code == 413
    answer = admin.post("/api/invitations", content=b"", headers={"Content-Length": str(1 << 40)})
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_a_body_that_does_not_say_how_big_it_is_ends_at_the_bound(browser):
    parts = (b" " * 4096 for _ in range(1000))
    answer = browser(None).post("/api/sign-in", content=parts, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "a request brings at most 65536 bytes; got more."


def test_a_body_that_is_refused_for_its_sender_is_not_waited_for(browser):
    assert browser(None).post("/api/uploads", content=b"x").headers["connection"] == "close"
    assert "connection" not in browser(None).get("/api/me").headers


def asked(app, receive, path="/api/sign-in", headers=()):
    """The answer of an application to one request whose body comes as `receive` says."""
    told = []

    async def send(message):
        told.append(message)

    named = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), *headers]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
             "headers": named, "client": ("10.9.8.7", 1), "scheme": "http", "http_version": "1.1", "state": {},
             "server": ("127.0.0.1", 80), "root_path": ""}  # fmt: skip
    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in told)
    return SimpleNamespace(status=told[0]["status"], json=json.loads(body), headers=dict(told[0]["headers"]))


def test_a_body_that_comes_too_slowly_is_not_waited_for(sited):
    app = application(sited(limits={"body_seconds": 0.2}))
    parts = 0

    async def slow():
        nonlocal parts
        parts += 1
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b" ", "more_body": True}

    answer = asked(app, slow)
    assert (answer.status, answer.headers[b"connection"]) == (408, b"close")
    assert "within 0.2 s" in answer.json["detail"]
    assert 2 <= parts <= 5


def test_a_sender_who_goes_away_is_no_fault_of_ours(site):
    async def gone():
        return {"type": "http.disconnect"}

    assert asked(application(site), gone).status in (400, 401)


@pytest.mark.parametrize(
    ("behind", "forwarded", "address"),
    [
        (False, "1.2.3.4", "10.9.8.7"),
        (True, "1.2.3.4", "1.2.3.4"),
        (True, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (True, "6.6.6.6, nonsense", "10.9.8.7"),
        (True, "", "10.9.8.7"),
        (True, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_what_a_proxy_says_is_believed_where_there_is_one_and_only_its_own_word(
    sited, behind, forwarded, address
):
    seen = {}

    async def inner(scope, receive, send):
        seen.update(scope["state"], scheme=scope["scheme"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    site = sited(behind_proxy=behind)
    token = site.people.tokens.make(SHELL, "pump", ["see"], 1)

    async def receive():
        return {"type": "http.request"}

    headers = [(b"x-forwarded-for", forwarded.encode()), (b"authorization", f"Bearer {token}".encode())]
    answer = asked(layered(inner, site, []), receive, headers=headers)
    assert (seen["address"], seen["caller"].address) == (address, address)
    assert seen["scheme"] == ("https" if behind else "http")
    assert (b"strict-transport-security" in answer.headers) is behind


def test_where_the_database_is_gone_nobody_enters_and_health_still_answers(browser, site, monkeypatch):
    client = browser("admin")
    site.people.known.forget()
    site.database.engine.dispose()
    site.database.migrate("base")
    assert client.get("/api/me").status_code == 503
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("shown", ["cookie", "token"])
def test_an_answer_that_lasts_ends_with_the_session_or_token_for_which_it_was_begun(site, monkeypatch, shown):
    monkeypatch.setattr("skiagraph.server.web.gate._LOOK", 0.01)
    people, parts = site.people, []
    with site.database.writing() as session:
        lee = people.accounts.made(session, "lee", "reader", password="")
        secret = people.sessions.begin(session, lee, address="", agent="")
    token = people.tokens.make(SHELL, "pump", ["see"], 1)

    async def stream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(500):
            parts.append(number)
            if number == 5 and shown == "cookie":
                people.accounts.disable(SHELL, "lee")
            elif number == 5:
                people.tokens.revoke(SHELL, 1)
            await send({"type": "http.response.body", "body": b"1", "more_body": True})
            await asyncio.sleep(0.005)

    async def receive():
        return {"type": "http.request"}

    said = (b"cookie", f"skiagraph={secret}") if shown == "cookie" else (b"authorization", f"Bearer {token}")
    csrf = people.sessions.visit(secret, "").csrf
    headers = [(said[0], said[1].encode()), (b"x-csrf-token", csrf.encode())]
    asked(layered(stream, site, []), receive, headers=headers)
    assert 5 < len(parts) < 50
