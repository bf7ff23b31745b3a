"""The worst cases of an evaluation as small pictures, with what the model said and what is held to be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.findings import Classification, Finding, Measurement, Segmentation
from skiagraph.geometry import spacing_of
from skiagraph.image import seen
from skiagraph.report.evaluated import Worst
from skiagraph.report.evaluation_words import figure_text, said
from skiagraph.report.outline import outline_path
from skiagraph.report.picture import png_address, still
from skiagraph.report.words import Language, amount, name_said, phrase, word

__all__ = ["Shown", "shown"]

_SIDE: Final = 420  # pixels of the longer side that a page carries of each


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One picture of the gallery.

    Args:
        case: Identifier.
        source: The image as a ``data:`` address.
        width: Of the drawing, in units in which the lattice has steps of 1 along its rows' axis.
        height: Of the drawing.
        columns: Samples along a row of the image, which `prediction` and `reference` are drawn in.
        rows: Rows of the image.
        predictions: For each structure the ``d`` of the path round what the model outlined; empty where it is nowhere.
        reference: ``d`` of the paths round what is held to be true.
        lines: What is said under it.
    """

    case: str
    source: str
    width: float
    height: float
    columns: int
    rows: int
    predictions: tuple[str, ...]
    reference: str
    lines: tuple[str, ...]


def shown(worst: Worst, lang: Language) -> Shown:
    """One case as a picture; of a volume the slice of its first axis on which the two differ most."""
    image, space = worst.image, worst.image.space
    array = still(image)
    found, true = _masks(worst, space.shape)
    lines = list(_lines(worst, lang))
    if space.ndim == 3:
        differ = (found != true).sum(axis=(0, 2, 3))
        n = int(differ.argmax()) if differ.any() else space.shape[0] // 2
        array, found, true = array[n], found[:, n], true[:, n]
        lines.append(said("slice", lang, n=n + 1, of=space.shape[0]))
    steps = spacing_of(space) or (1.0,) * space.ndim
    rows, columns = space.shape[-2:]
    return Shown(
        case=worst.case,
        source=png_address(seen(array, image.windows if array.ndim == 2 else ()), _SIDE),
        width=columns * steps[-1] / steps[-2],
        height=float(rows),
        columns=columns,
        rows=rows,
        predictions=tuple(outline_path(mask) for mask in found),
        reference="".join(outline_path(mask) for mask in true),
        lines=tuple(lines),
    )


def _masks(worst: Worst, shape: tuple[int, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where each structure is in prediction and reference, in the first frame: shape (structures, spatial...)."""
    both = [f for f in (worst.prediction, worst.reference) if isinstance(f, Segmentation)]
    drawn = (s.code for f in reversed(both) for s in f.segments if s.code != codes.IGNORE)
    structures = list(dict.fromkeys(drawn))
    found, true = (
        np.stack([_mask(finding, code, shape) for code in structures] or [np.zeros(shape, np.bool_)])
        for finding in (worst.prediction, worst.reference)
    )
    return found, true


def _mask(finding: Finding, code: Code, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    found = np.zeros(shape, np.bool_)
    if isinstance(finding, Segmentation):
        for segment in finding.segments:
            if segment.code == code:
                mask = finding.mask(segment.number)
                found |= mask if finding.space.timeline is None else mask[0]
    return found


def _lines(worst: Worst, lang: Language) -> tuple[str, ...]:
    if isinstance(worst.prediction, Segmentation):
        return (f"Dice {figure_text(worst.score)}",)
    words = [_words(f, lang) for f in (worst.reference, worst.prediction)]
    return said("truth", lang, truth=words[0]), said("said", lang, said=words[1])


def _words(finding: Classification | Measurement | Segmentation, lang: Language) -> str:
    if isinstance(finding, Measurement):
        return amount(finding.value, finding.unit, lang)
    if not isinstance(finding, Classification):
        return ""
    ranked = sorted(finding.scores, key=lambda s: -s.probability)
    certain = all(s.probability in (0.0, 1.0) for s in ranked)
    if certain:
        true = [_class(s.code, lang) for s in ranked if s.probability == 1.0]
        return phrase("comma", lang).join(true) or said("none", lang)
    likely = [s for s in ranked if s.probability >= 0.1][:3] or ranked[:1]
    ranked = ranked[: min(2, len(ranked) - 1)] if finding.exclusive else likely
    return phrase("comma", lang).join(
        f"{_class(s.code, lang)} {100 * s.probability:.0f}\u00a0%" for s in ranked
    )


def _class(code: Code, lang: Language) -> str:
    return name_said(word(code, lang), lang)
