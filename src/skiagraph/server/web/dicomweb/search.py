"""QIDO-RS: studies, series and instances that match (PS3.18 10.6)."""

from __future__ import annotations

import os
from typing import Annotated, Any, Final

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from skiagraph.io.dicom.scan import scan_stream
from skiagraph.server.archive.find import Found, Level, count, find
from skiagraph.server.people.access import Caller
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance, Series
from skiagraph.server.web.dicomweb import dicom_json
from skiagraph.server.web.dicomweb.accept import check_json
from skiagraph.server.web.dicomweb.asking import Common, Search, search_of
from skiagraph.server.web.dicomweb.door import Uid, Who, answers, base_of, router_of
from skiagraph.server.web.dicomweb.instances import Asked, check_there
from skiagraph.server.web.dicomweb.rows import row
from skiagraph.server.web.guard import needs, site_of

__all__ = ["router"]

router = router_of("DICOMweb: search")

_JSON: Final = "application/dicom+json"
_SEE: Final = [needs("see")]
_MATCHES: Final = answers(_JSON, _204="Nothing matches.")
_WORDS: Final = '299 skiagraph "names were matched by the beginnings of their words, and not by their sound"'
_MOST_WITHIN: Final = 50_000  # matches within one study where no limit is named

_Common = Annotated[Common, Query()]


@router.get("/studies", dependencies=_SEE, response_class=Response, responses=_MATCHES)
def studies(request: Request, caller: Who, common: _Common) -> Response:
    """Studies that match attributes, each named by its keyword or its tag."""
    return _found(request, caller, "study", None, common)


@router.get("/series", dependencies=_SEE, response_class=Response, responses=_MATCHES)
def all_series(request: Request, caller: Who, common: _Common) -> Response:
    """Series of any study that match."""
    return _found(request, caller, "series", None, common)


@router.get("/instances", dependencies=_SEE, response_class=Response, responses=_MATCHES)
def all_instances(request: Request, caller: Who, common: _Common) -> Response:
    """Instances of any study that match."""
    return _found(request, caller, "instance", None, common)


@router.get("/studies/{study}/series", dependencies=_SEE, response_class=Response, responses=_MATCHES)
def series(request: Request, caller: Who, study: Uid, common: _Common) -> Response:
    """Series of a study that match."""
    return _found(request, caller, "series", Asked(study=study), common)


@router.get("/studies/{study}/instances", dependencies=_SEE, response_class=Response, responses=_MATCHES)
def study_instances(request: Request, caller: Who, study: Uid, common: _Common) -> Response:
    """Instances of a study that match."""
    return _found(request, caller, "instance", Asked(study=study), common)


@router.get(
    "/studies/{study}/series/{series}/instances",
    dependencies=_SEE,
    response_class=Response,
    responses=_MATCHES,
)
def instances(request: Request, caller: Who, study: Uid, series: Uid, common: _Common) -> Response:
    """Instances of a series that match."""
    return _found(request, caller, "instance", Asked(study=study, series=series), common)


def _found(request: Request, caller: Caller, level: Level, asked: Asked | None, common: Common) -> Response:
    check_json(request)
    site, search = site_of(request), search_of(request, caller, level, asked, common)
    event = "studies asked for" if asked is None else "study looked at"
    detail = f"{level}: {request.url.query[:1000]}" if asked is None else ""
    within = 0 if asked is None else 2 if asked.series else 1
    base = base_of(request)
    with site.database.reading() as session:
        if asked is not None:
            check_there(session, caller, asked)
        matches = _matches(session, search, within)
        full = len(matches) >= search.query.limit
        total = count(session, search.query) if full else search.query.offset + len(matches)
        files = _digests(session, matches) if search.fields else []
    site.looks.record(event, caller.name, study=search.study, address=caller.address, detail=detail)
    rows = [row(one, base, within=within) for one in matches]
    for digest, said in zip(files, rows, strict=False):
        missing = search.fields - {int(tag, 16) for tag in said}
        if missing and digest:
            said.update(_from_file(site, digest, missing, said, level))
    if common.limit == 0:
        rows = []
    return _answer(request, search, rows, total)


def _matches(session: Session, search: Search, within: int) -> list[Found]:
    """One page; all of a study or a series where no limit is named."""
    matches = find(session, search.query)
    most = search.query.limit
    if within and search.common.limit is None:
        while len(matches) % most == 0 and 0 < len(matches) < _MOST_WITHIN:
            more = find(session, search.page(search.query.offset + len(matches), most))
            if not more:
                break
            matches += more
    return matches


def _answer(request: Request, search: Search, rows: list[dict[str, Any]], total: int) -> Response:
    headers = {"X-Total-Count": str(total)}
    left = total - search.query.offset - len(rows)
    warnings = [_WORDS] if search.common.fuzzymatching else []
    if left > 0 and rows:
        warnings.append(f'299 skiagraph "There are {left} additional results that can be requested"')
        onward = request.url.include_query_params(offset=search.query.offset + len(rows))
        headers["Link"] = f'<{onward.path}?{onward.query}>; rel="next"'
    if warnings:
        headers["Warning"] = ", ".join(warnings)
    if not rows:
        return Response(status_code=204, headers=headers)
    return Response(dicom_json.text(rows), headers=headers, media_type=_JSON)


def _digests(session: Session, matches: list[Found]) -> list[str]:
    """Of a file of each match: itself, or the first of its series or study."""
    found = []
    for one in matches:
        if one.instance is not None:
            found.append(one.instance.digest)
            continue
        wanted = select(Instance.digest).order_by(Instance.id).limit(1)
        if one.series is not None:
            wanted = wanted.where(Instance.series_id == one.series.id)
        else:
            wanted = wanted.join(Series).where(Series.study_id == one.study.id)
        found.append(session.scalar(wanted) or "")
    return found


def _from_file(
    site: Site, digest: str, wanted: frozenset[int], said: dict[str, Any], level: Level
) -> dict[str, Any]:
    """What the index lacks, from the header of a file."""
    with site.files.open(digest) as stream:
        header = scan_stream(stream, "the object", lambda: stream.seek(0, os.SEEK_END))
    place = f"{said['00081190']['Value'][0]}/bulkdata/"
    found = dicom_json.as_json(header, place.__add__, wanted)
    if level == "instance":
        return found
    return {tag: value for tag, value in found.items() if "BulkDataURI" not in value}
