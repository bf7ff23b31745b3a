"""Models by name: those that ship, those that packages register, and bundles in folders; opened ready to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, final

from skiagraph.case import Case
from skiagraph.errors import InvalidInput
from skiagraph.features import measured_head
from skiagraph.findings import Finding, NotApplicable, Segmentation
from skiagraph.inference import Answering, Gated, Precision, gate_of, opened
from skiagraph.inference.classical import classical_model
from skiagraph.inference.fused import Fused
from skiagraph.task import Bundle, Card, Explanation, Recipe, load_bundle, names, registered

__all__ = [
    "Computer",
    "Reader",
    "Together",
    "fetal_head_ultrasound",
    "fused_reader",
    "model_bundle",
    "opened_model",
    "reader_of",
]

Measure = Callable[[Segmentation, Mapping[str, Any]], tuple[Finding, ...]]
Explain = Callable[[Case], tuple[tuple[Finding, ...], tuple[Explanation, ...]]]

MEASURES: Final[Mapping[str, Measure]] = MappingProxyType({"fetal-head": measured_head})
"""What recipes may ask to be measured on an outline, by name."""


def fetal_head_ultrasound() -> Bundle:
    """The bundle that ships: fetal heads in ultrasound."""
    return load_bundle(Path(str(files("skiagraph") / "bundles" / "fetal-head-ultrasound")))


def model_bundle(name: str) -> Bundle:
    """The bundle of a registered name, or of a folder.

    Raises:
        UnknownName: Not registered, and no folder.
        MissingInput: A folder that is no bundle.
        BundleError: A damaged bundle.
    """
    folder = Path(name)
    if name not in names("models") and folder.is_dir():
        return load_bundle(folder)
    bundle: Bundle = registered("models", name)()
    return bundle


class Computer(Protocol):
    """What computes, as provenance names it."""

    @property
    def name(self) -> str:
        """The engine and its version, e.g. ``"onnxruntime 1.27.0"``."""
        ...

    @property
    def precision(self) -> str:
        """What it computes with: ``"fp32"`` or ``"bf16"``."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """What computes a fusion: that of each member, named once."""

    engines: tuple[Computer, ...]

    @property
    def name(self) -> str:
        """The engines and their versions."""
        return " + ".join(dict.fromkeys(engine.name for engine in self.engines))

    @property
    def precision(self) -> str:
        """What they compute with."""
        return " + ".join(dict.fromkeys(engine.precision for engine in self.engines))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reader:
    """A model with its gate in front of it and its measurements behind it.

    Args:
        bundle: What it was opened from.
        digest: SHA-256 of weights and graph.
        engine: What computes.
        model: Segments, classifies or measures, or says why not.
        measure: What is measured on the outline; None for nothing.
        explain: The findings of a case, and of each answer which features decided it; None where no features did.
    """

    bundle: Bundle
    digest: str
    engine: Computer
    model: Answering
    measure: Measure | None
    explain: Explain | None = None

    @property
    def card(self) -> Card:
        """The card of the model."""
        return self.bundle.card

    @property
    def recipe(self) -> Recipe:
        """The recipe of the model."""
        return self.bundle.recipe

    @property
    def outlined(self) -> bool:
        """Whether it judges what is outlined, and so needs an outline beside the image."""
        asked = (self.recipe.features, *(member.recipe.features for member in self.bundle.members))
        return any(features is not None and features.region != "image" for features in asked)

    def explained(self, case: Case) -> tuple[tuple[Finding, ...], tuple[Explanation, ...]]:
        """As a call; and of each answer which features decided it, where some did."""
        return (self(case), ()) if self.explain is None else self.explain(case)

    def __call__(self, case: Case) -> tuple[Finding, ...]:
        """All findings of one case, in reading order."""
        answers = self.model.findings(case)
        return self.finished(answers[0]) if len(answers) == 1 else answers

    def finished(self, answer: Finding) -> tuple[Finding, ...]:
        """What is reported of an answer: the answer, and what was measured on it where it is an outline."""
        if not isinstance(answer, Segmentation) or self.measure is None:
            return (answer,)
        measured = self.measure(answer, self.recipe.calibration)
        if not measured:
            return (NotApplicable(reason="wrong-content", explanation="No outline was found in this image."),)
        return (answer, *measured)


def opened_model(name: str, *, engine: str = "auto", precision: Precision = "fp32") -> Reader:
    """A model, loaded and ready to read.

    Args:
        name: Registered name, or the folder of a bundle.
        engine: ``"openvino"``, ``"onnxruntime"`` or ``"auto"``; models of features are computed by ONNX Runtime.
        precision: ``"fp32"`` or, where the card allows it, ``"bf16"``.

    Raises:
        UnknownName: No such model.
        InvalidInput: No such engine or precision, a recipe that asks for an unknown measurement, or an
            engine or precision that does not compute a model of features.
        BundleError: The bundle is damaged.
    """
    return reader_of(model_bundle(name), engine=engine, precision=precision)


def reader_of(bundle: Bundle, *, engine: str = "auto", precision: Precision = "fp32") -> Reader:
    """As `opened_model`, of a bundle."""
    if bundle.members:
        members = [reader_of(member, engine=engine, precision=precision) for member in bundle.members]
        return fused_reader(bundle, members)
    wanted = bundle.recipe.measure
    if wanted and wanted not in MEASURES:
        raise InvalidInput("a recipe asks for a measurement that this release knows", got=wanted)
    if bundle.recipe.features is not None:
        return _classical(bundle, engine, precision)
    model = opened(bundle, engine=engine, precision=precision)
    return Reader(
        bundle=bundle,
        digest=bundle.digest(),
        engine=model.engine,
        model=Gated(model=model, gate=gate_of(bundle.recipe)),
        measure=MEASURES.get(wanted),
    )


def fused_reader(bundle: Bundle, members: Sequence[Reader]) -> Reader:
    """A fusion, ready to read.

    Args:
        bundle: Of the fusion.
        members: Its members, opened, in the order of its recipe.
    """
    return Reader(
        bundle=bundle,
        digest=bundle.digest(),
        engine=Together(engines=tuple(member.engine for member in members)),
        model=Fused(
            card=bundle.card, recipe=bundle.recipe, members=tuple(member.model for member in members)
        ),
        measure=None,
    )


def _classical(bundle: Bundle, engine: str, precision: Precision) -> Reader:
    if engine not in ("auto", "onnxruntime") or precision != "fp32":
        raise InvalidInput(
            "models of features are computed by onnxruntime in fp32", got=f"{engine}, {precision}"
        )
    model = classical_model(bundle)
    gated = Gated(model=model, gate=gate_of(bundle.recipe))

    def explain(case: Case) -> tuple[tuple[Finding, ...], tuple[Explanation, ...]]:
        refusal = gated.refusal(case)
        return model.explained(case) if refusal is None else ((refusal,), ())

    return Reader(
        bundle=bundle,
        digest=bundle.digest(),
        engine=model.graph,
        model=gated,
        measure=None,
        explain=explain,
    )
