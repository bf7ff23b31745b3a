"""What a client takes: the Accept header of DICOMweb (PS3.18 8.3.3 and 8.7), and what of it we have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, final

from fastapi import Request

from skiagraph.server.web.problems import NotAcceptable

__all__ = [
    "ANY",
    "EXPLICIT",
    "FLAT",
    "NATIVE",
    "OCTETS",
    "Media",
    "Objects",
    "Pixels",
    "accepted",
    "check_json",
    "media_of",
    "objects_wanted",
    "pixels_wanted",
    "plain_wanted",
]

EXPLICIT: Final = "1.2.840.10008.1.2.1"
"""Explicit VR little endian, into which everything can be turned."""

NATIVE: Final = frozenset({"1.2.840.10008.1.2", EXPLICIT})
"""Transfer syntaxes whose pixels lie in the file as they are sent."""

FLAT: Final = NATIVE | {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.840.113619.5.2"}
"""Transfer syntaxes without a coding of pixels: with deflated ones, and ones of big endian."""

ANY: Final = "*"
"""Any transfer syntax."""

OCTETS: Final = "application/octet-stream"
"""Bytes of no further kind."""

_DICOM: Final = "application/dicom"
_PARTS: Final = "multipart/related"
_LONGEST: Final = 8192  # characters of a header
_MOST: Final = 100  # media types in it

_JPEG: Final = "1.2.840.10008.1.2.4."
_MEDIA: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2.840.10008.1.2.5": "image/dicom-rle",
        **{f"{_JPEG}{end}": "image/jpeg" for end in ("50", "51", "53", "55", "57", "70")},
        **{f"{_JPEG}{end}": "image/jls" for end in ("80", "81")},
        **{f"{_JPEG}{end}": "image/jp2" for end in ("90", "91")},
        **{f"{_JPEG}{end}": "image/jpx" for end in ("92", "93")},
        **{f"{_JPEG}{end}": "image/jxl" for end in ("110", "111", "112")},
        **{f"{_JPEG}{end}": "image/jphc" for end in ("201", "202", "203")},
        **{f"{_JPEG}{end}{part}": "video/mpeg2" for end in ("100", "101") for part in ("", ".1")},
        **{
            f"{_JPEG}{end}{part}": "video/mp4"
            for end in ("102", "103", "104", "105", "106")
            for part in ("", ".1")
        },
        **{f"{_JPEG}{end}": "video/H265" for end in ("107", "108")},
    }
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One media type of an Accept header.

    Args:
        kind: In small letters.
        said: Its parameters, names in small letters.
        quality: From 0 to 1.
    """

    kind: str
    said: Mapping[str, str]
    quality: float

    @property
    def syntax(self) -> str:
        """The transfer syntax that it names; empty where it names none."""
        return self.said.get("transfer-syntax", "")

    @property
    def parts(self) -> bool:
        """Whether the answer comes in parts."""
        return self.kind in (_PARTS, "multipart/*", "*/*")

    @property
    def inner(self) -> str:
        """The kind of each part, or of the answer where it has none."""
        return _plain(self.said.get("type", "*/*")) if self.kind == _PARTS else self.kind


def accepted(request: Request) -> tuple[Media, ...]:
    """What a request takes, the most wanted first; the parameter ``accept`` of its address goes before its header.

    Raises:
        NotAcceptable: Longer than any honest one.
    """
    said = request.query_params.get("accept") or ", ".join(request.headers.getlist("accept")) or "*/*"
    listed = _apart(said, ",") if len(said) <= _LONGEST else [""] * (_MOST + 1)
    if len(listed) > _MOST:
        raise NotAcceptable(f"an Accept header has at most {_MOST} media types", got="more")
    found = [_media(one) for one in listed if one.strip()]
    return tuple(sorted((one for one in found if one.quality > 0), key=lambda one: -one.quality))


