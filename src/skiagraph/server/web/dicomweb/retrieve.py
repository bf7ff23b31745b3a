"""WADO-RS: objects, their headers, their frames and their bulk data (PS3.18 10.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from skiagraph.server.people.access import Caller
from skiagraph.server.site import Site
from skiagraph.server.web.dicomweb import dicom_json
from skiagraph.server.web.dicomweb.accept import (
    EXPLICIT,
    OCTETS,
    check_json,
    objects_wanted,
    pixels_wanted,
    plain_wanted,
)
from skiagraph.server.web.dicomweb.door import Uid, Who, answers, base_of, place_of, router_of
from skiagraph.server.web.dicomweb.frames import as_stored, chosen, labelled, pieces_at
from skiagraph.server.web.dicomweb.instances import Asked, Stored, count_of, header_of, stored_at, together
from skiagraph.server.web.dicomweb.sending import Part, Piece, Span, answered, in_parts, tag_of
from skiagraph.server.web.dicomweb.transcode import check_transcodable, transcoded
from skiagraph.server.web.guard import needs, site_of

__all__ = ["router"]

router = router_of("DICOMweb: retrieve")

_DICOM: Final = "application/dicom"
_JSON: Final = "application/dicom+json"
_SEE: Final = [needs("see")]
_OBJECTS: Final = answers("multipart/related", _DICOM, _206="A range of it.")
_HEADERS: Final = answers(_JSON)
_BYTES: Final = answers("multipart/related", OCTETS, _206="A range of it.", _416="A range behind the end.")


@router.get("/studies/{study}", dependencies=_SEE, response_class=Response, responses=_OBJECTS)
def study(request: Request, caller: Who, study: Uid) -> Response:
    """All objects of a study."""
    return _objects(request, caller, Asked(study=study))


@router.get(
    "/studies/{study}/series/{series}", dependencies=_SEE, response_class=Response, responses=_OBJECTS
)
def series(request: Request, caller: Who, study: Uid, series: Uid) -> Response:
    """All objects of a series."""
    return _objects(request, caller, Asked(study=study, series=series))


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}",
    dependencies=_SEE,
    response_class=Response,
    responses=_OBJECTS,
)
def instance(request: Request, caller: Who, study: Uid, series: Uid, instance: Uid) -> Response:
    """One object."""
    return _objects(request, caller, Asked(study=study, series=series, instance=instance))


@router.get("/studies/{study}/metadata", dependencies=_SEE, response_class=Response, responses=_HEADERS)
def study_metadata(request: Request, caller: Who, study: Uid) -> Response:
    """The headers of all objects of a study."""
    return _metadata(request, caller, Asked(study=study))


@router.get(
    "/studies/{study}/series/{series}/metadata",
    dependencies=_SEE,
    response_class=Response,
    responses=_HEADERS,
)
def series_metadata(request: Request, caller: Who, study: Uid, series: Uid) -> Response:
    """The headers of all objects of a series."""
    return _metadata(request, caller, Asked(study=study, series=series))


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}/metadata",
    dependencies=_SEE,
    response_class=Response,
    responses=_HEADERS,
)
def instance_metadata(request: Request, caller: Who, study: Uid, series: Uid, instance: Uid) -> Response:
    """The header of one object."""
    return _metadata(request, caller, Asked(study=study, series=series, instance=instance))


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
    dependencies=_SEE,
    response_class=Response,
    responses=_BYTES,
)
def frames(request: Request, caller: Who, study: Uid, series: Uid, instance: Uid, frames: str) -> Response:
    """Frames of an object, by their numbers from 1 with commas between them."""
    site, numbers = site_of(request), chosen(frames)
    (one,) = _looked_at(request, caller, Asked(study=study, series=series, instance=instance))
    wanted = pixels_wanted(request, one.syntax, single=len(numbers) == 1)
    tag = tag_of(one.digest, frames, wanted.media, wanted.syntax, str(wanted.parts))
    found = pieces_at(site, one, wanted, numbers)
    if not wanted.parts:
        return answered(request, site.files, found[0], labelled(wanted), tag)
    place = place_of(base_of(request), study, series, instance)
    parts = [
        Part(media=labelled(wanted), pieces=pieces, place=f"{place}/frames/{number + 1}")
        for number, pieces in zip(numbers, found, strict=True)
    ]
    return answered(request, site.files, *in_parts(parts, wanted.media, tag), tag)


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{element:path}",
    dependencies=_SEE,
    response_class=Response,
    responses=_BYTES,
)
def bulkdata(request: Request, caller: Who, study: Uid, series: Uid, instance: Uid, element: str) -> Response:
    """The bytes of one element, as the metadata name it; of pixels, all frames in their own coding."""
    site = site_of(request)
    (one,) = _looked_at(request, caller, Asked(study=study, series=series, instance=instance))
    tag = tag_of(one.digest, element, request.headers.get("accept", ""))
    header = header_of(site.files, one)
    place = f"{place_of(base_of(request), study, series, instance)}/bulkdata/{element}"
    if element == dicom_json.pixel_tag(header):
        return _all_pixels(request, site, one, count_of(header), place)
    parts = plain_wanted(request)
    data = dicom_json.bytes_at(header, element)
    if not parts:
        return answered(request, site.files, [data], OCTETS, tag)
    body = in_parts([Part(media=OCTETS, pieces=[data], place=place)], OCTETS, tag)
    return answered(request, site.files, *body, tag)


def _all_pixels(request: Request, site: Site, one: Stored, count: int, place: str) -> Response:
    """Native pixels are one piece; those that are coded are a part a frame."""
    wanted = as_stored(one.syntax)
    flat = wanted.syntax == EXPLICIT
    film = wanted.media.startswith("video/")
    numbers = range(1) if film else range(count)
    tag = tag_of(one.digest, place, request.headers.get("accept", ""))
    parted = plain_wanted(request) if flat else True
    pieces = pieces_at(site, one, wanted, numbers)
    contents = [[piece for frame in pieces for piece in frame]] if flat else pieces
    if not parted:
        return answered(request, site.files, contents[0], OCTETS, tag)
    parts = [Part(media=labelled(wanted), pieces=content, place=place) for content in contents]
    return answered(request, site.files, *in_parts(parts, wanted.media, tag), tag)


def _looked_at(request: Request, caller: Caller, asked: Asked) -> list[Stored]:
    """The instances behind a path; that they were looked at stands in the audit trail."""
    site = site_of(request)
    found = stored_at(site, caller, asked)
    site.looks.record("study looked at", caller.name, study=asked.study, address=caller.address)
    return found


def _objects(request: Request, caller: Caller, asked: Asked) -> Response:
    site = site_of(request)
    wanted = objects_wanted(request, single=bool(asked.instance))
    found = stored_at(site, caller, asked)
    syntaxes = [wanted.syntax_for(one.syntax) for one in found]
    for one, syntax in zip(found, syntaxes, strict=True):
        if syntax != one.syntax:
            check_transcodable(one)
    record = site.looks.record if asked.instance else site.audit.record
    detail = "one by one by DICOMweb" if asked.instance else f"{len(found)} by DICOMweb"
    record("images sent", caller.name, study=asked.study, address=caller.address, detail=detail)
    tag = tag_of(together(found), *sorted(set(syntaxes)), str(wanted.parts))
    bodies = [_file(site, one, syntax) for one, syntax in zip(found, syntaxes, strict=True)]
    if not wanted.parts:
        return answered(request, site.files, [bodies[0]], f"{_DICOM}; transfer-syntax={syntaxes[0]}", tag)
    base = base_of(request)
    parts = (
        Part(
            media=f"{_DICOM}; transfer-syntax={syntax}",
            pieces=[body],
            place=place_of(base, one.study, one.series, one.uid),
        )
        for one, syntax, body in zip(found, syntaxes, bodies, strict=True)
    )
    return answered(request, site.files, *in_parts(parts, _DICOM, tag), tag)


def _file(site: Site, one: Stored, syntax: str) -> Piece:
    if syntax == one.syntax:
        return Span(digest=one.digest, begin=0, size=one.size)
    return partial(transcoded, site, one)


def _metadata(request: Request, caller: Caller, asked: Asked) -> Response:
    check_json(request)
    found = _looked_at(request, caller, asked)
    base = base_of(request)
    pieces = [partial(_json, site_of(request), base, found)]
    return answered(request, site_of(request).files, pieces, _JSON, tag_of(together(found), base, "metadata"))


def _json(site: Site, base: str, found: Sequence[Stored]) -> Iterator[bytes]:
    """An array of headers, one after the other."""
    sign = b"["
    for one in found:
        begin = f"{place_of(base, one.study, one.series, one.uid)}/bulkdata/"
        yield sign + dicom_json.text(dicom_json.as_json(header_of(site.files, one), begin.__add__))
        sign = b","
    yield b"]"
