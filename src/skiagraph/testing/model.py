"""What every model owes: a full card, the same answer to the same case, and places in the world of its images."""

from __future__ import annotations

import json
import pickle
from typing import Any

from skiagraph.case import Case
from skiagraph.errors import ContractError
from skiagraph.findings import DisplacementField, Finding, NotApplicable, SpatialFinding, Transform
from skiagraph.plain import from_plain, to_plain
from skiagraph.task import Card, Model
from skiagraph.testing.digest import case_digest, finding_digest

__all__ = ["check_model"]


def check_model(model: Model[Any], case: Case) -> None:
    """Asks a model about a case, twice, and holds it to the contract.

    Args:
        model: Any model.
        case: A case with the images that its card names; one that it should answer tells most.

    Raises:
        ContractError: The first promise that is broken.
    """
    _check_card(model.card, case)
    before = case_digest(case)
    first = model(case)
    if not isinstance(first, Finding):
        raise ContractError("a model answers with a finding of the closed union", got=type(first).__name__)
    if case_digest(case) != before:
        raise ContractError("a model never changes the case", got="another case after it was read")
    if finding_digest(model(case)) != finding_digest(first):
        raise ContractError("a model says the same of the same case", got="two different findings")
    _check_kind(model.card, first)
    _check_place(first, case)
    _check_travels(first)


def _check_card(card: Card, case: Case) -> None:
    if not isinstance(card, Card):
        raise ContractError("a model carries a Card", got=type(card).__name__)
    for name in ("task", "summary", "intended_use", "limits", "licence"):
        if not getattr(card, name):
            raise ContractError(f"the card of a model states its {name.replace('_', ' ')}", got="nothing")
    if from_plain(Card, json.loads(json.dumps(to_plain(card)))) != card:
        raise ContractError("a card is the same after it was written and read", got="another card")
    for wanted in card.inputs:
        image = case.images.get(wanted.name)
        if image is None:
            raise ContractError(
                f"the case of this check has an image {wanted.name!r}", got=f"{sorted(case.images)}"
            )
        if image.space.ndim != wanted.ndim:
            raise ContractError(
                f"the image {wanted.name!r} has {wanted.ndim} spatial axes, as the card says",
                got=str(image.space.ndim),
                way_out="check the model with another case, or mend its card",
            )


def _check_kind(card: Card, finding: Finding) -> None:
    stated = {output.finding for output in card.outputs}
    if not isinstance(finding, NotApplicable) and type(finding).__name__ not in stated:
        raise ContractError(
            f"a model answers what its card states: {sorted(stated)}", got=type(finding).__name__
        )


def _check_place(finding: Finding, case: Case) -> None:
    frames = [finding.space.frame] if isinstance(finding, SpatialFinding) else []
    if isinstance(finding, DisplacementField):
        frames.append(finding.target)
    if isinstance(finding, Transform):
        frames = [finding.source, finding.target]
    known = {image.space.frame for image in case.images.values()}
    strange = sorted(set(frames) - known)
    if strange:
        raise ContractError("places of a finding lie in the frame of an image of the case", got=strange[0])


def _check_travels(finding: Finding) -> None:
    """Through pickle, as worker processes send it, and through JSON, as reports keep it."""
    digest = finding_digest(finding)
    if finding_digest(pickle.loads(pickle.dumps(finding))) != digest:  # noqa: S301 - what was pickled a moment ago
        raise ContractError("a finding is the same after it was pickled", got="another finding")
    if finding_digest(from_plain(type(finding), json.loads(json.dumps(to_plain(finding))))) != digest:
        raise ContractError(
            "a finding is the same after it was written as JSON and read", got="another finding"
        )
