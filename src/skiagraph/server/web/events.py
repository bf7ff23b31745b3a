"""What happens to studies, as it happens: server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from skiagraph.server.database import DatabaseGone
from skiagraph.server.people.access import Caller
from skiagraph.server.site import Site
from skiagraph.server.way import worklist
from skiagraph.server.web.guard import caller_of, needs, site_of

__all__ = ["router"]

router = APIRouter(prefix="/api/events", tags=["studies"])
_Who = Annotated[Caller, Depends(caller_of)]
_LOOK: Final = 0.25  # s
_ALIVE: Final = 15.0  # s between signs of life, so that proxies do not hang up


@router.get(
    "",
    dependencies=[needs("see")],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    request: Request,
    caller: _Who,
    study: str = "",
    after: int | None = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Events of the studies that the caller sees (``text/event-stream``), from now on or after one that is known."""
    site = site_of(request)
    known = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
    if known is None:
        known = await to_thread.run_sync(_last, site)
    stream = _stream(request, site, caller, known, study)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _last(site: Site) -> int:
    with site.database.reading() as session:
        return worklist.last_event(session)


def _after(site: Site, caller: Caller, known: int, study: str) -> list[tuple[int, str, str]]:
    """Number, kind and text of each event."""
    with site.database.reading() as session:
        found = worklist.events_after(session, caller, known, study)
    return [
        (
            event.id,
            event.kind,
            json.dumps({"study": uid, "at": event.at.isoformat(), **event.detail}, ensure_ascii=False),
        )
        for event, uid in found
    ]


async def _stream(request: Request, site: Site, caller: Caller, known: int, study: str) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    silent = 0.0
    while not await request.is_disconnected():
        try:
            found = await to_thread.run_sync(_after, site, caller, known, study)
        except DatabaseGone:
            found = []
        for number, kind, text in found:
            known, silent = number, 0.0
            yield f"id: {number}\nevent: {kind}\ndata: {text}\n\n"
        if silent >= _ALIVE:
            silent = 0.0
            yield ": alive\n\n"
        await anyio.sleep(_LOOK)
        silent += _LOOK
