"""STOW-RS: objects that come over HTTP (PS3.18 10.5)."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from skiagraph.server.people.access import Caller
from skiagraph.server.web.dicomweb.accept import check_json
from skiagraph.server.web.dicomweb.dicom_json import text
from skiagraph.server.web.dicomweb.door import Uid, Who, answers, base_of, router_of
from skiagraph.server.web.dicomweb.receiving import receive_parts
from skiagraph.server.web.dicomweb.storing import Storing
from skiagraph.server.web.guard import needs, site_of

__all__ = ["router"]

router = router_of("DICOMweb: store")

_JSON: Final = "application/dicom+json"
_STORE: Final = [needs("upload")]
_ANSWERS: Final = answers(
    _JSON,
    _202="Some were stored, and why others were not.",
    _409="None was stored, and why.",
    _413="More than may come at once.",
    _415="Another kind of body.",
    _507="The disk is full.",
)


@router.post("/studies", dependencies=_STORE, response_class=Response, responses=_ANSWERS)
async def objects(request: Request, caller: Who) -> Response:
    """Stores objects of any study, parts of ``multipart/related; type="application/dicom"``."""
    return await _stored(request, caller, "")


@router.post("/studies/{study}", dependencies=_STORE, response_class=Response, responses=_ANSWERS)
async def objects_of_a_study(request: Request, caller: Who, study: Uid) -> Response:
    """Stores objects of one study; those of others are refused."""
    return await _stored(request, caller, study)


async def _stored(request: Request, caller: Caller, study: str) -> Response:
    check_json(request)
    site = site_of(request)
    storing = Storing(site, caller, study)
    most = site.settings.limits.upload_files
    await receive_parts(request, site.intake.folder, storing.take, most=most)
    said, status = await run_in_threadpool(storing.settled, base_of(request))
    return Response(text(said), status, media_type=_JSON)
