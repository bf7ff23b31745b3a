"""The gate in front of a model: cases of another kind get a reason instead of an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, final

from skiagraph.case import Case
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, NotApplicable, Segmentation
from skiagraph.image import Image
from skiagraph.inference.content import content_gate
from skiagraph.task import Card, Recipe

__all__ = ["Answering", "Gate", "Gated", "gate_of"]

Gate = Callable[[Image], NotApplicable | None]

_HEAD_EVIDENCE: Final = "head-evidence"  # the only kind yet
_ANY: Final = "OT"  # DICOM's "other": the files that the model learnt from did not say


class Answering(Protocol):
    """What answers cases, and says which it does not take: one model behind its gate, or several as one."""

    @property
    def card(self) -> Card:
        """What it is."""
        ...

    def findings(self, case: Case, /) -> tuple[Finding, ...]:
        """All findings of one case, or why there is none."""
        ...

    def refusal(self, case: Case, /) -> NotApplicable | None:
        """Why it would not take a case, told without computing; None where it would."""
        ...


class Gateless(Protocol):
    """What a gate stands in front of: `Staged`, or `ClassicalModel`."""

    @property
    def card(self) -> Card:
        """What it is."""
        ...

    @property
    def recipe(self) -> Recipe:
        """How it reads."""
        ...

    def image(self, case: Case, /) -> Image:
        """The image that the recipe names, as the model looks at it."""
        ...

    def findings(self, case: Case, /) -> tuple[Finding, ...]:
        """All findings of one case."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gated:
    """A model that answers only what its card and its gate allow.

    Args:
        model: What answers.
        gate: Looks at the image, as one grey channel; None opens to every content.
    """

    model: Gateless
    gate: Gate | None = None

    @property
    def card(self) -> Card:
        """That of the model within."""
        return self.model.card

    def __call__(self, case: Case, /) -> Finding:
        """The answer of the model, or why there is none: asked of the case before, and of the answer after."""
        return self.findings(case)[0]

    def findings(self, case: Case, /) -> tuple[Finding, ...]:
        """All findings of the model, or why there is none."""
        refusal = self.refusal(case)
        if refusal is not None:
            return (refusal,)
        return tuple(map(self._sure, self.model.findings(case)))

    def refusal(self, case: Case, /) -> NotApplicable | None:
        """Why the model would not take a case, told without running it; None where it would."""
        refusal = _unfit(case, self.model.recipe, self.card)
        if refusal is None and self.gate is not None:
            refusal = self.gate(self.model.image(case))
        return refusal

    def _sure(self, answer: Finding) -> Finding:
        """The answer, unless it is too unsure to be measured on (``"least confidence"`` of the calibration)."""
        least = float(self.model.recipe.calibration.get("least confidence", 0.0))
        if not isinstance(answer, Segmentation):
            return answer
        said = [s.confidence for s in answer.segments if s.confidence is not None]
        if said and min(said) < least:
            return NotApplicable(
                reason="poor-quality",
                explanation="The outline is too uncertain to be measured; its edge is not seen well enough.",
                score=min(said),
            )
        return answer


def _unfit(case: Case, recipe: Recipe, card: Card) -> NotApplicable | None:
    """What can be told without looking at the content: shape, time, modality."""
    image = case.images.get(recipe.image)
    wanted = next(i for i in card.inputs if i.name == recipe.image)
    if image is None:
        return NotApplicable(
            reason="wrong-shape",
            explanation=f"The model reads an image named {recipe.image!r}, and there is none.",
        )
    if image.space.ndim != wanted.ndim or image.space.timeline is not None:
        kind = f"{image.space.ndim}-D" + (" over time" if image.space.timeline is not None else "")
        return NotApplicable(
            reason="wrong-shape",
            explanation=f"The model reads single {wanted.ndim}-D images, and this one is {kind}.",
        )
    if image.channels not in ((), ("red", "green", "blue")):
        return NotApplicable(
            reason="wrong-shape",
            explanation="The model reads grey or red, green and blue pictures, and this one has other channels.",
        )
    if image.modality is not None and wanted.modality not in {_ANY, image.modality}:
        return NotApplicable(
            reason="wrong-modality",
            explanation=f"The model reads images of modality {wanted.modality}, and this one is {image.modality}.",
        )
    if wanted.needs_size and image.space.unit == "pixel":
        return NotApplicable(reason="unknown-size", explanation="The model needs the size of a pixel in mm.")
    return None


def gate_of(recipe: Recipe) -> Gate | None:
    """The gate that a recipe asks for; None where it asks for none.

    Raises:
        InvalidInput: A kind of gate that this release does not know, or numbers that are none.
    """
    if not recipe.gate:
        return None
    if recipe.gate.get("kind") != _HEAD_EVIDENCE:
        raise InvalidInput(
            "a recipe asks for a gate that this release knows", got=str(recipe.gate.get("kind"))
        )
    return content_gate(recipe.gate)
