"""The report as a PDF that can be filed: numbered pages, fonts inside, tagged, and the same bytes each time."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from datetime import UTC
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

import typst

from skiagraph.case import Case, Report
from skiagraph.report.glyphs import drawn
from skiagraph.report.picture import Picture, picture_of
from skiagraph.report.reading import reading_of
from skiagraph.report.sheet import Sheet
from skiagraph.report.words import check_language
from skiagraph.task import Card, Explanation

__all__ = ["report_pdf"]

_STANDARDS: Final = ["a-2a", "ua-1"]
_FONTS: Final = Path(__file__).parent / "fonts"


def report_pdf(
    report: Report, case: Case, card: Card, *, lang: str = "en", reasons: Sequence[Explanation] = ()
) -> bytes:
    """The report of one case, PDF/A-2a and PDF/UA-1, A4.

    It says what the page of `render_report` says. Its text can be selected and searched; its fonts are part of it. A
    character that the fonts lack is written as its code point. The same report gives the same bytes.

    Args:
        report: What is said, in its present state.
        case: What was looked at.
        card: The model that looked.
        lang: ``"en"`` or ``"zh"``.
        reasons: Of each answer by features, which of them decided it.

    Raises:
        UnknownName: Another language.
        InvalidInput: The report is about another case.
    """
    sheet = Sheet(check_language(lang))
    reading = reading_of(report, case, card, reasons)
    picture = picture_of(next(iter(case.images.values())), (*report.findings.items, *reading.given))
    content = sheet.content(reading, picture)
    parts = {
        "main.typ": _template(),
        "content.json": json.dumps(_all_drawn(content), ensure_ascii=False).encode(),
        "picture.svg": _layers(picture).encode(),
    }
    signed = report.signature.signed if report.signature else report.findings.provenance.created
    return typst.compile(
        cast("Any", parts),  # a mapping from names to bytes, which the types of the package leave out
        format="pdf",
        font_paths=_fonts(),
        ignore_system_fonts=True,
        pdf_standards=cast("Any", _STANDARDS),
        timestamp=signed.astimezone(UTC).replace(microsecond=0),
    )


@functools.cache
def _template() -> bytes:
    return files("skiagraph.report").joinpath("templates", "report.typ").read_bytes()


@functools.cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_FONTS)])


def _layers(picture: Picture) -> str:
    """The image and its tint as SVG: typst takes other files than its own only as text."""
    size = f'width="{picture.width:.3f}" height="{picture.height:.3f}"'
    images = "".join(
        f'<image {size} preserveAspectRatio="none" href="{address}"/>'
        for address in (picture.source, picture.tint)
        if address is not None
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{images}</svg>'


def _all_drawn(value: Any) -> Any:
    """Plain data with each text as the fonts can draw it."""
    match value:
        case str():
            return drawn(value)
        case dict():
            return {key: _all_drawn(each) for key, each in value.items()}
        case list() | tuple():
            return [_all_drawn(each) for each in value]
        case _:
            return value
