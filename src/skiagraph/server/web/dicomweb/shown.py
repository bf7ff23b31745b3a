"""Pictures for people: rendered frames and thumbnails (PS3.18 10.4.1.1.3 and 10.4.1.1.5)."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from skiagraph.errors import InvalidInput
from skiagraph.server.people.access import Caller
from skiagraph.server.web.dicomweb.door import Uid, Who, answers, router_of
from skiagraph.server.web.dicomweb.frames import chosen
from skiagraph.server.web.dicomweb.instances import Asked, middle_of, stored_at
from skiagraph.server.web.dicomweb.rendering import JPEG, PNG, look_of, rendered, small
from skiagraph.server.web.dicomweb.sending import answered, tag_of
from skiagraph.server.web.guard import needs, site_of

__all__ = ["router"]

router = router_of("DICOMweb: show")

_SEE: Final = [needs("see")]
_PICTURE: Final = answers(JPEG, PNG)
_INSTANCE: Final = "/studies/{study}/series/{series}/instances/{instance}"


@router.get(f"{_INSTANCE}/rendered", dependencies=_SEE, response_class=Response, responses=_PICTURE)
def instance_rendered(request: Request, caller: Who, study: Uid, series: Uid, instance: Uid) -> Response:
    """An object as a picture: its only frame, or the one in the middle.

    Parameters are ``window`` (center,width,function), ``viewport`` (width,height) and ``quality``.
    """
    return _picture(request, caller, Asked(study=study, series=series, instance=instance))


@router.get(
    f"{_INSTANCE}/frames/{{frames}}/rendered",
    dependencies=_SEE,
    response_class=Response,
    responses=_PICTURE,
)
def frame_rendered(
    request: Request, caller: Who, study: Uid, series: Uid, instance: Uid, frames: str
) -> Response:
    """A frame as a picture."""
    return _picture(request, caller, Asked(study=study, series=series, instance=instance), frames=frames)


@router.get("/studies/{study}/thumbnail", dependencies=_SEE, response_class=Response, responses=_PICTURE)
def study_thumbnail(request: Request, caller: Who, study: Uid) -> Response:
    """A small picture that stands for a study."""
    return _picture(request, caller, Asked(study=study), thumbnail=True)


@router.get(
    "/studies/{study}/series/{series}/thumbnail",
    dependencies=_SEE,
    response_class=Response,
    responses=_PICTURE,
)
def series_thumbnail(request: Request, caller: Who, study: Uid, series: Uid) -> Response:
    """A small picture that stands for a series."""
    return _picture(request, caller, Asked(study=study, series=series), thumbnail=True)


@router.get(f"{_INSTANCE}/thumbnail", dependencies=_SEE, response_class=Response, responses=_PICTURE)
def instance_thumbnail(request: Request, caller: Who, study: Uid, series: Uid, instance: Uid) -> Response:
    """A small picture of an object."""
    return _picture(request, caller, Asked(study=study, series=series, instance=instance), thumbnail=True)


@router.get(
    f"{_INSTANCE}/frames/{{frames}}/thumbnail",
    dependencies=_SEE,
    response_class=Response,
    responses=_PICTURE,
)
def frame_thumbnail(
    request: Request, caller: Who, study: Uid, series: Uid, instance: Uid, frames: str
) -> Response:
    """A small picture of a frame."""
    asked = Asked(study=study, series=series, instance=instance)
    return _picture(request, caller, asked, frames=frames, thumbnail=True)


def _picture(
    request: Request, caller: Caller, asked: Asked, *, frames: str = "", thumbnail: bool = False
) -> Response:
    site, look = site_of(request), look_of(request)
    look = small(look) if thumbnail else look
    numbers = chosen(frames) if frames else ()
    if len(numbers) > 1:
        raise InvalidInput("one frame at a time is shown", got=str(len(numbers)))
    one = middle_of(stored_at(site, caller, asked))
    site.looks.record("study looked at", caller.name, study=asked.study, address=caller.address)
    data = rendered(site, one, numbers[0] if numbers else None, look)
    return answered(request, site.files, [data], look.media, tag_of(one.digest, frames, repr(look)))
