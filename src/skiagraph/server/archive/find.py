"""Which studies, series and instances match: the rules of DICOM queries as conditions of the database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from skiagraph.errors import InvalidInput
from skiagraph.server.tables import Instance, Series, Study

__all__ = ["KEYWORDS", "Found", "Level", "Query", "count", "find", "folded", "matching"]

Level = Literal["study", "series", "instance"]

_Column = InstrumentedAttribute[Any]
_Rule = Callable[[_Column, str], ColumnElement[bool]]

_ESCAPE: Final = "!"
_MOST_VALUES: Final = 1000  # of one list
_LONGEST: Final = 1024  # characters of one value but for lists of UIDs
_LIMIT: Final = 1000  # rows of one page
_DATE: Final = re.compile(r"\d{8}")
_TIME: Final = re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?")
_NUMBER: Final = re.compile(r"[+-]?\d{1,9}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LISTED: Final = re.compile(r"[\\,]")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One match.

    Args:
        study: Its study.
        series: Its series; None for a study.
        instance: Itself, if it is an instance.
    """

    study: Study
    series: Series | None = None
    instance: Instance | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    r"""What is asked for.

    Args:
        level: Of the matches.
        attributes: Values to match by keyword of DICOM, those of higher levels too. An empty value matches everything;
            UIDs and modalities may be lists (``\`` or a comma between them); ``*`` and ``?`` stand for any characters
            and for any one; dates and times may be ranges (``20260101-``, ``-1200``); names of persons match without
            regard to case and accents, in any of their spellings.
        where: Further conditions, of which rows whoever asks may see.
        fuzzy: Names match by their words: each word of the value begins a word of the name.
        order: Keywords to sort by, with ``-`` before one that falls; () for the newest study first, and for the numbers
            of series and instances.
        offset: Matches to leave out.
        limit: How many to give, at most 1000.

    Raises:
        InvalidInput: A keyword that is not in `KEYWORDS`, or a number out of range.

    Source: DICOM PS3.4 C.2.2.2.
    """

    level: Level
    attributes: Mapping[str, str]
    where: tuple[ColumnElement[bool], ...] = ()
    fuzzy: bool = False
    order: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 100

    def __post_init__(self) -> None:
        for keyword in (*self.attributes, *(word.removeprefix("-") for word in self.order)):
            if keyword not in KEYWORDS[self.level]:
                raise InvalidInput(
                    f"matching of a {self.level} is by a keyword that the index holds",
                    got=f"{len(keyword)} characters that are another"
                    if not keyword.isalnum()
                    else keyword[:64],
                    way_out=f"one of {', '.join(KEYWORDS[self.level])}",
                )
        if not 0 <= self.offset < 2**31 or not 1 <= self.limit <= _LIMIT:
            raise InvalidInput(
                f"a page begins at 0 or later and has 1 to {_LIMIT} rows",
                got=f"{self.offset} and {self.limit}",
            )


def find(session: Session, query: Query) -> list[Found]:
    """One page of the matches.

    Args:
        session: That reads.
        query: What is asked for.

    Raises:
        InvalidInput: A value that is none of its kind.
    """
    asked = _joined(select(*_TABLES[query.level]), query.level).where(matching(query))
    asked = asked.order_by(*_ordered(query)).offset(query.offset).limit(query.limit)
    names = ("study", "series", "instance")
    return [Found(**dict(zip(names, row, strict=False))) for row in session.execute(asked)]


def count(session: Session, query: Query) -> int:
    """How many match, on all pages together.

    Raises:
        InvalidInput: As `find`.
    """
    return session.scalar(_joined(select(func.count()), query.level).where(matching(query))) or 0


def matching(query: Query) -> ColumnElement[bool]:
    """The conditions of a query.

    Raises:
        InvalidInput: As `find`.
    """
    conditions = list(query.where)
    for keyword, said in query.attributes.items():
        value = said.strip(" \0")
        if (len(value) > _LONGEST and not keyword.endswith("UID")) or _CONTROL.search(value):
            raise InvalidInput(
                f"a value to match is at most {_LONGEST} printable characters", got=f"{len(value)}, or others"
            )
        column, rule = KEYWORDS[query.level][keyword]
        if value.strip("*"):
            conditions.append((_words if query.fuzzy and rule is _name else rule)(column, value))
    return and_(true(), *conditions)


def folded(name: str) -> str:
    """A person's name as it is searched: without case and accents, each spelling between ``=``."""
    groups = [group.strip().rstrip("^").strip() for group in _plain(name).split("=")]
    return f"={'='.join(group for group in groups if group)}="


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


def _joined(asked: Select[Any], level: Level) -> Select[Any]:
    asked = asked.select_from(_TABLES[level][-1])
    if level == "instance":
        asked = asked.join(Series, Instance.series_id == Series.id)
    return asked if level == "study" else asked.join(Study, Series.study_id == Study.id)


def _ordered(query: Query) -> Sequence[ColumnElement[Any]]:
    last = _TABLES[query.level][-1].id
    if not query.order:
        return _DEFAULT[query.level]
    columns = [(KEYWORDS[query.level][word.removeprefix("-")][0], word[0] == "-") for word in query.order]
    return [*(column.desc() if falls else column.asc() for column, falls in columns), last.asc()]


