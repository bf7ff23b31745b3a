"""The door in the web: its page in two languages, its cookies, links, and programs that sign in."""

from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from skiagraph.server.people.passwords import Passwords
from skiagraph.server.people.people import SHELL
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.web.app import application

GOOD = "seven grey herons wait"
SHOWN = {"name": "lee", "password": GOOD}


@pytest.fixture(scope="module")
def known():
    return Passwords().hashed(GOOD, "lee")


@pytest.fixture
def lee(site, known):
    """Somebody with a password."""
    with site.database.writing() as session:
        return site.people.accounts.made(session, "lee", "reader", password=known)


class Tags(HTMLParser):
    """All tags of a page with their attributes, and its text."""

    def __init__(self, answer):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(answer.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_the_page_needs_no_script_and_no_style_of_its_own(browser):
    page = Tags(browser(None).get("/sign-in"))
    assert not page.named("script")
    assert not page.named("style")
    assert not any(name.startswith("on") or name == "style" for _, attrs in page.tags for name in attrs)
    assert [attrs["href"] for attrs in page.named("link")] == ["/sign-in/style.css"]
    assert browser(None).get("/sign-in/style.css").headers["content-type"].startswith("text/css")


def test_each_field_has_a_label_and_says_what_a_browser_may_fill_in(browser):
    answer = browser(None).get("/sign-in")
    assert answer.text.count("<label>") == 2
    assert [attrs["autocomplete"] for attrs in Tags(answer).named("input")] == [
        "username",
        "current-password",
    ]


@pytest.mark.parametrize(
    ("query", "accept", "lang", "title"),
    [
        ("", "", "en", "Sign in"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh", "登录"),
        ("", "en;q=0.3, zh-Hant;q=0.7", "zh", "登录"),
        ("", "fr, de;q=0.5", "en", "Sign in"),
        ("", "zh;q=nonsense, ,;;", "zh", "登录"),
        ("?lang=zh", "en", "zh", "登录"),
        ("?lang=en", "zh", "en", "Sign in"),
        ("?lang=<script>", "zh", "zh", "登录"),
    ],
)
def test_the_page_speaks_the_language_of_its_reader(browser, query, accept, lang, title):
    answer = browser(None).get(f"/sign-in{query}", headers={"Accept-Language": accept})
    assert Tags(answer).named("html") == [{"lang": lang}]
    assert f"<title>{title}" in answer.text
    assert answer.headers["content-language"] == lang


def test_the_language_that_was_chosen_stays(browser, lee):
    client = browser(None)
    assert (
        'href="/sign-in?lang=en"' in client.post("/sign-in?lang=zh", data={"name": "x", "password": "y"}).text
    )
    assert "当前用户" in client.post("/sign-in?lang=zh", data=SHOWN).text
    assert "您已退出登录" in client.post("/sign-out?lang=zh").text
    assert (
        client.post("/sign-out?lang=//evil", follow_redirects=False).headers["location"]
        == "/sign-in?said=left"
    )


def test_somebody_signs_in_by_the_page_and_out_again(browser, lee):
    client = browser(None)
    answer = client.post("/sign-in", data=SHOWN, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "lee" in client.get("/sign-in").text
    assert client.get("/api/me").json()["name"] == "lee"
    assert "signed out" in client.post("/sign-out").text
    assert client.get("/api/me").status_code == 401


def test_a_program_signs_in_and_out_again(browser, lee):
    client = browser(None)
    me = client.post("/api/sign-in", json=SHOWN).json()
    assert {name: me[name] for name in ("name", "role", "permissions")} == {
        "name": "lee",
        "role": "reader",
        "permissions": ["report", "see", "sign", "upload"],
    }
    assert client.get("/api/me").json() == me
    assert client.post("/api/sign-out").status_code == 403
    assert client.post("/api/sign-out", headers={"X-CSRF-Token": me["csrf"]}).status_code == 204
    assert client.get("/api/me").status_code == 401


def test_a_session_that_was_put_into_a_browser_is_not_the_one_that_signs_in(browser, lee):
    client = browser(None)
    client.cookies.set("skiagraph", "chosen-by-eve")
    client.post("/api/sign-in", json=SHOWN)
    first = client.cookies.get("skiagraph", domain="127.0.0.1")
    assert first not in (None, "chosen-by-eve")
    assert len(first) == 43
    eve = browser(None)
    eve.cookies.set("skiagraph", "chosen-by-eve")
    assert eve.get("/api/me").status_code == 401


def test_a_secret_of_before_does_not_outlive_the_next_sign_in(browser, lee):
    client = browser(None)
    client.post("/api/sign-in", json=SHOWN)
    before = dict(client.cookies)
    client.post("/api/sign-in", json=SHOWN)
    old = browser(None)
    old.headers["Cookie"] = f"skiagraph={before['skiagraph']}"
    assert old.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("settings", "name", "secure"),
    [({}, "skiagraph", False), ({"behind_proxy": True}, "__Host-skiagraph", True)],
)
def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_connections(
    tmp_path, known, settings, name, secure
):
    site = opened_site(settings_of(tmp_path / "home", dicom={"enabled": False}, **settings))
    with site.database.writing() as session:
        site.people.accounts.made(session, "lee", "reader", password=known)
    client = TestClient(application(site), base_url=f"http{'s' if secure else ''}://127.0.0.1")
    cookie = client.post("/api/sign-in", json=SHOWN).headers["set-cookie"]
    assert client.get("/api/me").status_code == 200
    site.close()
    assert cookie.startswith(f"{name}=")
    parts = {part.strip().casefold() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    assert ("secure" in parts) is secure
    assert not any(part.startswith(("domain", "max-age", "expires")) for part in parts)


@pytest.mark.parametrize("shown", [{**SHOWN, "password": "wrong"}, {**SHOWN, "name": "nobody"}])
def test_wrong_ones_are_refused_alike(browser, lee, shown):
    client = browser(None)
    page, answer = client.post("/sign-in", data=shown), client.post("/api/sign-in", json=shown)
    assert (page.status_code, answer.status_code) == (401, 401)
    assert 'role="alert"' in page.text
    assert "set-cookie" not in page.headers
    assert answer.json()["detail"].startswith("name and password fit; got others")


def test_a_program_that_guesses_is_told_to_wait(browser, lee, monkeypatch):
    monkeypatch.setattr(Passwords, "fit", lambda *_: False)
    client = browser(None)
    statuses = [client.post("/api/sign-in", json=SHOWN).status_code for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    answer = client.post("/api/sign-in", json=SHOWN)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert client.post("/sign-in", data=SHOWN).status_code == 429


@pytest.mark.parametrize(
    "evil", ['"><script>alert(1)</script>', "'onfocus='alert(1)", "{{ 7*7 }}", "</title><img src=x>"]
)
def test_a_name_that_is_html_stays_a_name(browser, lee, evil):
    client = browser(None)
    for answer in (
        client.post("/sign-in", data={"name": evil, "password": "x"}),
        client.get("/sign-in", params={"invitation": evil, "said": evil, "lang": evil}),
        client.post(
            "/sign-in/invitation", data={"invitation": evil, "name": evil, "password": "x", "again": "y"}
        ),
    ):
        page = Tags(answer)
        assert not page.named("script")
        assert not page.named("img")
        assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
        assert "49" not in page.text


def test_a_link_makes_an_account_by_the_page(browser, site):
    link = f"/sign-in?invitation={site.people.invitations.first()}"
    client = browser(None)
    page = Tags(client.get(link))
    fields = {attrs["name"]: attrs.get("value", "") for attrs in page.named("input")}
    assert list(fields) == ["invitation", "name", "password", "again"]
    fields |= {"name": "root", "password": GOOD, "again": GOOD + "s"}
    assert "differ" in client.post("/sign-in/invitation", data=fields).text
    weak = client.post(
        "/sign-in/invitation", data={**fields, "password": "password1234", "again": "password1234"}
    )
    assert (weak.status_code, "another password" in weak.text) == (422, True)
    odd = client.post("/sign-in/invitation", data={**fields, "name": "a b", "again": GOOD})
    assert (odd.status_code, "another name" in odd.text) == (422, True)
    assert "Please sign in" in client.post("/sign-in/invitation", data={**fields, "again": GOOD}).text
    assert client.get(link).status_code == 404
    assert client.post("/sign-in/invitation", data={**fields, "again": GOOD}).status_code == 404
    assert client.post("/api/sign-in", json={"name": "root", "password": GOOD}).json()["role"] == "admin"


def test_administrators_invite_change_and_renew(browser, site):
    admin = browser("admin")
    link = admin.post("/api/invitations", json={"role": "viewer"}).json()["link"]
    assert link.startswith("http://127.0.0.1/sign-in?invitation=")
    site.people.invitations.accept(link.partition("=")[2], "kim", GOOD, address="")
    changed = admin.patch("/api/users/kim", json={"role": "reader", "disabled": True, "unlock": True}).json()
    assert (changed["role"], changed["disabled"], "password" in changed) == ("reader", True, False)
    assert [user["name"] for user in admin.get("/api/users").json()] == ["admin", "kim"]
    assert admin.patch("/api/users/kim", json={"password": "x"}).status_code == 422
    assert admin.patch("/api/users/admin", json={"disabled": True}).status_code == 409
    again = admin.post("/api/users/kim/link").json()["link"]
    assert "readonly" in admin.__class__(admin.app, base_url="http://127.0.0.1").get(again).text


def test_sessions_are_listed_and_ended_and_a_password_is_changed(browser, lee):
    here, there = browser(None), browser(None)
    here.headers["X-CSRF-Token"] = here.post("/api/sign-in", json=SHOWN).json()["csrf"]
    there.post("/api/sign-in", json=SHOWN)
    sessions = here.get("/api/me/sessions").json()
    assert sorted(session["this"] for session in sessions) == [False, True]
    other = next(session["id"] for session in sessions if not session["this"])
    assert here.delete(f"/api/me/sessions/{other}").status_code == 204
    assert there.get("/api/me").status_code == 401
    there.post("/api/sign-in", json=SHOWN)
    change = {"old": GOOD, "new": "eight grey herons wait"}
    assert here.put("/api/me/password", json={**change, "old": "wrong"}).status_code == 422
    assert here.put("/api/me/password", json=change).status_code == 204
    assert (here.get("/api/me").status_code, there.get("/api/me").status_code) == (200, 401)


def test_tokens_are_made_shown_once_and_revoked(browser):
    admin, service = browser("admin"), browser(None)
    token = admin.post("/api/tokens", json={"name": "pump", "scopes": ["see"], "days": 30}).json()["token"]
    service.headers["Authorization"] = f"Bearer {token}"
    assert service.get("/api/me").json() == {
        "name": "token pump",
        "role": "service",
        "permissions": ["see"],
        "csrf": "",
    }
    assert service.get("/api/users").status_code == 403
    assert service.put("/api/me/password", json={"old": "x", "new": "y"}).status_code == 404
    assert service.get("/api/me/sessions").json() == []
    rows = admin.get("/api/tokens").json()
    assert [(row["name"], "secret" in row) for row in rows] == [("pump", False)]
    assert admin.delete(f"/api/tokens/{rows[0]['id']}").status_code == 204
    assert service.get("/api/me").status_code == 401
    assert admin.post("/api/tokens", json={"name": "pen", "scopes": ["sign"]}).status_code == 422


def test_people_who_are_disabled_are_out_with_their_next_request(browser, site):
    reader = browser("reader")
    assert reader.get("/api/me").status_code == 200
    browser("admin").patch("/api/users/reader", json={"disabled": True})
    assert reader.get("/api/me").status_code == 401


def test_a_role_that_was_taken_counts_with_the_next_request(browser, site):
    boss = browser("admin")
    with site.database.writing() as session:
        site.people.accounts.made(session, "second", "admin", password="")
    assert boss.get("/api/users").status_code == 200
    site.people.accounts.set_role(SHELL, "admin", "viewer")
    assert boss.get("/api/users").status_code == 403


ODD = [
    (b'{"name": "lee\\u0000", "password": "x"}', 401),
    (b'{"name": "lee\' OR 1=1 --", "password": "x"}', 401),
    (b'{"name": "\\ud800", "password": "x"}', 422),
    (b'{"name": "lee", "password": ["x"]}', 422),
    (b'{"name": "lee", "password": "x", "role": "admin"}', 422),
    (b"\xff", 400),
]


@pytest.mark.both_databases
def test_what_no_keyboard_types_lets_nobody_in(browser, lee):
    for sent, status in ODD:
        answer = browser(None).post(
            "/api/sign-in", content=sent, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, "set-cookie" in answer.headers) == (status, False), sent


@pytest.mark.parametrize("number", ["0", "-1", str(1 << 63), "1e3", "1'"])
def test_numbers_that_no_row_has_are_refused(browser, number):
    assert browser("admin").delete(f"/api/tokens/{number}").status_code == 422
    assert browser("admin").delete(f"/api/me/sessions/{number}").status_code == 422


@pytest.mark.both_databases
def test_hostile_names_in_paths_find_nothing(browser):
    admin = browser("admin")
    for uid in ("..%2F..%2Fetc%2Fpasswd", "%00", "1.2.3'%20OR%20'1'='1", "%ff", "a" * 64):
        assert admin.get(f"/api/studies/{uid}/access").status_code == 404
        assert admin.patch(f"/api/users/{uid}", json={"unlock": True}).status_code == 404
