"""Engines that run an ONNX graph on the CPU: OpenVINO, and ONNX Runtime where OpenVINO has no build."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import BundleError, InvalidInput
from skiagraph.task import Bundle, Engine

__all__ = ["OnnxEngine", "OpenVinoEngine", "Precision", "engine_for"]

Precision = Literal["fp32", "bf16"]


@final
class OpenVinoEngine:
    """Runs a graph with OpenVINO.

    Args:
        bundle: The model.
        graph: The graph of it that is run; None for the first.
        precision: ``"fp32"`` is strict; ``"bf16"`` is faster on processors that have it, and is fp32 elsewhere.
        threads: Processor cores to use; 0 leaves it to OpenVINO.

    Raises:
        BundleError: The graph cannot be read.
    """

    def __init__(
        self, bundle: Bundle, graph: Path | None = None, *, precision: Precision = "fp32", threads: int = 0
    ) -> None:
        import openvino as ov

        core = ov.Core()
        hint = {
            "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads:
            hint["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            self._model = core.compile_model(core.read_model(graph or bundle.graph), "CPU", hint)
        except RuntimeError as error:
            raise BundleError(
                f"OpenVINO reads the graph of {bundle.card.name}", got="a graph that it refuses"
            ) from error
        # an infer request serves one caller at a time; the network uses all cores itself
        self._one_at_a_time = threading.Lock()
        used = self._model.get_property("INFERENCE_PRECISION_HINT").to_string()
        self._precision = {"f32": "fp32", "bf16": "bf16"}.get(used, used)
        self._name = f"openvino {ov.__version__.split('-')[0]}"

    @property
    def name(self) -> str:
        """The engine and its version."""
        return self._name

    @property
    def precision(self) -> str:
        """What it computes with, as OpenVINO reports it."""
        return str(self._precision)

    def __call__(self, batch: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(batch, channel, spatial...) to (batch, channel, spatial...)."""
        with self._one_at_a_time:
            return np.array(self._model(batch)[0], dtype=np.float32)


@final
class OnnxEngine:
    """Runs a graph with ONNX Runtime, in fp32.

    Args:
        bundle: The model.
        graph: The graph of it that is run; None for the first.
        threads: Processor cores to use; 0 leaves it to ONNX Runtime.

    Raises:
        BundleError: The graph cannot be read.
    """

    def __init__(self, bundle: Bundle, graph: Path | None = None, *, threads: int = 0) -> None:
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                str(graph or bundle.graph), options, providers=["CPUExecutionProvider"]
            )
        except (
            ort_errors.Fail,
            ort_errors.InvalidArgument,
            ort_errors.InvalidGraph,
            ort_errors.InvalidProtobuf,
        ) as error:
            raise BundleError(
                f"ONNX Runtime reads the graph of {bundle.card.name}", got="a graph that it refuses"
            ) from error
        self._name, self._input = f"onnxruntime {ort.__version__}", self._session.get_inputs()[0].name

    @property
    def name(self) -> str:
        """The engine and its version."""
        return self._name

    @property
    def precision(self) -> str:
        """Always ``"fp32"``."""
        return "fp32"

    def __call__(self, batch: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(batch, channel, spatial...) to (batch, channel, spatial...)."""
        return np.asarray(self._session.run(None, {self._input: batch})[0], dtype=np.float32)


def engine_for(
    bundle: Bundle, name: str = "auto", precision: Precision = "fp32", graph: Path | None = None
) -> Engine:
    """The engine of a name, loaded with a bundle.

    Args:
        bundle: The model.
        name: ``"openvino"``, ``"onnxruntime"``, or ``"auto"``: OpenVINO where it is installed.
        precision: What to compute with; must stand on the card.
        graph: The graph of the bundle that is run; None for the first.

    Raises:
        InvalidInput: An unknown engine, or a precision that the card does not allow.
    """
    if precision not in bundle.card.precisions:
        raise InvalidInput(
            f"{bundle.card.name} may be computed with {', '.join(bundle.card.precisions)}", got=precision
        )
    if name == "auto":
        name = "openvino" if importlib.util.find_spec("openvino") else "onnxruntime"
    if name == "openvino":
        return OpenVinoEngine(bundle, graph, precision=precision)
    if name == "onnxruntime" and precision == "fp32":
        return OnnxEngine(bundle, graph)
    raise InvalidInput(
        "the engines are openvino (fp32, bf16) and onnxruntime (fp32)", got=f"{name} with {precision}"
    )