def check_json(request: Request) -> None:
    """That DICOM JSON is taken, which is what searches, metadata and answers to STOW come in.

    Raises:
        NotAcceptable: It is not; XML is not spoken here.
    """
    fit = ("application/dicom+json", "application/json", "application/*", "*/*")
    taken = accepted(request)
    if not any(one.kind in fit or (one.parts and one.inner in fit) for one in taken):
        raise NotAcceptable(
            "this comes as DICOM JSON", got="an Accept without it", way_out="ask for application/dicom+json"
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """How objects are wanted.

    Args:
        parts: In multipart; else one alone.
        syntaxes: Transfer syntaxes that are taken, ``*`` for any.
    """

    parts: bool
    syntaxes: tuple[str, ...]

    def syntax_for(self, stored: str) -> str:
        """In which transfer syntax one that is stored in another goes out.

        Raises:
            NotAcceptable: In none that we can make.
        """
        if ANY in self.syntaxes or stored in self.syntaxes:
            return stored
        if EXPLICIT in self.syntaxes:
            return EXPLICIT
        raise NotAcceptable(
            "objects go out as they are stored, or in explicit VR little endian",
            got="another transfer syntax",
            way_out="ask for transfer-syntax=*",
        )


def objects_wanted(request: Request, *, single: bool) -> Objects:
    """How objects are wanted (PS3.18 10.4.4): as they are stored where no transfer syntax is named.

    Args:
        request: With its Accept header.
        single: Whether it is one object, which may come alone.

    Raises:
        NotAcceptable: As nothing that we have.
    """
    fit = [
        one
        for one in accepted(request)
        if one.inner in ("*/*", "application/*", _DICOM) and _fits(one, single)
    ]
    if not fit:
        raise NotAcceptable(
            "objects come as application/dicom, several in multipart/related",
            got="an Accept without it",
            way_out='ask for multipart/related; type="application/dicom"',
        )
    parts = fit[0].parts
    return Objects(parts=parts, syntaxes=tuple(one.syntax or ANY for one in fit if one.parts == parts))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How frames are wanted.

    Args:
        parts: In multipart; else one alone.
        stored: As they lie in the file; else decoded, little endian.
        media: Their media type.
        syntax: Their transfer syntax.
    """

    parts: bool
    stored: bool
    media: str
    syntax: str


def pixels_wanted(request: Request, stored: str, *, single: bool) -> Pixels:
    """How frames are wanted (PS3.18 10.4.4, 8.7.3): in their own coding for ``*``, decoded for plain octets.

    Args:
        request: With its Accept header.
        stored: Their transfer syntax.
        single: Whether it is one frame, which may come alone.

    Raises:
        NotAcceptable: As nothing that we have.
    """
    for one in accepted(request):
        if _fits(one, single):
            found = _pixels(one, stored)
            if found is not None:
                return found
    raise NotAcceptable(
        f"these frames come as {media_of(stored)} or as application/octet-stream",
        got="an Accept without them",
        way_out='ask for multipart/related; type="application/octet-stream"; transfer-syntax=*',
    )


def _pixels(one: Media, stored: str) -> Pixels | None:
    own, native = media_of(stored), stored in FLAT
    syntax = EXPLICIT if native else stored
    anything = one.inner == "*/*" or (one.inner == own and not native) or one.inner == _family(own)
    if one.syntax in (ANY, stored) or (native and one.syntax in NATIVE) or (anything and not one.syntax):
        if anything or one.inner in (OCTETS, "application/*"):
            media = own if anything else OCTETS
            return Pixels(parts=one.parts, stored=True, media=media, syntax=syntax)
        return None
    if one.syntax in ("", EXPLICIT) and one.inner in (OCTETS, "application/*", "*/*"):
        return Pixels(parts=one.parts, stored=native, media=OCTETS, syntax=EXPLICIT)
    return None


def plain_wanted(request: Request) -> bool:
    """Whether bulk data are wanted in parts; else alone.

    Raises:
        NotAcceptable: As something else than bytes.
    """
    for one in accepted(request):
        if one.inner in (OCTETS, "application/*", "*/*"):
            return one.parts
    raise NotAcceptable(
        "bulk data come as application/octet-stream", got="an Accept without it", way_out="ask for that"
    )


def media_of(syntax: str) -> str:
    """The media type of pixels as they are stored (PS3.18 8.7.3.3)."""
    return _MEDIA.get(syntax, OCTETS)


def _fits(one: Media, single: bool) -> bool:  # noqa: FBT001
    return one.parts or single


def _family(kind: str) -> str:
    return f"{kind.partition('/')[0]}/*" if kind != OCTETS else ""


def _media(said: str) -> Media:
    kind, *parameters = _apart(said, ";")
    named = dict[str, str]()
    for one in parameters:
        name, _, value = one.partition("=")
        named[name.strip().lower()] = value.strip().strip('"')
    try:
        quality = float(named.get("q", "1"))
    except ValueError:
        quality = 1.0
    quality = quality if 0.0 <= quality <= 1.0 else 1.0
    return Media(kind=_plain(kind), said=MappingProxyType(named), quality=quality)


def _plain(kind: str) -> str:
    """In small letters, without the x- of former days."""
    return kind.strip().lower().replace("/x-", "/") or "*/*"


def _apart(said: str, sign: str) -> list[str]:
    """At each sign outside of quotation marks."""
    if '"' not in said:
        return said.split(sign)
    found, quoted, begin = [], False, 0
    for at, letter in enumerate(said):
        if letter == '"':
            quoted = not quoted
        elif letter == sign and not quoted:
            found.append(said[begin:at])
            begin = at + 1
    return [*found, said[begin:]]
