"""The check that any case passes through: how good its images are, and whether a model would take them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from skiagraph.case import Case
from skiagraph.codes import ONE
from skiagraph.features.quality import TOPICS, Kind, Measured, Topic, kind_of, limit_of, measured, remark
from skiagraph.findings import Measurement, NotApplicable, Text
from skiagraph.image import Image
from skiagraph.workflow.shelf import Reader

__all__ = ["Check", "Verdict", "checked", "remarks", "with_remarks"]

Verdict: TypeAlias = Literal["good", "remark", "not judged"]

_HAVE_SIZES: Final[tuple[Kind, ...]] = ("ct", "mr", "xray", "ultrasound")
_NAMED_ALREADY: Final = ("size",)  # by those who read the files


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One measure of one image, and what it means.

    Args:
        image: Name of the image in its case.
        topic: What was looked at; ``"model"`` for whether the model that was asked takes it.
        finding: The measure; or why there is none.
        verdict: ``"not judged"`` where it could not be told, or no limit holds for this kind of image.
        sentence: What a person should know; empty where all is good.
    """

    image: str
    topic: Topic | Literal["model"]
    finding: Measurement | NotApplicable | Text
    verdict: Verdict
    sentence: str = ""


def checked(case: Case, reader: Reader | None = None) -> tuple[Check, ...]:
    """Looks at every image of a case.

    Args:
        case: Any case.
        reader: A model that is to read the case; its card and its gate are asked whether they take it. None asks none.

    Returns:
        All measures, in reading order, image by image.

    Raises:
        FormatError: The pixels cannot be decoded.
    """
    checks = [
        _check(name, image, kind_of(image), one)
        for name, image in case.images.items()
        for one in measured(image, kind_of(image), scanned=name in case.uids)
    ]
    if reader is not None:
        checks.append(_of_model(case, reader))
    return tuple(checks)


def remarks(case: Case, checks: tuple[Check, ...]) -> tuple[str, ...]:
    """The sentences of the checks that are remarks; each names its image where the case has several."""
    several = len(case.images) > 1
    return tuple(
        f"{check.image}: {check.sentence}" if several else check.sentence
        for check in checks
        if check.verdict == "remark"
    )


def with_remarks(case: Case) -> Case:
    """The case with the remarks on its quality among its problems, as a reading carries them.

    A missing size is left to those who read the file, who say where it is missing.

    Raises:
        FormatError: The pixels cannot be decoded.
    """
    checks = tuple(check for check in checked(case) if check.topic not in _NAMED_ALREADY)
    said = dict.fromkeys((*case.problems, *remarks(case, checks)))
    return dataclasses.replace(case, problems=tuple(said))


def _check(name: str, image: Image, kind: Kind, one: Measured) -> Check:
    words, limit = TOPICS[one.topic], limit_of(one.topic, kind)
    if one.topic == "size":
        missing = NotApplicable(reason="unknown-size", explanation=words.remark, concept=words.concept)
        verdict: Verdict = "remark" if kind in _HAVE_SIZES and image.modality is not None else "not judged"
        return Check(image=name, topic="size", finding=missing, verdict=verdict, sentence=words.remark)
    if one.value is None or not math.isfinite(one.value):
        why = "The picture does not let it be told."
        untold = NotApplicable(reason="out-of-range", explanation=why, concept=words.concept)
        return Check(image=name, topic=one.topic, finding=untold, verdict="not judged", sentence=why)
    unit = words.unit or image.quantity.unit or ONE
    finding = Measurement(concept=words.concept, value=one.value, unit=unit, method=words.method)
    if limit is None or limit.holds(one.value):
        return Check(
            image=name, topic=one.topic, finding=finding, verdict="not judged" if limit is None else "good"
        )
    written = "" if unit == ONE else "HU" if unit.value.startswith("[hnsf") else unit.value
    said = remark(one.topic, one.value, limit, unit=written, detail=one.detail)
    return Check(image=name, topic=one.topic, finding=finding, verdict="remark", sentence=said)


def _of_model(case: Case, reader: Reader) -> Check:
    """The gate in front of the model answers; its card and recipe say which image it looks at."""
    refusal = reader.model.refusal(case)
    name = reader.recipe.image
    if refusal is None:
        taken = Text(text=f"{reader.card.name} takes it.")
        return Check(image=name, topic="model", finding=taken, verdict="good")
    return Check(image=name, topic="model", finding=refusal, verdict="remark", sentence=refusal.explanation)
