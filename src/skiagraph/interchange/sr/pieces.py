"""What a structured report says, item by item, before it is known in which spaces its marks lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.findings import Classification, Measurement, NotApplicable, Text

__all__ = ["Gathered", "Line", "Mark", "Piece", "Where"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the coordinates of a line refer to.

    Args:
        frame: FrameOfReferenceUID, where they are mm in the patient; empty where they are pixels.
        instance: SOPInstanceUID of the picture, else.
        number: Of its frame, from 1; 0 where it has one, or all are meant.
    """

    frame: str = ""
    instance: str = ""
    number: int = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """One graphic.

    Args:
        points: Shape (n, 2), column and row from the outer corner of the first pixel; or (n, 3), mm.
        single: Whether each point stands for itself.
        closed: Whether the last joins the first; it is not said twice.
    """

    points: NDArray[np.float64]
    single: bool
    closed: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mark:
    """One thing that was marked, by one or more graphics.

    Args:
        code: What it is.
        lines: How it was drawn.
        where: Where.
        confidence: 0 to 1; None where nothing is said.
    """

    code: Code
    lines: tuple[Line, ...]
    where: Where
    confidence: float | None = None


Piece = Measurement | Classification | Text | NotApplicable | Mark


@final
@dataclass(slots=True, kw_only=True, eq=False)
class Gathered:
    """What was read so far.

    Args:
        groups: Of measurement groups.
        others: Of all else.
        passed: How often something was passed over, by the words that name it.
    """

    groups: list[Piece] = field(default_factory=list)
    others: list[Piece] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
