"""What all routes of DICOMweb share: paths of UIDs, who asks, addresses of ours, and 400 for what is not understood."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from skiagraph.errors import InvalidInput
from skiagraph.server.people.access import Caller
from skiagraph.server.web.guard import caller_of, site_of
from skiagraph.server.web.problems import (
    NotAcceptable,
    NotInRange,
    NotSpoken,
    problem,
)

__all__ = ["PREFIX", "Uid", "Who", "answers", "base_of", "place_of", "router_of"]

PREFIX: Final = "/dicom-web"
_PORTS: Final = {"http": 80, "https": 443}
_UID: Final = r"^[0-9]+(\.[0-9]+)*$"

Who = Annotated[Caller, Depends(caller_of)]
Uid = Annotated[str, Path(pattern=_UID, max_length=64)]


class _Route(APIRoute):
    """Answers 400 where a request cannot be understood, as PS3.18 8.5 has it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Around what the framework made of the route."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except (NotAcceptable, NotSpoken, NotInRange):
                raise
            except InvalidInput as error:
                return problem(error, 400)
            except RequestValidationError as error:
                return problem(InvalidInput("a request is as described", got=_where(error)), 400)

        return answered


def router_of(name: str) -> APIRouter:
    """A router of DICOMweb.

    Args:
        name: Of the group that its routes stand in.
    """
    return APIRouter(prefix=PREFIX, tags=[name], route_class=_Route)


def answers(*media: str, **more: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers, for its description.

    Args:
        media: Content types of what it gives.
        more: Further statuses, with a ``_`` before the number, in words.
    """
    said: dict[int | str, dict[str, Any]] = {
        200: {"content": {one: {"schema": {}} for one in media}, "description": "What was asked for."},
        400: _problem("It cannot be understood."),
        404: _problem("There is no such thing, or not for who asks."),
        406: _problem("The client takes nothing that there is."),
    }
    for status, words in more.items():
        number = int(status.removeprefix("_"))
        said[number] = _problem(words) if number >= 400 else {"description": words}
    return said


def _problem(words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {"application/problem+json": {"schema": schema}}}


def base_of(request: Request) -> str:
    """Where our DICOMweb begins, for whoever asked; some clients leave our port out when they name us."""
    host, server = request.headers["host"], request.scope.get("server")
    usual = _PORTS[request.url.scheme]
    named = ":" in host.rpartition("]")[2]
    if not named and server and server[1] not in (None, usual) and not site_of(request).settings.behind_proxy:
        host = f"{host}:{server[1]}"
    return f"{request.url.scheme}://{host}{PREFIX}"


def place_of(base: str, study: str, series: str = "", instance: str = "") -> str:
    """The address of a study, a series or an instance."""
    found = f"{base}/studies/{study}"
    found += f"/series/{series}" if series else ""
    return found + (f"/instances/{instance}" if instance else "")


def _where(error: RequestValidationError) -> str:
    first: Mapping[str, Any] = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {str(first['msg']).lower()}"
