"""Which models read which studies, and where results go: rules in one readable file, and why each holds or not."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skiagraph.errors import FormatError, InvalidInput

__all__ = [
    "Decision",
    "Described",
    "Priors",
    "Route",
    "SeriesFacts",
    "decided",
    "models_named",
    "routes_of",
    "usual_routes",
]

Result = Literal[
    "segmentation",
    "measurements",
    "report",
    "structures",
    "presentation",
    "capture",
    "key-images",
    "map",
    "image",
]
"""Kinds of results, by the names under which they are exported."""

_ASKED: Final = ("modality", "body_part", "description", "station")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Priors(_Strict):
    """Earlier studies of the same patient that are fetched before a study is read.

    Args:
        peer: Name of the peer of the DICOM node that has them.
        most: How many, the newest first.
        same_modality: Only those of a modality of the study.
        same_body_part: Only those with a series of the body part of the study.
    """

    peer: str
    most: Annotated[int, Field(ge=1, le=20)] = 2
    same_modality: bool = True
    same_body_part: bool = False


class Route(_Strict):
    """A rule. Conditions are patterns of any of which one must fit (``*`` any text, ``?`` a letter; case is ignored).

    Args:
        name: For people.
        modality: Of a series.
        body_part: Of a series (BodyPartExamined).
        description: Of the study or a series.
        station: Of a series (StationName).
        models: That read the series which fit.
        destinations: Where results go, by their names in the settings.
        send: When they go: with the ``"draft"``, once it is ``"signed"``, or never.
        results: Which kinds go.
        priors: What is fetched first.
        priority: Higher is read and listed first.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    modality: tuple[str, ...] = ("*",)
    body_part: tuple[str, ...] = ("*",)
    description: tuple[str, ...] = ("*",)
    station: tuple[str, ...] = ("*",)
    models: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    send: Literal["draft", "signed", "never"] = "signed"
    results: tuple[Result, ...] = ("segmentation", "measurements", "report")
    priors: Priors | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] = 0


class _File(_Strict):
    route: tuple[Route, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """What rules look at in a series.

    Args:
        uid: SeriesInstanceUID.
        modality: Modality.
        body_part: BodyPartExamined.
        description: SeriesDescription.
        station: StationName.
        ours: Whether it holds results of ours, which no model reads.
    """

    uid: str
    modality: str = ""
    body_part: str = ""
    description: str = ""
    station: str = ""
    ours: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What rules look at in a study.

    Args:
        uid: StudyInstanceUID.
        description: StudyDescription.
        series: Its series.
    """

    uid: str
    description: str
    series: tuple[SeriesFacts, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a rule says of a study.

    Args:
        route: The rule.
        series: UIDs of the series that fit; empty where none does.
        why: For each series that does not fit, the first condition that it misses, by its UID.
    """

    route: Route
    series: tuple[str, ...]
    why: Mapping[str, str]


def routes_of(file: Path) -> tuple[Route, ...]:
    """The rules of a file; the usual ones where it is not there.

    Args:
        file: TOML with a table ``[[route]]`` a rule.

    Raises:
        FormatError: No TOML.
        InvalidInput: A rule with a word that there is not, or two of one name.
    """
    if not file.is_file():
        return usual_routes()
    try:
        said: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{file.name} is TOML", got=str(error)) from error
    try:
        routes = _File.model_validate(said).route
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(
            f"{file.name} holds rules as the page of routes says", got=f"{where}: {str(first['msg']).lower()}"
        ) from error
    if len({route.name for route in routes}) != len(routes):
        raise InvalidInput("each rule has a name of its own", got="one twice")
    return routes


def usual_routes() -> tuple[Route, ...]:
    """Without a file: ultrasound is read by the model that ships, and nothing leaves the server."""
    return (
        Route(name="Ultrasound", modality=("US",), models=("fetal-head-ultrasound",), send="never"),
        Route(name="Pictures", modality=("OT", "XC", "SC"), models=("fetal-head-ultrasound",), send="never"),
    )


def decided(routes: Sequence[Route], study: Described) -> tuple[Decision, ...]:
    """What each rule says of a study, in the order of the rules."""
    found = []
    for route in routes:
        why = {one.uid: _missed(route, one, study.description) for one in study.series}
        found.append(
            Decision(
                route=route,
                series=tuple(uid for uid, missed in why.items() if not missed),
                why={uid: missed for uid, missed in why.items() if missed},
            )
        )
    return tuple(found)


def _missed(route: Route, series: SeriesFacts, study: str) -> str:
    """The first condition that a series misses, in words; empty where it fits."""
    if series.ours:
        return "a result of ours"
    for name in _ASKED:
        patterns: tuple[str, ...] = getattr(route, name)
        texts = [getattr(series, name), *([study] if name == "description" else [])]
        if not any(_fits(pattern, text) for pattern in patterns for text in texts):
            said = " and ".join(repr(text) for text in texts)
            return f"{name.replace('_', ' ')} {said} is none of {', '.join(patterns)}"
    return ""


def _fits(pattern: str, text: str) -> bool:
    return fnmatchcase(text.strip().casefold(), pattern.strip().casefold().replace("[", "[[]"))


def models_named(routes: Sequence[Route]) -> Iterator[str]:
    """Each model that a rule names, once."""
    yield from dict.fromkeys(name for route in routes for name in route.models)
