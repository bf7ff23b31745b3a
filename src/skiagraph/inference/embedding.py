"""Deep embeddings: what enters the last linear layer of a network that classifies or measures, taken from its graph."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Case
from skiagraph.errors import BundleError, InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.findings import Embedding, NotApplicable
from skiagraph.inference.gate import Gated, gate_of
from skiagraph.inference.staged import Staged
from skiagraph.task import Bundle, Card

__all__ = ["FAMILY", "Embedder", "LastLinear", "embedded"]

FAMILY: Final = "embedding"
"""Family of the features that `Embedder.features` makes."""

_WEIGHS: Final = ("MatMul", "Gemm")
_MIXES: Final = ("Convolution", "GroupConvolution", "LSTMSequence", "GRUSequence", "Parameter")
_UNFOLDS: Final = (
    "Convert",
    "Transpose",
    "Reshape",
    "Constant",
)  # between a weight as it is kept and as it is used


@final
class LastLinear:
    """Runs a graph with OpenVINO as far as its last linear layer, in fp32.

    Args:
        bundle: Of a network. Of several networks in one graph the last layers of all are found.

    Raises:
        BundleError: The graph cannot be read, or has no last linear layer that takes one vector a case.
    """

    precision: Final = "fp32"

    def __init__(self, bundle: Bundle) -> None:
        import openvino as ov

        core = ov.Core()
        try:
            model = core.read_model(bundle.graph)
            found = list(dict.fromkeys(_entering(model.output(0).get_node())))
            whole = len(model.outputs)
            model.add_outputs(found)
            hint = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            self._model = core.compile_model(model, "CPU", hint)
        except RuntimeError as error:
            raise BundleError(
                f"OpenVINO reads the graph of {bundle.card.name}", got="a graph that it refuses"
            ) from error
        self._outputs = list(range(whole, whole + len(found)))
        shapes = [self._model.output(n).get_partial_shape() for n in self._outputs]
        if not shapes or not all(s.rank.get_length() == 2 and s[1].is_static for s in shapes):
            raise BundleError(
                "an embedding is what enters the last linear layer of a network",
                got=f"the graph of {bundle.card.name}, whose answer is not made of one vector",
                way_out="take a network that ends in a linear layer",
            )
        self.width: int = sum(int(s[1].get_length()) for s in shapes)
        self.name = f"openvino {ov.__version__.split('-')[0]}"
        self._one_at_a_time = threading.Lock()

    def __call__(self, batch: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(batch, channel, spatial...) to (batch, width)."""
        with self._one_at_a_time:
            answer = self._model(batch)
            return np.concatenate([np.array(answer[n], dtype=np.float32) for n in self._outputs], axis=1)


def _entering(node: Any) -> Iterator[Any]:
    """What enters the last linear layers of an OpenVINO graph, in the order of its inputs; none where one is missing.

    From the answer back, each way must meet a linear layer before anything that looks at places or at the input.
    """
    found: list[Any] = []
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if one.get_friendly_name() in seen:
            continue
        seen.add(one.get_friendly_name())
        kind, sources = one.get_type_name(), one.input_values()
        if kind == "ShapeOf":
            continue
        if kind in _MIXES:
            return
        if kind in _WEIGHS and len(sources) > 1 and _constant(sources[1].get_node()):
            found.append(sources[0])
        else:
            waiting += [source.get_node() for source in reversed(sources)]
    yield from found


def _constant(node: Any) -> bool:
    """Whether a node is a weight: a constant, however it is unfolded."""
    if node.get_type_name() not in _UNFOLDS:
        return False
    return all(_constant(source.get_node()) for source in node.input_values())


@final
class Embedder:
    """The place of a case in the feature space of a network.

    Args:
        bundle: Of a network that classifies or measures.

    Raises:
        InvalidInput: Another bundle.
        BundleError: Its graph has no last linear layer.
    """

    def __init__(self, bundle: Bundle) -> None:
        recipe = bundle.recipe
        if recipe.task == "segmentation" or recipe.features is not None or recipe.members:
            kind = "outlines" if recipe.task == "segmentation" else "is no network"
            raise InvalidInput(
                "embeddings are of networks that classify or measure whole images",
                got=f"{bundle.card.name}, which {kind}",
            )
        self.bundle, self.digest = bundle, bundle.digest()
        self.engine = LastLinear(bundle)
        # shown as the network learnt it, and not mirrored: a mean of mirrored embeddings is none of the network's
        self._staged = Staged(card=bundle.card, recipe=recipe, engine=self.engine)
        self._gate = Gated(model=self._staged, gate=gate_of(recipe))

    @property
    def card(self) -> Card:
        """That of the network."""
        return self.bundle.card

    @property
    def width(self) -> int:
        """Numbers of an embedding; of several networks together those of all."""
        return self.engine.width

    def __call__(self, case: Case, /) -> Embedding | NotApplicable:
        """The embedding of a case, or why the network does not take it.

        Raises:
            InvalidInput: An image that the network cannot be shown.
        """
        refusal = self._gate.refusal(case)
        if refusal is not None:
            return refusal
        (vector,) = self.engine(self._staged.prepare(case)[None])
        return Embedding(vector=vector, model=f"{self.card.name} {self.card.version}")

    def features(self, case: Case, /) -> tuple[Feature, ...]:
        """The embedding as features with the names 1, 2, ..., all with as many digits, so that they sort."""
        found, digits = self(case), len(str(self.width))
        names = [f"{n:0{digits}}" for n in range(1, self.width + 1)]
        if isinstance(found, NotApplicable):
            reason = found.explanation
            return tuple(Feature(family=FAMILY, name=n, value=np.nan, reason=reason) for n in names)
        return tuple(
            Feature(family=FAMILY, name=n, value=v) for n, v in zip(names, found.vector.tolist(), strict=True)
        )


def embedded(bundle: Bundle) -> Embedder:
    """The embedder of a bundle, loaded and ready.

    Args:
        bundle: Of a network that classifies or measures.

    Raises:
        InvalidInput: Another bundle.
        BundleError: Its graph cannot be read, or has no last linear layer.
    """
    return Embedder(bundle)