def _like(pattern: str) -> str:
    """The pattern of a LIKE for one of DICOM."""
    for sign in (_ESCAPE, "%", "_"):
        pattern = pattern.replace(sign, _ESCAPE + sign)
    return pattern.replace("*", "%").replace("?", "_")


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value


def _text(column: _Column, value: str) -> ColumnElement[bool]:
    return column.like(_like(value), escape=_ESCAPE) if _is_pattern(value) else column == value


def _uid(column: _Column, value: str) -> ColumnElement[bool]:
    return column.in_(_list(value))


def _code(column: _Column, value: str) -> ColumnElement[bool]:
    return or_(*(_text(column, one) for one in _list(value)))


def _modalities(column: _Column, value: str) -> ColumnElement[bool]:
    return or_(*(column.like(f"%\\{_like(one)}\\%", escape=_ESCAPE) for one in _list(value)))


def _name(column: _Column, value: str) -> ColumnElement[bool]:
    plain = _plain(value).rstrip("^").replace("=", "*=*" if _is_pattern(value) else "=")
    return column.like(f"%={_like(plain)}=%", escape=_ESCAPE)


def _words(column: _Column, value: str) -> ColumnElement[bool]:
    words = [word for word in re.split(r"[\s^=,*?]+", _plain(value)) if word]
    begins = [
        [column.like(f"%{before}{_like(word)}%", escape=_ESCAPE) for before in "=^ -"] for word in words
    ]
    return and_(true(), *(or_(*ways) for ways in begins))


def _number(column: _Column, value: str) -> ColumnElement[bool]:
    if not _NUMBER.fullmatch(value):
        raise InvalidInput("a number to match is whole", got=f"{len(value)} characters that are none")
    return column == int(value)


def _date(column: _Column, value: str) -> ColumnElement[bool]:
    return _range(column, value, _DATE, "YYYYMMDD")


def _time(column: _Column, value: str) -> ColumnElement[bool]:
    return _range(column, value, _TIME, "HHMMSS.FFFFFF")


def _range(column: _Column, value: str, form: re.Pattern[str], said: str) -> ColumnElement[bool]:
    low, dash, high = value.partition("-")
    low, high = low.strip(), high.strip()
    if not (low or high) or any(end and not form.fullmatch(end) for end in (low, high)):
        raise InvalidInput(
            f"a value to match is {said}, or a range of two with - between them", got="another"
        )
    if form is _TIME:
        low, high = (end and end.ljust(6, "0") for end in (low, high))
    if not dash:
        return column == low
    ends = [column != ""]
    if low:
        ends.append(column >= low)
    if high:
        ends.append(column <= high)
    return and_(*ends)


def _list(value: str) -> list[str]:
    values = [one.strip() for one in _LISTED.split(value) if one.strip()]
    if not 1 <= len(values) <= _MOST_VALUES:
        raise InvalidInput(f"a list to match has 1 to {_MOST_VALUES} values", got=str(len(values)))
    return values


_STUDY: Final[Mapping[str, tuple[Any, _Rule]]] = {
    "StudyInstanceUID": (Study.uid, _uid),
    "PatientID": (Study.patient_id, _text),
    "PatientName": (Study.folded, _name),
    "PatientBirthDate": (Study.birth_date, _date),
    "PatientSex": (Study.sex, _code),
    "StudyDate": (Study.date, _date),
    "StudyTime": (Study.time, _time),
    "StudyID": (Study.number, _text),
    "AccessionNumber": (Study.accession, _text),
    "StudyDescription": (Study.description, _text),
    "ReferringPhysicianName": (Study.referring_folded, _name),
    "InstitutionName": (Study.institution, _text),
    "ModalitiesInStudy": (Study.modalities, _modalities),
}
_SERIES: Final[Mapping[str, tuple[Any, _Rule]]] = {
    "SeriesInstanceUID": (Series.uid, _uid),
    "Modality": (Series.modality, _code),
    "SeriesNumber": (Series.number, _number),
    "SeriesDescription": (Series.description, _text),
    "BodyPartExamined": (Series.body_part, _code),
    "SeriesDate": (Series.date, _date),
    "SeriesTime": (Series.time, _time),
    "StationName": (Series.station, _text),
}
_INSTANCE: Final[Mapping[str, tuple[Any, _Rule]]] = {
    "SOPInstanceUID": (Instance.uid, _uid),
    "SOPClassUID": (Instance.sop_class, _uid),
    "InstanceNumber": (Instance.number, _number),
    "NumberOfFrames": (Instance.frames, _number),
    "Rows": (Instance.rows, _number),
    "Columns": (Instance.columns, _number),
}

KEYWORDS: Final[Mapping[Level, Mapping[str, tuple[Any, _Rule]]]] = MappingProxyType(
    {
        "study": MappingProxyType({**_STUDY}),
        "series": MappingProxyType({**_STUDY, **_SERIES}),
        "instance": MappingProxyType({**_STUDY, **_SERIES, **_INSTANCE}),
    }
)
"""By what each level is matched and sorted."""

_TABLES: Final[Mapping[Level, tuple[Any, ...]]] = {
    "study": (Study,),
    "series": (Study, Series),
    "instance": (Study, Series, Instance),
}
_DEFAULT: Final[Mapping[Level, tuple[Any, ...]]] = {
    "study": (Study.date.desc(), Study.time.desc(), Study.id.desc()),
    "series": (Series.study_id, Series.number, Series.id),
    "instance": (Instance.series_id, Instance.number, Instance.id),
}
