"""What the server answers, described for programs (OpenAPI 3.1): the routes, who may ask, and how it says no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from skiagraph.server.web.guard import PUBLIC, needs, permissions_of
from skiagraph.server.web.problems import Problem
from skiagraph.version import __version__

__all__ = ["described", "router"]

router = APIRouter(prefix="/api", tags=["description"])

_TITLE: Final = "Skiagraph"
_TYPE: Final = "application/problem+json"
_WAYS: Final[list[dict[str, list[str]]]] = [{"token": []}, {"session": []}]
_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token of a service."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "skiagraph",
        "description": "A session, begun by POST /api/sign-in. Whatever is not GET shows `csrf` of GET /api/me in "
        "X-CSRF-Token. Over TLS the cookie is called __Host-skiagraph.",
    },
}
_ABOUT: Final = (
    "Studies in, findings out. Every answer that says no is a problem (RFC 9457), one sentence with the rule, what "
    "came and the way out. Drafts are for research and teaching; not a medical device."
)


@router.get("/openapi.json", dependencies=[needs("any")])
def openapi(request: Request) -> dict[str, Any]:
    """This description."""
    app: FastAPI = request.app
    return app.openapi()


def described(routes: Sequence[APIRoute]) -> dict[str, Any]:
    """The description of routes: each with the permission that it asks for, and all its refusals as problems.

    Args:
        routes: All of them.
    """
    shown = [one for one in routes if one.include_in_schema]
    found = get_openapi(title=_TITLE, version=__version__, description=_ABOUT, routes=shown)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    found["components"]["securitySchemes"] = dict(_SCHEMES)
    for route in shown:
        for method in route.methods or ():
            _describe(found["paths"][route.path_format][method.lower()], permissions_of(route)[0])
    return found


def _describe(operation: dict[str, Any], permission: str) -> None:
    """Adds who may ask, and what is answered to others."""
    words = operation.get("description", "")
    operation["summary"] = words.partition("\n")[0]
    operation["x-permission"] = permission
    operation["security"] = [] if permission == PUBLIC else _WAYS
    answers = operation["responses"]
    answers.pop("422", None)
    for status, words in _refusals(operation, permission):
        answers.setdefault(status, _problem(words))


def _refusals(operation: dict[str, Any], permission: str) -> Iterator[tuple[str, str]]:
    if permission != PUBLIC:
        yield "401", "Nobody is signed in, or not any more."
        yield "403", "Not with these permissions, or without the token of the session."
    if any(one["in"] == "path" for one in operation.get("parameters", ())):
        yield "404", "There is none of this name, or none that the caller sees."
    if operation.get("parameters") or "requestBody" in operation:
        yield "422", "What came is not as described."
    yield (
        "default",
        "Another problem: 408 too slow, 409 not now, 413 too much, 429 too often, 503 no database.",
    )


def _problem(words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {_TYPE: {"schema": schema}}}
