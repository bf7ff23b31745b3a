"""OpenID Connect against a small provider that really answers: who comes back is who was sent, once, with a role."""

import base64
import hashlib
import json
import threading
import time
from types import SimpleNamespace
from typing import Annotated
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.testclient import TestClient
from sqlalchemy import select

from skiagraph.errors import InvalidInput, MissingInput
from skiagraph.server.people.openid import Provider
from skiagraph.server.people.people import SHELL
from skiagraph.server.settings import OpenId, settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import AuditRecord
from skiagraph.server.web.app import application

_Text = Annotated[str, Form()]
SECRET = "a secret/with:signs"
KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def provider_app(state):
    """A provider: signs in whoever comes, and answers as `state` says."""
    app = FastAPI()
    codes = {}

    @app.get("/.well-known/openid-configuration")
    def described():
        return {
            "issuer": state.issuer,
            "authorization_endpoint": f"{state.url}/authorize?tenant=7",
            "token_endpoint": f"{state.url}/token",
            "jwks_uri": f"{state.url}/keys",
        }

    @app.get("/keys")
    def keys():
        state.asked_keys += 1
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return {"keys": [{"kty": "oct", "k": "AAAA", "kid": "s"}, {**public, "kid": state.kid, "use": "sig"}]}

    @app.get("/authorize")
    def authorize(request: Request):
        asked = dict(request.query_params)
        assert asked["tenant"] == "7"
        assert asked["code_challenge_method"] == "S256"
        codes["code-1"] = asked
        back = {"code": "code-1", "state": asked["state"], "iss": state.issuer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 303)

    @app.post("/token")
    def token(request: Request, code: _Text, code_verifier: _Text, redirect_uri: _Text):
        asked = codes.pop(code, None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
        )
        shown = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        fits = asked and (asked["code_challenge"], asked["redirect_uri"]) == (challenge, redirect_uri)
        if not fits or shown != "us:a%20secret%2Fwith%3Asigns":
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": state.issuer,
            "aud": "us",
            "sub": "42",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
        }
        claims |= {"preferred_username": "Kim.Park", "role": ["staff", "reader"], **state.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        return {
            "id_token": jwt.encode(claims, state.key, algorithm=state.algorithm, headers={"kid": state.kid})
        }

    return app


@pytest.fixture(scope="module")
def served():
    """The address of the provider, and what it says."""
    state = SimpleNamespace()
    server = uvicorn.Server(uvicorn.Config(provider_app(state), port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    state.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield state
    server.should_exit = True
    thread.join()


@pytest.fixture
def provider(served):
    served.issuer, served.claims, served.kid, served.key = served.url, {}, "k1", KEY
    served.algorithm, served.asked_keys = "RS256", 0
    return served


@pytest.fixture
def house(provider, tmp_path):
    """A site that lets people in whom the provider knows."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    openid = {"issuer": provider.url, "client_id": "us", "client_secret_file": tmp_path / "secret"}
    site = opened_site(settings_of(tmp_path / "home", dicom={"enabled": False}, openid=openid))
    yield SimpleNamespace(site=site, app=application(site))
    site.close()


def browser_of(house):
    return TestClient(house.app, base_url="http://127.0.0.1", follow_redirects=False)


def sent(client):
    """The URL with which the provider sends a browser back that asked to sign in."""
    there = client.get("/sign-in/openid")
    assert there.status_code == 303
    return httpx.get(there.headers["location"]).headers["location"].removeprefix("http://127.0.0.1")


def test_who_is_known_there_comes_in_with_the_role_of_there(house):
    client = browser_of(house)
    assert 'href="/sign-in/openid"' in client.get("/sign-in").text
    answer = client.get(sent(client))
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/sign-in">' in answer.text
    assert "openid" not in client.cookies
    me = client.get("/api/me").json()
    assert (me["name"], me["role"]) == ("kim.park", "reader")
    assert house.site.people.accounts.named("kim.park").password == ""


def test_the_same_person_is_the_same_account_with_the_role_of_today(house, provider):
    for claims, role in (
        ({}, "reader"),
        ({"role": "admin"}, "admin"),
        ({"role": None}, "viewer"),
        ({"role": 7}, "viewer"),
    ):
        provider.claims = {**claims, "preferred_username": f"name-{role}"}
        client = browser_of(house)
        client.get(sent(client))
        assert client.get("/api/me").json()["role"] == role
    assert [user.name for user in house.site.people.accounts.listed()] == ["name-reader"]


def test_an_account_that_is_there_is_never_taken_over(house, provider):
    with house.site.database.writing() as session:
        house.site.people.accounts.made(session, "root", "admin", password="")
    provider.claims = {"preferred_username": "root"}
    client = browser_of(house)
    client.get(sent(client))
    me = client.get("/api/me").json()
    assert me["name"].startswith("openid-")
    assert me["role"] == "reader"


def test_who_is_disabled_here_stays_out(house):
    client = browser_of(house)
    client.get(sent(client))
    house.site.people.accounts.disable(SHELL, "kim.park")
    again = browser_of(house)
    assert again.get(sent(again)).status_code == 401


def test_an_answer_counts_for_the_browser_that_asked_and_once(house):
    asking, other = browser_of(house), browser_of(house)
    back = sent(asking)
    assert other.get(back).status_code == 401
    other.get("/sign-in/openid")
    assert other.get(back).status_code == 401
    assert "skiagraph" not in other.cookies
    assert asking.get(back).status_code == 200
    assert asking.get(back).status_code == 401


@pytest.mark.parametrize(
    "changed",
    [{"state": "x"}, {"state": ""}, {"code": "stolen"}, {"iss": "https://evil.example"}, {"code": None}],
)
def test_an_answer_that_was_changed_on_its_way_is_refused(house, changed):
    client = browser_of(house)
    back = urlsplit(sent(client))
    asked = {**dict(parse_qsl(back.query)), **changed}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    answer = client.get(f"{back.path}?{query}")
    assert (answer.status_code, "alert" in answer.text) == (401, True)
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("claims", "signed"),
    [
        ({"nonce": "another"}, {}),
        ({"nonce": None}, {}),
        ({"aud": "others"}, {}),
        ({"aud": ["us", "others"], "azp": "others"}, {}),
        ({"iss": "https://evil.example"}, {}),
        ({"exp": int(time.time()) - 3600}, {}),
        ({"exp": None}, {}),
        ({"sub": None}, {}),
        ({}, {"key": OTHER}),
        ({}, {"key": "", "algorithm": "none"}),
        ({}, {"key": "x" * 64, "algorithm": "HS256"}),
    ],
)
def test_what_is_not_said_by_the_provider_to_us_and_now_is_refused(house, provider, claims, signed):
    provider.claims = claims
    vars(provider).update(signed)
    client = browser_of(house)
    assert client.get(sent(client)).status_code == 401
    assert client.get("/api/me").status_code == 401


def test_a_new_key_of_the_provider_is_looked_up_but_not_at_once_again(house, provider, monkeypatch):
    client = browser_of(house)
    client.get(sent(client))
    provider.kid = "k2"
    assert client.get(sent(client)).status_code == 401
    now = time.monotonic()
    monkeypatch.setattr("skiagraph.server.people.openid.time", SimpleNamespace(monotonic=lambda: now + 120))
    assert client.get(sent(client)).status_code == 200
    assert provider.asked_keys == 2


def test_what_is_asked_of_the_provider_holds_no_secret_of_the_browser(house):
    client = browser_of(house)
    asked = parse_qs(urlsplit(client.get("/sign-in/openid").headers["location"]).query)
    assert asked["redirect_uri"] == ["http://127.0.0.1/sign-in/openid/return"]
    assert client.cookies["openid"] not in str(asked)
    assert len(asked["code_challenge"][0]) == 43


def test_a_provider_that_says_it_is_another_lets_nobody_in(house, provider):
    provider.issuer = "https://evil.example"
    answer = browser_of(house).get("/sign-in/openid")
    assert (answer.status_code, "organisation could not be used" in answer.text) == (401, True)


def test_a_provider_that_failed_is_left_alone_for_a_moment(house, provider, monkeypatch):
    provider.issuer = "https://evil.example"
    browser_of(house).get("/sign-in/openid")
    provider.issuer = provider.url
    assert browser_of(house).get("/sign-in/openid").status_code == 401
    now = time.monotonic()
    monkeypatch.setattr("skiagraph.server.people.openid.time", SimpleNamespace(monotonic=lambda: now + 6))
    assert browser_of(house).get("/sign-in/openid").status_code == 303


def test_who_comes_back_with_nothing_is_recorded_and_slowed_down(house):
    client = browser_of(house)
    statuses = {client.get("/sign-in/openid/return").status_code for _ in range(40)}
    assert statuses == {401, 429}
    with house.site.database.reading() as session:
        records = session.scalars(select(AuditRecord)).all()
    assert {(one.event, one.who) for one in records} == {("signed in", "an unknown name")}
    assert 30 <= len(records) < 40


def test_without_a_provider_there_is_nothing_to_go_to(browser):
    assert browser(None).get("/sign-in/openid").status_code == 404
    assert "/sign-in/openid" not in browser(None).get("/sign-in").text


def test_a_provider_elsewhere_speaks_tls_and_our_secret_is_a_file(tmp_path):
    with pytest.raises(InvalidInput, match="https"):
        Provider(OpenId(issuer="http://id.example", client_id="us"))
    with pytest.raises(MissingInput, match="client_secret_file"):
        Provider(OpenId(issuer="https://id.example", client_id="us", client_secret_file=tmp_path / "none"))
