"""The way through the content of any structured report: which item is a finding, and which is its context."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.interchange.sr import words as w
from skiagraph.interchange.sr.facts import (
    classification_of,
    language_of,
    measurement_of,
    refusal_of,
    text_from,
)
from skiagraph.interchange.sr.lines import line_of, where_of
from skiagraph.interchange.sr.pieces import Gathered, Line, Mark, Piece, Where
from skiagraph.interchange.sr.tree import (
    children,
    code_in,
    kind_of,
    name_of,
    relation_of,
    value_of,
)

__all__ = ["walked"]

_CONTEXT: Final = frozenset({"HAS OBS CONTEXT", "HAS ACQ CONTEXT", "HAS CONCEPT MOD"})
_REFERENCES: Final = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM"})
_GRAPHICS: Final = frozenset({"SCOORD", "SCOORD3D"})
_PLACES: Final = frozenset({w.REGION, w.SURFACE})
_SEGMENTS: Final = frozenset(
    {
        Code(value="121191", scheme="DCM", meaning="Referenced Segment"),
        Code(value="121214", scheme="DCM", meaning="Referenced Segmentation Frame"),
    }
)
_KNOWN: Final = frozenset({w.UPPER, w.LOWER, w.LEVEL, w.METHOD, w.LANGUAGE})
_DEPTH: Final = 64  # of nested items; deeper ones are damage


def walked(ds: Dataset) -> Gathered:
    """All that a report says."""
    found = Gathered()
    _below(ds, language_of(ds, "en"), found, 0)
    return found


def _below(item: Dataset, language: str, found: Gathered, depth: int) -> None:
    if depth > _DEPTH:
        found.passed["items nested too deep"] += 1
        return
    for child in children(item):
        if relation_of(child) not in _CONTEXT:
            _visit(child, language_of(child, language), found, depth + 1)


def _visit(item: Dataset, language: str, found: Gathered, depth: int) -> None:
    kind = kind_of(item)
    if kind == "CONTAINER":
        if name_of(item) == w.GROUP:
            found.groups += _group(item, language, found)
        elif name_of(item) != w.LIBRARY:
            _below(item, language, found, depth)
        return
    if kind in _REFERENCES:
        found.passed["references to other objects"] += 1
    elif kind in _GRAPHICS:
        found.others += _marks_in([item], name_of(item), found)
    elif kind == "TCOORD":
        found.passed["places in time"] += 1
    else:
        refusal = refusal_of(item)
        found.others += [refusal] if refusal is not None else _said(item, language, found)
        if refusal is None:
            found.others += _drawn_below(item, found)
            _hanging(item, language, found, depth)


def _said(item: Dataset, language: str, found: Gathered) -> list[Piece]:
    """The number or the words of one item; a number without a unit of UCUM becomes words."""
    measured = measurement_of(item, found.passed) if kind_of(item) == "NUM" else None
    said = measured if measured is not None else text_from(item, language)
    if said is None:
        found.passed["items without a value"] += 1
        return []
    return [said]


def _drawn_below(item: Dataset, found: Gathered) -> list[Piece]:
    """The lines from which something was measured."""
    return _marks_in([c for c in children(item) if kind_of(c) in _GRAPHICS], name_of(item), found)


def _hanging(item: Dataset, language: str, found: Gathered, depth: int) -> None:
    """What hangs on a number or on words, but for where it was drawn: what it was inferred from is a finding too."""
    for child in children(item):
        relation, kind = relation_of(child), kind_of(child)
        if kind in _GRAPHICS | _REFERENCES or name_of(child) in _KNOWN or depth > _DEPTH:
            continue
        if relation in _CONTEXT or (relation == "HAS PROPERTIES" and kind_of(item) == "NUM"):
            found.passed["details of a number or a statement, such as where, how or what is normal"] += 1
        else:
            _visit(child, language, found, depth + 1)


def _group(group: Dataset, language: str, found: Gathered) -> list[Piece]:
    """What a measurement group says (PS3.16 TID 1410, 1411 and 1501)."""
    items = [c for c in children(group) if relation_of(c) not in _CONTEXT]
    code = next((code_in(c, "ConceptCodeSequence") for c in items if name_of(c) == w.FINDING), None)
    try:
        classified = classification_of(code, items)
    except InvalidInput:
        found.passed["classes whose probabilities are none"] += 1
        classified = None
    if classified is not None:
        return [classified]
    pieces: list[Piece] = list(_marks_in([c for c in items if kind_of(c) in _GRAPHICS], code, found, group))
    segments = any(name_of(c) in _SEGMENTS for c in items)
    marked = bool(pieces) or segments
    for item in items:
        pieces += _in_group(item, language, found, marked=marked)
    if segments:
        found.passed["segments, which are read from their own object"] += 1
    elif not pieces and code is not None:
        pieces += _said(next(c for c in items if name_of(c) == w.FINDING), language, found)
    return pieces


def _in_group(item: Dataset, language: str, found: Gathered, *, marked: bool) -> list[Piece]:
    kind, name = kind_of(item), name_of(item)
    if kind in _GRAPHICS or kind in _REFERENCES or name == w.FINDING or kind == "UIDREF":
        return []
    if name == w.CERTAINTY and kind == "NUM" and marked:
        return []
    pieces: list[Piece] = [*_said(item, language, found), *_drawn_below(item, found)]
    _hanging(item, language, found, 0)
    return pieces


def _marks_in(
    items: list[Dataset], code: Code | None, found: Gathered, group: Dataset | None = None
) -> list[Piece]:
    """One mark of all surfaces of a volume; else one a graphic."""
    drawn = [(item, where_of(item), line_of(item, found.passed)) for item in items]
    known: list[tuple[Dataset, Where, Line]] = []
    for item, where, line in drawn:
        if where is None:
            found.passed["graphics that do not say on what they lie"] += 1
        elif line is not None:
            known.append((item, where, line))
    confidence = None if group is None else _certainty(group)
    together: list[tuple[Code, Where, list[Line]]] = []
    for item, where, line in known:
        meant = code or name_of(item) or w.FINDING
        surface = name_of(item) == w.SURFACE
        if surface and together and together[-1][1] == where:
            together[-1][2].append(line)
        else:
            together.append((meant, where, [line]))
    return [
        Mark(code=meant, lines=tuple(lines), where=where, confidence=confidence)
        for meant, where, lines in together
    ]


def _certainty(group: Dataset) -> float | None:
    """0 to 1, of a certainty in percent or as a share."""
    for item in children(group):
        measured = value_of(item)
        if name_of(item) == w.CERTAINTY and measured is not None:
            value, unit = measured
            share = value / 100 if unit is not None and unit.value == "%" else value
            return share if 0 <= share <= 1 else None
    return None
