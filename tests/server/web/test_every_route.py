"""All routes: each asks for exactly one permission, nobody reaches more than the door, and each role its part."""

import io
import re
from fnmatch import fnmatchcase

import pytest
from fastapi.routing import APIRoute
from pydicom import dcmread
from starlette.websockets import WebSocketDisconnect

from skiagraph.server.archive.admission import Admission
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


ROLES = {
    # what is asked for   viewer reader admin
    "see": (True, True, True),
    "upload": (False, True, True),
    "report": (False, True, False),
    "sign": (False, True, False),
    "manage": (False, False, True),
    "audit": (False, False, True),
}
"""What each role may."""

ASKS = [
    ("* /api/me*", "any"),
    ("POST /api/sign-out", "any"),
    ("GET /api/openapi.json", "any"),
    ("* /api/users*", "manage"),
    ("* /api/invitations", "manage"),
    ("* /api/tokens*", "manage"),
    ("* /api/studies/*/access", "manage"),
    ("* /api/routes*", "manage"),
    ("GET /api/studies/*/routes", "manage"),
    ("* /api/deliveries*", "manage"),
    ("POST /api/studies/*/deliveries/again", "manage"),
    ("DELETE /api/studies/*", "manage"),
    ("GET /metrics", "audit"),
    ("GET /api/audit*", "audit"),
    ("POST /api/uploads", "upload"),
    ("POST /dicom-web/studies*", "upload"),
    ("POST /api/studies/*/reports/*/sign", "sign"),
    ("POST /api/studies/*/reports/*/amend", "sign"),
    ("PUT /api/studies/*/reports/*", "report"),
    ("PATCH /api/studies/*", "report"),
    ("POST /api/studies/*/read-anew", "report"),
    ("GET /api/*", "see"),
    ("GET /dicom-web/*", "see"),
]
"""What each route asks for; the first that fits counts."""


BODIES = {
    "PATCH": {"priority": 1},
    "PUT": {"version": 1, "readings": []},
    "sign": {"version": 1},
    "amend": {"version": 1, "readings": [], "reason": "a slip"},
}
"""What some of them take: by the end of the path, or by the method."""


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


def test_each_role_may_what_the_table_says():
    assert set(ROLES) == set(PERMISSIONS)
    for permission, roles in ROLES.items():
        assert tuple(permission in MAY[role] for role in ("viewer", "reader", "admin")) == roles
    assert not MAY["service"]


def test_each_route_asks_for_what_the_table_says():
    for method, path, permission in ASKED:
        if permission != "public":
            said = [asked for pattern, asked in ASKS if fnmatchcase(f"{method} {path}", pattern)]
            assert said[:1] == [permission], f"{method} {path}"


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


def test_a_restricted_study_is_not_there_for_those_who_are_not_named(browser, site, head):
    """Sent to every route of studies: it is answered as one that there is not."""
    uid, file = head(1)
    header = dcmread(io.BytesIO(file), stop_before_pixels=True)
    site.intake.take([file])
    Admission(site).step()
    reader = browser("reader")
    named = {"uid": uid, "study": uid, "series": header.SeriesInstanceUID, "instance": header.SOPInstanceUID}
    named |= {"frames": "1", "version": "1", "identifier": "1.2.3", "element:path": "x"}
    asked = [
        (method, re.sub(r"\{([^}]+)\}", lambda found: str(named.get(found[1], "1")), path))
        for method, path, permission in ASKED
        if permission in MAY["reader"] and re.search(r"\{(uid|study)\}", path)
    ]
    open_to = [
        method + path for method, path in asked if method == "GET" and reader.get(path).status_code == 200
    ]
    assert len(open_to) > 10
    site.people.grants.put(SHELL, uid, restricted=True, people=[])
    for method, path in asked:
        answer = reader.request(method, path, json=BODIES.get(path.rpartition("/")[2], BODIES.get(method)))
        status = 415 if path.startswith("/dicom-web") and method == "POST" else 404
        assert answer.status_code == status, (method, path)
    assert uid not in reader.get("/api/studies").text
    assert uid not in reader.get("/dicom-web/studies").text
    assert uid not in reader.get("/dicom-web/instances").text
