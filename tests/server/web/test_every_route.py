"""All routes: each asks for exactly one permission, nobody reaches more than the door, and each role its part."""

import re

import pytest
from fastapi.routing import APIRoute
from starlette.websockets import WebSocketDisconnect

from skiagraph.server.people.people import SHELL
from skiagraph.server.people.roles import MAY, PERMISSIONS
from skiagraph.server.web import app as application
from skiagraph.server.web.guard import permissions_of

ROUTES = [route for router in application._ROUTERS for route in router.routes]
ASKED = [(method, route.path, *permissions_of(route)) for route in ROUTES for method in sorted(route.methods)]

PUBLIC = {
    "GET /health",
    "GET /ready",
    "GET /sign-in",
    "GET /sign-in/openid",
    "GET /sign-in/openid/return",
    "GET /sign-in/style.css",
    "POST /api/sign-in",
    "POST /sign-in",
    "POST /sign-in/invitation",
    "POST /sign-out",
}
"""All that anyone reaches."""


def filled(path):
    return re.sub(r"\{[^}]+\}", "1", path)


def test_the_application_has_no_route_but_those_of_its_resources(site):
    app = application.application(site)
    assert all(isinstance(route, APIRoute) for route in ROUTES)
    assert [type(route).__name__ for route in app.routes] == ["_IncludedRouter"] * len(application._ROUTERS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{'|'.join(sorted(route.methods))} {route.path}")
def test_each_route_asks_for_exactly_one_permission(route):
    asked = permissions_of(route)
    assert len(asked) == 1
    assert asked[0] in {*PERMISSIONS, "any", "public"}


def test_what_anyone_reaches_is_the_door_health_and_static_files():
    assert {f"{method} {path}" for method, path, permission in ASKED if permission == "public"} == PUBLIC


def test_nobody_reaches_anything_else(browser):
    nobody = browser(None)
    for method, path, permission in ASKED:
        if permission != "public":
            answer = nobody.request(method, filled(path), follow_redirects=False)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("GET", "/health/"),
        ("GET", "//health"),
        ("GET", "/sign-in/../api/users"),
        ("GET", "/health/%2e%2e/api/users"),
        ("GET", "/api/users?x=/health"),
        ("GET", "/api/users;/health"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("POST", "/health"),
        ("DELETE", "/sign-in"),
        ("TRACE", "/health"),
        ("OPTIONS", "/api/users"),
        ("GET", "/sign-in/style.css/../../../../etc/passwd"),
        ("GET", "/sign-in/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    ],
)
def test_what_is_not_there_and_other_methods_are_refused_to_nobody_too(browser, method, path):
    assert browser(None).request(method, path, follow_redirects=False).status_code == 401


def test_there_are_no_websockets(browser):
    with pytest.raises(WebSocketDisconnect), browser("admin").websocket_connect("/"):
        pass


def test_a_browser_that_goes_to_a_page_is_sent_to_sign_in(browser):
    answer = browser(None).get("/", headers={"Sec-Fetch-Mode": "navigate"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("role", ["viewer", "reader", "admin"])
def test_no_role_reaches_what_asks_for_a_permission_that_it_lacks(browser, role):
    client = browser(role)
    for method, path, permission in ASKED:
        if permission in PERMISSIONS and permission not in MAY[role]:
            assert client.request(method, filled(path)).status_code == 403, (method, path)


def test_a_token_without_permissions_but_one_reaches_nothing_else(browser, site):
    client = browser(None)
    token = site.people.tokens.make(SHELL, "pump", ["upload"], 1)
    client.headers["Authorization"] = f"Bearer {token}"
    for method, path, permission in ASKED:
        if permission in PERMISSIONS and permission != "upload":
            assert client.request(method, filled(path)).status_code == 403, (method, path)


_NEW = {"role": "viewer"}
_TABLE = [
    # what is asked for                                    nobody viewer reader admin  a token that may see
    ("GET", "/health", None, (200, 200, 200, 200, 200)),
    ("GET", "/ready", None, (200, 200, 200, 200, 200)),
    ("GET", "/sign-in", None, (200, 200, 200, 200, 200)),
    ("GET", "/metrics", None, (401, 403, 403, 200, 403)),
    ("GET", "/api/me", None, (401, 200, 200, 200, 200)),
    ("GET", "/api/me/sessions", None, (401, 200, 200, 200, 200)),
    ("DELETE", "/api/me/sessions/999", None, (401, 404, 404, 404, 404)),
    ("GET", "/api/users", None, (401, 403, 403, 200, 403)),
    ("PATCH", "/api/users/nobody", {"unlock": True}, (401, 403, 403, 404, 403)),
    ("POST", "/api/users/nobody/link", None, (401, 403, 403, 404, 403)),
    ("POST", "/api/invitations", _NEW, (401, 403, 403, 201, 403)),
    ("GET", "/api/tokens", None, (401, 403, 403, 200, 403)),
    ("POST", "/api/tokens", {"name": "pump2", "scopes": ["see"]}, (401, 403, 403, 201, 403)),
    ("DELETE", "/api/tokens/999", None, (401, 403, 403, 404, 403)),
    ("GET", "/api/studies/1.2.3/access", None, (401, 403, 403, 404, 403)),
    ("PUT", "/api/studies/1.2.3/access", {"restricted": True}, (401, 403, 403, 404, 403)),
]


@pytest.mark.parametrize(("method", "path", "body", "statuses"), _TABLE, ids=lambda one: str(one)[:40])
def test_each_role_has_its_limits(browser, site, method, path, body, statuses):
    for role, status in zip((None, "viewer", "reader", "admin", "token"), statuses, strict=True):
        client = browser(None if role == "token" else role)
        if role == "token":
            client.headers["Authorization"] = f"Bearer {site.people.tokens.make(SHELL, 'pump', ['see'], 1)}"
        assert client.request(method, path, json=body).status_code == status, role
