"""Models by name: those that ship, those that packages register, and bundles in folders; opened ready to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from skiagraph.task import Bundle, Card, Recipe, load_bundle, names, registered

__all__ = ["Computer", "Reader", "fetal_head_ultrasound", "model_bundle", "opened_model"]

Measure = Callable[[Segmentation, Mapping[str, Any]], tuple[Finding, ...]]

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
class Reader:
    """A model with its gate in front of it and its measurements behind it.

    Args:
        bundle: What it was opened from.
        digest: SHA-256 of weights and graph.
        engine: What computes.
        model: Segments, classifies or measures, or says why not.
        measure: What is measured on the outline; None for nothing.
    """

    bundle: Bundle
    digest: str
    engine: Computer
    model: Answering
    measure: Measure | None

    @property
    def card(self) -> Card:
        """The card of the model."""
        return self.bundle.card

    @property
    def recipe(self) -> Recipe:
        """The recipe of the model."""
        return self.bundle.recipe

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
    bundle = model_bundle(name)
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


def _classical(bundle: Bundle, engine: str, precision: Precision) -> Reader:
    if engine not in ("auto", "onnxruntime") or precision != "fp32":
        raise InvalidInput(
            "models of features are computed by onnxruntime in fp32", got=f"{engine}, {precision}"
        )
    model = classical_model(bundle)
    return Reader(
        bundle=bundle,
        digest=bundle.digest(),
        engine=model.graph,
        model=Gated(model=model, gate=gate_of(bundle.recipe)),
        measure=None,
    )
