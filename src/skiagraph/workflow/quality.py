"""The check that any case passes through: how good its images are, and whether a model would take them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from skiagraph.case import Case
from skiagraph.codes import ANATOMIC_REGION, ONE, Code
from skiagraph.features.quality import TOPICS, Kind, Measured, Topic, kind_of, limit_of, measured, remark
from skiagraph.findings import Classification, Measurement, NotApplicable, Text
from skiagraph.image import Image
from skiagraph.task import Card
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
        topic: What was looked at; ``"model"`` for whether the model that was asked takes it, ``"body part"`` for
            whether the file states a part of the body that this model is for.
        finding: The measure; or why there is none.
        verdict: ``"not judged"`` where it could not be told, or no limit holds for this kind of image.
        sentence: What a person should know; empty where all is good.
    """

    image: str
    topic: Topic | Literal["model", "body part"]
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
        checks += _of_model(case, reader)
    return tuple(checks)


def remarks(case: Case, checks: tuple[Check, ...]) -> tuple[str, ...]:
    """The sentences of the checks that are remarks; each names its image where the case has several."""
    several = len(case.images) > 1
    return tuple(
        f"{check.image}: {check.sentence}" if several else check.sentence
        for check in checks
        if check.verdict == "remark"
    )


def with_remarks(case: Case, card: Card | None = None) -> Case:
    """The case with the remarks on its quality among its problems, as a reading carries them.

    A missing size is left to those who read the file, who say where it is missing.

    Args:
        case: Any case.
        card: Of the model that reads it, for the part of the body. None asks none.

    Raises:
        FormatError: The pixels cannot be decoded.
    """
    checks = tuple(check for check in checked(case) if check.topic not in _NAMED_ALREADY)
    checks += () if card is None else tuple(_of_body_part(case, card))
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


def _of_model(case: Case, reader: Reader) -> Iterator[Check]:
    """The gate in front of the model answers; its card and recipe say which image it looks at, and of what."""
    refusal = reader.model.refusal(case)
    name = reader.recipe.image
    if refusal is None:
        taken = Text(text=f"{reader.card.name} takes it.")
        yield Check(image=name, topic="model", finding=taken, verdict="good")
    else:
        yield Check(
            image=name, topic="model", finding=refusal, verdict="remark", sentence=refusal.explanation
        )
    yield from _of_body_part(case, reader.card)


def _of_body_part(case: Case, card: Card) -> Iterator[Check]:
    """What the header says against what the card says; a header may be wrong, so that this is no refusal."""
    for wanted in card.inputs:
        stated = _body_part(case, wanted.name)
        if stated is None or not wanted.regions:
            continue
        told = Text(text=f"The file states {stated.meaning}.")
        if stated in wanted.regions:
            yield Check(image=wanted.name, topic="body part", finding=told, verdict="good")
            continue
        said = f"Its file states that it shows: {stated.meaning}. {card.name} reads: {wanted.regions[0].meaning}."
        yield Check(image=wanted.name, topic="body part", finding=told, verdict="remark", sentence=said)


def _body_part(case: Case, image: str) -> Code | None:
    """The anatomic region that the file of an image states."""
    found = case.known.get(f"{image}_body_part") or case.known.get("body_part")
    if isinstance(found, Classification) and found.concept == ANATOMIC_REGION and found.scores:
        return found.scores[0].code
    return None
