"""What a search asks for: from the words of its address to a query of the index (PS3.18 8.3.4 and 10.6)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, final

from fastapi import Request
from pydantic import BaseModel, Field
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from skiagraph.errors import InvalidInput
from skiagraph.server.archive.find import KEYWORDS, Level, Query
from skiagraph.server.people.access import Caller, visible
from skiagraph.server.web.dicomweb.instances import Asked

__all__ = ["MOST", "Common", "Search", "search_of"]

MOST: Final = 1000
"""Matches of one answer."""

_OURS: Final = frozenset({"limit", "offset", "fuzzymatching", "includefield", "accept", "charset"})
_ALL: Final = "all"
_MOST_FIELDS: Final = 200
_LISTED: Final = frozenset({"Modality", "ModalitiesInStudy"})


class Common(BaseModel):
    """What all searches may ask for beside the attributes that match, which are named by keyword or by tag.

    Args:
        limit: How many matches are given, at most 1000; without it all of a study or of a series.
        offset: How many are left out.
        fuzzymatching: Names match by the beginnings of their words.
        includefield: Attributes beside those that are always given, or ``all`` that the index has.
    """

    limit: Annotated[int | None, Field(ge=0)] = None
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    fuzzymatching: bool = False
    includefield: list[str] = []


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search.

    Args:
        query: Of the index.
        study: The study within which it searches; empty for all.
        series: The series within which it searches; empty for all.
        fields: Tags that are asked for beside those that are always given.
        common: What was asked for beside.
    """

    query: Query
    study: str
    series: str
    fields: frozenset[int]
    common: Common

    def page(self, offset: int, limit: int) -> Query:
        """The same query of another page."""
        return dataclasses.replace(self.query, offset=offset, limit=limit)


def search_of(request: Request, caller: Caller, level: Level, asked: Asked | None, common: Common) -> Search:
    """The search that a request asks for.

    Args:
        request: With its parameters.
        caller: Whose studies are searched.
        level: Of the matches.
        asked: The study or series within which it searches; None for all.
        common: What it asks for beside.

    Raises:
        InvalidInput: A parameter that there is not, or that says nothing of its kind.
    """
    attributes: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in _OURS:
            _add(attributes, _keyword(name, level), value)
    within = {
        "StudyInstanceUID": asked.study if asked else "",
        "SeriesInstanceUID": asked.series if asked else "",
    }
    for keyword, uid in within.items():
        if uid and attributes.get(keyword, uid) != uid:
            raise InvalidInput("a search within a study or a series names it once", got="another beside it")
        if uid:
            attributes[keyword] = uid
    return Search(
        query=Query(
            level=level,
            attributes=attributes,
            where=(visible(caller),),
            fuzzy=common.fuzzymatching,
            offset=common.offset,
            limit=max(1, min(MOST if common.limit is None else common.limit, MOST)),
        ),
        study=within["StudyInstanceUID"],
        series=within["SeriesInstanceUID"],
        fields=_fields(common),
        common=common,
    )


def _add(attributes: dict[str, str], keyword: str, value: str) -> None:
    """Values of one attribute that comes several times are a list, where lists are matched."""
    if keyword not in attributes:
        attributes[keyword] = value
    elif keyword.endswith("UID") or keyword in _LISTED:
        attributes[keyword] += f"\\{value}"
    else:
        raise InvalidInput("an attribute is matched once", got=f"{keyword} twice")


def _keyword(name: str, level: Level) -> str:
    tag = _tag(name)
    keyword = "" if tag is None else keyword_for_tag(tag)
    if keyword not in KEYWORDS[level]:
        raise InvalidInput(
            f"a search of {_PLURAL[level]} is by attributes that the index holds",
            got=keyword or "a word that is none of DICOM",
            way_out=f"use {', '.join(KEYWORDS[level])}",
        )
    return keyword


_PLURAL: Final[Mapping[Level, str]] = {"study": "studies", "series": "series", "instance": "instances"}


def _tag(name: str) -> int | None:
    """Of a keyword, or of a tag in hexadecimal; None for others."""
    if len(name) == 8 and name.isascii() and name.isalnum():
        try:
            return int(name, 16)
        except ValueError:
            pass
    return tag_for_keyword(name)


def _fields(common: Common) -> frozenset[int]:
    """Tags, of sequences that of the outermost."""
    words = [word for said in common.includefield for word in said.split(",")]
    if len(words) > _MOST_FIELDS:
        raise InvalidInput(f"at most {_MOST_FIELDS} attributes are asked for", got=str(len(words)))
    found = set()
    for word in words:
        first = word.strip().partition(".")[0]
        if first.lower() == _ALL or not first:
            continue
        tag = _tag(first)
        if tag is None:
            raise InvalidInput("an attribute that is asked for is one of DICOM", got="another word")
        found.add(tag)
    return frozenset(found)
