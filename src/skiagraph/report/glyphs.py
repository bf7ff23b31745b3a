"""Which characters the fonts of the PDF can draw, and what stands in the place of those that they cannot."""

from __future__ import annotations

import functools
import unicodedata
from importlib.resources import files

__all__ = ["drawable", "drawn"]


def drawn(text: str) -> str:
    """A text that the fonts can draw whole: what they lack is written as its code point, e.g. ``‹U+1F600›``.

    Accents are joined with their letters, ends of lines are kept. Characters that one cannot see (controls, marks of
    direction, soft hyphens) are written out like those that are lacking, because a report must not hide anything.

    Args:
        text: Any text, of any writing system.
    """
    whole = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", " "))
    return "".join(map(_drawn, whole))


def _drawn(character: str) -> str:
    seen = character in drawable() and not unicodedata.category(character).startswith("C")
    return character if seen or character == "\n" else f"‹U+{ord(character):04X}›"


@functools.cache
def drawable() -> frozenset[str]:
    """The characters for which the fonts have a glyph, regular and bold alike: what ``fonts/characters.txt`` holds."""
    return frozenset(files("skiagraph.report").joinpath("fonts", "characters.txt").read_text("utf-8"))
